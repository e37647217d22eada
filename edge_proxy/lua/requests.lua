-- Refuses JSON requests that do not fit the contract, with the path of each field at fault. Envoy's transcoder, which comes
-- next, ignores unknown fields in bodies, takes much for what it is not, and says what is wrong in words only.
--
-- `rules` and `max_bytes`, made from the contract, stand in front of this file.

-- Garbage that is collected at once: what is left of a big body should not wait for the next one.
local BIG = 262144

-- What the contract has at a path; nil when it has nothing.
local function rule_of(method, path)
  for _, rule in ipairs(rules[method] or {}) do
    if find(path, rule.path) then return rule end
  end
end

-- What the transcoder leaves alone, by the same rule as its own; gRPC-Web has become gRPC before.
local function is_grpc(content_type)
  return content_type == "application/grpc" or find(content_type, "^application/grpc%+") ~= nil
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if is_grpc(headers:get("content-type") or "") then return end
  local path, query = match(headers:get(":path"), "^([^?]*)%??(.*)$")
  local rule = rule_of(headers:get(":method"), path)
  if not rule then return end
  -- Headers cannot be read any more once a body has been waited for.
  local request_id = headers:get("x-request-id") or ""
  local faults, set = {}, {}
  query_faults(query, rule.query, faults, set)
  if rule.body then
    -- The routes let a body grow to twice the limit: who sends a little too much shall be able to finish and to read why
    -- it was refused. Most clients over HTTP/1.1 see only a broken line when the answer comes while they still send.
    local hopeless = (tonumber(headers:get("content-length") or "") or 0) > 2 * max_bytes
    local body = not hopeless and handle:body()
    local length = body and body:length() or 0
    if hopeless or length > max_bytes then return handle:respond({[":status"] = "413"}, "") end
    local text = length > 0 and body:getBytes(0, length) or ""
    if find(text, "[^ \t\r\n]") then faults = body_faults(text, rule.body, faults, set) end
    text = nil
    if length > BIG then collectgarbage() end
  end
  if faults[1] then handle:respond({[":status"] = "400"}, refusal(faults, request_id)) end
end
