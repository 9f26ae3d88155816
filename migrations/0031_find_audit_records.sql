-- The audit trail is those facts of `transactions` that say who did something. It is read newest
-- first: all of it, what one principal did, what was done about one object.

create index facts_audit_idx on facts (seq)
    where topic = 'transactions' and (kind = 'decided' or data ? 'by');

create index facts_audit_principal_idx on facts ((data ->> 'principal_id'), seq)
    where topic = 'transactions' and (kind = 'decided' or data ? 'by');

create index facts_audit_object_idx on facts ((attributes ->> 'object_id'), seq)
    where topic = 'transactions' and (kind = 'decided' or data ? 'by');
