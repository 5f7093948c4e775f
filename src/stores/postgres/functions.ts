/**
 * What PostgreSQL does in one call each, where there is no Redis. One call after another: a lock that is held for the
 * call alone makes each of them atomic, whatever it touches, and none can wait for another in a circle. Times are the
 * server's. Names carry a version: while replicas are replaced, old and new ones find their own.
 */
export const INSTALL = `
create table if not exists counters (key text not null, slice bigint not null, spent bigint not null default 0,
  held bigint not null default 0, expires_at bigint not null, primary key (key, slice));
create table if not exists counter_holds (id text primary key, lease_ends bigint not null);
create table if not exists counter_held (hold text not null, key text not null, slice bigint not null, amount bigint not null,
  primary key (hold, key, slice));
create table if not exists counter_settled (hold text not null, id text not null, primary key (hold, id));
create table if not exists counter_rates (key text primary key, at bigint not null);
create table if not exists counter_slots (key text not null, hold text not null, primary key (key, hold));
create table if not exists counter_epoch (at bigint not null);
insert into counter_epoch select gatehouse_now_1() / 1000 where not exists (select from counter_epoch);

create or replace function gatehouse_add_1(k text, s bigint, d_spent bigint, d_held bigint, expires bigint) returns void
language sql as $$
  insert into counters (key, slice, spent, held, expires_at) values (k, s, d_spent, d_held, expires)
  on conflict (key, slice) do update set spent = counters.spent + d_spent, held = counters.held + d_held
$$;

create or replace function gatehouse_sum_1(k text, s bigint, n bigint, out spent numeric, out held numeric)
language sql as $$
  select coalesce(sum(c.spent), 0), coalesce(sum(c.held), 0) from counters c
  where c.key = k and c.slice <= s and c.slice > s - n
$$;

create or replace function gatehouse_arrive_1(k text, by_micros bigint) returns bigint language plpgsql as $$
declare
  now_us bigint := gatehouse_now_1();
  was bigint := coalesce((select at from counter_rates where key = k), 0);
  moved bigint := greatest(now_us, greatest(now_us, was) + by_micros);
begin
  insert into counter_rates (key, at) values (k, moved) on conflict (key) do update set at = moved;
  return moved - now_us;
end $$;

create or replace function gatehouse_close_1(h text, counts boolean) returns void language plpgsql as $$
begin
  update counters c set held = c.held - x.amount, spent = c.spent + case when counts then x.amount else 0 end
    from counter_held x where x.hold = h and x.key = c.key and x.slice = c.slice;
  delete from counter_held where hold = h;
  delete from counter_settled where hold = h;
  delete from counter_slots where hold = h;
  delete from counter_holds where id = h;
end $$;

create or replace function gatehouse_take_1(q jsonb) returns jsonb language plpgsql as $$
declare
  now_us bigint; now_ms bigint; e jsonb; i int; ahead bigint; used bigint; left_over numeric; before numeric;
  asked jsonb := '{}'; missing jsonb := '[]'; aheads jsonb := '[]'; uses jsonb := '[]'; lefts jsonb := '[]';
  h text := q->>'hold'; total record;
begin
  perform pg_advisory_xact_lock(4242015008);
  now_us := gatehouse_now_1();
  now_ms := now_us / 1000;
  for e, i in select value, ordinality - 1 from jsonb_array_elements(q->'budgets') with ordinality loop
    if (e->>'seeded')::boolean and not exists (select from counters where key = e->>'key') then
      missing := missing || to_jsonb(i);
    end if;
  end loop;
  if jsonb_array_length(missing) > 0 then
    return jsonb_build_object('ok', false, 'nowMs', now_ms, 'why', 'missing', 'indexes', missing);
  end if;
  for e, i in select value, ordinality - 1 from jsonb_array_elements(q->'rates') with ordinality loop
    ahead := greatest(0, coalesce((select at from counter_rates where key = e->>'key'), 0) - now_us) + (e->>'costMicros')::bigint;
    if ahead > (e->>'burstMicros')::bigint then
      return jsonb_build_object('ok', false, 'nowMs', now_ms, 'why', 'rate', 'index', i,
        'waitMicros', ahead - (e->>'burstMicros')::bigint);
    end if;
  end loop;
  for e, i in select value, ordinality - 1 from jsonb_array_elements(q->'slots') with ordinality loop
    used := (select count(*) from counter_slots where key = e->>'key');
    if used >= (e->>'limit')::bigint and not exists (select from counter_slots where key = e->>'key' and hold = h) then
      return jsonb_build_object('ok', false, 'nowMs', now_ms, 'why', 'slot', 'index', i, 'inUse', used);
    end if;
  end loop;
  for e, i in select value, ordinality - 1 from jsonb_array_elements(q->'budgets') with ordinality loop
    before := coalesce((asked->>(e->>'key'))::numeric, 0);
    asked := asked || jsonb_build_object(e->>'key', before + (e->>'amount')::numeric);
    select * into total from gatehouse_sum_1(e->>'key', (e->>'slice')::bigint, (e->>'slices')::bigint);
    left_over := (e->>'limit')::numeric - total.spent - total.held - before;
    if (e->>'hard')::boolean and (e->>'amount')::numeric > left_over then
      return jsonb_build_object('ok', false, 'nowMs', now_ms, 'why', 'budget', 'index', i, 'remaining', left_over);
    end if;
  end loop;
  insert into counter_holds (id, lease_ends) values (h, now_ms + (q->>'leaseMs')::bigint)
    on conflict (id) do update set lease_ends = excluded.lease_ends;
  for e in select value from jsonb_array_elements(q->'budgets') loop
    perform gatehouse_add_1(e->>'key', (e->>'slice')::bigint, 0, (e->>'amount')::bigint, (e->>'expiresAtMs')::bigint);
    insert into counter_held (hold, key, slice, amount)
      values (h, e->>'key', (e->>'slice')::bigint, (e->>'amount')::bigint)
      on conflict (hold, key, slice) do update set amount = counter_held.amount + excluded.amount;
  end loop;
  for e in select value from jsonb_array_elements(q->'rates') loop
    aheads := aheads || to_jsonb(gatehouse_arrive_1(e->>'key', (e->>'costMicros')::bigint));
  end loop;
  for e in select value from jsonb_array_elements(q->'slots') loop
    insert into counter_slots (key, hold) values (e->>'key', h) on conflict do nothing;
    uses := uses || to_jsonb((select count(*) from counter_slots where key = e->>'key'));
  end loop;
  for e in select value from jsonb_array_elements(q->'budgets') loop
    select * into total from gatehouse_sum_1(e->>'key', (e->>'slice')::bigint, (e->>'slices')::bigint);
    lefts := lefts || to_jsonb((e->>'limit')::numeric - total.spent - total.held);
  end loop;
  return jsonb_build_object('ok', true, 'nowMs', now_ms, 'remaining', lefts, 'aheadMicros', aheads, 'inUse', uses);
end $$;

create or replace function gatehouse_settle_1(q jsonb) returns text language plpgsql as $$
declare
  h text := q->>'hold'; e jsonb; has bigint; release bigint; news int;
begin
  perform pg_advisory_xact_lock(4242015008);
  if not exists (select from counter_holds where id = h) then return 'gone'; end if;
  insert into counter_settled (hold, id) values (h, q->>'id') on conflict do nothing;
  get diagnostics news = row_count;
  if news = 0 then return 'again'; end if;
  for e in select value from jsonb_array_elements(q->'budgets') loop
    has := coalesce((select amount from counter_held
      where hold = h and key = e->>'key' and slice = (e->>'slice')::bigint), 0);
    release := least((e->>'release')::bigint, has);
    update counter_held set amount = amount - release
      where hold = h and key = e->>'key' and slice = (e->>'slice')::bigint;
    perform gatehouse_add_1(e->>'key', (e->>'slice')::bigint, (e->>'spend')::bigint, -release, (e->>'expiresAtMs')::bigint);
  end loop;
  for e in select value from jsonb_array_elements(q->'rates') loop
    perform gatehouse_arrive_1(e->>'key', (e->>'micros')::bigint);
  end loop;
  if (q->>'close')::boolean then perform gatehouse_close_1(h, false);
  else update counter_holds set lease_ends = gatehouse_now_1() / 1000 + (q->>'leaseMs')::bigint where id = h;
  end if;
  return 'settled';
end $$;

create or replace function gatehouse_seed_1(k text, s bigint, amount bigint, expires bigint) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(4242015008);
  if not exists (select from counters where key = k) then perform gatehouse_add_1(k, s, amount, 0, expires); end if;
end $$;

create or replace function gatehouse_sweep_1(most int) returns setof text language plpgsql as $$
declare h text; now_ms bigint;
begin
  perform pg_advisory_xact_lock(4242015008);
  now_ms := gatehouse_now_1() / 1000;
  for h in select id from counter_holds where lease_ends <= now_ms order by lease_ends limit most loop
    perform gatehouse_close_1(h, true);
    return next h;
  end loop;
  delete from counters where expires_at <= now_ms;
  delete from counter_rates where at <= now_ms * 1000;
end $$;
`

/** Before all others: the tables are filled with it. */
export const NOW = `create or replace function gatehouse_now_1() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000000)::bigint
$$;`
