/**
 * What Redis does in one step each, in Lua. All keys have one hash tag, so that a cluster keeps them in one place. Times
 * are the server's. Integers are written with `%.0f`: Lua's own form of large ones loses digits.
 *
 * Keys below the prefix: `c:<counter>` a hash of `s:<slice>` (spent) and `h:<slice>` (held) · `hold:<id>` a hash of
 * `b:<slice> <counter>` (held), `p:<slot>` and `d:<settlement>` · `leases` a sorted set of holds by the end of their
 * lease · `r:<rate>` an arrival time in microseconds · `p:<slot>` a set of holds · `epoch`.
 */
const COMMON = `
local P = KEYS[1]
local q = cjson.decode(ARGV[1])
local t = redis.call('TIME')
local micros = t[1] * 1000000 + t[2]
local now = math.floor(micros / 1000)
redis.call('SET', P .. 'epoch', string.format('%.0f', now), 'NX')
local function text(n) return string.format('%.0f', n) end
-- What fell out of a rolling window twice its length ago is of no interest to anybody, whatever his clock says.
local function tidy(key, slice, slices)
  local name = P .. 'c:' .. key
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if tonumber(string.sub(field, 3)) <= slice - 2 * slices then redis.call('HDEL', name, field) end
  end
end
local function sum(key, slice, slices)
  local spent, held = 0, 0
  local all = redis.call('HGETALL', P .. 'c:' .. key)
  for i = 1, #all, 2 do
    local kind, at = string.match(all[i], '^(.):(-?%d+)$')
    at = tonumber(at)
    if at <= slice and at > slice - slices then
      if kind == 's' then spent = spent + tonumber(all[i + 1]) else held = held + tonumber(all[i + 1]) end
    end
  end
  return spent, held
end
local function add(key, field, amount, expires)
  local name = P .. 'c:' .. key
  local value = tonumber(redis.call('HGET', name, field) or '0') + amount
  redis.call('HSET', name, field, text(value))
  local at = redis.call('PEXPIRETIME', name)
  if expires and at < expires then redis.call('PEXPIREAT', name, text(expires)) end
end
local function arrive(key, by)
  local name = P .. 'r:' .. key
  local at = tonumber(redis.call('GET', name) or '0')
  if at < micros then at = micros end
  at = at + by
  if at < micros then at = micros end
  redis.call('SET', name, text(at), 'PX', text(math.ceil((at - micros) / 1000) + 1000))
  return at - micros
end
local function close(id, counts)
  local name = P .. 'hold:' .. id
  local all = redis.call('HGETALL', name)
  for i = 1, #all, 2 do
    local kind, rest = string.sub(all[i], 1, 1), string.sub(all[i], 3)
    if kind == 'b' then
      local slice, key = string.match(rest, '^(-?%d+) (.*)$')
      local amount = tonumber(all[i + 1])
      if amount ~= 0 and redis.call('EXISTS', P .. 'c:' .. key) == 1 then
        add(key, 'h:' .. slice, -amount)
        if counts then add(key, 's:' .. slice, amount) end
      end
    elseif kind == 'p' then redis.call('SREM', P .. 'p:' .. rest, id) end
  end
  redis.call('DEL', name)
  redis.call('ZREM', P .. 'leases', id)
end
`

const TAKE = `${COMMON}
local out = { '', text(now) }
for i, b in ipairs(q.budgets) do
  if b.seeded and redis.call('EXISTS', P .. 'c:' .. b.key) == 0 then out[#out + 1] = text(i - 1) end
end
if #out > 2 then out[1] = 'missing' return out end
for i, r in ipairs(q.rates) do
  local at = tonumber(redis.call('GET', P .. 'r:' .. r.key) or '0')
  if at < micros then at = micros end
  local ahead = at - micros + r.costMicros
  if ahead > r.burstMicros then return { 'rate', text(now), text(i - 1), text(ahead - r.burstMicros) } end
end
for i, s in ipairs(q.slots) do
  local used = redis.call('SCARD', P .. 'p:' .. s.key)
  if used >= s.limit and redis.call('SISMEMBER', P .. 'p:' .. s.key, q.hold) == 0 then
    return { 'slot', text(now), text(i - 1), text(used) }
  end
end
local asked = {}
for i, b in ipairs(q.budgets) do
  local before = asked[b.key] or 0
  asked[b.key] = before + b.amount
  local spent, held = sum(b.key, b.slice, b.slices)
  local remaining = b.limit - spent - held - before
  if b.hard and b.amount > remaining then return { 'budget', text(now), text(i - 1), text(remaining) } end
end
local hold = P .. 'hold:' .. q.hold
redis.call('HSET', hold, 'a', '1')
redis.call('ZADD', P .. 'leases', text(now + q.leaseMs), q.hold)
for _, b in ipairs(q.budgets) do
  -- Each slice begins once.
  if b.slices > 1 and redis.call('HEXISTS', P .. 'c:' .. b.key, 'h:' .. text(b.slice)) == 0 then
    tidy(b.key, b.slice, b.slices)
  end
  add(b.key, 'h:' .. text(b.slice), b.amount, b.expiresAtMs)
  local field = 'b:' .. text(b.slice) .. ' ' .. b.key
  redis.call('HSET', hold, field, text(tonumber(redis.call('HGET', hold, field) or '0') + b.amount))
end
out[1] = 'ok'
for _, r in ipairs(q.rates) do out[#out + 1] = text(arrive(r.key, r.costMicros)) end
for _, s in ipairs(q.slots) do
  redis.call('SADD', P .. 'p:' .. s.key, q.hold)
  redis.call('HSET', hold, 'p:' .. s.key, '1')
  out[#out + 1] = text(redis.call('SCARD', P .. 'p:' .. s.key))
end
for _, b in ipairs(q.budgets) do
  local spent, held = sum(b.key, b.slice, b.slices)
  out[#out + 1] = text(b.limit - spent - held)
end
return out
`

const SETTLE = `${COMMON}
local hold = P .. 'hold:' .. q.hold
if redis.call('EXISTS', hold) == 0 then return 'gone' end
if redis.call('HSETNX', hold, 'd:' .. q.id, '1') == 0 then return 'again' end
for _, b in ipairs(q.budgets) do
  local field = 'b:' .. text(b.slice) .. ' ' .. b.key
  local held = tonumber(redis.call('HGET', hold, field) or '0')
  local release = math.min(b.release, held)
  if release ~= 0 then
    redis.call('HSET', hold, field, text(held - release))
    add(b.key, 'h:' .. text(b.slice), -release, b.expiresAtMs)
  end
  if b.spend ~= 0 then add(b.key, 's:' .. text(b.slice), b.spend, b.expiresAtMs) end
end
for _, r in ipairs(q.rates) do arrive(r.key, r.micros) end
if q.close then close(q.hold, false) else redis.call('ZADD', P .. 'leases', text(now + q.leaseMs), q.hold) end
return 'settled'
`

const SEED = `${COMMON}
if redis.call('EXISTS', P .. 'c:' .. q.key) == 0 then add(q.key, 's:' .. text(q.slice), q.spent, q.expiresAtMs) end
return 1
`

const RENEW = `${COMMON}
local gone = {}
for _, id in ipairs(q.holds) do
  if redis.call('EXISTS', P .. 'hold:' .. id) == 0 then gone[#gone + 1] = id
  else redis.call('ZADD', P .. 'leases', text(now + q.leaseMs), id) end
end
return gone
`

const SWEEP = `${COMMON}
local over = redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', text(now), 'LIMIT', 0, q.limit)
for _, id in ipairs(over) do close(id, true) end
return over
`

const READ = `${COMMON}
local out = {}
for _, k in ipairs(q.keys) do
  local spent, held = sum(k.key, k.slice, k.slices)
  out[#out + 1] = text(spent)
  out[#out + 1] = text(held)
end
return out
`

const CLOCK = `${COMMON}
return { text(now), redis.call('GET', P .. 'epoch') }
`

export const SCRIPTS = {
  take: TAKE,
  settle: SETTLE,
  seed: SEED,
  renew: RENEW,
  sweep: SWEEP,
  read: READ,
  clock: CLOCK
} as const
