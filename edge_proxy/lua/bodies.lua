-- Finds what in a JSON body does not fit the contract: names that it does not have, values of the wrong kind, two fields of
-- one oneof, and text that is no JSON.
--
-- `types`, made from the contract, stands in front of this file. The text is never walked byte by byte where that can be
-- helped: a picture in base64 is one jump to its end (memchr). Frames of open brackets are parallel lists, so that depth costs
-- no recursion.

local QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 34, 92, 44, 91, 93, 123, 125
-- What may come next.
local VALUE, VALUE_OR_END, NAME, NAME_OR_END, NEXT = 1, 2, 3, 4, 5

-- Envoy's own parser stops at 100 (protobuf's limit).
local MAX_DEPTH = 100
-- Names, values and brackets looked at, about 30 ms; what has more is left to the transcoder. Real requests have some dozens,
-- so that this only bounds what an attacker costs. (Digits and spaces are no steps: 13 ns a byte, less than they cost the
-- transcoder.)
local MAX_STEPS = 200000
-- Characters of a stranger's name that the answer repeats, and bytes that are read to get them. No name of the contract
-- is as long, so that a name cut short stays unknown.
local MAX_NAME, MAX_ESCAPED_NAME = 100, 600

local UNKNOWN = "the contract has no such field"
local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}
local vectors = {float = true, double = true}
local literals = {["true"] = "true", ["false"] = "false", null = "null"}

-- The characters of a string as sent. Only ASCII is decoded: all names of the contract are.
local function decoded(text)
  if not find(text, "\\", 1, true) then return text end
  return (gsub(text, "\\(.)(%x*)", function(kind, rest)
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
    if not quote or steps > MAX_STEPS then return nil, steps end
    steps = steps + 1
    local before = quote - 1
    while byte(text, before) == BACKSLASH do before = before - 1 end
  until (quote - before) % 2 == 1
  return quote, steps
end

-- Puts a path together from the names down to here, in proto spelling, and one more.
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

local function both_of(first, second) return "expected one of its fields, got `" .. first .. "` and `" .. second .. "`" end

-- Adds to `faults`, or gives others when the text is no JSON; `set` has what the query has set, as `taken` below.
local function body_faults(text, root, faults, set)
  local position, depth, steps, expects = 1, 0, 0, VALUE
  -- Of each open bracket: how it closes; its name in the path; the fields that it may have (an object that is a
  -- message); what each thing in it is (a list, a map); how many things a list had; what a message or a map has
  -- had already: fields by oneof, keys.
  local closers, labels, fields, items, counts, taken = {}, {}, {}, {}, {}, {}
  -- What the next value is, and its name. Nil: nothing that the contract describes; the name of what is in a list.
  local value, label = root, root.name or ""

  local function own_label() return label or "[" .. counts[depth] - 1 .. "]" end

  local function fault(name, description)
    if #faults < MAX_FAULTS then faults[#faults + 1] = {path_of(labels, depth, name), description} end
  end

  local function no_json(at)
    local words = at and "the body is no JSON from byte " .. at .. " on" or "the body ends before its JSON does"
    return {{root.name or "", words}}
  end

  -- What a name says about the value that follows.
  local function named(name)
    local known, each = fields[depth], items[depth]
    if known then
      value = known[name]
      label = value and value.name or sub(name, 1, MAX_NAME)
      if not value then fault(label, UNKNOWN) end
    elseif each then
      local key = sub(name, 1, MAX_NAME)
      value = each.value
      label = each.key == "string" and '["' .. key .. '"]' or "[" .. key .. "]"
      if taken[depth][name] and #name < MAX_ESCAPED_NAME then fault(label, "expected this key once") end
      taken[depth][name] = true
      if each.key == "bool" then
        if name ~= "true" and name ~= "false" then fault(label, "expected the key true or false") end
      else
        local wrong = misfit({kind = each.key}, "text", name)
        if wrong then fault(label, wrong .. " for the key") end
      end
    end
  end

  -- Whether the value at hand fits.
  local function judge(got, raw)
    local is_field = fields[depth]
    if got == "null" and is_field then return end
    local wrong = misfit(value, got, raw)
    if wrong then
      fault(own_label(), wrong)
      value = nil
    elseif is_field and value.oneof then
      local first = taken[depth][value.oneof]
      if first then fault(value.oneof, both_of(first, label)) end
      taken[depth][value.oneof] = label
    end
  end

  local function open(mark)
    labels[depth + 1] = own_label()
    depth = depth + 1
    closers[depth] = mark == OPEN_LIST and CLOSE_LIST or CLOSE_OBJECT
    fields[depth], items[depth], counts[depth], taken[depth] = nil, nil, 0, nil
    if value and value.kind == "list" then
      items[depth] = value.item
    elseif value and value.kind == "map" then
      items[depth], taken[depth] = value, {}
    elseif value and value.kind == "message" then
      fields[depth], taken[depth] = types[value.of], depth == 1 and not root.name and set or {}
    end
    expects = mark == OPEN_LIST and VALUE_OR_END or NAME_OR_END
  end

  -- Numbers as 0.25 need no closer look, and vectors have hundreds.
  local function after_plain_numbers(at)
    local after = match(text, "^%-?%d%.%d+,[ \n]?()", at)
    while after and steps <= MAX_STEPS do
      at, steps, counts[depth] = after, steps + 1, counts[depth] + 1
      after = match(text, "^%-?%d%.%d+,[ \n]?()", at)
    end
    return find(text, "[^ \t\r\n]", at)
  end

  repeat
    local at = find(text, "[^ \t\r\n]", position)
    if not at then return no_json() end
    steps = steps + 1
    if steps > MAX_STEPS then return faults end
    local mark = byte(text, at)
    position = at + 1

    if mark == closers[depth] and (expects == NEXT or expects == VALUE_OR_END or expects == NAME_OR_END) then
      depth = depth - 1
      expects = NEXT

    elseif expects == NEXT then
      if mark ~= COMMA then return no_json(at) end
      expects = closers[depth] == CLOSE_LIST and VALUE or NAME

    elseif expects == NAME or expects == NAME_OR_END then
      local stop
      if mark ~= QUOTE then return no_json(at) end
      stop, steps = string_end(text, at, steps)
      if not stop then return steps > MAX_STEPS and faults or no_json() end
      value, label = nil, ""
      if fields[depth] or items[depth] then named(decoded(sub(text, at + 1, min(stop - 1, at + MAX_ESCAPED_NAME)))) end
      position = match(text, "^[ \t\r\n]*:()", stop + 1)
      if not position then return no_json(stop + 1) end
      expects = VALUE

    else
      if closers[depth] == CLOSE_LIST then
        value, label = items[depth], nil
        if value and vectors[value.kind] then
          at = after_plain_numbers(at)
          if not at then return no_json() end
          mark, position = byte(text, at), at + 1
        end
        counts[depth] = counts[depth] + 1
      end
      if mark == QUOTE then
        local stop
        stop, steps = string_end(text, at, steps)
        if not stop then return steps > MAX_STEPS and faults or no_json() end
        position = stop + 1
        if value then
          local most = value.kind == "bytes" and MAX_BASE64 or MAX_OTHER_TEXT
          local is_short = value.kind ~= "string" and stop - at <= 6 * most
          judge("text", is_short and decoded(sub(text, at + 1, stop - 1)) or "")
        end
        expects = NEXT
      elseif mark == OPEN_LIST or mark == OPEN_OBJECT then
        if depth == MAX_DEPTH then return {{root.name or "", "expected at most 100 brackets in each other"}} end
        if value then judge(mark == OPEN_LIST and "list" or "object") end
        open(mark)
      else
        position = find(text, "[^%w.+-]", at) or #text + 1
        local raw = sub(text, at, position - 1)
        local literal = literals[raw]
        if not literal and not is_number(raw) then return no_json(at) end
        if value then judge(literal or "number", raw) end
        expects = NEXT
      end
    end
  until depth == 0 and expects == NEXT
  local rest = find(text, "[^ \t\r\n]", position)
  return rest and no_json(rest) or faults
end
