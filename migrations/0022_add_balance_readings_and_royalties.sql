-- Balances of ERC-20s whose events do not tell them: read of the contracts.

alter table index_sources drop constraint index_sources_kind_check;
alter table index_sources add constraint index_sources_kind_check
    check (kind in ('erc20', 'erc20_fee', 'erc20_rebasing', 'erc721', 'erc1155', 'events', 'abi'));

-- What contracts said that accounts have, as of blocks. Like logs, it is what projections are made
-- of, and can't be had again later. Below the window only the last one of each account is kept.
create table balance_readings (
    chain_id      bigint not null,
    contract      bytea not null check (length(contract) = 20),
    account       bytea not null check (length(account) = 20),
    block_number  bigint not null,
    -- Null: the contract gave no balance.
    balance       numeric(78,0),
    primary key (chain_id, contract, account, block_number)
);
create index balance_readings_block_idx on balance_readings (chain_id, block_number);

-- Rows that are still to be read are looked for by it, in pages.
drop index balances_unreliable_idx;
create index balances_unreliable_idx on balances (chain_id, contract, account) where unreliable;

-- What a collection pays of a sale, as its logs say (ERC-2981). Null: its logs were indexed before
-- they were read. Without a share there is no receiver.
alter table collections
    add column royalty_receiver bytea check (length(royalty_receiver) = 20),
    add column royalty_bps integer check (royalty_bps between 0 and 10000);
