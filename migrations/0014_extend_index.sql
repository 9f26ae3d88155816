-- When a log was mined, so that projections can be made anew of stored logs alone. Null only for
-- logs that were stored before this column came.
alter table raw_logs add column mined_at timestamptz;
alter table orphaned_logs add column mined_at timestamptz;

-- An operator may have the indexer of a chain wait.
alter table checkpoints drop constraint checkpoints_state_check;
alter table checkpoints add constraint checkpoints_state_check
    check (state in ('live', 'paused', 'reorg_too_deep'));

-- Contracts that are not ours, whose logs are recorded: as they were when the chain's index began.
create table index_sources (
    chain_id     bigint not null,
    address      bytea not null check (length(address) = 20),
    kind         text not null check (kind in ('erc20', 'erc721')),
    start_block  bigint not null check (start_block >= 0),
    primary key (chain_id, address)
);

-- How the reading of settled blocks gets on, written by its commits: the current or last run.
create table index_progress (
    chain_id      bigint primary key,
    -- The run covers (base_block, target_block].
    base_block    bigint not null,
    target_block  bigint not null,
    logs          bigint not null,
    -- For what the run waited, in milliseconds. Together about as long as it took.
    node_ms       bigint not null,
    decode_ms     bigint not null,
    database_ms   bigint not null,
    started_at    timestamptz not null,
    updated_at    timestamptz not null default now()
);
