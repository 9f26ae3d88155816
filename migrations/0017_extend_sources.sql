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
create index index_children_address_idx on index_children (chain_id, address);
create index index_children_factory_idx on index_children (chain_id, factory);

-- Contracts of others whose logs mean something, wherever they were named. One that several
-- factories claim belongs to the first.
create view followed_contracts as
    select chain_id, address, kind, projected, height from index_sources where event is null
    union all
    select made.chain_id, made.address, s.kind, s.projected, s.height
      from (select distinct on (chain_id, address) chain_id, address, factory
              from index_children
             order by chain_id, address, block_number, log_index) as made
      join index_sources s on s.chain_id = made.chain_id and s.address = made.factory
     where not exists (select 1 from index_sources o
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
