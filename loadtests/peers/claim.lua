-- One claim, whole or not at all. Every peer on Redis runs this same script.
-- KEYS: sale, counts per user, claims, idempotency key · ARGV: user, quantity, new claim id, key kept seconds
local quantity = tonumber(ARGV[2])
local known = redis.call('GET', KEYS[4])
if known then
  local claim_id, asked = string.match(known, '^(%S+) (%d+)$')
  if tonumber(asked) ~= quantity then return {'idempotency_key_reused'} end
  local position, expires = string.match(redis.call('HGET', KEYS[3], claim_id), '^%S+ %d+ (%d+) (%d+)$')
  return {'held', claim_id, tonumber(position), tonumber(expires)}
end
local sale = redis.call('HMGET', KEYS[1], 'left', 'per_user_limit', 'hold_ms', 'stopped')
if not sale[1] then return {'flash_sale_not_found'} end
if sale[4] then return {'ended'} end
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0') + quantity > tonumber(sale[2]) then
  return {'limit_reached'}
end
if tonumber(sale[1]) < quantity then return {'sold_out'} end
local time = redis.call('TIME')
local expires = time[1] * 1000 + math.floor(time[2] / 1000) + sale[3]
redis.call('HINCRBY', KEYS[1], 'left', -quantity)
local position = redis.call('HINCRBY', KEYS[1], 'sequence', 1)
redis.call('HINCRBY', KEYS[2], ARGV[1], quantity)
redis.call('HSET', KEYS[3], ARGV[3], string.format('%s %d %d %.0f', ARGV[1], quantity, position, expires))
redis.call('SET', KEYS[4], ARGV[3] .. ' ' .. quantity, 'EX', ARGV[4])
return {'held', ARGV[3], position, expires}
