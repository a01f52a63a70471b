-- Seeded mutation of configuration files. Whatever the bytes are, config.load gives a table, or nil and an error object;
-- it never throws and never takes long.
--   lua5.4 spec/fuzz/config_fuzz.lua N=20000 SEED=1
local config = require "appsync.config"
local errors = require "appsync.errors"
local mutations = require "spec.support.mutations"

local SECONDS_PER_INPUT = 1
local FILES = { "amplify_outputs.json", "aws-exports.js", "amplifyconfiguration.json", "awsconfiguration.json", "AppSync.js",
  "manual.json", "exports.ts", "amplifyconfiguration.dart" }
local TOKENS = { "{", "}", "[", "]", ":", ",", "'", '"', "`", "\\", "//", "/*", "*/", "null", "true", "undefined", "-1e999",
  "0x", "1e", "\\u", "\\ud83d", "${", "\n", "\r\n", "\0", "\255", "\239\187\191", "=", "default", "aws_", '"version":"1",',
  "API", "AppSync", '"plugins":', "[[[[[[[[", "{a:{a:{a:", "process.env.X", "https://", "1", "export ", "module.exports=", "const a", "'''", " as ", "...", "(", ")", "=>", "<", ">", "?", "||" }

local parameters = mutations.parameters(arg)

local corpus = {}
local folder = arg[0]:gsub("[^/\\]*$", "") .. "corpus/config/"
for i, name in ipairs(FILES) do
  local file = assert(io.open(folder .. name, "rb"))
  corpus[i] = file:read("*a")
  file:close()
end

local mutate = mutations.new(mutations.random(parameters.SEED), corpus, TOKENS)

local function complain(text, problem)
  io.stderr:write(("SEED=%d: %s\ninput: %q\n"):format(parameters.SEED, problem, text))
  os.exit(1)
end

local counts = { read = 0, refused = 0 }
for _ = 1, parameters.N do
  -- A line break tells a text from a path.
  local text = "\n" .. mutate()
  local start = os.clock()
  local is_good, settings, err = pcall(config.load, text)
  if not is_good then complain(text, "threw " .. tostring(settings)) end
  if os.clock() - start > SECONDS_PER_INPUT then complain(text, "took too long") end
  if type(settings) == "table" then
    counts.read = counts.read + 1
    if type(settings.rest) ~= "table" or type(settings.warnings) ~= "table" then complain(text, "gave half a result") end
  else
    counts.refused = counts.refused + 1
    if settings ~= nil or not errors.is(err) then complain(text, "gave neither settings nor an error") end
    if err.message == "" or err.message:find("\n", 1, true) then complain(text, "gave a message that is not one line") end
  end
end
print(("config_fuzz: %d inputs, %d read, %d refused, SEED=%d"):format(parameters.N, counts.read, counts.refused,
  parameters.SEED))
