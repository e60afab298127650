#!lua
--[[
  Find out whether this server takes what is new, which only a write tells: what is there is written once more.
]]
local found = redis.call('GET', EPOCH)
if found then
  redis.call('SET', EPOCH, found)
end
return redis.status_reply('OK')
