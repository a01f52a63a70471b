-- The mutations of spec/crash/outbox_writer.lua: what each sends, expects and changes in the lists that its client has cached.
-- Each has a key under which the server (spec/support/effects_server.lua) counts its effects.
local appsync = require "appsync"

local ops = {}

local null = appsync.null

--- Fields that are compared with the server's, by list.
ops.FIELDS = {
  todos = { "id", "name", "done", "priority", "tags", "opId", "_version", "_deleted" },
  docs = { "id", "title", "body", "opId", "_version", "_deleted" },
  notes = { "id", "text", "opId" },
  items = { "id", "name", "rank", "opId" },
}

local OF_TODO, OF_DOC, OF_NOTE, OF_ITEM = table.concat(ops.FIELDS.todos, " "), table.concat(ops.FIELDS.docs, " "),
  table.concat(ops.FIELDS.notes, " "), table.concat(ops.FIELDS.items, " ")

--- The field that says whose record it is, and what has made it: "WHO/OP…".
ops.NAMED_BY = { todos = "name", docs = "title", notes = "text", items = "name" }

ops.LISTS = {
  todos = ("query T { listTodos(limit: 1000) { items { %s } } }"):format(OF_TODO),
  docs = ("query D { listDocs(limit: 1000) { items { %s } } }"):format(OF_DOC),
  notes = ("query N { listNotes(limit: 1000) { items { %s } } }"):format(OF_NOTE),
  items = ("query I { items { %s } }"):format(OF_ITEM),
}

ops.COUNTER = "query C($id: ID!) { counter(id: $id) { id total } }"

--- The items of a list's data.
function ops.items_of(data)
  local _, value = next(data)
  return value.items or value
end

local function read(client, name)
  local data = client:read_query(ops.LISTS[name])
  return data and ops.items_of(data)
end

-- A record of this writer that isn't deleted.
local function pick(c, name)
  local own, prefix = {}, c.who .. "/"
  for _, item in ipairs(read(c.client, name) or {}) do
    local text = item[ops.NAMED_BY[name]]
    local is_own = type(text) == "string" and text:sub(1, #prefix) == prefix
    if is_own and item._deleted ~= true and not c.removed[item.id] then own[#own + 1] = item end
  end
  return own[1] and own[c.random(#own)]
end

local function some(c, value)
  if c.random(5) > 1 then return value end
end

local function text_of(c) return c.who .. "/" .. c.op end

-- By whom it was made stays.
local function changed_text(c, text) return (text:match "^([^/]*/[^/]*)" or text) .. "/" .. c.op end

-- Their list, as `update` of a call and as one of the client's `updates`: by reference, because the outcome of an earlier run may
-- come after the answer to another mutation of the same record.
local function add_note(cache, result)
  local note = result.data and result.data.createNote
  if type(note) ~= "table" or note == null then return end
  local key = cache:identify(note)
  cache:modify("ROOT_QUERY", "listNotes", function(connection)
    connection.items:remove(key)
    connection.items:add(key)
  end)
end

local function remove_note(cache, result)
  local note = result.data and result.data.deleteNote
  if type(note) ~= "table" or note == null then return end
  local key = cache:identify(note)
  cache:modify("ROOT_QUERY", "listNotes", function(connection) connection.items:remove(key) end)
end

ops.UPDATES = { createNote = add_note, deleteNote = remove_note }

local function object(type_name, fields)
  fields.__typename = type_name
  return fields
end

-- A copy with other values.
local function changed(item, values)
  local copy = appsync.copy(item)
  for key, value in pairs(values) do copy[key] = value end
  return copy
end

local makers = {}

-- The service names it: it isn't safe to send again.
function makers.create_todo(c)
  local id, tags = appsync.uuid(), appsync.array{ c.op }
  local todo = object("Todo", {
    id = id, name = text_of(c), done = false, priority = 1, tags = tags, opId = c.op, _version = 1, _deleted = null,
  })
  return {
    field = "createTodo", key = c.op, temporary = id, list = "todos",
    document = ("mutation M($input: CreateTodoInput!) { createTodo(input: $input) { %s } }"):format(OF_TODO),
    variables = { input = { name = text_of(c), done = false, priority = 1, tags = tags, opId = c.op } },
    options = { optimistic_response = some(c, { createTodo = todo }), cache_updates = ops.LISTS.todos },
  }
end

-- Merged where the version is an old one: lists of both, the server's other values.
function makers.update_todo(c)
  local item = pick(c, "todos")
  if not item then return nil end
  local tags = appsync.array{ c.op }
  local name = changed_text(c, item.name)
  local all = appsync.array()
  for i, tag in ipairs(item.tags ~= null and item.tags or {}) do all[i] = tag end
  all[#all + 1] = c.op
  local version = c.random(6) == 1 and math.max(item._version - 1, 1) or item._version
  return {
    field = "updateTodo", key = c.op, record = "Todo:" .. item.id,
    document = ("mutation M($input: UpdateTodoInput!) { updateTodo(input: $input) { %s } }"):format(OF_TODO),
    variables = { input = { id = item.id, name = name, tags = tags, opId = c.op, _version = version } },
    options = { optimistic_response = some(c, {
      updateTodo = changed(item, { name = name, tags = all, opId = c.op, _version = item._version + 1, __typename = "Todo" }),
    }) },
  }
end

function makers.delete_todo(c)
  local item = pick(c, "todos")
  if not item then return nil end
  return {
    field = "deleteTodo", key = item.id, record = "Todo:" .. item.id, removes = item.id,
    document = ("mutation M($input: DeleteTodoInput!) { deleteTodo(input: $input) { %s } }"):format(OF_TODO),
    variables = { input = { id = item.id, _version = item._version } },
    options = { optimistic_response = some(c, {
      deleteTodo = changed(item, { _deleted = true, _version = item._version + 1, __typename = "Todo" }),
    }) },
  }
end

-- With an id of its own making: it can be looked for.
function makers.create_doc(c)
  local id = appsync.uuid()
  local doc = object("Doc", { id = id, title = text_of(c), body = "b", opId = c.op, _version = 1, _deleted = null })
  return {
    field = "createDoc", key = c.op, list = "docs", record = "Doc:" .. id,
    document = ("mutation M($input: CreateDocInput!) { createDoc(input: $input) { %s } }"):format(OF_DOC),
    variables = { input = { id = id, title = text_of(c), body = "b", opId = c.op } },
    options = { optimistic_response = some(c, { createDoc = doc }), cache_updates = { add = ops.LISTS.docs } },
  }
end

-- Rejected where the version is an old one: then the resolver is asked.
function makers.update_doc(c)
  local item = pick(c, "docs")
  if not item then return nil end
  local version = c.random(4) == 1 and math.max(item._version - 1, 1) or item._version
  local title = changed_text(c, item.title)
  return {
    field = "updateDoc", key = c.op, record = "Doc:" .. item.id,
    document = ("mutation M($input: UpdateDocInput!) { updateDoc(input: $input) { %s } }"):format(OF_DOC),
    variables = { input = { id = item.id, title = title, body = c.op, opId = c.op, _version = version } },
    options = { optimistic_response = some(c, {
      updateDoc = changed(item, { title = title, body = c.op, opId = c.op, _version = item._version + 1, __typename = "Doc" }),
    }) },
  }
end

function makers.delete_doc(c)
  local item = pick(c, "docs")
  if not item then return nil end
  return {
    field = "deleteDoc", key = item.id, record = "Doc:" .. item.id, removes = item.id,
    document = ("mutation M($input: DeleteDocInput!) { deleteDoc(input: $input) { %s } }"):format(OF_DOC),
    variables = { input = { id = item.id, _version = item._version } },
    options = { optimistic_response = some(c, {
      deleteDoc = changed(item, { _deleted = true, _version = item._version + 1, __typename = "Doc" }),
    }) },
  }
end

-- Its list changes by a function. Half of them have an id that nobody can take for a temporary one.
function makers.create_note(c)
  local id = c.random(2) == 1 and appsync.uuid() or "note-" .. c.op
  local note = object("Note", { id = id, text = text_of(c), opId = c.op })
  return {
    field = "createNote", key = c.op, list = "notes", record = "Note:" .. id,
    document = ("mutation M($input: CreateNoteInput!) { createNote(input: $input) { %s } }"):format(OF_NOTE),
    variables = { input = { id = id, text = text_of(c), opId = c.op } },
    options = { optimistic_response = some(c, { createNote = note }), update = some(c, add_note) },
  }
end

function makers.update_note(c)
  local item = pick(c, "notes")
  if not item then return nil end
  local text = changed_text(c, item.text)
  return {
    field = "updateNote", key = c.op, record = "Note:" .. item.id,
    document = ("mutation M($input: UpdateNoteInput!) { updateNote(input: $input) { %s } }"):format(OF_NOTE),
    variables = { input = { id = item.id, text = text, opId = c.op } },
    options = {
      optimistic_response = some(c, { updateNote = changed(item, { text = text, opId = c.op, __typename = "Note" }) }),
      idempotent = false,
    },
  }
end

function makers.delete_note(c)
  local item = pick(c, "notes")
  if not item then return nil end
  return {
    field = "deleteNote", key = item.id, record = "Note:" .. item.id, removes = item.id,
    document = ("mutation M($input: DeleteNoteInput!) { deleteNote(input: $input) { %s } }"):format(OF_NOTE),
    variables = { input = { id = item.id } },
    options = { optimistic_response = { deleteNote = changed(item, { __typename = "Note" }) }, update = some(c, remove_note) },
  }
end

-- The service gives it an id of its own, whatever was sent.
function makers.create_item(c)
  local id = appsync.uuid()
  local item = object("Item", { id = id, name = text_of(c), rank = 1, opId = c.op })
  return {
    field = "createItem", key = c.op, list = "items", temporary = id,
    document = ("mutation M($input: ItemInput!) { createItem(input: $input) { %s } }"):format(OF_ITEM),
    variables = { input = { name = text_of(c), rank = 1, opId = c.op } },
    options = { optimistic_response = some(c, { createItem = item }), cache_updates = ops.LISTS.items },
  }
end

function makers.update_item(c)
  local item = pick(c, "items")
  if not item then return nil end
  local name = changed_text(c, item.name)
  return {
    field = "updateItem", key = c.op, record = "Item:" .. item.id,
    document = ("mutation M($id: ID!, $name: String, $opId: String) { updateItem(id: $id, name: $name, opId: $opId) { %s } }"):format(OF_ITEM),
    variables = { id = item.id, name = name, opId = c.op },
    options = { optimistic_response = { updateItem = changed(item, { name = name, __typename = "Item" }) } },
  }
end

function makers.remove_item(c)
  local item = pick(c, "items")
  if not item then return nil end
  return {
    field = "removeItem", key = c.op, record = "Item:" .. item.id, removes = item.id,
    document = ("mutation M($id: ID!, $opId: String) { removeItem(id: $id, opId: $opId) { %s } }"):format(OF_ITEM),
    variables = { id = item.id, opId = c.op },
    options = {
      optimistic_response = { removeItem = changed(item, { __typename = "Item" }) }, cache_updates = { remove = ops.LISTS.items },
    },
  }
end

local function add(c, field)
  local data = c.client:read_query(ops.COUNTER, { id = c.counter })
  local counter = data and data.counter ~= null and data.counter or nil
  local expected = counter and some(c, { [field] = object("Counter", { id = c.counter, total = counter.total + 1 }) })
  return {
    field = field, key = c.op, record = "Counter:" .. c.counter,
    document = ("mutation M($opId: ID!, $counter: ID!) { %s(opId: $opId, counter: $counter, n: 1) { id total } }"):format(field),
    variables = { opId = c.op, counter = c.counter },
    options = { optimistic_response = expected, idempotent = field == "addOnce" },
  }
end

function makers.add(c) return add(c, "add") end

function makers.add_once(c) return add(c, "addOnce") end

-- Of these there are as many as it is written.
local CHOICE = {
  "create_todo", "create_todo", "update_todo", "update_todo", "update_todo", "delete_todo", "create_doc", "create_doc", "update_doc",
  "update_doc", "update_doc", "delete_doc", "create_note", "create_note", "update_note", "delete_note", "create_item", "create_item",
  "update_item", "update_item", "remove_item", "add", "add", "add_once", "add_once",
}

---@class spec.OutboxOp
---@field field string root field
---@field key string of its effects
---@field record string? key of the record that it changes
---@field removes string? id of what it removes
---@field temporary string? id that the service is to replace
---@field document string
---@field variables table
---@field options table

--- A mutation at random.
---@param c {client: appsync.Client, who: string, op: string, counter: string, removed: table<string, true>, random: fun(n: integer): integer}
---@return spec.OutboxOp? op nil: there is nothing to change
function ops.make(c)
  return makers[CHOICE[c.random(#CHOICE)]](c)
end

return ops
