-- What is made of the logs of contracts of others.

alter table index_sources drop constraint index_sources_kind_check;
alter table index_sources add constraint index_sources_kind_check
    check (kind in ('erc20', 'erc721', 'erc1155'));

-- One log may tell of many transfers (ERC-1155 batches, ERC-2309), and of amounts of one item.
alter table transfers add column place integer not null default 0;
alter table transfers add column amount numeric(78,0);
alter table transfers drop constraint transfers_pkey;
alter table transfers add primary key (chain_id, block_number, log_index, place);

-- The indexer builds these after its first bulk load, with those that it builds anyway.
drop index items_owner_idx;
drop index transfers_item_idx;

-- The sum of what an account's transfers of an asset (ERC-20, token id 0) or an item (ERC-1155)
-- say. `balance` is exact whatever they say, and has no fixed size therefore; once it was below 0
-- or above 2^256 - 1 the row stays `unreliable`: the contract does not tell of all that it does.
create table balances (
    chain_id       bigint not null,
    contract       bytea not null check (length(contract) = 20),
    token_id       numeric(78,0) not null,
    account        bytea not null check (length(account) = 20),
    balance        numeric not null,
    unreliable     boolean not null,
    updated_block  bigint not null,
    primary key (chain_id, contract, token_id, account)
) with (fillfactor = 85);
create index balances_unreliable_idx on balances (chain_id, contract) where unreliable;

-- What an owner of an ERC-20 allowed last. Spending lowers it without a log in many contracts.
create table allowances (
    chain_id       bigint not null,
    contract       bytea not null check (length(contract) = 20),
    owner          bytea not null check (length(owner) = 20),
    spender        bytea not null check (length(spender) = 20),
    amount         numeric(78,0) not null,
    updated_block  bigint not null,
    primary key (chain_id, contract, owner, spender)
);

-- Who may move one ERC-721 item; a transfer ends it.
create table token_approvals (
    chain_id       bigint not null,
    contract       bytea not null check (length(contract) = 20),
    token_id       numeric(78,0) not null,
    approved       bytea not null check (length(approved) = 20),
    updated_block  bigint not null,
    primary key (chain_id, contract, token_id)
);

-- Who may move all that an owner has of a contract (ERC-721, ERC-1155).
create table operator_approvals (
    chain_id       bigint not null,
    contract       bytea not null check (length(contract) = 20),
    owner          bytea not null check (length(owner) = 20),
    operator       bytea not null check (length(operator) = 20),
    approved       boolean not null,
    updated_block  bigint not null,
    primary key (chain_id, contract, owner, operator)
);

-- Metadata that changed (ERC-4906, and `URI` of ERC-1155): from this block on, what was resolved
-- earlier of these token ids is stale.
create table metadata_updates (
    chain_id        bigint not null,
    block_number    bigint not null,
    log_index       integer not null,
    contract        bytea not null check (length(contract) = 20),
    first_token_id  numeric(78,0) not null,
    last_token_id   numeric(78,0) not null,
    -- ERC-1155 only.
    uri             text,
    primary key (chain_id, block_number, log_index)
);
create index metadata_updates_contract_idx on metadata_updates (chain_id, contract, block_number);

-- Logs of followed contracts that changed nothing, because they can't be read: they are in
-- `raw_logs` all the same.
create table undecoded_logs (
    chain_id      bigint not null,
    block_number  bigint not null,
    log_index     integer not null,
    contract      bytea not null check (length(contract) = 20),
    reason        text not null check (reason in ('topics', 'data', 'too_long')),
    primary key (chain_id, block_number, log_index)
);
create index undecoded_logs_contract_idx on undecoded_logs (chain_id, contract);
