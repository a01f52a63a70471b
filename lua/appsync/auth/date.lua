---ISO 8601 dates with a time, as AWS writes them.

---Days since 1970-01-01 in the proleptic Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = math.floor(year / 400)
  local year_of_era = year - era * 400
  local day_of_year = math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  local day_of_era = year_of_era * 365 + math.floor(year_of_era / 4) - math.floor(year_of_era / 100) + day_of_year
  return era * 146097 + day_of_era - 719468
end

---@param text string "2030-01-31T12:00:00Z", with a fraction or an offset too
---@return number? unix_seconds whole ones; nil for anything else
---@return number? fraction of a second
local function parse(text)
  local year, month, day, hour, minute, second, rest =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then return nil end
  local fraction, offset = rest:match("^(%.?%d*)(.*)$")
  local sign, offset_hour, offset_minute = offset:match("^([+-])(%d%d):?(%d%d)$")
  if not sign and offset ~= "" and offset:upper() ~= "Z" then return nil end
  month, day, hour, minute, second = tonumber(month), tonumber(day), tonumber(hour), tonumber(minute), tonumber(second)
  if month < 1 or month > 12 or day < 1 or day > 31 or hour > 23 or minute > 59 or second > 60 then return nil end
  local seconds = days(tonumber(year), month, day) * 86400 + hour * 3600 + minute * 60 + second
  if sign then
    local shift = tonumber(offset_hour) * 3600 + tonumber(offset_minute) * 60
    seconds = sign == "+" and seconds - shift or seconds + shift
  end
  return seconds, tonumber("0" .. fraction) or 0
end

return parse
