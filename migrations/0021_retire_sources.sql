-- A contract that is followed no more keeps the rows of what it told up to a block.
alter table index_sources
    add column last_block bigint check (last_block >= 0),
    add check (last_block is null or height is null);

-- `last_block` beside the rest.
create or replace view followed_contracts as
    select chain_id, address, kind, projected, height, last_block from index_sources
     where event is null and kind not in ('events', 'abi')
    union all
    select made.chain_id, made.address, s.kind, s.projected, s.height, s.last_block
      from (select distinct on (chain_id, address) chain_id, address, factory
              from index_children
             order by chain_id, address, block_number, log_index) as made
      join index_sources s on s.chain_id = made.chain_id and s.address = made.factory
     where s.kind not in ('events', 'abi')
       and not exists (select 1 from index_sources o
                        where o.chain_id = made.chain_id and o.address = made.address);

-- Contracts whose logs are not all there: yet, or any more. Lists of many contracts leave them out.
-- One that is ours as well goes on as ours when it is followed no more, and what a factory made may
-- be another one's, or stand for itself.
create or replace function backfilling(chain bigint) returns bytea[] language sql stable as $$
    select coalesce(array_agg(address), '{}')
      from (select address from index_sources where chain_id = chain and height is not null
            union all
            select c.address from index_children c
              join index_sources s on s.chain_id = c.chain_id and s.address = c.factory
             where s.chain_id = chain and s.height is not null
            union all
            select s.address from index_sources s
             where s.chain_id = chain and s.last_block is not null
               and not exists (select 1 from collections o
                                where o.chain_id = chain and o.contract = s.address)
            union all
            select c.address from index_children c
              join index_sources s on s.chain_id = c.chain_id and s.address = c.factory
             where s.chain_id = chain and s.last_block is not null
               and not exists (select 1 from index_sources o
                                where o.chain_id = chain and o.address = c.address)
               and not exists (select 1 from collections o
                                where o.chain_id = chain and o.contract = c.address)
               and not exists (select 1 from index_children e
                                where e.chain_id = chain and e.address = c.address
                                  and e.factory <> c.factory
                                  and (e.block_number, e.log_index)
                                      < (c.block_number, c.log_index))) as missing
$$;
