-- Each message that was created is read: one request of two creates, the other one reads.
local create
local ids = {}
function start() create = json_request("POST", "/", '{"message": "' .. text .. '"}') end
function request()
  local id = table.remove(ids)
  return id and wrk.format("GET", "/" .. id) or create
end
function response(status, headers, body)
  local id = created_id(body)
  if id then ids[#ids + 1] = id end
end
