#!lua
--[[
  Whether a password that no Orthanc is known to have taken may be put to one now: the shared half of the throttling.

  ARGV  2 guess  3 user at an address  4 address: digests  5 guesses a minute  6 the time, ms; 0 for Redis's own
  Answers -1 where the guess was taken before, 0 where it may be asked (and is noted), else the ms to wait.

  A guess is noted before it is asked, and taken back when it was none, so that many at once are not too many.  One more
  than the limit is for who comes again: a person does with the same password, a guesser brings another.
]]
local WINDOW, PATIENCE, REMEMBERED, OF_AN_ADDRESS, REPEATS = 60000, 5000, 30000, 20, 5
local guess, most = ARGV[2], tonumber(ARGV[5])
local time = tonumber(ARGV[6]) > 0 and tonumber(ARGV[6]) or now()

if redis.call('EXISTS', PREFIX .. 'accepted:' .. guess) == 1 then
  return -1
end

--  What was noted in the window, oldest first, and when each guess was noted last.
local function noted(part)
  local entries, last = {}, {}
  for who, at in string.gmatch(redis.call('GET', PREFIX .. 'login:' .. part) or '', '(%S+)@(%d+)') do
    if tonumber(at) > time - WINDOW then
      entries[#entries + 1] = who .. '@' .. at
      last[who] = tonumber(at)
    end
  end
  return entries, last
end

local function note(part, entries)
  entries[#entries + 1] = guess .. '@' .. ms(time)
  redis.call('SET', PREFIX .. 'login:' .. part, table.concat(entries, ' '), 'PX', WINDOW)
end

--  The ms until there is room for another guess.
local function wait_for(last, limit)
  local times = {}
  for _, at in pairs(last) do
    times[#times + 1] = at
  end
  table.sort(times)
  return #times < limit and 0 or times[#times - limit + 1] + WINDOW - time
end

local of_user, last_of_user = noted(ARGV[3])
if last_of_user[guess] then
  local times = {}
  for _, entry in ipairs(of_user) do
    local who, at = string.match(entry, '^(%S+)@(%d+)$')
    if who == guess then times[#times + 1] = tonumber(at) end
  end
  local allowed = math.max(most, REPEATS)
  if #times >= allowed then
    return times[#times - allowed + 1] + WINDOW - time
  end
  note(ARGV[3], of_user)
  return 0
end

local of_address, last_of_address = noted(ARGV[4])
local function wait(extra)
  return math.max(wait_for(last_of_user, most + extra), wait_for(last_of_address, OF_AN_ADDRESS * most * (1 + extra)))
end
local waiting = PREFIX .. 'login:' .. guess
local since = tonumber(redis.call('GET', waiting) or time)
if since <= time - REMEMBERED then
  since = time
end
local left = since + PATIENCE - time
if wait(left > 0 and 0 or 1) <= 0 then
  note(ARGV[3], of_user)
  note(ARGV[4], of_address)
  redis.call('DEL', waiting)
  return 0
end
redis.call('SET', waiting, ms(since), 'PX', REMEMBERED)
return left > 0 and math.min(wait(0), math.max(wait(1), left)) or wait(1)
