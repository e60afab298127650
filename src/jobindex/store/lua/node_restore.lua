#!lua
--[[
  Write back the record of a node that a replica still knows and Redis lost.

  ARGV  2 node  3 its record as JSON  4 when it is due again, ms from now
  Answers 1 when written, 0 when Redis has a record of it.
]]
enter_epoch()
if redis.call('HSETNX', NODES, ARGV[2], ARGV[3]) == 0 then
  return 0
end
local record = cjson.decode(ARGV[3])
redis.call('ZADD', PREFIX .. 'due:late', ms(now() + ARGV[4]), ARGV[2])
if record.kind == 'sample' then
  redis.call('ZADD', PREFIX .. 'due:visit', 'NX', ms(now()), ARGV[2])
end
changed('node', ARGV[2], ARGV[2], record.state, '')
return 1
