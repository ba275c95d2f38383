#!lua flags=allow-oom
-- Give a miss back to the budgets KEYS. ARGV has the microseconds in which each of them gets one. See `admit.lua`.
redis.set_repl(redis.REPL_NONE)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for number, budget in ipairs(KEYS) do
  local full_at = tonumber(redis.call('GET', budget) or 0) - tonumber(ARGV[number])
  if full_at > now then
    redis.call('SET', budget, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  else
    redis.call('DEL', budget)
  end
end
return 0
