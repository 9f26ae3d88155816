-- Whether a fact was taken back: by the block that both are of.
create index facts_reverting_idx on facts (topic, chain_id, block_number) where reverting;
