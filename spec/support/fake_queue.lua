---The queue of a cache of `fake_core`: it notes what it is told, and the test says what the core answers. `trace` has all that was
---called between `begin` and its end, in order.
local fake_queue = {}

---@return table queue of one identity
function fake_queue.new(core, id, identity)
  local queue = {
    id = id, identity = identity, trace = {}, opened = {}, changed = {}, enqueued = {}, asked = {}, answers = {}, told = {},
    resolved = {}, headers = {}, last_entry = 0, written = {},
  }

  ---The RESULT of the newest enqueued call, or of the given one.
  function queue.reply(data, err, info, call)
    call = call or queue.enqueued[#queue.enqueued]
    info = info or {}
    info.source = info.source or "network"
    info.entry = info.entry or call.entry
    info.id = info.id or "aa-" .. call.entry
    call.is_answered = true
    core.push("RESULT", call.id, data, err, info)
  end

  ---There is no network.
  function queue.defer(call)
    queue.reply(nil, nil, { source = "optimistic", queued = true }, call)
  end

  function queue.event(event)
    core.push("QUEUE", id, event)
  end

  function queue.state(state, size, more)
    local event = { what = "state", state = state, size = size, dead = 0, stuck_for = 0 }
    for name, value in pairs(more or {}) do event[name] = value end
    queue.event(event)
  end

  return queue
end

---Gives a cache the methods of its queue.
function fake_queue.add(cache, core, queue)
  local function note(text) table.insert(queue.trace, text) end

  local function next_id()
    core.next_id = core.next_id + 1
    return core.next_id
  end

  function cache.begin(_, is_hoped)
    note("begin " .. tostring(is_hoped))
    if queue.begin_err then return nil, queue.begin_err end
    return 1
  end
  function cache.drop() note "drop" end
  function cache.commit() note "commit" return true end
  function cache.write(_, call)
    note "write"
    table.insert(queue.written, call.data)
    if queue.write_err then return nil, queue.write_err end
    return true
  end
  function cache.evict(_, key) note("evict " .. key) return true end
  function cache.identify(_, object) return object.id and object.__typename .. ":" .. object.id end
  function cache.add_layer() note "add_layer" return 5 end
  function cache.settle_layer(_, layer) note("settle_layer " .. tostring(layer)) end
  function cache.mark() return 0 end
  function cache.changes_since() return {} end
  function cache.clear() note "clear" return true end
  function cache.wipe()
    note "wipe"
    core.push("RESULT", next_id(), true, nil, { source = "cache" })
    return core.next_id
  end

  function cache.open_queue(_, options)
    if queue.open_err then return nil, queue.open_err end
    table.insert(queue.opened, options)
    return true
  end
  function cache.change_queue(_, options)
    table.insert(queue.changed, options)
    return true
  end
  function cache.enqueue(_, call)
    note "enqueue"
    if queue.enqueue_err then return nil, queue.enqueue_err end
    queue.last_entry = queue.last_entry + 1
    local entry = { id = next_id(), entry = queue.last_entry, call = call }
    core.cancels[entry.id] = function() queue.on_cancel(entry) end
    table.insert(queue.enqueued, entry)
    return entry.id
  end
  function queue.on_cancel(entry)
    queue.reply(nil, { kind = "cancelled", message = "cancelled" }, { queued = true }, entry)
  end
  function cache.ask_queue(_, what, argument)
    table.insert(queue.asked, { what = what, argument = argument, id = next_id() })
    note("ask " .. what)
    local id, answer = core.next_id, queue.answers[what]
    if answer == nil then return id end
    local value, err = answer, nil
    if type(answer) == "function" then value, err = answer(argument) end
    core.push("RESULT", id, value, err, { source = "cache" })
    return id
  end
  function cache.settle_entry(_, entry)
    note("settle_entry " .. entry)
  end
  function cache.told(_, number)
    local why = queue.untold
    queue.untold = nil
    if why then error(why, 0) end
    table.insert(queue.told, number)
  end
  function cache.resolve(_, entry, variables)
    table.insert(queue.resolved, { entry = entry, variables = variables })
    return true
  end
  function cache.give_headers(_, entry, headers, message)
    table.insert(queue.headers, { entry = entry, headers = headers, message = message })
  end
end

return fake_queue
