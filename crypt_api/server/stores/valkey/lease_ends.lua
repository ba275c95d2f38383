#!lua flags=allow-oom
-- Remember in the sorted set KEYS[1] that a lease of ARGV[2] ends at ARGV[1]. Reading goes on on a full engine.
return redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
