--[[
  What every verb begins with: the fixed keys, Redis's clock, the epoch and the change log.

  KEYS  1 nodes  2 jobs  3 owners  4 finished  5 deleted  6 changes  7 epoch  8 version
        Every other key is made from the prefix they share, so it has the same hash tag.
  ARGV  1 a random word for a new epoch (Lua's own random is seeded alike on every server); it names this call, too

  An error's first word is the code word that the caller's adapter looks at.
]]
local NODES, JOBS, OWNERS, FINISHED, DELETED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local CHANGES, EPOCH, VERSION = KEYS[6], KEYS[7], KEYS[8]
local PREFIX = string.sub(NODES, 1, -6)
local LONGEST_LOG = 100000
local epoch

--  A script is one moment.
local moment
local function now()
  if not moment then
    local time = redis.call('TIME')
    moment = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return moment
end

local function ms(number)
  return string.format('%.0f', number)
end

--  The entry's id is the version that it makes, so a reader sees a gap at once.  Whoever made it knows it by the word.
local function changed(kind, id, node, state, progress)
  redis.call('XADD', CHANGES, 'MAXLEN', '~', LONGEST_LOG, redis.call('INCR', VERSION) .. '-0',
    'kind', kind, 'id', id, 'node', node, 'state', state, 'progress', progress, 'at', ms(now()), 'by', ARGV[1])
end

--  An emptied, restarted or failed-over Redis has no epoch, or another server's run id in it.
local function enter_epoch()
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'unknown'
  local found = redis.call('GET', EPOCH) or ''
  local word, server = string.match(found, '^(%S+) %d+ (%S+)$')
  if server == run and redis.call('EXISTS', VERSION) == 1 then
    epoch = word
    return
  end
  epoch = ARGV[1]
  redis.call('SET', EPOCH, epoch .. ' ' .. ms(now()) .. ' ' .. run)
  if redis.call('EXISTS', VERSION) == 0 then
    redis.call('DEL', CHANGES)
  end
  changed('epoch', epoch, '', '', '')
end

--  A node's record as `redis-cli` should show it: the same order each time, then what a newer version added.
local ORDER = {'name', 'url', 'version', 'kind', 'state', 'since', 'seen', 'incarnation', 'epoch', 'complete',
  'clock', 'offset', 'named_url', 'answers', 'cannot_read', 'past'}

local function write_node(id, record)
  local parts, rest, listed = {}, {}, {}
  local function add(name)
    parts[#parts + 1] = cjson.encode(name) .. ':' .. cjson.encode(record[name])
  end
  for _, name in ipairs(ORDER) do
    listed[name] = true
    if record[name] ~= nil then add(name) end
  end
  for name in pairs(record) do
    if not listed[name] then rest[#rest + 1] = name end
  end
  table.sort(rest)
  for _, name in ipairs(rest) do add(name) end
  redis.call('HSET', NODES, id, (string.gsub('{' .. table.concat(parts, ',') .. '}', '\\/', '/')))
end

local function node_record(id)
  local text = redis.call('HGET', NODES, id)
  return text and cjson.decode(text)
end

--  A report counts only from the incarnation that is registered.
local function registered(id, incarnation)
  local record = node_record(id)
  if not record or record.incarnation ~= incarnation then
    error({err = 'UNKNOWN_NODE this incarnation is not registered'})
  end
  return record
end

--  What a line of the owners hash says; nil where it is not such a line.  A newer version may tell more behind it,
--  in words of the form `name=value`.
local function parsed(line)
  local node, incarnation, clock, stamp, state, mark, rest =
    string.match(line, '^(%S+) (%S+) (%d+) (%S+) (%S+) (%S+)(.*)$')
  return node and {line = line, node = node, incarnation = incarnation, clock = tonumber(clock), stamp = stamp,
    state = state, mark = mark, rest = rest}
end

--  A line that somebody broke counts as none, so that the next word mends it.
local function owner(id)
  return parsed(redis.call('HGET', OWNERS, id) or '')
end

--  What a newer version told behind a line: whoever writes the line anew keeps it.
local function added(before)
  local words = ''
  for word in string.gmatch(before and before.rest or '', ' [^ =]+=%S*') do
    words = words .. word
  end
  return words
end

--  A tombstone that is over may still lie there.
local function lies(member)
  local ends = redis.call('ZSCORE', DELETED, member)
  return ends and tonumber(ends) > now()
end

--  Whether this incarnation's job was deleted a moment ago, or the job was purged.
local function buried(id, incarnation)
  return lies(id .. ' ' .. incarnation) or lies(id .. ' *')
end

local function drop_job(id, before)
  redis.call('HDEL', JOBS, id)
  redis.call('HDEL', OWNERS, id)
  redis.call('SREM', PREFIX .. 'state:' .. before.state, id)
  redis.call('SREM', PREFIX .. 'jobs:' .. before.node, id)
  redis.call('ZREM', FINISHED, id)
end

local function older(clock, stamp, other_clock, other_stamp)
  if clock ~= other_clock then
    return clock < other_clock
  end
  return stamp < other_stamp
end

local function final(state)
  return state == 'Success' or state == 'Failure'
end

--  The one place where a job's record and its sets are written, so that they always agree.
local function write_job(id, before, after, text, progress, completed)
  if before and before.state ~= after.state then
    redis.call('SREM', PREFIX .. 'state:' .. before.state, id)
  end
  if before and before.node ~= after.node then
    redis.call('SREM', PREFIX .. 'jobs:' .. before.node, id)
  end
  redis.call('SADD', PREFIX .. 'jobs:' .. after.node, id)
  if final(after.state) then
    redis.call('ZADD', FINISHED, completed, id)
  else
    redis.call('SADD', PREFIX .. 'state:' .. after.state, id)
    redis.call('ZREM', FINISHED, id)
  end
  redis.call('HSET', OWNERS, id, after.node .. ' ' .. after.incarnation .. ' ' .. after.clock .. ' '
    .. after.stamp .. ' ' .. after.state .. ' ' .. after.mark .. (after.rest or added(before)))
  redis.call('HSET', JOBS, id, text)
  changed('job', id, after.node, after.state, progress)
end

--  Whether two texts differ at most in the value of their first Timestamp.  Found by a plain search: a pattern would
--  look at each character of a long text for 10 ns.
local STAMP = '"Timestamp":"'
local function alike(text, other)
  local at, begins = string.find(text, STAMP, 1, true)
  local other_at, other_begins = string.find(other, STAMP, 1, true)
  if not at or at ~= other_at then
    return text == other
  end
  local ends, other_ends = string.find(text, '"', begins + 1, true), string.find(other, '"', other_begins + 1, true)
  return ends and other_ends and #text - ends == #other - other_ends
    and string.sub(text, 1, at) == string.sub(other, 1, at) and string.sub(text, ends) == string.sub(other, other_ends)
end
