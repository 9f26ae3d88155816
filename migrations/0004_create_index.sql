-- Logs in. One commit holds the headers, raw logs, projections, undo records, facts and the
-- checkpoint of a block range.

-- Our canonical header chain, inside the reorg window (older headers are pruned).
create table blocks (
    chain_id     bigint not null,
    number       bigint not null check (number >= 0),
    hash         bytea not null check (length(hash) = 32),
    parent_hash  bytea not null check (length(parent_hash) = 32),
    mined_at     timestamptz not null,
    primary key (chain_id, number)
);
create unique index blocks_hash_idx on blocks (chain_id, hash);

-- `epoch` rises with each writer that takes over; a commit names the triple that it expects.
create table checkpoints (
    chain_id       bigint primary key,
    height         bigint not null,
    hash           bytea not null check (length(hash) = 32),
    epoch          bigint not null,
    state          text not null default 'live' check (state in ('live', 'reorg_too_deep')),
    state_detail   text,
    updated_at     timestamptz not null default now()
);

create table raw_logs (
    chain_id      bigint not null,
    block_number  bigint not null,
    block_hash    bytea not null check (length(block_hash) = 32),
    log_index     integer not null,
    tx_hash       bytea not null check (length(tx_hash) = 32),
    tx_index      integer not null,
    address       bytea not null check (length(address) = 20),
    topics        bytea not null check (length(topics) % 32 = 0 and length(topics) <= 128),
    data          bytea not null,
    primary key (chain_id, block_number, log_index)
);

create table orphaned_logs (
    chain_id      bigint not null,
    block_number  bigint not null,
    block_hash    bytea not null,
    log_index     integer not null,
    tx_hash       bytea not null,
    tx_index      integer not null,
    address       bytea not null,
    topics        bytea not null,
    data          bytea not null,
    orphaned_at   timestamptz not null default now(),
    primary key (chain_id, block_hash, log_index)
);

-- What a projection row was before block `block_number` changed it: `image` is null when the row
-- did not exist. Only for blocks inside the reorg window.
create table undo_records (
    id            bigint generated always as identity primary key,
    chain_id      bigint not null,
    block_number  bigint not null,
    projection    text not null,
    key           jsonb not null,
    image         jsonb
);
create index undo_records_block_idx on undo_records (chain_id, block_number);

create table reconciliations (
    id               bigint generated always as identity primary key,
    chain_id         bigint not null,
    ancestor_number  bigint not null,
    ancestor_hash    bytea not null,
    old_head_number  bigint not null,
    old_head_hash    bytea not null,
    depth            bigint not null,
    orphaned_logs    bigint not null,
    created_at       timestamptz not null default now()
);

-- Projections.
create table collections (
    chain_id       bigint not null,
    contract       bytea not null check (length(contract) = 20),
    creator        bytea not null check (length(creator) = 20),
    salt           bytea not null check (length(salt) = 32),
    name           text not null default '',
    symbol         text not null default '',
    -- Null when the chain named a mode that we do not know.
    content_mode   text check (content_mode in ('digest', 'base_uri', 'free_uri')),
    base_uri       text not null default '',
    minted         bigint not null default 0,
    burned         bigint not null default 0,
    created_block  bigint not null,
    primary key (chain_id, contract)
);

create table items (
    chain_id       bigint not null,
    contract       bytea not null check (length(contract) = 20),
    token_id       numeric(78,0) not null,
    -- Null once burned.
    owner          bytea check (length(owner) = 20),
    -- `ipfs://…`, or the string given to a free-URI collection; null in base-URI mode.
    uri            text,
    -- The mint intent that the item's log named: word * 256 + bit.
    intent         numeric(78,0),
    minted_block   bigint not null,
    minted_tx      bytea not null check (length(minted_tx) = 32),
    updated_block  bigint not null,
    primary key (chain_id, contract, token_id)
);
create index items_owner_idx on items (chain_id, owner, contract, token_id);

create table transfers (
    chain_id      bigint not null,
    block_number  bigint not null,
    log_index     integer not null,
    block_hash    bytea not null check (length(block_hash) = 32),
    tx_hash       bytea not null check (length(tx_hash) = 32),
    contract      bytea not null check (length(contract) = 20),
    token_id      numeric(78,0) not null,
    sender        bytea not null check (length(sender) = 20),
    recipient     bytea not null check (length(recipient) = 20),
    mined_at      timestamptz not null,
    primary key (chain_id, block_number, log_index)
);
create index transfers_item_idx on transfers (chain_id, contract, token_id, block_number, log_index);
