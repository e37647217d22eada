-- Completes the errors of the edge itself with what `edge_proxy/replies.py` cannot say beforehand: the id of the request, and
-- the field that the transcoder has found at fault.

local MARK, DETAILS = "x-vitrine-refused", "grpc-status-details-bin"

local function varint(number)
  return number < 128 and char(number) or char(128 + number % 128, floor(number / 128))
end

-- A field of protobuf with a length; `tag` has its number.
local function field(tag, bytes) return char(tag) .. varint(#bytes) .. bytes end

-- `RequestInfo` as one more of the details of a Status.
local function request_info(id)
  return field(0x1a, field(0x0a, TYPE .. "RequestInfo") .. field(0x12, field(0x0a, id)))
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local id = headers:get(MARK)
  if not id then return end
  headers:remove(MARK)
  id = gsub(sub(id, 1, MAX_TEXT), "[^\32-\126]", "?")
  local details = headers:get(DETAILS)
  if details then
    -- What is there has no padding, so that it can go on.
    headers:replace(DETAILS, details .. handle:base64Escape(request_info(id)))
    return
  end
  local body = handle:body()
  if not body then return end
  -- The transcoder's words begin with the path of the field where it knows one, and may end in the text around.
  local words = match(body:getBytes(0, min(body:length(), 2 * MAX_TEXT)), "^[^\n]*")
  local path, rest = match(words, "^([%l_][%w_.%[%]]*): (.*)$")
  if not path then rest = gsub(words, "^: ", "") end
  body:setBytes(refusal({{path or "", rest}}, id))
end
