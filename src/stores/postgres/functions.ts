/**
 * What PostgreSQL does in one step each, where there is no Redis. The name of a function says its version: one that is
 * out is never changed, since gateways of two versions share a database while they are replaced.
 *
 * The tables are unlogged: counters are a cache of the ledger (D29), so what a crash of the server empties is seeded anew.
 *
 * Who takes locks the names that it counts on, then its hold, then rows by name; all else begins with its holds, and
 * sorts rows alike. So nobody waits in a circle. Only who takes needs the names: whatever else changes a counter leaves
 * room that was there, or counts what is spent already.
 */
const TABLES = `
create unlogged table if not exists counters (
  key text not null, slice bigint not null, spent bigint not null, held bigint not null, expires_at bigint not null,
  primary key (key, slice)
) with (fillfactor = 50);
create index if not exists counters_by_expiry on counters (expires_at);
create unlogged table if not exists counter_holds (
  id text primary key, lease_ends_at bigint not null, settled text[] not null default '{}'
);
create index if not exists counter_holds_by_lease on counter_holds (lease_ends_at);
create unlogged table if not exists counter_held (
  hold text not null, key text not null, slice bigint not null, amount bigint not null, primary key (hold, key, slice)
);
create unlogged table if not exists counter_slots (key text not null, hold text not null, primary key (key, hold));
create index if not exists counter_slots_by_hold on counter_slots (hold);
create unlogged table if not exists counter_rates (key text primary key, arrival_micros bigint not null)
  with (fillfactor = 50);
create unlogged table if not exists counter_epoch (is_it boolean primary key check (is_it), at bigint not null);
`

const CLOCK = `
create or replace function gatehouse_micros_1() returns bigint language sql volatile as $body$
  select floor(extract(epoch from clock_timestamp()) * 1000000)::bigint
$body$;
create or replace function gatehouse_epoch_1() returns bigint language plpgsql as $body$
begin
  insert into counter_epoch values (true, gatehouse_micros_1() / 1000) on conflict do nothing;
  return (select at from counter_epoch);
end $body$;
`

const READ = `
create or replace function gatehouse_read_1(keys jsonb) returns table (place bigint, spent numeric, held numeric)
language sql volatile as $body$
  select o, coalesce(sum(c.spent), 0), coalesce(sum(c.held), 0)
  from jsonb_array_elements(keys) with ordinality as e(k, o)
  left join counters c on c.key = k->>'key'
    and c.slice <= (k->>'slice')::bigint and c.slice > (k->>'slice')::bigint - (k->>'slices')::bigint
  group by o
$body$;
`

const TAKE = `
create or replace function gatehouse_take_1(q jsonb) returns jsonb language plpgsql as $body$
declare
  micros bigint;
  found jsonb;
  each record;
begin
  for each in
    select distinct hashtextextended(name, 0) as number from (
      select 'b ' || (b->>'key') from jsonb_array_elements(q->'budgets') b
      union all select 'r ' || (r->>'key') from jsonb_array_elements(q->'rates') r
      union all select 's ' || (s->>'key') from jsonb_array_elements(q->'slots') s
    ) as names(name) order by 1
  loop
    perform pg_advisory_xact_lock(each.number);
  end loop;
  micros := gatehouse_micros_1();

  select jsonb_agg(o - 1 order by o) into found
  from jsonb_array_elements(q->'budgets') with ordinality as e(b, o)
  where (b->>'seeded')::boolean and not exists (select from counters where key = b->>'key');
  if found is not null then
    return jsonb_build_object('ok', false, 'nowMs', micros / 1000, 'why', 'missing', 'indexes', found);
  end if;

  select jsonb_build_object('index', o - 1, 'waitMicros', ahead - (r->>'burstMicros')::numeric) into found
  from jsonb_array_elements(q->'rates') with ordinality as e(r, o)
  left join counter_rates on key = r->>'key'
  cross join lateral (
    select greatest(coalesce(arrival_micros, 0) - micros, 0) + (r->>'costMicros')::numeric as ahead
  ) a
  where ahead > (r->>'burstMicros')::numeric order by o limit 1;
  if found is not null then
    return jsonb_build_object('ok', false, 'nowMs', micros / 1000, 'why', 'rate') || found;
  end if;

  select jsonb_build_object('index', o - 1, 'inUse', used) into found
  from jsonb_array_elements(q->'slots') with ordinality as e(s, o)
  cross join lateral (select count(*) as used from counter_slots where key = s->>'key') u
  where used >= (s->>'limit')::bigint
    and not exists (select from counter_slots where key = s->>'key' and hold = q->>'hold')
  order by o limit 1;
  if found is not null then
    return jsonb_build_object('ok', false, 'nowMs', micros / 1000, 'why', 'slot') || found;
  end if;

  -- The same counter may be there twice: what comes first takes from what comes after.
  select jsonb_build_object('index', place - 1, 'remaining', remaining) into found
  from (
    select place, b, (b->>'limit')::numeric - spent - held - coalesce(
      sum((b->>'amount')::numeric) over (
        partition by b->>'key' order by place rows between unbounded preceding and 1 preceding
      ), 0) as remaining
    from jsonb_array_elements(q->'budgets') with ordinality as e(b, place)
    join gatehouse_read_1(q->'budgets') using (place)
  ) asked
  where (b->>'hard')::boolean and (b->>'amount')::numeric > remaining order by place limit 1;
  if found is not null then
    return jsonb_build_object('ok', false, 'nowMs', micros / 1000, 'why', 'budget') || found;
  end if;

  insert into counter_holds (id, lease_ends_at) values (q->>'hold', micros / 1000 + (q->>'leaseMs')::numeric)
    on conflict (id) do update set lease_ends_at = excluded.lease_ends_at;
  for each in
    select b->>'key' as key, (b->>'slice')::bigint as slice, sum((b->>'amount')::numeric) as amount,
      max((b->>'expiresAtMs')::numeric) as expires
    from jsonb_array_elements(q->'budgets') b group by 1, 2 order by 1, 2
  loop
    insert into counters as c values (each.key, each.slice, 0, each.amount, each.expires)
      on conflict (key, slice) do update set held = c.held + excluded.held;
    insert into counter_held as c values (q->>'hold', each.key, each.slice, each.amount)
      on conflict (hold, key, slice) do update set amount = c.amount + excluded.amount;
  end loop;
  for each in
    select r->>'key' as key, sum((r->>'costMicros')::numeric) as cost
    from jsonb_array_elements(q->'rates') r group by 1 order by 1
  loop
    insert into counter_rates as c values (each.key, micros + each.cost)
      on conflict (key) do update set arrival_micros = greatest(c.arrival_micros, micros) + each.cost;
  end loop;
  insert into counter_slots select distinct s->>'key', q->>'hold' from jsonb_array_elements(q->'slots') s
    on conflict do nothing;

  return jsonb_build_object('ok', true, 'nowMs', micros / 1000,
    'remaining', (
      select coalesce(jsonb_agg((b->>'limit')::numeric - spent - held order by place), '[]')
      from jsonb_array_elements(q->'budgets') with ordinality as e(b, place)
      join gatehouse_read_1(q->'budgets') using (place)),
    'aheadMicros', (
      select coalesce(jsonb_agg(arrival_micros - micros order by o), '[]')
      from jsonb_array_elements(q->'rates') with ordinality as e(r, o) join counter_rates on key = r->>'key'),
    'inUse', (
      select coalesce(jsonb_agg((select count(*) from counter_slots where key = s->>'key') order by o), '[]')
      from jsonb_array_elements(q->'slots') with ordinality as e(s, o)));
end $body$;
`

const SETTLE = `
create or replace function gatehouse_settle_1(q jsonb) returns text language plpgsql as $body$
declare
  micros bigint;
  closes boolean := (q->>'close')::boolean;
  known text[];
  each record;
begin
  select settled into known from counter_holds where id = q->>'hold' for update;
  if not found then return 'gone'; end if;
  if q->>'id' = any(known) then return 'again'; end if;
  micros := gatehouse_micros_1();

  for each in
    with asked as (
      select b->>'key' as key, (b->>'slice')::bigint as slice, sum((b->>'release')::numeric) as release,
        sum((b->>'spend')::numeric) as spend, max((b->>'expiresAtMs')::numeric) as expires
      from jsonb_array_elements(q->'budgets') b group by 1, 2
    ), mine as (select key, slice, amount from counter_held where hold = q->>'hold')
    select key, slice, coalesce(spend, 0) as spend, expires,
      case when closes then coalesce(amount, 0) else least(coalesce(release, 0), coalesce(amount, 0)) end as released
    from asked full join mine using (key, slice) order by 1, 2
  loop
    if each.spend = 0 then
      update counters set held = held - each.released where key = each.key and slice = each.slice;
    else
      insert into counters as c values (each.key, each.slice, each.spend, 0, each.expires)
        on conflict (key, slice) do update set spent = c.spent + excluded.spent, held = c.held - each.released;
    end if;
    update counter_held set amount = amount - each.released
      where not closes and hold = q->>'hold' and key = each.key and slice = each.slice;
  end loop;
  for each in
    select r->>'key' as key, sum((r->>'micros')::numeric) as moved
    from jsonb_array_elements(q->'rates') r group by 1 order by 1
  loop
    insert into counter_rates as c values (each.key, micros + greatest(each.moved, 0))
      on conflict (key) do update
      set arrival_micros = greatest(micros, greatest(c.arrival_micros, micros) + each.moved);
  end loop;

  if closes then
    delete from counter_held where hold = q->>'hold';
    delete from counter_slots where hold = q->>'hold';
    delete from counter_holds where id = q->>'hold';
  else
    update counter_holds
      set settled = settled || (q->>'id'), lease_ends_at = micros / 1000 + (q->>'leaseMs')::numeric
      where id = q->>'hold';
  end if;
  return 'settled';
end $body$;
`

const SEED = `
create or replace function gatehouse_seed_1(q jsonb) returns void language plpgsql as $body$
begin
  perform pg_advisory_xact_lock(hashtextextended('b ' || (q->>'key'), 0));
  if not exists (select from counters where key = q->>'key') then
    insert into counters
      values (q->>'key', (q->>'slice')::bigint, (q->>'spent')::numeric, 0, (q->>'expiresAtMs')::numeric)
      on conflict do nothing;
  end if;
end $body$;
`

const RENEW = `
create or replace function gatehouse_renew_1(q jsonb) returns jsonb language sql volatile as $body$
  with kept as (
    update counter_holds set lease_ends_at = gatehouse_micros_1() / 1000 + (q->>'leaseMs')::numeric
    where id in (select jsonb_array_elements_text(q->'holds')) returning id
  )
  select coalesce(jsonb_agg(id), '[]') from jsonb_array_elements_text(q->'holds') as asked(id)
  where id not in (select id from kept)
$body$;
`

/** Rows that somebody else has are left to him, or to the next time. */
const SWEEP = `
create or replace function gatehouse_sweep_1(q jsonb) returns jsonb language plpgsql as $body$
declare
  micros bigint := gatehouse_micros_1();
  swept text[];
  each record;
begin
  select coalesce(array_agg(id), '{}') into swept from (
    select id from counter_holds where lease_ends_at <= micros / 1000
    order by lease_ends_at limit (q->>'limit')::bigint for update skip locked
  ) as over;
  for each in
    select key, slice, sum(amount) as amount from counter_held where hold = any(swept) group by 1, 2 order by 1, 2
  loop
    update counters set held = held - each.amount, spent = spent + each.amount
      where key = each.key and slice = each.slice;
  end loop;
  delete from counter_held where hold = any(swept);
  delete from counter_slots where hold = any(swept);
  delete from counter_holds where id = any(swept);
  delete from counters where (key, slice) in (
    select key, slice from counters where expires_at <= micros / 1000 limit 1000 for update skip locked);
  delete from counter_rates where key in (
    select key from counter_rates where arrival_micros <= micros limit 1000 for update skip locked);
  return to_jsonb(swept);
end $body$;
`

export const INSTALL = [TABLES, CLOCK, READ, TAKE, SETTLE, SEED, RENEW, SWEEP].join('')
