-- Text of strangers, made fit to stand in an answer, and the answer itself: a `google.rpc.Status` as JSON.
--
-- The bounds are those of the services (`mesh/status.py`).

local find, match, gmatch, byte, sub, gsub = string.find, string.match, string.gmatch, string.byte, string.sub, string.gsub
local char, format, concat, floor, min = string.char, string.format, table.concat, math.floor, math.min

local MAX_FAULTS, MAX_TEXT = 16, 200
local DOMAIN, TYPE = "vitrine.dev", "type.googleapis.com/google.rpc."
local REPLACEMENT = "\239\191\189"

-- The smallest code point that a sequence of so many bytes may stand for; a shorter one has to be used for less.
local LEAST = {[2] = 128, [3] = 2048, [4] = 65536}

-- The bytes of the character of UTF-8 at `at`; nil where there is none.
local function utf8_length(text, at)
  local lead = byte(text, at)
  local length = lead < 248 and (lead >= 240 and 4 or lead >= 224 and 3 or lead >= 192 and 2)
  if not length then return nil end
  local code = lead % 2 ^ (7 - length)
  for next = at + 1, at + length - 1 do
    local follows = byte(text, next)
    if not follows or follows < 128 or follows > 191 then return nil end
    code = code * 64 + follows - 128
  end
  local is_surrogate = code >= 55296 and code <= 57343
  if code < LEAST[length] or code > 1114111 or is_surrogate then return nil end
  return length
end

local function utf8_only(run)
  local parts, at = {}, 1
  while at <= #run do
    local length = utf8_length(run, at)
    parts[#parts + 1] = length and sub(run, at, at + length - 1) or REPLACEMENT
    at = at + (length or 1)
  end
  return concat(parts)
end

local function quoted(text)
  text = gsub(sub(text, 1, MAX_TEXT), "[\128-\255]+", utf8_only)
  return '"' .. gsub(text, '[%c"\\]', function(mark) return format("\\u%04x", byte(mark)) end) .. '"'
end

-- What a caller gets whose request does not fit: `faults` is a list of `{field, description}`, in order.
local function refusal(faults, request_id)
  local violations = {}
  for at = 1, min(#faults, MAX_FAULTS) do
    violations[at] = format(
      '{"field":%s,"description":%s,"reason":"INVALID_FIELD"}', quoted(faults[at][1]), quoted(faults[at][2])
    )
  end
  local first = faults[1]
  local message = (first[1] == "" and "request" or first[1]) .. ": " .. first[2]
  return format(
    '{"code":3,"message":%s,"details":[{"@type":"%sErrorInfo","reason":"INVALID_FIELD","domain":"%s"},'
      .. '{"@type":"%sBadRequest","fieldViolations":[%s]},{"@type":"%sRequestInfo","requestId":%s}]}',
    quoted(message), TYPE, DOMAIN, TYPE, concat(violations, ","), TYPE, quoted(request_id)
  )
end
