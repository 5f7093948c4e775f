/**
 * What Redis does in one step each, in Lua. All keys have one hash tag, so that a cluster keeps them in one place.
 *
 * Keys below the prefix: `a:<key>` an answer: the length of its head in 4 bytes, big end first, the head (JSON: the
 * `names` it is purged by, the fingerprint of its question), and what only the gateway reads · `i:<name>` a set of the
 * keys of answers · `all` a sorted set of all of them by their end · `q:<fingerprint>` a hash of questions by key ·
 * `z:<fingerprint>` a sorted set of the same by a number that only grows · `purged` how far in the list of purges.
 *
 * Answers end by themselves, or are evicted: sets may name what is gone. Each put looks at a few members of the sets it
 * touches, and so takes out more than it brings.
 */
const COMMON = `
local P = KEYS[1]
local function head(key)
  local size = redis.call('GETRANGE', P .. 'a:' .. key, 0, 3)
  if #size < 4 then return nil end
  local last = 3 + struct.unpack('>I4', size)
  return cjson.decode(redis.call('GETRANGE', P .. 'a:' .. key, 4, last))
end
local function forget(fingerprint, key)
  redis.call('HDEL', P .. 'q:' .. fingerprint, key)
  redis.call('ZREM', P .. 'z:' .. fingerprint, key)
end
local function unlist(key, known)
  redis.call('ZREM', P .. 'all', key)
  if not known then return end
  for _, name in ipairs(known.names) do redis.call('SREM', P .. 'i:' .. name, key) end
  if known.fingerprint then forget(known.fingerprint, key) end
end
local function remove(key, known)
  redis.call('UNLINK', P .. 'a:' .. key)
  unlist(key, known)
end
local function isThere(key) return redis.call('EXISTS', P .. 'a:' .. key) == 1 end
local function micros()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
`

/** ARGV: key, value, milliseconds it is kept (none: only the old one goes), names as JSON, fingerprint, question. */
const put = `${COMMON}
local key, value, ttl, names = ARGV[1], ARGV[2], tonumber(ARGV[3]), cjson.decode(ARGV[4])
local fingerprint, question = ARGV[5], ARGV[6]
local known = head(key)
if ttl <= 0 then return remove(key, known) end
-- The first that is written: a server that is full refuses that alone.
redis.call('SET', P .. 'a:' .. key, value, 'PX', ttl)
unlist(key, known)
local function keep(name)
  if redis.call('PTTL', name) < ttl then redis.call('PEXPIRE', name, ttl) end
end
local now = math.floor(micros() / 1000)
for _, name in ipairs(names) do
  local set = P .. 'i:' .. name
  for _, member in ipairs(redis.call('SRANDMEMBER', set, 2)) do
    if not isThere(member) then redis.call('SREM', set, member) end
  end
  redis.call('SADD', set, key)
  keep(set)
end
local all = P .. 'all'
for _, member in ipairs(redis.call('ZRANGEBYSCORE', all, '-inf', now, 'LIMIT', 0, 20)) do redis.call('ZREM', all, member) end
for _, member in ipairs(redis.call('ZRANDMEMBER', all, 2)) do
  if not isThere(member) then redis.call('ZREM', all, member) end
end
redis.call('ZADD', all, string.format('%.0f', now + ttl), key)
keep(all)
if fingerprint == '' then return end
local q, z = P .. 'q:' .. fingerprint, P .. 'z:' .. fingerprint
for _, member in ipairs(redis.call('ZRANDMEMBER', z, 2)) do
  if not isThere(member) then forget(fingerprint, member) end
end
local newest = tonumber(redis.call('ZREVRANGE', z, 0, 0, 'WITHSCORES')[2]) or 0
redis.call('ZADD', z, string.format('%.0f', math.max(newest + 1, micros())), key)
redis.call('HSET', q, key, question)
while redis.call('ZCARD', z) > tonumber(ARGV[7]) do forget(fingerprint, redis.call('ZRANGE', z, 0, 0)[1]) end
keep(q)
keep(z)
`

/** ARGV: fingerprint, the number that is known, limit. The largest number there is; number, key, question of newer ones. */
const questions = `${COMMON}
local z = P .. 'z:' .. ARGV[1]
local found = redis.call('ZRANGEBYSCORE', z, '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[3]))
local answer = { redis.call('ZREVRANGE', z, 0, 0, 'WITHSCORES')[2] or '0' }
for at = 1, #found, 2 do
  answer[#answer + 1] = found[at + 1]
  answer[#answer + 1] = found[at]
  answer[#answer + 1] = redis.call('HGET', P .. 'q:' .. ARGV[1], found[at]) or ''
end
return answer
`

/** ARGV: fingerprint, keys. 1 for each question that is there with its answer; what has none is forgotten. */
const alive = `${COMMON}
local answer = {}
for at = 2, #ARGV do
  local there = isThere(ARGV[at])
  if not there then forget(ARGV[1], ARGV[at]) end
  answer[at - 1] = there and redis.call('HEXISTS', P .. 'q:' .. ARGV[1], ARGV[at]) or 0
end
return answer
`

/**
 * Purges among some of the answers. ARGV: what is gone through (`key`; `set`: those of a name; `scan`: all that the
 * server has), its name, cursor, about how many; JSON of the names that an answer must have all of, and of lists of
 * which it must have one each. The next cursor and how many went.
 *
 * Going through everything also takes out questions without an answer: nobody could say whose they are.
 */
const purge = `${COMMON}
local from, name, cursor, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local all, any = cjson.decode(ARGV[5]), cjson.decode(ARGV[6])
local one
if #any > 0 then
  one = {}
  for _, each in ipairs(any) do one[each] = true end
end
local function fits(known)
  local has, hasOne = {}, not one
  for _, each in ipairs(known.purgedBy) do
    has[each] = true
    if one and one[each] then hasOne = true end
  end
  for _, each in ipairs(all) do
    if not has[each] then return false end
  end
  return hasOne
end
local gone = 0
local function judge(key)
  local known = head(key)
  if known and fits(known) then
    remove(key, known)
    gone = gone + 1
  end
  return known
end
if from == 'key' then
  judge(name)
  return { '0', gone }
end
if from == 'set' then
  local page = redis.call('SSCAN', P .. 'i:' .. name, cursor, 'COUNT', count)
  for _, key in ipairs(page[2]) do
    if not judge(key) then redis.call('SREM', P .. 'i:' .. name, key) end
  end
  return { page[1], gone }
end
local page = redis.call('SCAN', cursor, 'COUNT', count, 'MATCH', name)
for _, each in ipairs(page[2]) do
  local kind, rest = string.sub(each, #P + 1, #P + 2), string.sub(each, #P + 3)
  if kind == 'a:' then judge(rest) end
  if kind == 'q:' then
    for _, key in ipairs(redis.call('HKEYS', each)) do
      if not isThere(key) then forget(rest, key) end
    end
  end
end
return { page[1], gone }
`

/** ARGV: how many are looked at. How many answers there are, and about how many bytes. */
const size = `${COMMON}
local sample = redis.call('ZRANDMEMBER', P .. 'all', tonumber(ARGV[1]))
local bytes, found = 0, 0
for _, key in ipairs(sample) do
  local length = redis.call('STRLEN', P .. 'a:' .. key)
  bytes = bytes + length
  if length > 0 then found = found + 1 end
end
if found == 0 then return { 0, 0 } end
local total = math.floor(redis.call('ZCARD', P .. 'all') * found / #sample + 0.5)
return { total, math.floor(bytes / found * total) }
`

export const CACHE_SCRIPTS = { put, questions, alive, purge, size }
