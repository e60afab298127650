#!lua flags=allow-oom
--[[
  Drop jobs from the index for good: nobody brings them back, neither their Orthanc nor a replica.

  ARGV  2 for how long, ms  then ids
  Answers how many there were; one that there was not is kept away all the same.
]]
enter_epoch()
local count = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local before = owner(id)
  local is_new = redis.call('ZADD', DELETED, ms(now() + ARGV[2]), id .. ' *') == 1
  if before then
    drop_job(id, before)
    count = count + 1
  end
  if before or is_new then
    changed('gone', id, before and before.node or '', 'Purged', '')
  end
end
return count
