-- Refuses JSON bodies with fields that the contract does not know: Envoy's transcoder, which comes next, ignores them.
--
-- `types`, `rules` and `max_bytes` stand in front of this file; `edge_proxy/bodies.py` makes them from the contract and
-- says what they hold. Nothing here judges anything but names of fields: what is not JSON, or does not fit, passes on to the
-- transcoder and gets its answer.
--
-- The text is never walked byte by byte: `string.find` jumps from one bracket or quote to the next, and a picture in
-- base64 is one jump (memchr). Frames of open brackets are parallel lists, so that depth costs no recursion.

local find, byte, sub, gsub, char, min = string.find, string.byte, string.sub, string.gsub, string.char, math.min
local QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 34, 92, 91, 93, 123, 125

-- Envoy's own parser stops at 100 (protobuf's limit).
local MAX_DEPTH = 100
-- Brackets and quotes looked at, about 30 ms; what has more passes unseen. Real requests have some dozens, so that this
-- only bounds what an attacker costs. (Numbers and spaces are no steps: 13 ns a byte, less than they cost the transcoder.)
local MAX_STEPS = 200000
-- Characters of a stranger's name that the answer repeats, and bytes that are read to get them. No name of the contract
-- is as long, so that a name cut short stays unknown.
local MAX_NAME, MAX_ESCAPED_NAME = 100, 600
-- Garbage that is collected at once: what is left of a big body should not wait for the next one.
local BIG = 262144

local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}

-- The characters of a name as sent. Only ASCII is decoded: all names of the contract are.
local function decoded(name)
  return (gsub(name, "\\(.)(%x*)", function(kind, rest)
    if kind ~= "u" then return (escapes[kind] or kind) .. rest end
    local code = #rest >= 4 and tonumber(sub(rest, 1, 4), 16) or 128
    if code < 128 then return char(code) .. sub(rest, 5) end
  end))
end

-- Where the string ends whose opening quote is at `start`, and how many steps that took; nil when it does not end.
local function string_end(text, start, steps)
  local quote = start
  repeat
    quote = find(text, '"', quote + 1, true)
    if not quote or steps > MAX_STEPS then return nil end
    steps = steps + 1
    local before = quote - 1
    while byte(text, before) == BACKSLASH do before = before - 1 end
  until (quote - before) % 2 == 1
  return quote, steps
end

-- The path of a field: the names down to here, in proto spelling, and its own as sent.
local function path_of(labels, depth, name)
  local path = ""
  for at = 1, depth + 1 do
    local step = at <= depth and labels[at] or name
    if step ~= "" then
      path = path .. ((path == "" or byte(step) == OPEN_LIST) and "" or ".") .. step
    end
  end
  return path
end

-- The path of the first field that is not in the contract; nil when there is none, or when this is not JSON.
local function unknown_field(text, root)
  if not find(text, "^[ \t\r\n]*{") then return nil end
  local unknown
  local position, depth, steps = 1, 0, 0
  -- Of each open bracket: how it closes; its name in the path; the fields that it may have (an object that is a
  -- message); what each thing in it is (a list, a map); how many things it had.
  local closers, labels, fields, values, counts = {}, {}, {}, {}, {}
  -- What the next value is, and its name. Nil: nothing that the contract describes.
  local value, label = root, root.name or ""

  while true do
    local at = find(text, '["%[%]{}]', position)
    steps = steps + 1
    if not at or steps > MAX_STEPS then return nil end
    local mark = byte(text, at)
    position = at + 1

    if mark == QUOTE then
      local stop
      stop, steps = string_end(text, at, steps)
      if not stop then return nil end
      position = stop + 1
      local known, each = fields[depth], values[depth]
      if (known or each) and find(text, "^[ \t\r\n]*:", position) then
        local name = sub(text, at + 1, min(stop - 1, at + MAX_ESCAPED_NAME))
        if find(name, "\\", 1, true) then name = decoded(name) end
        if known then
          local field = known[name]
          if field == nil and not unknown then unknown = path_of(labels, depth, sub(name, 1, MAX_NAME)) end
          value = field or nil
          label = field and field.name
        else
          value, label = each, '["' .. sub(name, 1, MAX_NAME) .. '"]'
        end
      end

    elseif mark == OPEN_OBJECT or mark == OPEN_LIST then
      if closers[depth] == CLOSE_LIST then
        value = values[depth]
        label = "[" .. counts[depth] .. "]"
        counts[depth] = counts[depth] + 1
      end
      depth = depth + 1
      if depth > MAX_DEPTH then return nil end
      labels[depth], counts[depth], fields[depth], values[depth] = label, 0, nil, nil
      if mark == OPEN_LIST then
        closers[depth], values[depth] = CLOSE_LIST, value
      else
        closers[depth] = CLOSE_OBJECT
        fields[depth] = value and value.of and types[value.of]
        values[depth] = value and value.each
      end
      value = nil

    else
      if closers[depth] ~= mark then return nil end
      depth = depth - 1
      if depth == 0 then
        return find(text, "^[ \t\r\n]*$", position) and unknown
      end
    end
  end
end

-- What the body of a request is; nil when the contract has no such path.
local function body_of(method, path)
  local candidates = rules[method]
  if not candidates then return nil end
  path = gsub(path, "%?.*", "")
  for at = 1, #candidates do
    if find(path, candidates[at].path) then return candidates[at].body end
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if find(headers:get("content-type") or "", "^application/grpc") then return end
  local root = body_of(headers:get(":method"), headers:get(":path"))
  if not root then return end
  -- The routes let a body grow to twice the limit: who sends a little too much shall be able to finish and to read why
  -- it was refused. Most clients over HTTP/1.1 see only a broken line when the answer comes while they still send.
  local hopeless = (tonumber(headers:get("content-length") or "") or 0) > 2 * max_bytes
  local body = not hopeless and handle:body()
  local length = body and body:length() or 0
  if hopeless or length > max_bytes then return handle:respond({[":status"] = "413"}, "") end
  if length == 0 then return end
  local unknown = unknown_field(body:getBytes(0, length), root)
  if length > BIG then collectgarbage() end
  -- `edge_proxy/replies.py` makes the answer of it.
  if unknown then handle:respond({[":status"] = "400"}, unknown) end
end
