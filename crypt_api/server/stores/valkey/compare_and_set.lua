#!lua flags=allow-oom
-- Write KEYS[1] if it has the value ARGV[1] (empty: if it has none); the rest of ARGV is what SET takes.
-- Allowed on a full engine: reading and destroying must go on there. A new message is not written by this script.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return false
end
return redis.call('SET', KEYS[1], unpack(ARGV, 2))
