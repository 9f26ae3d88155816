-- ABIs that operators uploaded, for calls to contracts that are not ours.

create table abis (
    chain_id      bigint not null,
    address       bytea not null check (length(address) = 20),
    name          text not null check (length(name) between 1 and 64),
    -- As compilers write it; checked when it was uploaded.
    abi           jsonb not null,
    principal_id  uuid not null references principals (id),
    created_at    timestamptz not null default now(),
    primary key (chain_id, address),
    unique (chain_id, name)
);
