#!lua
--[[
  Write the conclusion that jobs are lost.

  ARGV  2 when (ms)  then for each job: id  the line it was concluded from  text
  Answers how many were written; a job of which there is newer word since is left alone.
]]
enter_epoch()
local count = 0
for i = 3, #ARGV, 3 do
  local id, line, text = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local before = owner(id)
  if before and before.line == line then
    write_job(id, before, {node = before.node, incarnation = before.incarnation, clock = before.clock,
      stamp = before.stamp, state = 'Failure', mark = 'lost'}, text, '', ARGV[2])
    count = count + 1
  end
end
return count
