-- Makes posts. usage: fill.lua ENDPOINT API_KEY N
local appsync = require "appsync"
local endpoint, api_key, n = ...

local CREATE = "mutation Create($input: CreatePostInput!) { createPost(input: $input) { id } }"

local client = appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key }, store = false }
for i = 1, tonumber(n) do
  appsync.assert(client:mutate(CREATE, { input = { title = "Post " .. i, author = "Nikki", content = ("What %d says."):format(i) } }))
end
client:close()
