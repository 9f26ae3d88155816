-- Lead no longer, and say so.
-- KEYS: leader, stream. ARGV: who asks, the last entry.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[2], '*', 't', ARGV[2])
return 1
