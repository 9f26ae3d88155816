-- What a principal may do beyond what its kind lets it: see `auth`, which knows what each role is for.
create table principal_roles (
    principal_id  uuid not null references principals (id),
    role          text not null check (role in ('organizer', 'verifier', 'operator', 'admin')),
    -- Null: somebody at a terminal of the server.
    granted_by    uuid references principals (id),
    granted_at    timestamptz not null,
    expires_at    timestamptz,
    primary key (principal_id, role)
);
create index principals_created_idx on principals (created_at, id);
