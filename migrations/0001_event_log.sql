-- The stream of facts, the heads that fence it, what names this history, and who may speak to the service.
-- Text keys are compared as bytes ("C"): an upgrade of the system's locales can then never reorder an index.

-- One fact. The body is JSON in a bytea, the cheapest form to append and to read back; event_json shows it as jsonb.
create table event (
    branch_id   text collate "C" not null,
    day         date     not null,
    seq         integer  not null check (seq > 0),
    at          bigint   not null,
    name        text     not null,
    version     smallint not null,
    command_id  text     not null,
    actor       text     not null,
    request     bytea,
    body        bytea    not null,
    primary key (branch_id, day, seq)
) partition by range (day);

create view event_json as
    select branch_id, day, seq, at, to_timestamp(at / 1000.0) as at_time, name, version, command_id, actor,
           convert_from(body, 'UTF8')::jsonb as body
      from event;

-- The fence: an append moves the head of its branch or does nothing. Room is left in each page so that a move
-- stays in it and need not touch an index.
create table branch_head (
    branch_id   text collate "C" primary key,
    day         date    not null,
    seq         integer not null check (seq > 0),
    is_open     boolean not null,
    wakes_at    bigint
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);

create index branch_head_wakes_at on branch_head (wakes_at) where wakes_at is not null;

-- log_id names this history (a restore replaces it); secret keys the hashes of requests and customers.
create table log_identity (
    only_row    boolean primary key default true check (only_row),
    log_id      uuid  not null,
    secret      bytea not null check (length(secret) >= 32)
);

insert into log_identity (log_id, secret)
    values (gen_random_uuid(), uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- Only the hash of a token is kept. branches null means all of them.
create table access_token (
    token_hash  bytea primary key,
    subject     text not null,
    role        text not null,
    branches    text[],
    created_at  timestamptz not null default now(),
    revoked_at  timestamptz
);
