-- What all scenarios share; the scenario's script is the second argument.
-- wrk calls `request` when a connection is free, and `response` with what came back.
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

function init(args)
  math.randomseed(os.time())
  text = string.rep("x", tonumber(args[1]))
  dofile(args[2])
  if start then start() end
end

-- An id of a sealed message: 16 random bytes in base64url. The last character has 2 bits.
function sealed_id()
  local id = {}
  for i = 1, 21 do
    local at = math.random(#letters)
    id[i] = letters:sub(at, at)
  end
  return table.concat(id) .. "A"
end

function created_id(body) return body:match('"id"%s*:%s*"([^"]+)"') end

function json_request(method, path, body, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return wrk.format(method, path, headers, body)
end

-- One line that `bench/load.py` reads.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "max": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
