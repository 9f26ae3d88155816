-- Facts handed to endpoints of others (Standard Webhooks). Who is told of what, how far each was
-- told, and what is still to be sent. What a delivery holds is the fact that it names.

create table webhook_endpoints (
    id              uuid primary key,
    principal_id    uuid not null references principals (id),
    url             text not null check (length(url) between 1 and 2048),
    description     text not null check (length(description) <= 200),
    state           text not null check (state in ('active', 'paused', 'disabled', 'deleted')),
    -- Why we disabled it.
    reason          text check (reason in ('gone', 'failing')),
    topics          text[] not null check (cardinality(topics) between 1 and 6),
    -- Of these at least one must fit; none: all do.
    kinds           text[] not null check (cardinality(kinds) <= 50),
    chain_ids       bigint[] not null check (cardinality(chain_ids) <= 50),
    contracts       bytea[] not null check (cardinality(contracts) <= 50),
    addresses       bytea[] not null check (cardinality(addresses) <= 50),
    signature       text not null check (signature in ('hmac', 'ed25519')),
    -- The secret is made of the server's key, the id and this salt; it is not stored.
    salt            bytea not null check (length(salt) = 32),
    secret_version  integer not null check (secret_version > 0),
    previous_salt   bytea check (length(previous_salt) = 32),
    previous_until  timestamptz,
    -- Since when every attempt has failed.
    failing_since   timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    check ((state = 'disabled') = (reason is not null)),
    check ((previous_salt is null) = (previous_until is null))
);
create index webhook_endpoints_principal_idx on webhook_endpoints (principal_id, id);
create index webhook_endpoints_state_idx on webhook_endpoints (state, id);

-- How far the log was looked through for all endpoints that keep up.
create table webhook_cursors (
    topic  text primary key references topics (topic),
    epoch  bigint not null,
    seq    bigint not null check (seq >= 0)
);

-- From where on an endpoint is told of a topic. `live`: it moves on with the cursor of all; else it
-- has been looked through up to `after_seq` and goes on by itself.
create table webhook_positions (
    endpoint_id  uuid not null references webhook_endpoints (id),
    topic        text not null references topics (topic),
    epoch        bigint not null,
    after_seq    bigint not null check (after_seq >= 0),
    live         boolean not null default false,
    -- Up to here what was delivered before `replay_at` is delivered again.
    replay_upto  bigint,
    replay_at    timestamptz,
    primary key (endpoint_id, topic),
    check ((replay_upto is null) = (replay_at is null))
);

create table webhook_deliveries (
    -- Made of endpoint, topic, epoch and number, so that it is the same whenever it is made.
    id            uuid primary key,
    number        bigint generated always as identity,
    endpoint_id   uuid not null,
    topic         text not null,
    epoch         bigint not null,
    seq           bigint not null,
    kind          text not null,
    ordering_key  text not null check (length(ordering_key) <= 300),
    -- `held`: another of its key goes first.
    state         text not null check (state in ('ready', 'held', 'delivered', 'failed')),
    attempts      integer not null default 0,
    -- Of these, since it was last set to be sent: its place in the schedule.
    tries         integer not null default 0,
    next_at       timestamptz,
    created_at    timestamptz not null default now(),
    ended_at      timestamptz,
    check ((state = 'ready') = (next_at is not null)),
    check ((state in ('delivered', 'failed')) = (ended_at is not null))
);
create index webhook_deliveries_due_idx on webhook_deliveries (endpoint_id, next_at)
    where state = 'ready';
create index webhook_deliveries_key_idx
    on webhook_deliveries (endpoint_id, topic, ordering_key, epoch, seq)
    where state in ('ready', 'held');
create index webhook_deliveries_number_idx on webhook_deliveries (endpoint_id, number);
create index webhook_deliveries_ended_idx on webhook_deliveries (ended_at)
    where ended_at is not null;

create table webhook_attempts (
    delivery_id  uuid not null references webhook_deliveries (id) on delete cascade,
    attempt      integer not null check (attempt > 0),
    at           timestamptz not null,
    outcome      text not null check (length(outcome) between 1 and 32),
    status       smallint,
    latency_ms   integer not null check (latency_ms >= 0),
    -- The first bytes of what came back.
    response     text not null check (length(response) <= 1024),
    primary key (delivery_id, attempt)
);
