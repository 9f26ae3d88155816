-- Signing in with a wallet (EIP-4361): who users are, what they are asked to sign, and for how long
-- they are signed in.

alter table principals drop constraint principals_kind_check;
alter table principals
    add constraint principals_kind_check check (kind in ('operator', 'machine', 'user'));

-- Which user a proof of a wallet stands for. A key proves its address on every chain
-- (`contract_chain_id` 0); a contract speaks for its address on its own chain only, as the same
-- address may be somebody else's contract on another.
create table user_wallets (
    address            bytea not null check (length(address) = 20),
    contract_chain_id  bigint not null check (contract_chain_id >= 0),
    principal_id       uuid not null references principals (id),
    created_at         timestamptz not null,
    primary key (address, contract_chain_id)
);
create index user_wallets_principal_idx on user_wallets (principal_id);

-- What somebody was asked to sign. `spent_at` is set in the transaction that makes the session.
create table sign_in_challenges (
    nonce       text primary key check (length(nonce) between 16 and 64),
    address     bytea not null check (length(address) = 20),
    chain_id    bigint not null,
    origin      text not null check (length(origin) between 1 and 300),
    statement   text not null check (length(statement) between 1 and 1000),
    client      text not null check (length(client) between 1 and 64),
    issued_at   timestamptz not null,
    expires_at  timestamptz not null,
    spent_at    timestamptz
);
create index sign_in_challenges_expires_idx on sign_in_challenges (expires_at);
create index sign_in_challenges_address_idx on sign_in_challenges (address, client, expires_at);
create index sign_in_challenges_client_idx on sign_in_challenges (client, expires_at);

-- A user signed in somewhere: one family of refresh tokens. Of these the present one and the one
-- before are known by their MACs under the pepper; the salt, without which a successor can't be
-- told again, is random.
create table user_sessions (
    id                 uuid primary key,
    principal_id       uuid not null references principals (id),
    address            bytea not null check (length(address) = 20),
    chain_id           bigint not null,
    contract_chain_id  bigint not null check (contract_chain_id >= 0),
    origin             text not null check (length(origin) between 1 and 300),
    kind               text not null check (kind in ('token', 'cookie')),
    user_agent         text check (length(user_agent) <= 256),
    client             text not null check (length(client) between 1 and 64),
    created_at         timestamptz not null,
    last_used_at       timestamptz not null,
    expires_at         timestamptz not null,
    ended_at           timestamptz,
    end_reason         text check (end_reason in ('logout', 'ended', 'operator', 'reuse', 'crowded')),
    generation         integer not null check (generation >= 0),
    refresh_mac        bytea not null check (length(refresh_mac) = 32),
    previous_mac       bytea check (length(previous_mac) = 32),
    successor_salt     bytea check (length(successor_salt) = 32),
    rotated_at         timestamptz,
    check ((ended_at is null) = (end_reason is null))
);
create index user_sessions_principal_idx on user_sessions (principal_id, id);
create index user_sessions_expires_idx on user_sessions (expires_at);
