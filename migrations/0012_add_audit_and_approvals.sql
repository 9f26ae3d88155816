-- Where the engine's audit log must stand, and operators' consent to transactions.

-- The last line that is known to be on disk: what shows that the end of the files was cut off.
create table audit_logs (
    name        text primary key,
    seq         bigint not null check (seq > 0),
    hash        bytea not null check (length(hash) = 32),
    time_ms     bigint not null,
    -- Number of the fact (topic `transactions`) that the line tells.
    fact_seq    bigint not null,
    updated_at  timestamptz not null default now()
);

alter table transactions
    -- What the signer asked for: the act, who may approve it, how many must, until when at most.
    add column approval_request  jsonb,
    -- No lane takes the job until approvals have come. Only queued jobs wait.
    add column approval_wanted_at  timestamptz;

create index transactions_approval_idx on transactions (chain_id, role)
    where approval_wanted_at is not null and status = 'queued';

-- Signatures of operators, as the signer takes them. It is the signer that judges them.
create table approvals (
    transaction_id  uuid not null references transactions (id),
    -- EIP-712 hash: identifies an approval, whichever form its signature has.
    hash            bytea not null check (length(hash) = 32),
    act             bytea not null check (length(act) = 32),
    operator        bytea not null check (length(operator) = 20),
    salt            bytea not null check (length(salt) = 32),
    signature       bytea not null check (length(signature) = 65),
    -- Seconds since 1970, as it was signed.
    expires         bigint not null,
    -- Who brought it.
    principal_id    uuid not null references principals (id),
    created_at      timestamptz not null default now(),
    primary key (transaction_id, hash)
);
