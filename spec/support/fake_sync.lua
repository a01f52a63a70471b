---The delta syncs of a cache of `fake_core`: each notes what it is told, in `core.syncs`, and the test says what the core answers.
local cjson = require "cjson"

local fake_sync = {}

---Gives a cache their methods.
---@param queue table of the cache: its `trace` has what is called between `begin` and its end
function fake_sync.add(cache, core, queue)
  local function note(format, ...) table.insert(queue.trace, format:format(...)) end

  local function next_id()
    core.next_id = core.next_id + 1
    return core.next_id
  end

  local function find(id)
    for _, sync in ipairs(core.syncs) do
      if sync.id == id then return sync end
    end
  end

  function cache.sync(_, call)
    if core.sync_err then return nil, core.sync_err end
    local sync = { id = next_id(), call = call, n_stops = 0, headers = {}, more = {}, settled = {}, asked = {} }
    table.insert(core.syncs, sync)
    return sync.id
  end
  function cache.stop_sync(_, id) find(id).n_stops = find(id).n_stops + 1 end
  function cache.sync_more(_, id, n)
    table.insert(find(id).more, n)
    return true
  end
  function cache.settle_sync(_, id, number, more)
    note("settle %d", number)
    if core.settle_err then return nil, core.settle_err end
    find(id).settled[number] = more or "the last one"
    return true
  end
  function cache.fail_sync(_, _, number, message)
    note("fail %d: %s", number, message)
    local err = core.fail_err
    core.fail_err = nil
    if err then return nil, err end
    return true
  end
  function cache.give_sync_headers(_, id, number, headers, message)
    find(id).headers[number] = headers or message
    return true
  end
  function cache.ask_sync(_, id, what)
    table.insert(find(id).asked, what)
    if core.ask_err then return nil, core.ask_err end
    core.push("RESULT", next_id(), core.quarantined, nil, { source = "cache" })
    return core.next_id
  end

  function cache.object_fields(_, call)
    if core.fields_err then return nil, core.fields_err end
    local operation = call.document:operations()[1]
    if core.has_no_fields then return {} end
    local name = operation.root_names[1]
    if call.variables then name = name .. "(" .. cjson.encode(call.variables) .. ")" end
    return { operation.root_fields[1], name }
  end
  function cache.set(_, key, field, is_apart, value)
    note("set %s %s %s %s", key, field, tostring(is_apart), value == core.null and "null" or value.__ref)
    if core.set_err then return nil, core.set_err end
    return true
  end
end

return fake_sync
