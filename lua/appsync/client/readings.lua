---What is read of a cache again and again: a reading is made once for an operation or a fragment, which keeps what it selects
---prepared. The last ones are kept; they go earlier with their documents.
local copied_reading = require "appsync.client.copied_reading"
local are_sent = require("appsync.client.variables").are_sent
local documents = require "appsync.document"

local readings = {}

local MAX_KEPT = 128 -- each keeps some 10 KB that the garbage collector doesn't know of
local WEAK_KEYS, WEAK_VALUES = { __mode = "k" }, { __mode = "v" }

---@class appsync.client.Readings
---@field private core appsync.core.Cache
---@field private made table<table, appsync.core.Reading> by operation, or the document of a fragment
---@field private queries table<appsync.Document, appsync.core.Operation> what a document is that is one query
---@field private ring appsync.core.Reading[] those that have memory
---@field private keys table[] of each its key in `made`
---@field private documents appsync.Document[] of each
---@field private at integer the last one in the ring
local Readings = {}
Readings.__index = Readings

---@param core_cache appsync.core.Cache
---@return appsync.client.Readings
function readings.new(core_cache)
  return setmetatable({
    core = core_cache, made = setmetatable({}, WEAK_KEYS), queries = setmetatable({}, WEAK_KEYS),
    ring = {}, keys = setmetatable({}, WEAK_VALUES), documents = setmetatable({}, WEAK_VALUES), at = 0,
  }, Readings)
end

-- Makes room in the ring.
local function drop(self, at)
  local reading, key, document = self.ring[at], self.keys[at], self.documents[at]
  if not reading then return end
  reading:rest()
  if key then self.made[key] = nil end
  if document then self.queries[document] = nil end
end

local function make(self, key, document, call)
  local reading = copied_reading.of(self.core:prepare(call))
  local at = self.at % MAX_KEPT + 1
  drop(self, at)
  self.at, self.ring[at], self.keys[at], self.documents[at] = at, reading, key, document
  self.made[key] = reading
  return reading
end

---A document that is this query and nothing else needs no more than a look from then on.
---@param document appsync.Document
---@param operation appsync.core.Operation of the document
---@return appsync.core.Reading
function Readings:of_query(document, operation)
  local reading = self.made[operation]
    or make(self, operation, document, { document = document.core, operation_name = operation.name })
  if not document.operations[2] and operation.kind == "query" then self.queries[document] = operation end
  return reading
end

---The reading of a query that was read before, where there is nothing to say about these variables.
---@param document any
---@param variables any
---@return appsync.core.Reading?
function Readings:known(document, variables)
  if type(document) == "string" then document = documents.parse(document) end
  local operation = self.queries[document]
  return operation and are_sent(variables, operation) and self.made[operation] or nil
end

---The reading of a fragment that was read before.
---@param document any
---@return appsync.core.Reading?
function Readings:known_fragment(document)
  return self.made[document]
end

---@param document appsync.Document of one fragment, and those that it includes
---@param name string
---@return appsync.core.Reading
function Readings:of_fragment(document, name)
  return self.made[document] or make(self, document, document, { document = document.core, fragment = name })
end

return readings
