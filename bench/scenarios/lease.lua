-- A reader that can repeat: create, read with an idempotency key, acknowledge with it.
local created, leased = {}, {}
local headers = { ["Idempotency-Key"] = "a-key-of-the-reader" }
local create
function start() create = json_request("POST", "/", '{"message": "' .. text .. '"}') end
function request()
  local id = table.remove(leased)
  if id then return wrk.format("DELETE", "/" .. id, headers) end
  id = table.remove(created)
  if not id then return create end
  leased[#leased + 1] = id -- if the acknowledgement overtakes the read, it is refused, and costs as much
  return wrk.format("GET", "/" .. id, headers)
end
function response(status, response_headers, body)
  local id = created_id(body)
  if id then created[#created + 1] = id end
end
