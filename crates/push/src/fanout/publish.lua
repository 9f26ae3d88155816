-- Publish, if nobody else leads; and lead.
-- KEYS: leader, stream. ARGV: who asks, how long it leads (ms), entries that are kept, how long
-- the stream is kept when nobody publishes (ms), entries.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
for n = 5, #ARGV do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 't', ARGV[n])
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
