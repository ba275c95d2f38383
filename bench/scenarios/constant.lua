-- The home page's JSON: the service without its store.
function request() return wrk.format("GET", "/") end
