-- API keys: what they are called, from where they may be used, how their secrets are replaced, and
-- requests that are signed with them (RFC 9421).

alter table api_keys
    add column name                text not null default '' check (length(name) <= 100),
    -- Networks that it may be used from, as CIDR; none: from anywhere.
    add column allowed_ips         text[] not null default '{}'
        check (cardinality(allowed_ips) <= 64),
    add column last_used_ip        text check (length(last_used_ip) <= 64),
    add column rotated_at          timestamptz,
    -- Must requests of value be signed?
    add column signature_required  boolean not null default false,
    -- Ed25519: who signs with it. Without one, requests are signed by HMAC with a secret that
    -- follows from the pepper, the id and this salt; keys from before have none.
    add column public_key          bytea check (length(public_key) = 32),
    add column signing_salt        bytea check (length(signing_salt) = 32);

create index api_keys_created_idx on api_keys (created_at, id);

-- Secrets before the present one that still open: so that whoever uses a key has time to take the
-- next one.
create table api_key_secrets (
    key_id        text not null references api_keys (id),
    secret_mac    bytea not null check (length(secret_mac) = 32),
    signing_salt  bytea check (length(signing_salt) = 32),
    valid_until   timestamptz not null,
    primary key (key_id, secret_mac)
);

-- Nonces of signed requests, until their signature is too old anyway: each is taken once.
create table request_nonces (
    key_id      text not null check (length(key_id) between 8 and 32),
    nonce       text not null check (length(nonce) between 16 and 64),
    expires_at  timestamptz not null,
    primary key (key_id, nonce)
);
create index request_nonces_expires_idx on request_nonces (expires_at);
