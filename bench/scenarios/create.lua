-- Each request creates a message.
local create
function start() create = json_request("POST", "/", '{"message": "' .. text .. '"}') end
function request() return create end
