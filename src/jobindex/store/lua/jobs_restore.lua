#!lua
--[[
  Write back what a replica still knows and Redis lost.

  ARGV  2... for each job: id  line  completed (ms)  text
  Answers how many were written.  What Redis has stays unless it is an older word of the same incarnation.
]]
enter_epoch()
local count = 0

local function newer(before, after)
  return not before or (before.node == after.node and before.incarnation == after.incarnation
    and older(before.clock, before.stamp, after.clock, after.stamp))
end

for i = 2, #ARGV, 4 do
  local id, after = ARGV[i], parsed(ARGV[i + 1])
  local before = owner(id)
  if newer(before, after) and not buried(id, after.incarnation) then
    write_job(id, before, after, ARGV[i + 3], '', ARGV[i + 2])
    count = count + 1
  end
end
return count
