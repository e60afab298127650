--[[
  See to it that there is an epoch, as every verb does, and that this server takes writes: that is found out only by
  writing, so what is there is written once more.

  A version before this one kept sets of finished jobs too; nobody keeps them up any more.
]]
enter_epoch()
redis.call('UNLINK', PREFIX .. 'state:Success', PREFIX .. 'state:Failure')
redis.call('SET', EPOCH, redis.call('GET', EPOCH))
return epoch
