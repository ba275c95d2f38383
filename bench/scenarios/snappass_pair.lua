-- The same for snappass: its page has the link, and a form sent to the link shows the secret.
local links = {}
function request()
  local link = table.remove(links)
  if link then return wrk.format("POST", link) end
  return wrk.format("POST", "/", { ["Content-Type"] = "application/x-www-form-urlencoded" },
    "ttl=Day&password=" .. text)
end
function response(status, headers, body)
  local link = body:match('https?://[^/"]+(/snappass[^"<%s]+)')
  if link then links[#links + 1] = link end
end
