-- Facts are inserted into `outbox` in the transaction of what they tell. One fenced sequencer moves
-- committed ones, lowest id first, into `facts`, giving each topic a gapless sequence. Readers see
-- `facts` only.

create table topics (
    topic  text primary key,
    epoch  bigint not null default 1,
    seq    bigint not null default 0 check (seq >= 0)
);
insert into topics (topic) values ('mints'), ('items'), ('collections'), ('transactions'), ('chain');

create table outbox (
    -- No cache: an id taken later in time must be higher in every session (causal order).
    id           bigint generated always as identity (cache 1) primary key,
    topic        text not null references topics (topic),
    kind         text not null,
    reverting    boolean not null default false,
    -- What the fact is about, for filters: the keys of `attributes` are fixed by kind.
    attributes   jsonb not null default '{}',
    chain_id     bigint,
    block_number bigint,
    block_hash   bytea check (length(block_hash) = 32),
    data         jsonb not null,
    created_at   timestamptz not null default now()
);

create table facts (
    topic        text not null references topics (topic),
    seq          bigint not null check (seq > 0),
    kind         text not null,
    reverting    boolean not null,
    attributes   jsonb not null,
    chain_id     bigint,
    block_number bigint,
    block_hash   bytea,
    data         jsonb not null,
    created_at   timestamptz not null,
    primary key (topic, seq)
);
