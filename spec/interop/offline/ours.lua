-- The scenarios of aws_appsync_offline.js with a client of lua-appsync. Prints each event as a line of JSON; beside_test.js
-- starts the server and holds both against each other.
-- usage: lua spec/interop/offline/ours.lua SCENARIO ENDPOINT API_KEY CONTROL SENT STORE [N]; SENT tells what has been sent
local appsync = require "appsync"
local core = require "appsync.core"
local play = require "spec.interop.offline.play"

local CREATE, UPDATE = play.CREATE, play.UPDATE

local scenarios = {}

scenarios["an offline mutation is answered at once"] = function(begin)
  local self = begin()
  self:offline()
  self:create("offline", "one")
  self:online(1)
  return self
end

scenarios["mutations are sent one after the other"] = function(begin)
  local self = begin()
  self:fault{ fault = { delay = 30 }, match = { kind = "mutation" } }
  self:offline()
  for _, title in ipairs{ "a", "b", "c" } do self:create(title, title) end
  self:update("a", "a2")
  self:update("b", "b2")
  self:online(5)
  return self
end

-- Reading by an id that was made up, as it does as long as the map lasts.
local function note_found(self, ids)
  local map = appsync.array()
  for i, id in ipairs(ids) do
    local post = self.client:read_fragment("Post:" .. id, "fragment F on Post { id }")
    map[i] = appsync.array{ id, post and post.id or appsync.null }
  end
  self:note("ids", { map = map })
end

scenarios["ids that the server makes replace those of the client"] = function(begin)
  local self = begin()
  self:offline()
  local id = self:create "new"
  local other = self:create "other"
  self:update(id, "changed")
  self:remove(other)
  self:online(4)
  note_found(self, { id })
  return self
end

scenarios["mutations of one turn leave their optimistic records in the list"] = function(begin)
  local self = begin()
  self:offline()
  for _, title in ipairs{ "a", "b" } do
    assert(self.client:mutate((self:build(CREATE, play.post_of(nil, title)))))
  end
  self:online(2)
  return self
end

scenarios["buildMutation adds to lists, changes in them and removes from them"] = function(begin)
  local self = begin()
  for _, id in ipairs{ "one", "two", "three" } do self:beside(CREATE, play.post_of(id, id)) end
  assert(self.client:query(play.LIST, nil, { fetch_policy = "network-only" }))
  self:offline()
  self:create("four", "four")
  self:update("two", "changed")
  self:remove "one"
  self:online(3)
  return self
end

-- The own post, then a change of it by somebody else, then one of the own that doesn't know of that.
local function contest(self)
  self:create("mine", "one")
  self:offline()
  self:beside(UPDATE, { id = "one", title = "theirs" })
  self:update("one", "mine again")
end

scenarios["a conflict is resolved in as many rounds as it takes"] = function(begin)
  local rounds = {}
  local self = begin{ conflict_resolver = function(c)
    local input = appsync.copy(c.variables.input)
    rounds[#rounds + 1] = {
      mutationName = c.mutation_name, retries = c.retries, version = c.data.version, expected = input.expectedVersion,
    }
    -- The first resolution is stale again.
    input.expectedVersion = c.retries == 1 and 1 or c.data.version
    return { input = input }
  end }
  contest(self)
  self:online(1)
  for _, round in ipairs(rounds) do self:note("resolver", round) end
  return self
end

scenarios["a conflict that is discarded is dropped after as many attempts as a failure"] = function(begin)
  local self = begin{ conflict_resolver = function() return appsync.DISCARD end }
  contest(self)
  self:create("next", "two")
  self:online(2)
  return self
end

scenarios["a resolver that never succeeds is asked ten times in each attempt"] = function(begin)
  local n = 0
  local self = begin{ conflict_resolver = function(c)
    n = n + 1
    return c.variables
  end }
  contest(self)
  self:online(1)
  self:note("resolver", { rounds = n })
  return self
end

scenarios["a mutation that is refused while it is replayed is dropped"] = function(begin)
  local self = begin()
  self:offline()
  self:create("refused", "one")
  self:update("one", "of the refused")
  self:create("next", "two")
  self:fault{ match = { operation = "Create", times = 1 }, fault = { error = { type = "Refused", message = "refused" } } }
  self:online(3)
  return self
end

scenarios["a mutation that fails again and again is dropped"] = function(begin)
  local self = begin()
  self:offline()
  self:create("failing", "one")
  self:remove "one"
  self:fault{ match = { operation = "Create" }, fault = { refuse = { status = 500, message = "failed" } } }
  self:online(2)
  return self
end

-- The answer to a create is lost.
local function lose(self, id)
  self:offline()
  self:create("twice", id)
  self:fault{ match = { operation = "Create", times = 1 }, fault = { lose_answer = "reset" } }
  self:online(1)
  self:note("effects", { createPost = self:effects().createPost.count })
  return self
end

scenarios["a mutation whose answer is lost is sent again"] = function(begin)
  return lose(begin())
end

scenarios["a mutation whose answer is lost makes a post whose id is the client's"] = function(begin)
  return lose(begin(), "5c1b2f3e-8d47-4a90-b6c2-0e9f7a31d854")
end

scenarios["many creates are replayed"] = function(begin, n)
  local self = begin()
  self:offline()
  local began = core.now()
  for i = 1, n do
    assert(self.client:mutate((self:build(CREATE, play.post_of(tostring(i), tostring(i))))))
  end
  local enqueued = core.now() - began
  local took = self:online(n)
  local is_serial, posts
  for _, event in ipairs(self.events) do
    if event.event == "server" then is_serial = event.serial end
    posts = event.posts or posts
  end
  self.events = {}
  self:note("replayed", { n = n, serial = is_serial, listed = #posts, timing = { enqueue_ms = enqueued * 1000, replay_ms = took * 1000 } })
  return self
end

local name, endpoint, key, control, sent, store, n = ...
local scenario = scenarios[name] or error("no such scenario: " .. tostring(name))
local given = { endpoint = endpoint, key = key, control = control, sent = sent, store = store }
appsync.run(function()
  scenario(function(options) return play.begin(given, options) end, tonumber(n) or 100):finish()
end)
