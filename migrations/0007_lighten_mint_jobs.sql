-- A mint job changes its state five times. Postgres can write such a change beside the old row,
-- without touching any index (HOT), only when no column of an index or of its predicate changes and
-- the page has room. So predicates no longer name `status`, and pages are filled by half.
alter table mint_jobs set (fillfactor = 50);

-- Waits for its first transaction. Once false it stays so: splits hand a job on directly.
alter table mint_jobs add column waiting boolean not null default true;
update mint_jobs set waiting = false where status <> 'queued' or transaction_id is not null;
drop index mint_jobs_waiting_idx;
create index mint_jobs_waiting_idx on mint_jobs (chain_id, contract, id) where waiting;

-- Most rows have neither when they are written.
alter table mint_jobs drop constraint mint_jobs_chain_id_contract_intent_key;
create unique index mint_jobs_intent_idx on mint_jobs (chain_id, contract, intent)
    where intent is not null;
drop index mint_jobs_transaction_idx;
create index mint_jobs_transaction_idx on mint_jobs (transaction_id)
    where transaction_id is not null;

-- Which jobs a block has fulfilled, until it is final: what an index of blocks and states would say,
-- at a row per block. So none of what follows the first transaction touches an index.
drop index mint_jobs_mined_idx;
create table mint_levels (
    chain_id      bigint not null,
    block_number  bigint not null,
    auditable     boolean not null,
    ids           uuid[] not null,
    primary key (chain_id, block_number, auditable)
);
insert into mint_levels (chain_id, block_number, auditable, ids)
select chain_id, block_number, status = 'auditable', array_agg(id) from mint_jobs
 where status in ('tentative', 'auditable') and block_number is not null
 group by 1, 2, 3;

-- Each fact locked the row of its topic, which the sequencer updates 60 times a second, twice: that
-- was the greater part of what accepting a mint cost. The list of topics is fixed by migrations, so
-- a check says the same. A migration that adds a topic must make these two anew.
alter table outbox drop constraint outbox_topic_fkey;
alter table facts drop constraint facts_topic_fkey;
do $$
declare known text := (select string_agg(quote_literal(topic), ', ' order by topic) from topics);
begin
    execute format('alter table outbox add constraint outbox_topic_check check (topic in (%s))', known);
    execute format('alter table facts add constraint facts_topic_check check (topic in (%s))', known);
end $$;
