---What is read of a cache again and again: a reading is made once for an operation or a fragment, which keeps what it selects
---prepared, and goes with its document.
local are_sent = require "appsync.client.variables".are_sent
local documents = require "appsync.document"

local readings = {}

local WEAK = { __mode = "k" }

---@class appsync.client.Readings
---@field made table<table, appsync.core.Reading> by operation, or the document of a fragment
---@field private queries table<appsync.Document, appsync.core.Operation> what a document is that is one query
---@field private core appsync.core.Cache
local Readings = {}
Readings.__index = Readings

---@param core_cache appsync.core.Cache
---@return appsync.client.Readings
function readings.new(core_cache)
  return setmetatable({ core = core_cache, made = setmetatable({}, WEAK), queries = setmetatable({}, WEAK) }, Readings)
end

---@param document appsync.Document
---@param operation appsync.core.Operation of the document
---@return appsync.core.Reading
function Readings:of_operation(document, operation)
  local reading = self.made[operation]
  if reading then return reading end
  reading = self.core:prepare{ document = document.core, operation_name = operation.name }
  self.made[operation] = reading
  return reading
end

---The same of a query; a document that is this and nothing else needs no more than a look from then on.
---@param document appsync.Document
---@param operation appsync.core.Operation
---@return appsync.core.Reading
function Readings:of_query(document, operation)
  local reading = self:of_operation(document, operation)
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

---@param document appsync.Document of one fragment, and those that it includes
---@param name string
---@return appsync.core.Reading
function Readings:of_fragment(document, name)
  local reading = self.made[document]
  if reading then return reading end
  reading = self.core:prepare{ document = document.core, fragment = name }
  self.made[document] = reading
  return reading
end

return readings
