-- What the documents behind token URIs say, and the queue of those to be read. A copy, keyed by
-- token: it is shown beside what the index has. An item that a reorg took back leaves its row here,
-- and nobody sees it.
create table token_metadata (
    chain_id          bigint not null,
    contract          bytea not null check (length(contract) = 20),
    token_id          numeric(78,0) not null,
    -- How the last try to read the document ended.
    state             text not null default 'pending'
                      check (state in ('pending', 'resolved', 'failed')),
    reason            text,
    -- Which queue it is in: empty while the chain has to be asked for the URI, then the host
    -- (`name:port`, `ipfs:`, `ar:`) that has the document.
    host              text collate "C" not null default '',
    -- The URI, of documents that some host has.
    uri               text,
    -- The block as of which the chain was asked.
    asked_block       bigint,
    asked_hash        bytea check (length(asked_hash) = 32),
    tries             integer not null default 0,
    -- When it may be worked on; of one that is worked on, when its claim runs out. Null: there is
    -- nothing to do.
    due_at            timestamptz default now(),
    claim             uuid,
    -- The document as it was when it was last there.
    name              text,
    description       text,
    image             text,
    animation_url     text,
    external_url      text,
    attributes        jsonb not null default '[]',
    -- The bytes are those that the URI's CID names; null where that can't be told.
    verified          boolean,
    resolved_block    bigint,
    resolved_at       timestamptz,
    -- ERC-2981, of a sale at 10,000. Null: the contract tells none, or nonsense.
    royalty_receiver  bytea check (length(royalty_receiver) = 20),
    royalty_bps       integer check (royalty_bps between 0 and 10000),
    -- When somebody asked for it to be read again.
    refreshed_at      timestamptz,
    primary key (chain_id, contract, token_id)
) with (fillfactor = 80);
create index token_metadata_due_idx on token_metadata (chain_id, host, due_at)
    where due_at is not null;
create index token_metadata_asked_idx on token_metadata (chain_id, asked_block)
    where asked_block is not null;

-- The traits of tokens, to find tokens by them. As of the last document.
create table token_traits (
    chain_id    bigint not null,
    contract    bytea not null check (length(contract) = 20),
    trait_type  text collate "C" not null,
    value       text collate "C" not null,
    token_id    numeric(78,0) not null,
    primary key (chain_id, contract, trait_type, value, token_id)
);
create index token_traits_token_idx on token_traits (contract, token_id, chain_id);

-- How far the resolver has looked through transfers, notices of changed metadata, and reorgs.
create table metadata_cursors (
    chain_id          bigint primary key,
    transfer_block    bigint not null default -1,
    transfer_log      integer not null default 0,
    transfer_place    integer not null default 0,
    update_block      bigint not null default -1,
    update_log        integer not null default 0,
    -- Of the notice after that one: up to which token it was applied.
    update_token      numeric(78,0),
    reconciliation    bigint not null default 0
);
