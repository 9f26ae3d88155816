alter table index_sources
    -- Of one that is not projected only the logs are kept.
    add column projected boolean not null default true,
    -- False: it was added by a command.
    add column configured boolean not null default true,
    -- Of one that was added while the index went on: the last block whose logs of it are indexed,
    -- and its hash once there was a commit. Null: it goes with the chain's checkpoint.
    add column height bigint check (height >= 0),
    add column hash bytea check (length(hash) = 32),
    -- Of a factory: the event that names a contract that it has made, as Solidity declares it, and
    -- which of its arguments that is. `kind` is that of those contracts then.
    add column event text,
    add column parameter text,
    add check ((event is null) = (parameter is null)),
    -- Of one whose logs are read by an ABI: its events, as compilers write them. Where every
    -- contract that tells of the one event is meant, `address` is made of the event's topic.
    add column abi jsonb,
    add column anywhere boolean not null default false,
    drop constraint index_sources_kind_check,
    add constraint index_sources_kind_check
        check (kind in ('erc20', 'erc721', 'erc1155', 'events', 'abi')),
    add check (hash is null or height is not null);

-- Contracts that factories of others have made, by the logs that say so.
create table index_children (
    chain_id      bigint not null,
    block_number  bigint not null,
    log_index     integer not null,
    factory       bytea not null check (length(factory) = 20),
    address       bytea not null check (length(address) = 20),
    primary key (chain_id, block_number, log_index)
);
-- What logs say that are read by an ABI. Large numbers are decimal strings.
create table decoded_logs (
    chain_id      bigint not null,
    block_number  bigint not null,
    log_index     integer not null,
    contract      bytea not null check (length(contract) = 20),
    event         text not null,
    signature     text not null,
    args          jsonb not null,
    primary key (chain_id, block_number, log_index)
);
-- Logs that were to be read so, and can't be: they are in `raw_logs` all the same.
create table unread_logs (
    chain_id      bigint not null,
    block_number  bigint not null,
    log_index     integer not null,
    contract      bytea not null check (length(contract) = 20),
    reason        text not null check (reason in ('data', 'too_long')),
    primary key (chain_id, block_number, log_index)
);
create index unread_logs_contract_idx on unread_logs (chain_id, contract);
create index decoded_logs_event_idx on decoded_logs (chain_id, event, block_number, log_index);
create index decoded_logs_contract_idx
    on decoded_logs (chain_id, contract, event, block_number, log_index);
create index decoded_logs_args_idx on decoded_logs using gin (args jsonb_path_ops);

create index index_children_address_idx on index_children (chain_id, address);
create index index_children_factory_idx on index_children (chain_id, factory);

-- Contracts of others of a standard, wherever they were named. One that several factories claim
-- belongs to the first.
create view followed_contracts as
    select chain_id, address, kind, projected, height from index_sources
     where event is null and kind not in ('events', 'abi')
    union all
    select made.chain_id, made.address, s.kind, s.projected, s.height
      from (select distinct on (chain_id, address) chain_id, address, factory
              from index_children
             order by chain_id, address, block_number, log_index) as made
      join index_sources s on s.chain_id = made.chain_id and s.address = made.factory
     where s.kind not in ('events', 'abi')
       and not exists (select 1 from index_sources o
                        where o.chain_id = made.chain_id and o.address = made.address);

-- Contracts whose logs are not all there yet. Lists of many contracts leave them out.
create function backfilling(chain bigint) returns bytea[] language sql stable as $$
    select coalesce(array_agg(address), '{}')
      from (select address from index_sources where chain_id = chain and height is not null
            union all
            select c.address from index_children c
              join index_sources s on s.chain_id = c.chain_id and s.address = c.factory
             where s.chain_id = chain and s.height is not null) as missing
$$;
