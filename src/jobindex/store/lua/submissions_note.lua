#!lua
--[[
  Note submissions that began or have ended, and for how long lists have to ask the nodes first.

  ARGV  2 how many are kept at most   3 how long one counts that has begun, ms   4 one that has ended, ms
        then for each: id  began|ended|denied

  One that was denied counts no more at once.
  An end is kept for a minute beyond its time, so that a beginning which comes late doesn't come after it.
]]
local UNDER_WAY, FLAG = PREFIX .. 'submissions', PREFIX .. 'submitting'
local MEMORY = 60000
local most, begun, ended = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function has_room()
  if redis.call('ZCARD', UNDER_WAY) < most then
    return true
  end
  redis.call('ZREMRANGEBYSCORE', UNDER_WAY, '-inf', ms(now()))
  return redis.call('ZCARD', UNDER_WAY) < most
end

redis.call('ZREMRANGEBYSCORE', UNDER_WAY, '-inf', ms(now() - MEMORY))
local counts = {ended = ended, denied = 0}
for i = 5, #ARGV, 2 do
  local more = counts[ARGV[i + 1]]
  if more and (redis.call('ZSCORE', UNDER_WAY, ARGV[i]) or has_room()) then
    redis.call('ZADD', UNDER_WAY, ms(now() + more), ARGV[i])
  elseif not more and has_room() then
    redis.call('ZADD', UNDER_WAY, 'NX', ms(now() + begun), ARGV[i])
  end
end
local last = tonumber(redis.call('ZRANGE', UNDER_WAY, -1, -1, 'WITHSCORES')[2] or 0)
if last > now() then
  redis.call('SET', FLAG, '1', 'PX', ms(last - now()))
  redis.call('PEXPIRE', UNDER_WAY, ms(last - now() + MEMORY))
else
  redis.call('DEL', FLAG)
  redis.call('PEXPIRE', UNDER_WAY, MEMORY)
end
