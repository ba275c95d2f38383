-- Each request asks for an id that no message has.
function request() return wrk.format("GET", string.format("/%05d", math.random(0, 99999))) end
