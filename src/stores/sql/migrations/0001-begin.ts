import { type Kysely, sql } from 'kysely'

const PAYERS = 'org text, team text, user_id text, key_name text, customer text, agent text, session text, tags text'
const USAGE =
  'input_tokens bigint, output_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, usage text'

/** What both engines understand alike. */
const STATEMENTS = [
  'create table meta (name text primary key, value text not null)',
  "insert into meta (name, value) values ('version', '0')",
  'create table keys (id text primary key, name text not null, parent text, last_used_at bigint, "row" text not null)',
  'create index keys_by_parent on keys (parent)',
  `create table key_secrets (scheme text not null, digest text not null, key_id text not null, hint text not null,
    created_at bigint not null, expires_at bigint, primary key (scheme, digest))`,
  'create index key_secrets_by_key on key_secrets (key_id)',
  'create table tenants (kind text not null, id text not null, "row" text not null, primary key (kind, id))',
  ...['admins', 'budgets', 'rate_limits', 'prices', 'views'].map(
    table => `create table ${table} (id text primary key, "row" text not null)`
  ),
  'create table audit (seq bigint primary key, "row" text not null)',
  `create table attempts (id text primary key, request_id text not null, number integer not null, state text not null,
    started_at bigint not null, finished_at bigint, provider text not null, model text not null, held_nano bigint,
    cost_nano bigint, lines text, price_version text not null, usage_source text not null, outcome text, failure text,
    marks text not null, first_token_ms double precision, ${PAYERS}, ${USAGE})`,
  'create index attempts_by_request on attempts (request_id)',
  'create index attempts_by_time on attempts (started_at)',
  `create index attempts_started on attempts (started_at) where state = 'started'`,
  ...['org', 'team', 'user_id', 'key_name', 'customer', 'agent', 'provider', 'model'].map(
    // Most calls name no customer, user or agent: nobody looks for those by it.
    column => `create index attempts_by_${column} on attempts (${column}, started_at) where ${column} is not null`
  ),
  'create table attempt_tags (tag text not null, attempt_id text not null, started_at bigint not null, primary key (tag, attempt_id))',
  'create index attempt_tags_by_time on attempt_tags (tag, started_at)',
  `create table requests (id text primary key, started_at bigint not null, finished_at bigint not null, dialect text not null,
    operation text not null, stream integer not null, model_asked text not null, provider text, model text,
    attempts integer not null, status integer not null, outcome text not null, code text, cost_nano bigint,
    first_token_ms double precision, total_ms double precision not null, config_digest text not null, finish text, app text, trace text,
    parent text, admitted_ms double precision, guard_ms double precision, waited_ms double precision, held_ms double precision,
    cache text, saved_nano bigint, saved_ms double precision, prompt_saved_nano bigint, verdicts text, details text, ${PAYERS}, ${USAGE})`,
  'create index requests_by_time on requests (started_at)',
  ...[
    'org',
    'team',
    'user_id',
    'key_name',
    'customer',
    'agent',
    'session',
    'provider',
    'model',
    'code',
    'app',
    'trace',
    'parent'
  ].map(column => `create index requests_by_${column} on requests (${column}, started_at) where ${column} is not null`),
  `create index requests_failed on requests (outcome, started_at) where outcome <> 'done'`,
  'create table request_tags (tag text not null, request_id text not null, started_at bigint not null, primary key (tag, request_id))',
  'create index request_tags_by_time on request_tags (tag, started_at)',
  `create table request_verdicts (guard text not null, rule text not null, side text not null, action text not null,
    request_id text not null, started_at bigint not null, took_ms double precision not null,
    primary key (request_id, guard, side, rule, action))`,
  `create table feedback (id text primary key, request_id text not null, at bigint not null, score double precision,
    label text, comment text, key_name text)`,
  'create index feedback_by_request on feedback (request_id)',
  'create index request_verdicts_by_guard on request_verdicts (guard, started_at)',
  'create table cache_purges (seq bigint primary key, at bigint not null, what text not null)',
  "insert into meta (name, value) values ('cache_purges', '0')"
]

/** The audit log only grows, whoever asks. */
const APPEND_ONLY = {
  sqlite: ['update', 'delete'].map(
    action =>
      `create trigger audit_no_${action} before ${action} on audit begin select raise(abort, 'the audit log only grows'); end`
  ),
  postgres: [
    `create function audit_only_grows() returns trigger language plpgsql as $$
      begin raise exception 'the audit log only grows'; end $$`,
    'create trigger audit_only_grows before update or delete or truncate on audit for each statement execute function audit_only_grows()'
  ]
}

export const begin = {
  number: 1,
  async up(db: Kysely<never>, engine: 'sqlite' | 'postgres'): Promise<void> {
    // By bytes in both: an order that follows the locale changes with the system's libraries, and spoils indexes.
    const text = engine === 'postgres' ? 'text collate "C"' : 'text'
    const tables = STATEMENTS.map(statement => statement.replaceAll(/\btext\b/g, text))
    for (const statement of [...tables, ...APPEND_ONLY[engine]]) await sql.raw(statement).execute(db)
  }
}
