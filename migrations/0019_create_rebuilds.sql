-- Projections that are being made anew of stored logs, in a schema of their own.

-- At most one at a time. Views of the database lock this table (access share) before they see
-- anything, and the exchange locks it (access exclusive) before the tables that it exchanges.
create table index_rebuilds (
    single      boolean primary key default true check (single),
    name        text not null,
    tables      text[] not null,
    -- Digest of what decides how logs are read: chains, contracts followed, factories.
    sources     bytea not null check (length(sources) = 32),
    started_at  timestamptz not null default now()
);

-- The new tables hold what the blocks of a chain up to `height` say; -1 is none. Up to
-- `settled_height` nothing can be unwound, and so many `logs` were read.
create table index_rebuild_chains (
    chain_id        bigint primary key,
    height          bigint not null,
    settled_height  bigint not null,
    logs            bigint not null
);
