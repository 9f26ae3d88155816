-- What a contract that is followed no more has left is being deleted: nothing of it is answered, it
-- can't be taken up again before that has ended, and then its row is gone.
alter table index_sources
    add column purging boolean not null default false,
    add constraint index_sources_purging_check check (not purging or last_block is not null);
