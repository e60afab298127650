#!lua
--[[
  An attempt to log in that was no failure: it counts no more.

  ARGV  2 guess  3 user at an address  4 address: digests  5 how long the guess counts as taken, ms; 0 where it was not
]]
for _, part in ipairs({ARGV[3], ARGV[4]}) do
  local name, words = PREFIX .. 'login:' .. part, {}
  for word in string.gmatch(redis.call('GET', name) or '', '%S+') do
    if string.match(word, '^(%S+)@') ~= ARGV[2] then
      words[#words + 1] = word
    end
  end
  local left = redis.call('PTTL', name)
  if #words == 0 then
    redis.call('DEL', name)
  elseif left > 0 then
    redis.call('SET', name, table.concat(words, ' '), 'PX', left)
  end
end
if tonumber(ARGV[5]) > 0 then
  redis.call('SET', PREFIX .. 'accepted:' .. ARGV[2], '', 'PX', ARGV[5])
end
