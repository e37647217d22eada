-- What a value must look like to stand for a field of each kind, as proto3's JSON form has it.
--
-- Every pattern here reads its text in linear time: no two neighbours in one match the same characters.
--
-- `enums`, made from the contract, stands in front of this file.

-- Base64 up to this length is looked at; of pictures the transcoder finds out. Whatever else is written as text (a number, a
-- time, the name of an enum) is far shorter than the other bound: what is longer does not fit.
local MAX_BASE64, MAX_OTHER_TEXT = 4096, 100
local MAX_DURATION_S = 315576000000
local MAX_FLOAT, MAX_DOUBLE = 3.4028235e38, 1.7976931348623157e308
local DAYS = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
-- By how many digits and which a whole number may have, below and above zero; doubles cannot tell the largest apart.
local WHOLE = {
  int32 = {"2147483648", "2147483647"}, uint32 = {"0", "4294967295"},
  int64 = {"9223372036854775808", "9223372036854775807"}, uint64 = {"0", "18446744073709551615"},
}

local function is_number(raw)
  local at = match(raw, "^%-?0()") or match(raw, "^%-?[1-9]%d*()")
  at = at and (match(raw, "^%.%d+()", at) or at)
  at = at and (match(raw, "^[eE][+-]?%d+()", at) or at)
  return at == #raw + 1
end

-- 7, "7", 7.0 and 7e0.
local function is_whole(got, raw, limits)
  local sign, digits = match(raw, "^(%-?)(%d+)$")
  if digits then
    digits = gsub(digits, "^0+(%d)", "%1")
    local limit = limits[sign == "-" and 1 or 2]
    return #digits < #limit or (#digits == #limit and digits <= limit)
  end
  if got ~= "number" then return false end
  local number = tonumber(raw)
  return number % 1 == 0 and number >= -tonumber(limits[1]) and number <= tonumber(limits[2])
end

local function is_real(got, raw, most)
  if got == "text" and (raw == "NaN" or raw == "Infinity" or raw == "-Infinity") then return true end
  if got ~= "number" and not (got == "text" and is_number(raw)) then return false end
  local number = tonumber(raw)
  return number >= -most and number <= most
end

local function is_base64(raw)
  if #raw > MAX_BASE64 then return true end
  local digits, padding = match(raw, "^([%w+/]*)(=*)$")
  if not digits then digits, padding = match(raw, "^([%w_-]*)(=*)$") end
  return digits and #digits % 4 ~= 1 and (padding == "" or (#digits + #padding) % 4 == 0 and #padding < 3)
end

local function is_time(raw)
  local year, month, day, hour, minute, second, rest =
    match(raw, "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(.*)$")
  if not year then return false end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  if year < 1 or day < 1 or day > (DAYS[month] or 0) or month == 2 and day == 29 and not is_leap then return false end
  if tonumber(hour) > 23 or tonumber(minute) > 59 or tonumber(second) > 59 then return false end
  local fraction = match(rest, "^%.(%d+)")
  if fraction then rest = sub(rest, #fraction + 2) end
  if fraction and #fraction > 9 then return false end
  local hours, minutes = match(rest, "^[+-](%d%d):(%d%d)$")
  return rest == "Z" or hours ~= nil and tonumber(hours) < 24 and tonumber(minutes) < 60
end

local function is_duration(raw)
  local whole, rest = match(raw, "^%-?(%d+)(.*)$")
  if not whole or tonumber(whole) > MAX_DURATION_S then return false end
  local fraction = match(rest, "^%.(%d+)s$")
  return rest == "s" or fraction ~= nil and #fraction <= 9
end

local function whole(kind)
  local limits = WHOLE[kind]
  local least = limits[1] == "0" and "0" or "-" .. limits[1]
  return {
    text = true, words = "a whole number from " .. least .. " to " .. limits[2],
    takes = function(got, raw) return (got == "number" or got == "text") and is_whole(got, raw, limits) end,
  }
end

local function real(most)
  return {text = true, words = "a number", takes = function(got, raw) return is_real(got, raw, most) end}
end

local function only(kind, words) return {words = words, takes = function(got) return got == kind end} end

-- `text`: some text is taken, so that what is refused is "other text".
local kinds = {
  string = only("text", "text"),
  bool = {words = "true or false", takes = function(got) return got == "true" or got == "false" end},
  message = only("object", "an object"), map = only("object", "an object"), list = only("list", "a list"),
  struct = only("object", "an object"), values = only("list", "a list"),
  mask = only("text", "names of fields, as in \"displayName,webhook\""),
  anything = {words = "any value", takes = function() return true end},
  int32 = whole("int32"), uint32 = whole("uint32"), int64 = whole("int64"), uint64 = whole("uint64"),
  float = real(MAX_FLOAT), double = real(MAX_DOUBLE),
  bytes = {
    text = true, words = "bytes in base64", takes = function(got, raw) return got == "text" and is_base64(raw) end,
  },
  time = {
    text = true, words = "a time, as in \"2026-11-21T10:00:00Z\"",
    takes = function(got, raw) return got == "text" and is_time(raw) end,
  },
  duration = {
    text = true, words = "a duration in seconds, as in \"1.5s\"",
    takes = function(got, raw) return got == "text" and is_duration(raw) end,
  },
}

local GOT = {object = "an object", list = "a list"}

-- What is wrong with a value; nil when nothing is. `got` is what JSON calls it, `raw` a text without its quotes or a
-- number as it was sent.
local function misfit(spec, got, raw)
  local kind = kinds[spec.kind]
  local enum = spec.kind == "enum" and enums[spec.of]
  local words, is_text
  if enum then
    if got == "text" and enum.names[raw] then return nil end
    if got == "number" and is_whole(got, raw, WHOLE.int32) then return nil end
    words, is_text = enum.words, true
  else
    if kind.takes(got, raw) then return nil end
    words, is_text = kind.words, kind.text
  end
  local described = GOT[got] or got
  if got == "text" and is_text then described = "other text" end
  if got == "number" then described = #raw <= 40 and raw or "another number" end
  return "expected " .. words .. ", got " .. described
end
