-- What users asked for.

create table collection_requests (
    id              uuid primary key,
    principal_id    uuid not null references principals (id),
    chain_id        bigint not null,
    -- Known before it is deployed: the factory's address is a function of salt and sender.
    contract        bytea not null check (length(contract) = 20),
    salt            bytea not null check (length(salt) = 32),
    name            text not null,
    symbol          text not null,
    content_mode    text not null check (content_mode in ('digest', 'base_uri', 'free_uri')),
    base_uri        text not null default '',
    settings        jsonb not null default '{}',
    status          text not null default 'queued',
    reason          text,
    transaction_id  uuid references transactions (id),
    -- The next mint intent of this collection; handed out densely, never twice.
    next_intent     numeric(78,0) not null default 0,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    unique (chain_id, contract)
);
create index collection_requests_open_idx on collection_requests (chain_id, id)
    where status not in ('final', 'failed', 'cancelled', 'expired');

create table mint_jobs (
    id              uuid primary key,
    principal_id    uuid not null references principals (id),
    -- The caller's Idempotency-Key: unique for ever, so that a retry a year later finds this job.
    request_id      text not null check (length(request_id) between 1 and 255),
    -- Digest of the request, so that the same key with another body is refused for ever too.
    fingerprint     bytea not null check (length(fingerprint) = 32),
    -- Of the HTTP request that made it: ties the job to the lines of the log.
    http_request_id text,
    chain_id        bigint not null,
    contract        bytea not null check (length(contract) = 20),
    recipient       bytea not null check (length(recipient) = 20),
    uri             text,
    status          text not null default 'queued',
    reason          text,
    transaction_id  uuid references transactions (id),
    -- word * 256 + bit of the on-chain bitmap; given once, kept through splits and retries.
    intent          numeric(78,0),
    token_id        numeric(78,0),
    tx_hash         bytea check (length(tx_hash) = 32),
    block_number    bigint,
    block_hash      bytea check (length(block_hash) = 32),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    submitted_at    timestamptz,
    tentative_at    timestamptz,
    final_at        timestamptz,
    unique (principal_id, request_id),
    unique (chain_id, contract, intent),
    check (status in ('queued', 'reserved', 'submitted', 'unknown', 'tentative', 'auditable',
                      'final', 'failed', 'expired', 'cancelled'))
);
create index mint_jobs_waiting_idx on mint_jobs (chain_id, contract, id)
    where status = 'queued' and transaction_id is null;
create index mint_jobs_transaction_idx on mint_jobs (transaction_id);
create index mint_jobs_mined_idx on mint_jobs (chain_id, block_number)
    where status in ('tentative', 'auditable');
create index mint_jobs_principal_idx on mint_jobs (principal_id, id);
