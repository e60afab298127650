--[[
  Write a new state of a node, once.

  ARGV  2 node  3 incarnation  4 the state  5 its next deadline, ms from now
        6 '1': only if its heartbeat has run out (a goodbye counts at once)
  Answers 1 when written, 0 when it is in that state already or has reported since.
]]
enter_epoch()
local id, incarnation, state = ARGV[2], ARGV[3], ARGV[4]
local beat = PREFIX .. 'beat:' .. id
local record = registered(id, incarnation)
if record.state == state or (ARGV[6] == '1' and redis.call('EXISTS', beat) == 1) then
  return 0
end
record.state, record.since = state, now()
write_node(id, record)
redis.call('ZADD', PREFIX .. 'due:late', ms(now() + ARGV[5]), id)
if state ~= 'Alive' then
  redis.call('DEL', beat)
end
changed('node', id, id, state, '')
return 1
