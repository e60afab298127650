#!lua flags=allow-oom
--[[
  Say when something is due next.

  ARGV  2 chore  3 member  4 when, ms from now ('' to strike it off)
        5 the claim's token ('' where there is no claim: then only a member not yet listed is put)
  Answers the new deadline, with which a claim goes on (1 where it was struck off), or 0 when somebody else has
  claimed it since.
]]
local due = PREFIX .. 'due:' .. ARGV[2]
local score = redis.call('ZSCORE', due, ARGV[3])
if (ARGV[5] == '' and score) or (ARGV[5] ~= '' and (not score or ms(score) ~= ARGV[5])) then
  return 0
end
if ARGV[4] == '' then
  redis.call('ZREM', due, ARGV[3])
  return 1
end
local deadline = ms(now() + ARGV[4])
redis.call('ZADD', due, deadline, ARGV[3])
return deadline
