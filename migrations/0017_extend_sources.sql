alter table index_sources
    -- Of one that is not projected only the logs are kept.
    add column projected boolean not null default true,
    -- False: it was added by a command.
    add column configured boolean not null default true,
    -- Of one that was added while the index went on: the last block whose logs of it are indexed,
    -- and its hash once there was a commit. Null: it goes with the chain's checkpoint.
    add column height bigint check (height >= 0),
    add column hash bytea check (length(hash) = 32),
    add check (hash is null or height is not null);

-- Contracts whose logs are not all there yet. Lists of many contracts leave them out.
create function backfilling(chain bigint) returns bytea[] language sql stable as $$
    select coalesce(array_agg(address), '{}') from index_sources
     where chain_id = chain and height is not null
$$;
