-- Sponsored transactions: who pays for which calls of whose users, and what was promised and paid.

create table sponsors (
    id                     uuid primary key,
    chain_id               bigint not null,
    -- Who may spend it.
    principal_id           uuid not null references principals (id),
    name                   text not null check (length(name) between 1 and 64),
    state                  text not null default 'active' check (state in ('active', 'paused')),
    -- Of gas, in wei. A day is one of UTC.
    day_wei_max            numeric(78,0) not null,
    total_wei_max          numeric(78,0) not null,
    user_day_wei_max       numeric(78,0) not null,
    user_day_requests_max  integer not null check (user_day_requests_max >= 0),
    -- Of the request's `gas`.
    gas_max                bigint not null check (gas_max > 0),
    -- Reserved or paid since ever. With `sponsor_days` it changes under the lock of this row only.
    used_wei               numeric(78,0) not null default 0 check (used_wei >= 0),
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    unique (chain_id, name)
);
create index sponsors_principal_idx on sponsors (principal_id, id);

-- What it pays for; what is not listed it does not pay for.
create table sponsor_rules (
    sponsor_id  uuid not null references sponsors (id),
    target      bytea not null check (length(target) = 20),
    selector    bytea not null check (length(selector) = 4),
    -- As it was given.
    function    text not null check (length(function) between 1 and 500),
    primary key (sponsor_id, target, selector)
);

-- Reserved or paid for what was accepted on a day: for one user, or for all (no address).
create table sponsor_days (
    sponsor_id    uuid not null references sponsors (id),
    day           date not null,
    user_address  bytea not null check (length(user_address) in (0, 20)),
    used_wei      numeric(78,0) not null check (used_wei >= 0),
    requests      integer not null check (requests >= 0),
    primary key (sponsor_id, day, user_address)
);

-- Accepted ERC-2771 requests, each with the transaction that carries it.
create table forward_requests (
    id              uuid primary key,
    sponsor_id      uuid not null references sponsors (id),
    chain_id        bigint not null,
    forwarder       bytea not null check (length(forwarder) = 20),
    user_address    bytea not null check (length(user_address) = 20),
    -- The forwarder's, of the user.
    nonce           bigint not null check (nonce >= 0),
    digest          bytea not null check (length(digest) = 32),
    target          bytea not null check (length(target) = 20),
    selector        bytea not null check (length(selector) = 4),
    gas             bigint not null,
    deadline_at     timestamptz not null,
    transaction_id  uuid not null unique references transactions (id),
    -- The day whose budget it counts against.
    day             date not null,
    reserved_wei    numeric(78,0) not null,
    -- What it took in the end; the reservation stands until then.
    cost_wei        numeric(78,0),
    settled_at      timestamptz,
    created_at      timestamptz not null,
    -- One request is paid for once, whoever sends it in.
    constraint forward_requests_digest_key unique (chain_id, forwarder, digest),
    check ((cost_wei is null) = (settled_at is null))
);
create index forward_requests_user_idx on forward_requests (chain_id, forwarder, user_address, id);
create index forward_requests_sponsor_idx on forward_requests (sponsor_id, id);
create index forward_requests_open_idx on forward_requests (id) where settled_at is null;
