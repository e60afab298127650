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
redis.call('ZADD', PREFIX .. 'due:late', ms(now() + ARGV[4]), ARGV[2])
changed('node', ARGV[2], ARGV[2], cjson.decode(ARGV[3]).state, '')
return 1
