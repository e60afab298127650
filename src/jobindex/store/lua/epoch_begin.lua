--[[
  See to it that there is an epoch; every verb does, this one does nothing else.
]]
enter_epoch()
return epoch
