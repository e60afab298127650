#!lua flags=allow-oom
--[[
  Claim what is due: put it off by the lease, so that no one else finds it due.

  ARGV  2 chore  3 how many  4 lease, ms
  Answers the new deadline, then the claimed members.  The deadline is the claim's token:
  a later claim of the same member always has a later one.
]]
local due = PREFIX .. 'due:' .. ARGV[2]
local time = now()
local deadline = ms(time + ARGV[4])
local claimed = redis.call('ZRANGE', due, '-inf', ms(time), 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, member in ipairs(claimed) do
  redis.call('ZADD', due, deadline, member)
end
table.insert(claimed, 1, deadline)
return claimed
