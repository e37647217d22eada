-- Finds what in a query does not fit the contract. `types`, made from the contract, stands in front of this file.

local function unescaped(text)
  return (gsub(text, "%%(%x%x)", function(code) return char(tonumber(code, 16)) end))
end

local function joined(path, step) return path == "" and step or path .. "." .. step end

-- The field that a name as `filter.minPrice.units` stands for, and its path in proto spelling; no field when there is none.
-- `taken` gets the fields that are set, path of a oneof -> name of its field; `clash` is what is wrong with that, and where.
local function field_of(name, root, taken)
  local fields, path, field, clash = types[root], "", nil, nil
  for step, rest in gmatch(name .. ".", "([^.]*)%.()") do
    field = fields and fields[step]
    if field and field.oneof then
      local oneof = joined(path, field.oneof)
      local first, is_whole_name = taken[oneof], rest > #name
      if first and (first ~= field.name or is_whole_name) then clash = {oneof, both_of(first, field.name)} end
      taken[oneof] = field.name
    end
    path = joined(path, field and field.name or sub(step, 1, MAX_NAME))
    if not field then return nil, path end
    fields = field.kind == "message" and types[field.of]
  end
  return field, path, clash
end

local function query_faults(query, root, faults, taken)
  for pair in gmatch(query, "[^&]+") do
    local name, raw = match(pair, "^([^=]*)=?(.*)$")
    local field, path, clash = field_of(unescaped(name), root, taken)
    local spec = field and (field.kind == "list" and field.item or field)
    local wrong
    if not spec then
      wrong = UNKNOWN
    elseif spec.kind == "message" or spec.kind == "map" then
      wrong = "expected one of its fields, as in `" .. path .. ".field=`"
    elseif spec.kind ~= "anything" and spec.kind ~= "struct" and spec.kind ~= "values" then
      raw = unescaped(raw)
      wrong = misfit(spec, spec.kind == "bool" and literals[raw] or "text", raw)
    end
    if wrong or clash then
      faults[#faults + 1] = wrong and {path, wrong} or clash
    end
    if #faults == MAX_FAULTS then return end
  end
end
