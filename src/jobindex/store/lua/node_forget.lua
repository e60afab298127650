#!lua flags=allow-oom
--[[
  Remove the record of a node that is away and has no job left.

  ARGV  2 node  3 '1': also where its jobs are left, as history without a node
  Answers 1 when removed, 0 when it is alive, has jobs, or is not known.
]]
enter_epoch()
local id = ARGV[2]
local record = node_record(id)
local away = record and (record.state == 'Gone' or record.state == 'Stopped')
if not away or (ARGV[3] ~= '1' and redis.call('EXISTS', PREFIX .. 'jobs:' .. id) == 1) then
  return 0
end
redis.call('HDEL', NODES, id)
redis.call('DEL', PREFIX .. 'beat:' .. id, PREFIX .. 'token:' .. id)
redis.call('ZREM', PREFIX .. 'due:late', id)
redis.call('ZREM', PREFIX .. 'due:visit', id)
changed('node', id, id, '', '')
return 1
