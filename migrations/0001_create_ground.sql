-- Who calls, what they may repeat, and what is deployed where.

create table principals (
    id          uuid primary key,
    name        text not null check (length(name) between 1 and 200),
    kind        text not null check (kind in ('operator', 'machine')),
    created_at  timestamptz not null default now()
);

-- The secret itself is never stored: `secret_mac` is HMAC-SHA256(pepper, secret).
create table api_keys (
    id            text primary key check (length(id) between 8 and 32),
    principal_id  uuid not null references principals (id),
    prefix        text not null,
    secret_mac    bytea not null check (length(secret_mac) = 32),
    scopes        text[] not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);
create index api_keys_principal_idx on api_keys (principal_id);

-- A finished answer, replayed to a retry for 24 h. Written in the transaction of the effect.
create table idempotency_keys (
    principal_id  uuid not null references principals (id),
    key           text not null check (length(key) between 1 and 255),
    fingerprint   bytea not null check (length(fingerprint) = 32),
    status        smallint not null,
    body          bytea not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    primary key (principal_id, key)
);
create index idempotency_keys_expires_idx on idempotency_keys (expires_at);

create table contracts_registry (
    chain_id      bigint not null,
    name          text not null,
    version       integer not null,
    address       bytea not null check (length(address) = 20),
    deploy_block  bigint not null,
    code_hash     bytea not null check (length(code_hash) = 32),
    created_at    timestamptz not null default now(),
    primary key (chain_id, name, version)
);

-- Uploaded content by its root CID. The bytes are in the content store.
create table contents (
    cid          text primary key check (length(cid) between 10 and 128),
    kind         text not null check (kind in ('picture', 'metadata')),
    media_type   text not null,
    size         bigint not null check (size >= 0),
    width        integer,
    height       integer,
    preview_cid  text,
    created_at   timestamptz not null default now()
);

-- Exclusive, expiring rights: a wallet lane, the sequencer, the mint batcher. The epoch rises with
-- each new holder and is checked in every commit made under the lease (fencing).
create table leases (
    name        text primary key,
    holder      uuid not null,
    epoch       bigint not null check (epoch > 0),
    expires_at  timestamptz not null
);
