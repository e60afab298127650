--[[
  See to it that there is an epoch, as every verb does, and that this server takes writes: that is found out only by
  writing, so what is there is written once more.
]]
enter_epoch()
redis.call('SET', EPOCH, redis.call('GET', EPOCH))
return epoch
