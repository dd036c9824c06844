-- One cart op, whole or not at all, once. Both peers run this same script; the server has appendfsync always.
-- KEYS: seq, cart, log, op · ARGV: op (add | remove), line, event without seq, channel to publish on ('' for none)
local known = redis.call('GET', KEYS[4])
if known then return tonumber(known) end
local seq = redis.call('INCR', KEYS[1])
if ARGV[1] == 'add' then
  redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
else
  redis.call('HDEL', KEYS[2], ARGV[2])
end
local event = '{"seq":' .. seq .. ',' .. ARGV[3]
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 128, seq .. '-0', 'event', event)
redis.call('SET', KEYS[4], seq, 'EX', 86400)
-- Subscribers get it behind the same flush to disk that the caller's answer waits for.
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], event) end
return seq
