#!lua flags=allow-oom
-- Count a request in the logs of a client and of its network, if each has room for it; then take a miss of each of the
-- budgets, if there are any and each has one.
-- KEYS are the logs, and then as many budgets, or none. ARGV has the number of logs, the window in microseconds, the
-- limit of each log, and the microseconds in which each budget gets one miss.
-- Returns whether it was admitted; for each log its length, and the microseconds until its oldest time is out; and at
-- the end, if there are budgets, the microseconds until the client has a miss: 0 if one was taken.
-- A log is as long as its limit at most, and is gone a window after its last request. A budget is the time at which it
-- is full again, and is gone then. Nothing is replicated, or written to the append-only file: after a failover,
-- counting begins anew.
redis.set_repl(redis.REPL_NONE)
local HOUR = 3600 * 1000000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local logs, window = tonumber(ARGV[1]), tonumber(ARGV[2])

local admitted = 1
for number = 1, logs do
  local log = KEYS[number]
  local oldest = redis.call('LINDEX', log, 0)
  while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', log)
    oldest = redis.call('LINDEX', log, 0)
  end
  if redis.call('LLEN', log) >= tonumber(ARGV[2 + number]) then
    admitted = 0
  end
end

local reply = {admitted}
for number = 1, logs do
  local log = KEYS[number]
  if admitted == 1 then
    redis.call('RPUSH', log, string.format('%.0f', now))
    redis.call('PEXPIRE', log, math.ceil(window / 1000))
  end
  local oldest = redis.call('LINDEX', log, 0)
  table.insert(reply, redis.call('LLEN', log))
  table.insert(reply, oldest and tonumber(oldest) + window - now or 0)
end

if #KEYS > logs then
  local wait, full_at = 0, {}
  for number = logs + 1, #KEYS do
    local was_full_at = math.max(tonumber(redis.call('GET', KEYS[number]) or 0), now)
    full_at[number] = was_full_at + tonumber(ARGV[2 + number])
    wait = math.max(wait, full_at[number] - now - HOUR)
  end
  if admitted == 1 and wait < 1 then
    wait = 0
    for number = logs + 1, #KEYS do
      local life = math.ceil((full_at[number] - now) / 1000)
      redis.call('SET', KEYS[number], string.format('%.0f', full_at[number]), 'PX', life)
    end
  end
  table.insert(reply, math.ceil(wait))
end
return reply
