-- A job changes its status six times, a nonce its state four times. Postgres writes such a change
-- into the row alone, and into no index, if no index names a column that changes, not even in its
-- condition. So conditions name columns here that follow from the status but seldom change.

drop index transactions_ready_idx, transactions_open_idx, transactions_mined_idx,
           transactions_on_chain_idx, transactions_ordering_idx, transactions_deadline_idx,
           transactions_ended_idx, transactions_approval_idx, transactions_wallet_idx;

alter table transactions
    -- `urgency`, `fee_cap_wei` and `deadline_at` as they were asked for, once one was changed: with
    -- them a job tells its first answer, so it needs no row in `idempotency_keys`.
    add column asked_terms  jsonb,
    add column is_queued    boolean not null generated always as (status = 'queued') stored,
    -- Jobs of its key that come after it have to look at it.
    add column holds_order  boolean generated always as (
        case when ordering_key is not null and status not in ('final', 'cancelled')
             then true end) stored,
    -- How it ended without effect: dead letters.
    add column ended_as     text generated always as (
        case when status in ('failed', 'expired', 'cancelled') then status end) stored;

create index transactions_ready_idx on transactions (chain_id, role, queue_rank, seq)
    where is_queued;
create index transactions_deadline_idx on transactions (chain_id, deadline_at)
    where deadline_at is not null and is_queued;
create index transactions_approval_idx on transactions (chain_id, role)
    where approval_wanted_at is not null and is_queued;
create index transactions_ordering_idx on transactions (chain_id, role, ordering_key, seq)
    where holds_order;
create index transactions_ended_idx on transactions (chain_id, ended_as, id)
    where ended_as is not null;
create index transactions_wallet_idx on transactions (chain_id, wallet, id)
    where wallet is not null;

-- Room for the next state of a row on its own page.
alter table transactions set (fillfactor = 60);
alter table nonces set (fillfactor = 60);
alter table attempts set (fillfactor = 70);

drop index nonces_open_idx, nonces_transaction_idx, nonces_free_idx;
alter table nonces
    -- Not known to be mined.
    add column is_open       boolean not null
        generated always as (state in ('reserved', 'signed', 'sent')) stored,
    add column is_unsettled  boolean not null
        generated always as (state in ('reserved', 'signed', 'sent', 'mined')) stored,
    add column is_free       boolean not null generated always as (state = 'free') stored;
create index nonces_open_idx on nonces (chain_id, wallet, nonce) where is_open;
create unique index nonces_transaction_idx on nonces (transaction_id) where is_unsettled;
create index nonces_free_idx on nonces (chain_id, wallet, nonce) where is_free;

-- Which jobs of a wallet were mined in a block: what levels and reorgs go by. A job that is mined
-- elsewhere later stays in the list of its old block; the job's own row says where it is.
create table mined_blocks (
    chain_id         bigint not null,
    wallet           bytea not null check (length(wallet) = 20),
    block_number     bigint not null,
    block_hash       bytea not null check (length(block_hash) = 32),
    -- The lowest among its jobs.
    level            text not null check (level in ('tentative', 'auditable', 'final')),
    transaction_ids  uuid[] not null,
    primary key (chain_id, wallet, block_number, block_hash)
);
create index mined_blocks_rising_idx on mined_blocks (chain_id, wallet, block_number)
    where level <> 'final';

insert into mined_blocks (chain_id, wallet, block_number, block_hash, level, transaction_ids)
select chain_id, wallet, block_number, block_hash,
       case when bool_or(status = 'tentative') then 'tentative'
            when bool_or(status = 'auditable') then 'auditable' else 'final' end,
       array_agg(id)
  from transactions t
 where status in ('tentative', 'auditable')
    or status = 'final'
       and block_number >= (select min(number) from blocks b where b.chain_id = t.chain_id)
 group by chain_id, wallet, block_number, block_hash;
