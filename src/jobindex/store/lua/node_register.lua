#!lua
--[[
  Write the record of a node that introduces itself.

  ARGV  2 node  3 its record as JSON  4 how long a heartbeat counts, ms
  Refuses NODE_CONFLICT when another living incarnation has the id, or this incarnation was replaced already.

  A new incarnation at the same address is a restart in place and is taken at once: one address can't
  be listened on twice.  From another address it has to wait until the old heartbeat has run out.
]]
enter_epoch()
local id, given = ARGV[2], cjson.decode(ARGV[3])
local beat = PREFIX .. 'beat:' .. id
local record = node_record(id) or {past = ''}
local fresh = record.incarnation ~= given.incarnation

if fresh and string.find(' ' .. record.past .. ' ', ' ' .. given.incarnation .. ' ', 1, true) then
  error({err = 'NODE_CONFLICT a newer incarnation has replaced this one'})
end
if fresh and record.incarnation and record.url ~= given.url and redis.call('EXISTS', beat) == 1 then
  error({err = 'NODE_CONFLICT another living incarnation has this node id'})
end

if fresh then
  record.past = string.match(((record.incarnation or '') .. ' ' .. record.past), '^%s*(.-)%s*$')
  record.past = string.sub(record.past, 1, 264)
  record.epoch, record.complete, record.clock, record.offset, record.cannot_read = '', '', 0, 0, nil
end
for name, value in pairs(given) do
  record[name] = value
end
if record.state ~= 'Alive' or fresh then
  record.since = now()
end
record.state, record.seen, record.answers = 'Alive', now(), nil
write_node(id, record)
redis.call('SET', beat, given.incarnation, 'PX', ARGV[4])
redis.call('ZADD', PREFIX .. 'due:late', ms(now() + ARGV[4]), id)
changed('node', id, id, 'Alive', '')
return redis.status_reply('OK')
