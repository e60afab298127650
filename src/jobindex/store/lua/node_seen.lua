#!lua
--[[
  Note that a node has reported.

  ARGV  2 node  3 incarnation  4 how long its heartbeat counts, ms  5 '1' when the report was complete
        6 how far its stamps are from this clock, ms  7 how often its clock has jumped
        8 why its plugin can't read its Orthanc ('' where it can, or does not say); a complete report ends that
  Answers 1 when this is its first report of the epoch, so that it is asked for everything.
]]
enter_epoch()
local id, incarnation = ARGV[2], ARGV[3]
local record = registered(id, incarnation)
local first = record.epoch ~= epoch
local clock = tonumber(ARGV[7])
local news = record.state ~= 'Alive' or clock ~= record.clock or (ARGV[5] == '1' and record.complete ~= epoch)

local cannot_read = ARGV[8] or ''
if cannot_read == '' and ARGV[5] ~= '1' then
  cannot_read = record.cannot_read or ''
end
news = news or cannot_read ~= (record.cannot_read or '')
record.cannot_read = cannot_read ~= '' and cannot_read or nil
record.epoch = epoch
if ARGV[5] == '1' then
  record.complete = epoch
end
record.offset, record.clock, record.seen = tonumber(ARGV[6]), clock, now()
if record.state ~= 'Alive' then
  record.state, record.since, record.answers = 'Alive', record.seen, nil
end
write_node(id, record)
redis.call('SET', PREFIX .. 'beat:' .. id, incarnation, 'PX', ARGV[4])
redis.call('ZADD', PREFIX .. 'due:late', ms(record.seen + ARGV[4]), id)
if news then
  changed('node', id, id, 'Alive', '')
end
return first and 1 or 0
