-- Users: what they tell of themselves, the addresses that they proved to be theirs, and letters to
-- them. What is personal is encrypted (`fields`): the id of the key stands beside it.

create table user_profiles (
    principal_id    uuid primary key references principals (id),
    display_name    text check (length(display_name) between 1 and 80),
    locale          text check (length(locale) between 2 and 35),
    avatar_cid      text references contents (cid),
    contact         bytea,
    contact_key_id  text,
    updated_at      timestamptz not null,
    check ((contact is null) = (contact_key_id is null))
);
create index user_profiles_avatar_idx on user_profiles (avatar_cid);
create index user_profiles_key_idx on user_profiles (contact_key_id, principal_id);

-- `address_mac` is a MAC under the pepper: by it letters to one address are counted.
create table user_emails (
    principal_id  uuid primary key references principals (id),
    address       bytea not null,
    key_id        text not null,
    verified_at   timestamptz not null
);
create index user_emails_key_idx on user_emails (key_id, principal_id);

-- An address that somebody says is theirs, until the code that was sent there is shown.
create table email_challenges (
    id            uuid primary key,
    principal_id  uuid not null references principals (id),
    address       bytea not null,
    key_id        text not null,
    address_mac   bytea not null check (length(address_mac) = 32),
    code_mac      bytea not null check (length(code_mac) = 32),
    tries         integer not null default 0,
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    spent_at      timestamptz
);
create index email_challenges_principal_idx on email_challenges (principal_id, created_at);
create index email_challenges_address_idx on email_challenges (address_mac, created_at);
create index email_challenges_created_idx on email_challenges (created_at);
create index email_challenges_key_idx on email_challenges (key_id, id);

-- Letters to be sent; a row goes when its letter is out, or nobody can be helped by it any more.
create table mails (
    id          uuid primary key,
    content     bytea not null,
    key_id      text not null,
    tries       integer not null default 0,
    created_at  timestamptz not null,
    next_at     timestamptz not null,
    expires_at  timestamptz not null
);
create index mails_next_idx on mails (next_at);
create index mails_key_idx on mails (key_id, id);

-- A message that links a wallet to this user; null: one that signs in.
alter table sign_in_challenges add column principal_id uuid references principals (id);

alter table user_sessions drop constraint user_sessions_end_reason_check;
alter table user_sessions
    add constraint user_sessions_end_reason_check check
        (end_reason in ('logout', 'ended', 'operator', 'reuse', 'crowded', 'unlinked'));
