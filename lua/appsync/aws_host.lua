---What a host's name under amazonaws.com says (AWS General Reference, "AWS service endpoints").
local aws_host = {}

---@class appsync.AwsHost
---@field id string what stands before the service, or ""
---@field service string the name's own word: "appsync-api", "s3"
---@field region string? nil where the name has none: "sts.amazonaws.com"
---@field domain string "amazonaws.com" or "amazonaws.com.cn"
---@field is_private boolean? an interface endpoint of a VPC: "vpce-….appsync-api.us-east-1.vpce.amazonaws.com"

local REGION = "^%l%l[%l-]*%-%d+$"

local function labels_of(name)
  local labels = {}
  for label in name:gmatch("[^.]+") do labels[#labels + 1] = label end
  return labels
end

---@param host string without a port
---@return appsync.AwsHost? found nil for a host elsewhere
function aws_host.read(host)
  local name, domain = host:lower():gsub("%.$", ""):match("^(.+)%.(amazonaws%.com%.?c?n?)$")
  if domain ~= "amazonaws.com" and domain ~= "amazonaws.com.cn" then return nil end
  local labels = labels_of(name)
  local is_private = labels[#labels] == "vpce" or nil
  if is_private then table.remove(labels) end
  local region = labels[#labels] and labels[#labels]:find(REGION) and table.remove(labels) or nil
  if labels[#labels] == "dualstack" then table.remove(labels) end
  local service = table.remove(labels)
  if not service then return nil end
  return { id = table.concat(labels, "."), service = service, region = region, domain = domain, is_private = is_private }
end

return aws_host
