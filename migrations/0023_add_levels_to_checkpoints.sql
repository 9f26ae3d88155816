-- Up to which blocks a chain's index calls what it holds auditable and final. The indexer says so in
-- each commit, and whoever tells levels reads it here. Null: no block is, or none was committed since
-- this migration; the next commit says it.
alter table checkpoints
    add column auditable_height bigint check (auditable_height >= 0),
    add column final_height bigint check (final_height >= 0),
    -- The highest block that an endpoint has called finalized, where the window goes by that.
    add column finalized_height bigint check (finalized_height >= 0),
    add column finalized_hash bytea check (octet_length(finalized_hash) = 32),
    add check ((finalized_height is null) = (finalized_hash is null));
