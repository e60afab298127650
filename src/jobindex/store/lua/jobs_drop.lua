#!lua flags=allow-oom
--[[
  Drop jobs from the index.

  ARGV  2 how long a tombstone keeps them from coming back, ms (0: none)
        then for each job: id  the line that it must have ('' for any)
  Answers how many were dropped.
]]
enter_epoch()
local keep, count = tonumber(ARGV[2]), 0
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local before = owner(id)
  if before and (ARGV[i + 1] == '' or ARGV[i + 1] == before.line) then
    drop_job(id, before)
    if keep > 0 then
      redis.call('ZADD', DELETED, ms(now() + keep), id .. ' ' .. before.incarnation)
    end
    changed('gone', id, before.node, '', '')
    count = count + 1
  end
end
return count
