#!lua
--[[
  Take in what a node says of some of its jobs.

  ARGV  2 node  3 incarnation  then for each job:
        id  clock  stamp  state  mark  progress  completed (ms)  text  what its line says of the text
  Answers the ids that were refused: another node that is alive owns them.

  A word is passed over when the index has a newer one of the same incarnation, when only its
  Timestamp differs, or when this incarnation's job was deleted a moment ago.
]]
enter_epoch()
local node, incarnation = ARGV[2], ARGV[3]
registered(node, incarnation)
local refused = {}

local function elsewhere(before)
  if before.node == node or before.mark == 'lost' then
    return false
  end
  local record = node_record(before.node)
  return record and record.state == 'Alive'
end

--  What is said of this text takes the place of what was said of the one before; the rest is a newer version's.
local function rest(before, words)
  local others = string.gsub(string.gsub(added(before), ' cut=%S*', ''), ' kept=%S*', '')
  if string.find(words, 'outputs=', 1, true) then
    others = string.gsub(others, ' outputs=%S*', '')
  end
  return (words == '' and '' or ' ' .. words) .. others
end

local function take(id, after, progress, completed, text)
  if buried(id, incarnation) then
    return
  end
  local before = owner(id)
  if before and elsewhere(before) then
    refused[#refused + 1] = id
    return
  end
  after.rest = rest(before, after.words)
  if before and before.node == node and before.incarnation == incarnation then
    if not older(before.clock, before.stamp, after.clock, after.stamp) then
      return
    end
    if before.mark == after.mark and before.rest == after.rest and alike(redis.call('HGET', JOBS, id) or '', text) then
      return
    end
  end
  write_job(id, before, after, text, progress, completed)
end

for i = 4, #ARGV, 9 do
  take(ARGV[i], {node = node, incarnation = incarnation, clock = tonumber(ARGV[i + 1]), stamp = ARGV[i + 2],
    state = ARGV[i + 3], mark = ARGV[i + 4], words = ARGV[i + 8]}, ARGV[i + 5], ARGV[i + 6], ARGV[i + 7])
end
return refused
