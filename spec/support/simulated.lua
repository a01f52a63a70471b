-- Applications for simulations: the spec of the simulator and the soak play them.
local appsync = require "appsync"

local simulated = {}

simulated.LIST = "query List { listTodos(limit: 1000) { items { id name rank } } }"
simulated.CREATE = "mutation Create($input: CreateTodoInput!) { createTodo(input: $input) { id name rank } }"
simulated.UPDATE = "mutation Update($input: UpdateTodoInput!) { updateTodo(input: $input) { id name rank } }"
simulated.DELETE = "mutation Delete($input: DeleteTodoInput!) { deleteTodo(input: $input) { id } }"

local LIST = simulated.LIST

--- What is in the list is the record that was answered, once.
function simulated.put_into_list(cache, todo, query)
  query = query or LIST
  local list = cache:read_query(query)
  if not list then return end
  for i, item in ipairs(list.listTodos.items) do
    if item.id == todo.id then
      list.listTodos.items[i] = todo
      return cache:write_query(query, nil, list)
    end
  end
  table.insert(list.listTodos.items, todo)
  cache:write_query(query, nil, list)
end

local function take_out_of_list(cache, id)
  local list = cache:read_query(LIST)
  if not list then return end
  for i, item in ipairs(list.listTodos.items) do
    if item.id == id then
      table.remove(list.listTodos.items, i)
      return cache:write_query(LIST, nil, list)
    end
  end
end

local function updates()
  return {
    createTodo = function(cache, result) if result.data then simulated.put_into_list(cache, result.data.createTodo) end end,
    deleteTodo = function(cache, result)
      if result.data and result.data.deleteTodo ~= appsync.null then take_out_of_list(cache, result.data.deleteTodo.id) end
    end,
  }
end

local function one_of(client, random)
  local list = client:read_query(LIST)
  return list and random:pick(list.listTodos.items)
end

local function hoped(id, random, has_version)
  return { __typename = "Todo", id = id, name = "todo " .. random(1000), rank = random(9), _version = has_version and 1 or nil }
end

local actions = {}

function actions.add(client, random)
  local todo = hoped(appsync.uuid(), random)
  client:mutate(simulated.CREATE, { input = { id = todo.id, name = todo.name, rank = todo.rank } }, {
    optimistic_response = { createTodo = todo },
  })
end

-- The service makes up the id.
function actions.add_unnamed(client, random)
  local todo = hoped(appsync.uuid(), random)
  client:mutate(simulated.CREATE, { input = { name = todo.name, rank = todo.rank } }, {
    optimistic_response = { createTodo = todo },
  })
end

function actions.rename(client, random)
  local todo = one_of(client, random)
  if not todo then return end
  client:mutate(simulated.UPDATE, { input = { id = todo.id, name = "renamed " .. random(1000) } })
end

function actions.rank(client, random)
  local todo = one_of(client, random)
  if not todo then return end
  local rank = random(9)
  client:mutate(simulated.UPDATE, { input = { id = todo.id, rank = rank } }, {
    idempotent = true, optimistic_response = { updateTodo = { __typename = "Todo", id = todo.id, name = todo.name, rank = rank } },
  })
end

function actions.remove(client, random)
  local todo = one_of(client, random)
  if not todo then return end
  client:mutate(simulated.DELETE, { input = { id = todo.id } }, {
    optimistic_response = { deleteTodo = { __typename = "Todo", id = todo.id } },
  })
end

-- The service refuses it.
function actions.mistake(client, random)
  client:mutate(simulated.UPDATE, { input = { id = "nobody-" .. random(3), name = "mistake" } })
end

function actions.ask(client)
  client:query(LIST, nil, { fetch_policy = "network-only" })
end

-- Two at once, and nobody waits.
function actions.hurry(client, random, state)
  appsync.spawn(actions.add, client, random, state)
  appsync.spawn(actions.rank, client, random, state)
end

simulated.actions = actions

local SCHEMA = "type Todo @model { id: ID! name: String! rank: Int }"

--- Options of a simulation.
function simulated.todos(more)
  local options = {
    schema = SCHEMA, queries = { LIST }, actions = actions, client = { updates = updates() },
  }
  for name, value in pairs(more or {}) do options[name] = value end
  return options
end

--- Each entity's mutations in their order, side by side with others'.
function simulated.by_entity()
  return simulated.todos{ client = { updates = updates(), outbox = { order = "entity" } } }
end

function simulated.with_tokens()
  return simulated.todos{
    auth = "AMAZON_COGNITO_USER_POOLS", faults = { expire_token = 0.1 },
    schema = "type Todo @model @auth(rules: [{allow: private}]) { id: ID! name: String! rank: Int }",
  }
end

--- A proxy repeats requests, and much else goes wrong.
function simulated.in_bad_weather()
  return simulated.todos{
    faults = { duplicate = 0.05, drop = 0.1, lose_answer = 0.15, delay = 0.15, refuse = 0.1, unavailable = 0.1, throttle = 0.1,
      kill = 0.15, restart = 0.08, offline = 0.1, clock_jump = 0.08 },
  }
end

local function text_of(list)
  local lines = {}
  for i, item in ipairs(list and list.listTodos.items or {}) do lines[i] = ("%s %s %s"):format(item.id, item.name, tostring(item.rank)) end
  table.sort(lines)
  return table.concat(lines, "\n")
end

--- What is shown on a screen: a watch, from whose last state everything is picked that is changed.
function simulated.watched()
  return simulated.todos{
    start = function(client, _, state)
      client:watch(LIST):subscribe(function(shown) state.shown = shown.data end)
    end,
    invariant = function(final)
      appsync.sleep(60)
      local shown, cached = text_of(final.state.shown), text_of(final.client:read_query(LIST))
      return shown == cached, ("the watch shows\n%s\nand the cache has\n%s"):format(shown, cached)
    end,
  }
end

--- Mutations as tables, whose edits of lists are stored with them.
function simulated.built()
  local made = {
    add = function(client, random)
      client:mutate(appsync.build_mutation{
        client = client, mutation = simulated.CREATE, variables = { input = { name = "built " .. random(1000), rank = random(9) } },
        cache_updates = { LIST }, typename = "Todo", input_type = { "id", "name", "rank" },
      })
    end,
    rename = function(client, random)
      local todo = one_of(client, random)
      if not todo then return end
      client:mutate(appsync.build_mutation{
        client = client, mutation = simulated.UPDATE, variables = { input = { id = todo.id, name = "renamed " .. random(1000) } },
        cache_updates = { LIST }, typename = "Todo", input_type = { "id", "name", "rank" },
      })
    end,
    remove = function(client, random)
      local todo = one_of(client, random)
      if not todo then return end
      client:mutate(appsync.build_mutation{
        client = client, mutation = simulated.DELETE, variables = { input = { id = todo.id } }, cache_updates = { LIST }, typename = "Todo",
        input_type = { "id" },
      })
    end,
    ask = actions.ask,
  }
  return simulated.todos{ actions = made, client = {} }
end

--- Whoever looks after its outbox: retries dead letters, discards what is queued, and edits it.
function simulated.tended()
  local made = {
    retry = function(client, random)
      local letter = random:pick(client.outbox:dead_letters() or {})
      if letter then client.outbox:retry(letter.id) end
    end,
    discard = function(client, random)
      local entry = random:pick(client.outbox:list() or {})
      if entry then client.outbox:discard(entry.id) end
    end,
    edit = function(client, random)
      local entry = random:pick(client.outbox:list() or {})
      if not entry or entry.mutation ~= "updateTodo" then return end
      local input = entry.variables.input
      client.outbox:edit(entry.id, { input = { id = input.id, name = "edited " .. random(1000) } })
    end,
    clear = function(client, random)
      if random:chance(0.2) then client:clear() end
    end,
  }
  for name, action in pairs(actions) do made[name] = action end
  return simulated.todos{ actions = made, client = { updates = updates(), outbox = { max_tries = 2 } }, faults = { offline = 0.15, unavailable = 0.1, throttle = 0.1 } }
end

local VERSIONED = "query List { listTodos(limit: 1000) { items { id name rank _version _deleted } } }"
local VERSIONED_CREATE = "mutation Create($input: CreateTodoInput!) { createTodo(input: $input) { id name rank _version _deleted } }"
local VERSIONED_UPDATE = "mutation Update($input: UpdateTodoInput!) { updateTodo(input: $input) { id name rank _version _deleted } }"

local versioned = {}

function versioned.add(client, random)
  local todo = hoped(appsync.uuid(), random)
  client:mutate(VERSIONED_CREATE, { input = { id = todo.id, name = todo.name, rank = todo.rank } })
end

function versioned.rename(client, random)
  local list = client:read_query(VERSIONED)
  local todo = list and random:pick(list.listTodos.items)
  if not todo then return end
  client:mutate(VERSIONED_UPDATE, { input = { id = todo.id, name = "renamed " .. random(1000), _version = todo._version } })
end

function versioned.ask(client)
  client:query(VERSIONED, nil, { fetch_policy = "network-only" })
end

--- Versioned records, which others change as well; who loses a conflict takes the service's version and tries again.
function simulated.with_conflicts()
  return {
    schema = SCHEMA, conflict = "optimistic", queries = { VERSIONED }, actions = versioned,
    client = {
      updates = {
        createTodo = function(cache, result)
          if result.data then simulated.put_into_list(cache, result.data.createTodo, VERSIONED) end
        end,
      },
      conflict_resolver = function(c)
        local input = { id = c.variables.input.id, name = c.variables.input.name, _version = c.data and c.data._version }
        return c.data and { input = input } or appsync.DISCARD
      end,
      outbox = { in_doubt = "resolve" },
    },
    others = {
      rename = function(server, random)
        local data = server:query(VERSIONED)
        local todo = random:pick(data.listTodos.items)
        if not todo then return end
        server:query(VERSIONED_UPDATE, { input = { id = todo.id, name = "theirs " .. random(1000), _version = todo._version } })
      end,
    },
  }
end

--- The service merges what conflicts, and each record's mutations go side by side with others'.
function simulated.with_merges()
  local options = simulated.with_conflicts()
  options.conflict = "automerge"
  options.client.outbox, options.client.conflict_resolver = { order = "entity" }, nil
  return options
end

return simulated
