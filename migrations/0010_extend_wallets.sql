-- What operators decide about a wallet.

alter table wallets
    -- `paused` takes no jobs until it is resumed, `retiring` never again. `draining` says the same
    -- to the lane: it is true in every state but `active`.
    add column state  text not null default 'active'
        check (state in ('active', 'paused', 'retiring'));
