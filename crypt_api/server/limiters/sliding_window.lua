#!lua flags=allow-oom
-- Count a request in the logs KEYS (of a client, and of its network), if each has room for it.
-- ARGV[1] is the window in microseconds, ARGV[2] and ARGV[3] are the limits of the logs.
-- Returns whether it was admitted, and for each log its length and the microseconds until its oldest time is out.
-- A log is as long as its limit at most, and is gone a window after its last request. It is not replicated, and is not
-- in the append-only file: after a failover, counting begins anew.
redis.set_repl(redis.REPL_NONE)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = tonumber(ARGV[1])

local admitted = 1
for number, log in ipairs(KEYS) do
  local oldest = redis.call('LINDEX', log, 0)
  while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', log)
    oldest = redis.call('LINDEX', log, 0)
  end
  if redis.call('LLEN', log) >= tonumber(ARGV[number + 1]) then
    admitted = 0
  end
end

local reply = {admitted}
for _, log in ipairs(KEYS) do
  if admitted == 1 then
    redis.call('RPUSH', log, string.format('%.0f', now))
    redis.call('PEXPIRE', log, math.ceil(window / 1000))
  end
  local oldest = redis.call('LINDEX', log, 0)
  table.insert(reply, redis.call('LLEN', log))
  table.insert(reply, oldest and tonumber(oldest) + window - now or 0)
end
return reply
