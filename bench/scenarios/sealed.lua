-- Sealed messages with a passphrase: one request of two creates, the other one reads with both proofs.
local ids = {}
local proof = string.rep("A", 43)
-- SHA-256 of 32 zero bytes, in base64url.
local hash = "Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU"
local body, headers
function start()
  body = string.format('{"message": "%s", "proof_hash": "%s", "passphrase_hash": "%s"}', text, hash, hash)
  headers = { Authorization = "Bearer " .. proof .. "." .. proof }
end
function request()
  local id = table.remove(ids)
  if id then return wrk.format("GET", "/" .. id, headers) end
  return json_request("PUT", "/" .. sealed_id(), body)
end
function response(status, response_headers, response_body)
  local id = status == 201 and created_id(response_body)
  if id then ids[#ids + 1] = id end
end
