-- Transactions out. `transactions` is what must happen; `nonces` is the ledger of each wallet;
-- `attempts` are the signed bytes, durable before any of them leaves the process.

create table wallets (
    chain_id       bigint not null,
    address        bytea not null check (length(address) = 20),
    role           text not null,
    in_flight_max  integer not null default 16 check (in_flight_max between 1 and 256),
    created_at     timestamptz not null default now(),
    primary key (chain_id, address)
);

create table transactions (
    id               uuid primary key,
    chain_id         bigint not null,
    role             text not null,
    -- Named when the call must come from one wallet; otherwise set when a lane takes it.
    wallet           bytea check (length(wallet) = 20),
    kind             text not null,
    priority         smallint not null default 0,
    -- Null creates a contract from `input`.
    recipient        bytea check (length(recipient) = 20),
    value_wei        numeric(78,0) not null default 0,
    input            bytea not null,
    gas_limit        bigint,
    status           text not null default 'queued',
    reason           text,
    nonce            bigint,
    tx_hash          bytea check (length(tx_hash) = 32),
    block_number     bigint,
    block_hash       bytea check (length(block_hash) = 32),
    reverted         boolean not null default false,
    not_before       timestamptz,
    -- A lane looks at it until then (or waits so long after trouble); a right to nothing.
    claimed_until    timestamptz,
    request_id       text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    check (status in ('queued', 'reserved', 'submitted', 'unknown', 'tentative', 'auditable',
                      'final', 'failed', 'expired', 'cancelled')),
    check ((status in ('tentative', 'auditable', 'final')) <= (block_hash is not null))
);
create index transactions_ready_idx on transactions (chain_id, role, priority desc, id)
    where status = 'queued';
create index transactions_open_idx on transactions (chain_id, wallet, nonce)
    where status in ('reserved', 'submitted', 'unknown', 'tentative', 'auditable');

create index transactions_mined_idx on transactions (chain_id, wallet, block_number)
    where status in ('tentative', 'auditable');
-- For what a reorg deeper than finality takes back.
create index transactions_on_chain_idx on transactions (chain_id, wallet, block_number)
    where status in ('tentative', 'auditable', 'final');

create table nonces (
    chain_id        bigint not null,
    wallet          bytea not null check (length(wallet) = 20),
    nonce           bigint not null check (nonce >= 0),
    transaction_id  uuid not null references transactions (id),
    state           text not null
        check (state in ('reserved', 'signed', 'sent', 'mined', 'final', 'void')),
    primary key (chain_id, wallet, nonce),
    foreign key (chain_id, wallet) references wallets (chain_id, address)
);
-- A job whose nonce was lost to a stranger's transaction (state void) gets another.
create unique index nonces_transaction_idx on nonces (transaction_id) where state <> 'void';
create index nonces_open_idx on nonces (chain_id, wallet, nonce)
    where state in ('reserved', 'signed', 'sent');

create table attempts (
    transaction_id        uuid not null references transactions (id),
    attempt               smallint not null check (attempt > 0),
    chain_id              bigint not null,
    wallet                bytea not null,
    nonce                 bigint not null,
    gas_limit             bigint not null,
    max_fee_wei           numeric(78,0) not null,
    max_priority_fee_wei  numeric(78,0) not null,
    -- Not the job's call but a zero transfer to the wallet itself, which uses the nonce up.
    void                  boolean not null default false,
    -- Null until signed; then never changed, and sent again as they are.
    raw                   bytea,
    tx_hash               bytea unique check (length(tx_hash) = 32),
    -- Outcome of the last hand-over to the endpoints.
    sent                  text check (sent in ('accepted', 'rejected', 'unknown')),
    sent_error            text,
    sent_at               timestamptz,
    created_at            timestamptz not null default now(),
    primary key (transaction_id, attempt),
    foreign key (chain_id, wallet, nonce) references nonces (chain_id, wallet, nonce),
    check ((raw is null) = (tx_hash is null))
);
