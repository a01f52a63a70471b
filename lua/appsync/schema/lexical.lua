---The forms of the texts that the AWS scalars accept (AppSync Developer Guide, "Scalar types in GraphQL").
local lexical = {}

local function days_in_month(year, month)
  if month == 2 then return (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28 end
  return (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

local function is_date(text)
  local year, month, day = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  if not year then return false end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  return month >= 1 and month <= 12 and day >= 1 and day <= days_in_month(year, month)
end

local function is_clock(text)
  local hour, minute, rest = text:match("^(%d%d):(%d%d)(.*)$")
  if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then return false end
  if rest == "" then return true end
  local second, fraction = rest:match("^:(%d%d)(.*)$")
  if not second or tonumber(second) > 59 then return false end
  return fraction == "" or (fraction:match("^%.%d*$") ~= nil and #fraction <= 10)
end

-- 18 hours is the bound of java.time.ZoneOffset.
local function is_offset(text)
  if text == "Z" then return true end
  local hour, minute, rest = text:match("^[+-](%d%d):(%d%d)(.*)$")
  if not hour or tonumber(minute) > 59 then return false end
  local second = rest == "" and "00" or rest:match("^:(%d%d)$")
  if not second or tonumber(second) > 59 then return false end
  return (tonumber(hour) * 60 + tonumber(minute)) * 60 + tonumber(second) <= 18 * 3600
end

---Splits "<body><offset>"; the offset is "" when there is none.
local function split_offset(text, body_pattern)
  local body, offset = text:match("^(" .. body_pattern .. ")(.*)$")
  return body, offset
end

---AWSDate: "2024-02-29", with an optional offset.
---@param text string
---@return boolean
function lexical.is_aws_date(text)
  local body, offset = split_offset(text, "%d%d%d%d%-%d%d%-%d%d")
  return body ~= nil and is_date(body) and (offset == "" or is_offset(offset))
end

---AWSTime: "12:30:24.500Z"; seconds, their fraction and the offset may be left out.
---@param text string
---@return boolean
function lexical.is_aws_time(text)
  local body, offset = split_offset(text, "[%d:%.]+")
  if body and offset ~= "" and offset ~= "Z" and not offset:find("^[+-]") then return false end
  return body ~= nil and is_clock(body) and (offset == "" or is_offset(offset))
end

---AWSDateTime: a date, "T", a time and an offset.
---@param text string
---@return boolean
function lexical.is_aws_date_time(text)
  local date, rest = text:match("^(%d%d%d%d%-%d%d%-%d%d)T(.+)$")
  if not date or not is_date(date) then return false end
  local clock, offset = split_offset(rest, "[%d:%.]+")
  return clock ~= nil and is_clock(clock) and is_offset(offset)
end

---AWSEmail.
---@param text string
---@return boolean
function lexical.is_email(text)
  local user, domain = text:match("^([%w%.!#%$%%&'%*%+/=%?%^_`{|}~%-]+)@(.+)$")
  if not user or domain:sub(-1) == "." then return false end
  for label in (domain .. "."):gmatch("(.-)%.") do
    if not label:find("^%w[%w%-]*$") or label:sub(-1) == "-" or #label > 63 then return false end
  end
  return true
end

---AWSURL: with its scheme.
---@param text string
---@return boolean
function lexical.is_url(text)
  local scheme, rest = text:match("^(%a[%w+.-]*):(.+)$")
  if not scheme or text:find("[%s%c]") then return false end
  if rest:sub(1, 2) ~= "//" then return scheme:lower() == "mailto" and rest:find("@", 1, true) ~= nil end
  local host, path = rest:match("^//([^/?#]+)([^?#]*)")
  return host ~= nil and not path:find("//", 1, true)
end

---AWSPhone.
---@param text string
---@return boolean
function lexical.is_phone(text)
  if not text:find("^%+?%d[%d%s-]+$") then return false end
  local n_digits = select(2, text:gsub("%d", ""))
  if text:sub(1, 1) == "+" then return n_digits >= 7 and n_digits <= 15 end
  -- Without a country code the number is one of the North American plan.
  return n_digits == 10 or (n_digits == 11 and text:sub(1, 1) == "1")
end

local function is_ipv4(text)
  local a, b, c, d = text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  if not a then return false end
  for _, part in ipairs({ a, b, c, d }) do
    if tonumber(part) > 255 then return false end
  end
  return true
end

-- Counts the 16-bit groups of one side of "::"; nil when a group is malformed.
local function count_groups(text, may_end_in_ipv4)
  if text == "" then return 0 end
  local n, groups = 0, {}
  for group in (text .. ":"):gmatch("(.-):") do groups[#groups + 1] = group end
  for i, group in ipairs(groups) do
    if i == #groups and may_end_in_ipv4 and is_ipv4(group) then
      n = n + 2
    elseif group:find("^%x%x?%x?%x?$") then
      n = n + 1
    else
      return nil
    end
  end
  return n
end

local function is_ipv6(text)
  local left, right = text:match("^(.-)::(.*)$")
  if not left then return count_groups(text, true) == 8 end
  if right:find("::", 1, true) then return false end
  local n_left, n_right = count_groups(left, false), count_groups(right, true)
  return n_left ~= nil and n_right ~= nil and n_left + n_right <= 7
end

---AWSIPAddress: of version 4 or 6, with an optional prefix length.
---@param text string
---@return boolean
function lexical.is_ip(text)
  local address, bits = text:match("^([^/]+)/(%d%d?%d?)$")
  address = address or text
  if is_ipv4(address) then return not bits or tonumber(bits) <= 32 end
  return is_ipv6(address) and (not bits or tonumber(bits) <= 128)
end

return lexical
