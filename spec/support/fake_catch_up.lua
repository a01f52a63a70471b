---The subscriptions with `catch_up` of a client of `fake_core`: each notes what it is told, in `core.catching_up`.
local fake_catch_up = {}

---Gives a client their methods.
---@param json_error fun(value: any, path: string, seen: table): table?
---@return table client
function fake_catch_up.add(client, core, json_error)
  local function find(id)
    for _, entry in ipairs(core.catching_up) do
      if entry.id == id then return entry end
    end
  end

  function client.catch_up(_, call)
    local err = core.refusal or json_error(call.subscription.variables, "variables", {})
    if err then return nil, err end
    core.next_id = core.next_id + 1
    table.insert(core.catching_up, { id = core.next_id, call = call, settled = {}, n_events = 0, n_stops = 0, headers = {} })
    return core.next_id
  end
  function client.stop_catch_up(_, id) find(id).n_stops = find(id).n_stops + 1 end
  function client.caught_up(_, id, page, n)
    local entry = find(id)
    if page ~= 0 then table.insert(entry.settled, page) end
    entry.n_events = entry.n_events + n
    return true
  end
  function client.give_catch_up_headers(_, id, number, headers, message)
    find(id).headers[number] = headers or message
    return true
  end
  return client
end

return fake_catch_up
