-- Take ARGV[3] units, each of which comes back in ARGV[1] µs, from the bucket KEYS[1], which is full
-- again after at most ARGV[2] µs. Gives whether they were there, and in how many µs it is full now.
-- The same rule as `charge` in bucket.rs, by Redis's clock. Numbers of this size (2^53 µs are 285
-- years) are exact here.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, depth, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local missing = (tonumber(redis.call('GET', KEYS[1]) or '0') or 0) - now
local known = missing <= depth
if missing < 0 then missing = 0 end
if not known then missing = depth end
local after = missing + interval * cost
local allowed = after <= depth
if not allowed then after = missing end
if after > 0 and (allowed or not known) then
  redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX',
             string.format('%.0f', math.ceil(after / 1000) + 1))
end
return {allowed and 1 or 0, after}
