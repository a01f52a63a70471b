-- Long texts that differ in a number only, as ordinary data has them: PUC Lua 5.1 hashes a sample of each, in which they may be
-- alike. In a process of its own: where strings were made to collide, such texts are suspect for a minute.
local core = require("appsync.core")

describe("strings that are alike", function()
  it("are welcome as addresses that differ in a number", function()
    for _, row in ipairs({
      { 20000, "https://my-application-uploads.s3.eu-central-1.amazonaws.com/public/users/17/photos/IMG_%06d.jpg" },
      { 5000, "https://cdn.example.com/" .. ("assets/images/catalogue/"):rep(5) .. "item-%08d/original.jpg" },
      { 20000, "arn:aws:dynamodb:eu-central-1:123456789012:table/Todo-abcdefghijklmnop/index/%08d" },
    }) do
      local parts = {}
      for i = 1, row[1] do parts[i] = '"' .. row[2]:format(i) .. '"' end
      local text = "[" .. table.concat(parts, ",") .. "]"
      for _ = 1, 3 do assert.equal(row[1], #assert(core.decode(text))) end
    end
  end)
end)
