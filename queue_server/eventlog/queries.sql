-- Every query of the event log under its name. PostgreSQL 15 and newer.

-- name: append
-- One statement, one commit: the heads that still stand where their claims were decided move, and the facts of those branches go in.
-- The last fact of each claim carries it. Under READ COMMITTED a head that another session is just moving is waited for, and then
-- it no longer stands where it was found; so no head is claimed twice. The lateral form (the offset keeps it from being merged) has the
-- heads looked up one by one in the order of the document, which is that of the branches on every node, whatever the planner believes
-- of the table's size. The argument is a JSON document: an array for each column took the client three times as long to encode.
with fact as materialized (
    select *
      from json_to_recordset(convert_from($1::bytea, 'UTF8')::json)
           as f (branch_id text, day date, seq int, at bigint, name text, version smallint, command_id text, actor text,
                 request text, body text, expected_day date, expected_seq int, is_open boolean, wakes_at bigint)
), found as (
    select f.*, h.place
      from fact f
     cross join lateral (
           select h.ctid as place from branch_head h
            where h.branch_id = f.branch_id and h.day = f.expected_day and h.seq = f.expected_seq
           offset 0) h
     where f.expected_seq is not null
), moved as (
    update branch_head h
       set day = found.day, seq = found.seq, is_open = found.is_open, wakes_at = found.wakes_at
      from found
     where h.ctid = found.place
    returning h.branch_id
), added as (
    insert into event (branch_id, day, seq, at, name, version, command_id, actor, request, body)
    select branch_id, day, seq, at, name, version, command_id, actor, decode(request, 'base64'), decode(body, 'base64')
      from fact
     where branch_id in (select branch_id from moved)
)
select array(select branch_id from moved) as claimed,
       '{}'::text[] as standing,
       floor(extract(epoch from clock_timestamp()) * 1000)::bigint as clock;

-- name: append_carefully
-- The same where the everyday statement has waited too long, and for what it cannot do: it makes new branches and confirms heads. `held` locks
-- the heads that still stand and passes over those that another session holds: nobody waits here, so a stuck session costs its own
-- branch only. A new branch is claimed by making its head; the try-lock keeps two makers from waiting for each other on the primary key.
with claim as materialized (
    select *
      from json_to_recordset(convert_from($1::bytea, 'UTF8')::json)
           as c (branch_id text, expected_day date, expected_seq int, day date, seq int, is_open boolean, wakes_at bigint)
), held as (
    select c.*, locked.place
      from claim c
     cross join lateral (
           select h.ctid as place from branch_head h
            where h.branch_id = c.branch_id and h.day = c.expected_day and h.seq = c.expected_seq
              for update skip locked) locked
), moved as (
    update branch_head h
       set day = held.day, seq = held.seq, is_open = held.is_open, wakes_at = held.wakes_at
      from held
     where h.ctid = held.place
    returning h.branch_id
), made as (
    insert into branch_head (branch_id, day, seq, is_open, wakes_at)
    select branch_id, day, seq, is_open, wakes_at
      from claim
     where expected_day is null and pg_try_advisory_xact_lock(hashtextextended(branch_id, 1901))
        on conflict (branch_id) do nothing
    returning branch_id
), claimed as (
    select branch_id from moved union all select branch_id from made
), added as (
    insert into event (branch_id, day, seq, at, name, version, command_id, actor, request, body)
    select branch_id, day, seq, at, name, version, command_id, actor, decode(request, 'base64'), decode(body, 'base64')
      from json_to_recordset(convert_from($2::bytea, 'UTF8')::json)
           as r (branch_id text, day date, seq int, at bigint, name text, version smallint, command_id text, actor text,
                 request text, body text)
     where branch_id in (select branch_id from claimed)
)
select array(select branch_id from claimed) as claimed,
       array(select head ->> 0
               from json_array_elements(convert_from($3::bytea, 'UTF8')::json) as c (head)
              cross join lateral (
                    select from branch_head h
                     where h.branch_id = head ->> 0 and h.day = (head ->> 1)::date and h.seq = (head ->> 2)::int
                     limit 1) standing) as standing,
       floor(extract(epoch from clock_timestamp()) * 1000)::bigint as clock;

-- name: secure
-- An empty message in the WAL, for nobody, so that there is something to commit.
select pg_logical_emit_message(true, 'queue-server', '');

-- name: head
select branch_id, day, seq, is_open, wakes_at from branch_head where branch_id = $1;

-- name: heads
select branch_id, day, seq, is_open, wakes_at from branch_head order by branch_id;

-- name: due
select branch_id from branch_head where wakes_at <= $1 order by wakes_at, branch_id;

-- name: read_after
select seq, at, name, version, command_id, actor, request, body
  from event
 where branch_id = $1 and day = $2 and seq > $3
 order by seq
 limit $4;

-- name: keys
select command_id, min(seq) as first_seq, max(seq) as last_seq, (array_agg(request order by seq))[1] as request
  from event
 where branch_id = $1 and day = $2
 group by command_id
 order by first_seq;

-- name: clock
select floor(extract(epoch from clock_timestamp()) * 1000)::bigint;

-- name: secret
select secret from log_identity;

-- name: log_id
select log_id::text from log_identity;

-- name: history
-- What names this history, and who this session is. The timeline comes from the WAL's file name, which is right at once after a
-- failover; the control file lags until the next checkpoint.
select (select system_identifier from pg_control_system())::text || ':'
       || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) || ':' || log_id as history,
       pg_backend_pid() as pid,
       (select backend_start from pg_stat_activity where pid = pg_backend_pid()) as started
  from log_identity;

-- name: durability
select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name;

-- name: end_former
-- By start time too: a process number is given out again. Waits a little for it to be gone; a frozen one cannot go. One whose commit
-- waits for a stand-by is left alone: ended, it would let everybody read what is nowhere but here.
select waits, case when not waits then pg_terminate_backend(pid, 100) end as gone
  from (select pid, wait_event is not distinct from 'SyncRep' as waits
          from pg_stat_activity where pid = $1 and backend_start = $2) as former;

-- name: partitions
select c.relname
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'event'::regclass;
