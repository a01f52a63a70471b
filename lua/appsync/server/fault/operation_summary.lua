---What rules and the log ask of a GraphQL operation: its kind, name and root fields, as the engine has read them.
local operation_summary = {}

---@param engine {operation_of: function}
---@param query any
---@param name any the operation's, where several are sent
---@return {kind: string?, operation: string?, fields: string[]?} description the caller's own
function operation_summary.describe(engine, query, name)
  name = type(name) == "string" and name ~= "" and name or nil
  local about = type(query) == "string" and engine:operation_of({ query = query, operation_name = name })
  if not about then return { operation = name } end
  return { kind = about.operation, operation = about.name, fields = about.fields }
end

return operation_summary
