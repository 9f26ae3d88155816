-- Staff who sign in with a provider of identities (OpenID Connect), and the roles that its claims
-- give them.

-- Whom a provider's subject stands for. Never reassigned: a subject is the same person for ever.
create table user_subjects (
    issuer        text not null check (length(issuer) between 1 and 500),
    subject       text not null check (length(subject) between 1 and 255),
    principal_id  uuid not null references principals (id),
    created_at    timestamptz not null,
    primary key (issuer, subject)
);
create index user_subjects_principal_idx on user_subjects (principal_id);

-- States of sign-ins that were answered: each opens one session. Kept until they expire by
-- themselves.
create table spent_states (
    state_mac   bytea primary key check (length(state_mac) = 32),
    expires_at  timestamptz not null
);
create index spent_states_expires_idx on spent_states (expires_at);

-- Null for both: signed in with a provider, not with a wallet.
alter table user_sessions alter column address drop not null;
alter table user_sessions alter column chain_id drop not null;
alter table user_sessions
    add constraint user_sessions_wallet_check check ((address is null) = (chain_id is null));

-- Who says so: `granted` somebody here, `claimed` the provider, at the last sign-in. Either may end
-- without the other.
alter table principal_roles
    add column source text not null default 'granted' check (source in ('granted', 'claimed'));
alter table principal_roles drop constraint principal_roles_pkey;
alter table principal_roles add primary key (principal_id, role, source);
