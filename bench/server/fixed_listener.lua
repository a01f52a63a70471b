-- The floor of the server rows: the listener, and answers that are always the same.
local listener = assert(require("appsync.server.native").open({}))
local POST = '{"id":"p1","title":"Post number 1","author":"author 1","content":"All that is to be said of it, in a line of some '
  .. 'length, with \\"quotes\\".","ups":1,"rating":4.5,"published":true,"createdAt":"2026-11-20T07:02:59.158Z",'
  .. '"updatedAt":"2026-11-20T07:02:59.158Z"}'
local ONE = '{"data":{"getPost":' .. POST .. "}}"
local LIST = '{"data":{"listPosts":{"items":[' .. (POST .. ","):rep(19) .. POST .. '],"nextToken":"20"}}}'
local HEADERS = { ["content-type"] = "application/json;charset=UTF-8" }

io.write(("READY http://127.0.0.1:%d/graphql\n"):format(listener:port()))
io.flush()
while true do
  for _, event in ipairs(listener:poll()) do
    listener:respond(event.id, 200, HEADERS, event.body:find("listPosts", 1, true) and LIST or ONE)
  end
end
