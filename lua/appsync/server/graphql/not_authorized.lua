---What is said of a field that isn't the caller's, whoever finds out.
---@param type_name string
---@param field_name string
---@return {message: string, type: string}
local function not_authorized(type_name, field_name)
  return { message = ("Not Authorized to access %s on type %s"):format(field_name, type_name), type = "Unauthorized" }
end

return not_authorized
