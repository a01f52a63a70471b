---GraphQL documents: parsed once and kept.
local core = require "appsync.core"
local errors = require "appsync.errors"

local document = {}

-- Of the last ones used. The second bound is for those that a program makes by the megabyte: a typical document
-- weighs 4 to 20 KB, the largest that is parsed nearly 40 MB (csrc/gql/document.h).
local MAX_KEPT = 256
local MAX_KEPT_BYTES = 16 * 1024 * 1024

---@class appsync.Document
---@field package core appsync.core.Document
---@field package operations appsync.core.Operation[]
---@field package fragments string[]? of a document without operations: those that no other one includes
local Document = {}
Document.__index = Document
Document.__name = "appsync.document"

function Document:__tostring()
  return self.core:text()
end

---@param text string
---@param where string? for messages
---@return appsync.Document
local function parse(text, where)
  local parsed, err = core.document(text)
  if not parsed then
    local message = err.message:gsub("^Syntax error: ", ""):gsub(" %(line %d+, column %d+%)$", "")
    errors.misuse("%sthe document has a syntax error at line %d, column %d: %s", where and where .. ": " or "", err.line or 0,
      err.column or 0, message)
  end
  local operations = parsed:operations()
  for _, operation in ipairs(operations) do
    local declared = {}
    for _, name in ipairs(operation.variables) do declared[name] = true end
    operation.declared = declared
  end
  return setmetatable({ core = parsed, operations = operations }, Document)
end

-- Text → {document, n_bytes, before, after}: a ring ordered by use, bounded.
local kept, n_kept, n_kept_bytes = {}, 0, 0
local ring = {}
ring.before, ring.after = ring, ring

local function unlink(entry)
  entry.before.after, entry.after.before = entry.after, entry.before
end

local function link_first(entry)
  entry.before, entry.after = ring, ring.after
  ring.after.before = entry
  ring.after = entry
end

local function drop_oldest()
  local oldest = ring.before
  unlink(oldest)
  kept[oldest.text] = nil
  n_kept, n_kept_bytes = n_kept - 1, n_kept_bytes - oldest.n_bytes
end

---As `parse`, of one of several documents: messages say which.
---@param text string
---@param where string?
---@return appsync.Document
function document.parse_part(text, where)
  local entry = kept[text]
  if entry then
    if ring.after ~= entry then
      unlink(entry)
      link_first(entry)
    end
    return entry.document
  end
  local parsed = parse(text, where)
  entry = { document = parsed, text = text, n_bytes = parsed.core:bytes() }
  kept[text] = entry
  n_kept, n_kept_bytes = n_kept + 1, n_kept_bytes + entry.n_bytes
  link_first(entry)
  -- The newest one stays, whatever it weighs.
  while n_kept > MAX_KEPT or (n_kept_bytes > MAX_KEPT_BYTES and n_kept > 1) do drop_oldest() end
  return parsed
end

---Parses GraphQL text. The same text gives the same document for as long as it is kept. Throws on a syntax error.
---```lua
---local document = appsync.gql "query Name($id: ID!) { getTodo(id: $id) { name } }"
---print(client:query(document, { id = "1" }).getTodo.name) --> buy milk
---```
---@param text string
---@return appsync.Document
function document.parse(text)
  if type(text) ~= "string" then errors.expect(text, "document", "string") end
  return document.parse_part(text)
end

---@return boolean
function document.is(value)
  return getmetatable(value) == Document
end

local METHODS = { query = "client:query", mutation = "client:mutate", subscription = "client:subscribe" }

local function names_of(operations)
  local names = {}
  for i, operation in ipairs(operations) do names[i] = operation.name == "" and "(anonymous)" or operation.name end
  return table.concat(names, ", ")
end

---Picks the operation that a call means.
---@param given string|appsync.Document
---@param kind "query"|"mutation"|"subscription"
---@param operation_name string?
---@param where string
---@return appsync.Document document, appsync.core.Operation operation
function document.pick(given, kind, operation_name, where)
  if type(given) ~= "string" and not document.is(given) then
    errors.misuse("%s: the document must be text or what appsync.gql returns, got %s", where, (errors.describe(given)))
  end
  local parsed = type(given) == "string" and document.parse(given) or given
  local operations = parsed.operations
  local found
  if operation_name then
    for _, operation in ipairs(operations) do
      if operation.name == operation_name then found = operation end
    end
    if not found then
      errors.misuse("%s: the document has no operation %q; it has %s", where, operation_name, names_of(operations))
    end
  elseif #operations > 1 then
    errors.misuse("%s: the document has several operations (%s); choose one by operation_name", where,
      names_of(operations))
  else
    found = operations[1]
    if not found then errors.misuse("%s: the document has no operation, only fragments", where) end
  end
  if found.kind ~= kind then
    errors.misuse("%s: the document is a %s; use %s", where, found.kind, METHODS[found.kind])
  end
  return parsed, found
end

---Picks the fragment that a call means: the one that no other one of the document includes.
---@param given string|appsync.Document
---@param where string
---@return appsync.Document document, string name
function document.pick_fragment(given, where)
  if type(given) ~= "string" and not document.is(given) then
    errors.misuse("%s: the fragment must be text or what appsync.gql returns, got %s", where, (errors.describe(given)))
  end
  local parsed = type(given) == "string" and document.parse(given) or given
  if parsed.operations[1] then
    errors.misuse("%s: the document must be a fragment, with the fragments that it includes; this one has an operation", where)
  end
  local names = parsed.fragments or parsed.core:fragments()
  parsed.fragments = names
  if #names ~= 1 then
    errors.misuse("%s: the document must be one fragment, with the fragments that it includes; it has several: %s", where,
      table.concat(names, ", "))
  end
  return parsed, names[1]
end

---The first field that an operation selects itself, not in a fragment. What tells the name of the root's type is none.
---@param operation appsync.core.Operation
---@return string? key in the response; nil: there is none, string? name
function document.first_field(operation)
  for i, name in ipairs(operation.root_names) do
    if name ~= "__typename" then return operation.root_fields[i], name end
  end
end

return document
