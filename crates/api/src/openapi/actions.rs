//! What each operation does, in the words of the policy.

use crate::problem::Code;
use auth::{
    Action::{self, *},
    Rule,
};

/// What an operation declares of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    /// Open to everybody, beside the policy: probes, and signing in itself.
    Open,
    Does(Action),
}

/// None: it is not declared, and done for nobody.
pub(crate) fn declared(operation: &str) -> Option<Declared> {
    let action = match operation {
        "get_health"
        | "get_readiness"
        | "get_metrics"
        | "ask_challenge"
        | "open_session"
        | "refresh_session"
        | "log_out"
        | "list_token_keys"
        | "start_staff_sign_in"
        | "finish_staff_sign_in" => return Some(Declared::Open),
        "upload_picture" => UploadContent,
        "store_metadata" | "refresh_token_metadata" => StoreMetadata,
        "request_mint" | "request_mints" => RequestMint,
        "get_mint" | "list_mints" => ReadMint,
        "request_collection" => RequestCollection,
        "get_collection" | "list_collections" | "list_traits" => ReadCollection,
        "get_item" | "list_items" | "get_token_metadata" | "list_balances" | "list_holders"
        | "list_transfers" => ReadItem,
        // Of facts each topic asks for its own.
        "list_facts" | "follow_events" | "open_stream" | "list_logs" | "list_indexes" => {
            ReadPublicFacts
        }
        "get_sponsor" | "list_sponsors" => ReadSponsor,
        "get_sponsored" | "list_sponsored" => ReadSponsored,
        "request_sponsored" | "prepare_sponsored" => RequestSponsored,
        "create_sponsor" | "change_sponsor" => ChangeSponsor,
        "get_api_key" | "list_api_keys" => ReadApiKey,
        "create_api_key" | "change_api_key" | "rotate_api_key" | "revoke_api_key" => ChangeApiKey,
        "get_webhook" | "list_webhooks" | "list_deliveries" => ReadWebhook,
        "create_webhook"
        | "change_webhook"
        | "delete_webhook"
        | "rotate_webhook_secret"
        | "retry_delivery"
        | "replay_webhook"
        | "try_webhook" => ChangeWebhook,
        "list_audit_records" => ReadAudit,
        "get_metric_series" => ReadMetrics,
        "get_principal" | "list_principals" => ReadPrincipal,
        "grant_role" | "end_role" => GrantRole,
        "store_abi" | "delete_abi" => StoreAbi,
        "get_abi" | "list_abis" => ReadAbi,
        "request_transaction" => RequestTransaction,
        "quote_transaction" => QuoteTransaction,
        "get_transaction" | "list_transactions" | "list_transaction_facts" => ReadTransaction,
        "cancel_transaction"
        | "speed_up_transaction"
        | "replace_transaction"
        | "redrive_transaction"
        | "approve_transaction" => ChangeTransaction,
        "get_wallet" | "list_wallets" => ReadWallet,
        "create_wallet" | "pause_wallet" | "resume_wallet" | "retire_wallet" | "rotate_wallet"
        | "drain_wallet" => ChangeWallet,
        "get_me" | "list_my_wallets" | "list_my_balances" => ReadProfile,
        "change_me" | "ask_link_challenge" | "link_wallet" | "unlink_wallet" | "ask_email"
        | "verify_email" | "forget_email" => ChangeProfile,
        "list_sessions" => ReadSession,
        "end_session" | "end_other_sessions" => EndSession,
        _ => return None,
    };
    Some(Declared::Does(action))
}

/// Why an operation may be refused to who calls.
pub(super) fn denials(declared: Declared) -> &'static [Code] {
    use Code as C;
    let Declared::Does(action) = declared else { return &[] };
    match action.rule() {
        None | Some(Rule::Anyone) => &[],
        Some(Rule::User) => &[C::KeyMissing, C::UserOnly],
        Some(Rule::UserOr(_)) => &[C::KeyMissing, C::ScopeMissing],
        Some(Rule::OneOf(_) | Rule::KeyOf(_) | Rule::OneOfOrAdmin(_)) => {
            &[C::KeyMissing, C::ScopeMissing, C::KeyOnly]
        }
        Some(Rule::Minter(_)) => &[C::KeyMissing, C::ScopeMissing, C::MinterOnly, C::RoleUnchecked],
        Some(Rule::Operator(_)) => &[C::KeyMissing, C::ScopeMissing, C::OperatorOnly, C::KeyOnly],
        Some(Rule::Admin) => &[C::KeyMissing, C::ScopeMissing, C::AdminOnly, C::KeyOnly],
    }
}

/// As the document says it: `x-stoa-action`.
pub(super) fn named(declared: Declared) -> String {
    match declared {
        Declared::Open => "open".to_owned(),
        Declared::Does(action) => action.name(),
    }
}
