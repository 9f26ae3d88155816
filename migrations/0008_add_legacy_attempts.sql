-- Type 0: `max_fee_wei` and `max_priority_fee_wei` are both the gas price.
alter table attempts add column legacy boolean not null default false,
    add constraint attempts_legacy_check check (not legacy or max_fee_wei = max_priority_fee_wei);
