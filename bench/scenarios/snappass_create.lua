-- The same for snappass, whose interface is a form.
function request()
  return wrk.format("POST", "/", { ["Content-Type"] = "application/x-www-form-urlencoded" },
    "ttl=Day&password=" .. text)
end
