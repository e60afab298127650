#!lua flags=allow-oom
--[[
  Write a new state of a node, or what a probe has shown of it, once.

  ARGV  2 node  3 incarnation  4 the state  5 its next deadline, ms from now ('' to leave it to who has claimed it)
        6 '1': only if its heartbeat has run out (a goodbye counts at once)
        7 whether it answers: '1', '0', or '' where that is not known
  Answers 1 when written, 0 when it is so already or has reported since.
]]
enter_epoch()
local id, incarnation, state, due = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local beat = PREFIX .. 'beat:' .. id
local record = registered(id, incarnation)
local answers
if ARGV[7] == '1' or ARGV[7] == '0' then
  answers = ARGV[7] == '1'
end
if (record.state == state and record.answers == answers) or (ARGV[6] == '1' and redis.call('EXISTS', beat) == 1) then
  return 0
end
if record.state ~= state then
  record.state, record.since = state, now()
end
record.answers = answers
write_node(id, record)
if due ~= '' then
  redis.call('ZADD', PREFIX .. 'due:late', ms(now() + due), id)
end
if state ~= 'Alive' then
  redis.call('DEL', beat)
end
changed('node', id, id, state, '')
return 1
