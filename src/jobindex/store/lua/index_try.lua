#!lua
--[[
  Find out whether this server takes what is new, which only a write tells: what is there is written once more.
]]
redis.call('SET', EPOCH, redis.call('GET', EPOCH) or '')
return redis.status_reply('OK')
