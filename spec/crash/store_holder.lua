-- Has a store until its input ends: as a client does, as a program that writes it, or as one that nobody may even read beside. The
-- file STORE.held says that it has it.
-- usage: store_holder.lua client|writer|alone STORE
local appsync = require "appsync"
local listener = require "appsync.server.native"
local process = require "spec.support.process"

local how, store = arg[1], arg[2]

local function open_client()
  local client = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" }, store = store }
  assert(client:hydrated(10))
  return function() client:close(5) end
end

local function lock()
  local db
  repeat
    db = listener.sqlite_open(store)
    if db and how == "alone" then db:exec "PRAGMA locking_mode = EXCLUSIVE" end
    local has_it = db and db:begin()
    if db and not has_it then db:close() end
  until has_it
  return function()
    db:rollback()
    db:close()
  end
end

local let_go = (how == "client" and open_client or lock)()
process.write(store .. ".held", "")
io.read "*a"
let_go()
