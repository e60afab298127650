#!lua
--[[
  Note the jobs that a complete report of their node lacks.

  ARGV  2 node  3 incarnation  4 clock  5 taken  then ids
  Answers for each job whose end can't be known any more: its id, its line; the caller concludes.

  A finished job becomes history.  An unfinished one is lost when the incarnation that had it is
  over, or when two complete reports lack it; what is newer than `taken` is not judged.  Behind the mark
  of what was missed stands the `taken` of that report, so that the same report told twice is one.
]]
enter_epoch()
local node, incarnation, clock, taken = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
registered(node, incarnation)
local lost = {}

local function mark(id, before, word)
  redis.call('HSET', OWNERS, id, before.node .. ' ' .. before.incarnation .. ' ' .. before.clock .. ' '
    .. before.stamp .. ' ' .. before.state .. ' ' .. word .. added(before))
  changed('job', id, before.node, before.state, '')
end

local function miss(id)
  local before = owner(id)
  if not before or before.node ~= node or (before.mark ~= 'held' and before.mark ~= 'missed') then
    return
  end
  local same = before.incarnation == incarnation
  if same and not older(before.clock, before.stamp, clock, taken) then
    return
  end
  if final(before.state) then
    mark(id, before, 'history')
  elseif same and before.mark == 'held' then
    mark(id, before, 'missed ' .. taken)
  elseif not same or string.match(before.rest, '^ (%S+)') ~= taken then
    lost[#lost + 1] = id
    lost[#lost + 1] = before.line
  end
end

for i = 6, #ARGV do
  miss(ARGV[i])
end
return lost
