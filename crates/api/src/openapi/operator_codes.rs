//! What operations of operators may answer besides success.

use crate::problem::Code;

const BODY: [Code; 5] = [
    Code::BodyMalformed,
    Code::BodyInvalid,
    Code::JsonTooDeep,
    Code::BodyTooLarge,
    Code::ContentTypeUnsupported,
];
const MAKES: [Code; 4] = [
    Code::IdempotencyKeyRequired,
    Code::IdempotencyKeyInvalid,
    Code::IdempotencyInProgress,
    Code::IdempotencyKeyReused,
];
const ADDRESS: [Code; 3] = [Code::ChainUnknown, Code::AddressInvalid, Code::AddressChecksum];
const LISTS: [Code; 2] = [Code::QueryInvalid, Code::CursorInvalid];
const CALL: [Code; 8] = [
    Code::ChainReadOnly,
    Code::WalletUnknown,
    Code::WalletState,
    Code::ContractUnknown,
    Code::AbiUnknown,
    Code::FunctionUnknown,
    Code::ArgumentsInvalid,
    Code::TransactionInvalid,
];
const TRANSACTION: [Code; 2] = [Code::TransactionUnknown, Code::PathInvalid];
const CHANGE: [Code; 3] =
    [Code::IllegalTransition, Code::TransactionOwned, Code::TransactionInvalid];
const APPROVAL: [Code; 4] = [
    Code::ApprovalNotWanted,
    Code::ApprovalInvalid,
    Code::ApprovalNotByOperator,
    Code::ApprovalExpired,
];
const WALLET: [Code; 2] = [Code::WalletUnknown, Code::PathInvalid];

/// The codes, and whether the operation takes an Idempotency-Key. None: not one of operators.
pub(super) fn codes(operation: &str) -> Option<(bool, Vec<Code>)> {
    use Code as C;
    let parts: &[&[Code]] = match operation {
        "store_abi" => {
            let own = &[C::AbiInvalid, C::AbiExists, C::AbiBuiltIn, C::AbiLimitReached];
            return Some((true, [&BODY[..], &MAKES, &ADDRESS, own].concat()));
        }
        "request_transaction" => &[&BODY, &MAKES, &ADDRESS, &CALL, &[C::QueueFull]],
        "replace_transaction" => &[&BODY, &MAKES, &ADDRESS, &CALL, &TRANSACTION, &CHANGE],
        "cancel_transaction" | "speed_up_transaction" | "redrive_transaction" => {
            &[&BODY, &MAKES, &TRANSACTION, &CHANGE]
        }
        "approve_transaction" => &[&BODY, &MAKES, &TRANSACTION, &APPROVAL],
        "create_sponsor" => &[
            &BODY,
            &MAKES,
            &[C::ChainUnknown, C::ChainReadOnly, C::SponsorInvalid, C::SponsorExists],
        ],
        "create_wallet" => {
            &[&BODY, &MAKES, &[C::ChainUnknown, C::ChainReadOnly, C::SignerRefused, C::WalletState]]
        }
        "pause_wallet" | "resume_wallet" | "retire_wallet" | "drain_wallet" => {
            &[&BODY, &MAKES, &ADDRESS, &WALLET, &[C::ChainReadOnly, C::WalletState]]
        }
        "rotate_wallet" => &[
            &BODY,
            &MAKES,
            &ADDRESS,
            &WALLET,
            &[C::ChainReadOnly, C::WalletState, C::SignerRefused],
        ],
        _ => return reading(operation).map(|codes| (false, codes)),
    };
    Some((true, parts.concat()))
}

fn reading(operation: &str) -> Option<Vec<Code>> {
    use Code as C;
    let parts: &[&[Code]] = match operation {
        "list_abis" => &[&LISTS, &[C::ChainUnknown]],
        "get_abi" => &[&ADDRESS, &[C::AbiUnknown, C::PathInvalid]],
        "delete_abi" => &[&ADDRESS, &[C::AbiUnknown, C::AbiBuiltIn, C::PathInvalid]],
        "quote_transaction" => &[&BODY, &ADDRESS, &CALL],
        "list_transactions" => &[&LISTS, &ADDRESS, &[C::StatusUnknown, C::TransactionInvalid]],
        "get_transaction" | "list_transaction_facts" => &[&TRANSACTION],
        "change_sponsor" => {
            let own = &[C::SponsorUnknown, C::SponsorInvalid, C::ChainUnknown, C::ChainReadOnly];
            &[&BODY, own, &[C::PathInvalid]]
        }
        "list_audit_records" => &[&LISTS],
        "get_metric_series" => &[&[C::QueryInvalid]],
        "list_wallets" => &[&[C::QueryInvalid, C::ChainUnknown]],
        "get_wallet" => &[&ADDRESS, &WALLET],
        _ => return None,
    };
    Some(parts.concat())
}

/// What operations on sponsors may answer that a machine may do.
pub(super) fn of_sponsored(operation: &str) -> Vec<Code> {
    use Code as C;
    const ASKING: [Code; 11] = [
        C::ChainReadOnly,
        C::SponsorUnknown,
        C::SponsorPaused,
        C::NotSupported,
        C::ForwardRequestInvalid,
        C::CallNotSponsored,
        C::TargetUntrusting,
        C::CallFails,
        C::WalletUnknown,
        C::WalletState,
        C::ChainUnknown,
    ];
    const ADDRESSES: [Code; 2] = [C::AddressInvalid, C::AddressChecksum];
    let parts: &[&[Code]] = match operation {
        "request_sponsored" => {
            let own = &[
                C::ForwarderUnknown,
                C::SignatureInvalid,
                C::ForwardNonce,
                C::ForwardRequestSeen,
                C::BudgetExceeded,
                C::QueueFull,
            ];
            &[&BODY, &MAKES, &ADDRESSES, &ASKING, own]
        }
        "prepare_sponsored" => &[&BODY, &ADDRESSES, &ASKING, &CALL],
        "get_sponsor" => &[&ADDRESSES, &[C::SponsorUnknown, C::QueryInvalid, C::PathInvalid]],
        "list_sponsors" => &[&LISTS, &[C::ChainUnknown]],
        "get_sponsored" => &[&[C::SponsoredUnknown, C::PathInvalid]],
        _ => &[&LISTS, &ADDRESSES, &[C::StatusUnknown]],
    };
    parts.concat()
}

/// What operations on API keys may answer.
pub(super) fn of_api_keys(operation: &str) -> Vec<Code> {
    use Code as C;
    const CHANGE: [Code; 4] =
        [C::ApiKeyUnknown, C::ApiKeyExceeds, C::ApiKeyRevoked, C::ApiKeyInvalid];
    let parts: &[&[Code]] = match operation {
        "create_api_key" => &[&BODY, &MAKES, &[C::ApiKeyInvalid, C::ApiKeyExceeds]],
        "rotate_api_key" => &[&BODY, &MAKES, &CHANGE, &[C::PathInvalid]],
        "change_api_key" => &[&BODY, &CHANGE, &[C::PathInvalid]],
        "revoke_api_key" => &[&[C::ApiKeyUnknown, C::ApiKeyExceeds, C::PathInvalid]],
        "get_api_key" => &[&[C::ApiKeyUnknown, C::PathInvalid]],
        _ => &[&LISTS],
    };
    parts.concat()
}

/// What granting a role may answer.
pub(super) fn of_grants() -> Vec<Code> {
    [&BODY[..], &[Code::PrincipalUnknown, Code::PathInvalid]].concat()
}
