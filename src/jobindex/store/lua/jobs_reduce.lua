#!lua flags=allow-oom
--[[
  Keep less of the text of jobs, and change nothing else of them but that their lines say how much: another text has
  another line, by which replicas know whether they have it.

  ARGV  2... for each job: id  the line that it must have  text
  Answers how many were written; a job of which there is newer word since is left alone.
]]
enter_epoch()
local count = 0
for i = 2, #ARGV, 3 do
  local id = ARGV[i]
  local before = owner(id)
  if before and before.line == ARGV[i + 1] then
    redis.call('HSET', JOBS, id, ARGV[i + 2])
    redis.call('HSET', OWNERS, id, string.gsub(before.line, ' less=%S*', '') .. ' less=' .. #ARGV[i + 2])
    changed('job', id, before.node, before.state, '')
    count = count + 1
  end
end
return count
