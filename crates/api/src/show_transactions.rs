//! From the application's values to wire shapes: transactions, ABIs, wallets.

use crate::show::{address, block, status, time};
use api_types as wire;
use app::{
    Abi, AbiRow, ApprovalView, AttemptRow, Failure, Quote, Transaction, TransactionView,
    WalletState, WalletView,
};
use serde_json::{Value, json};

use vocab::{Bytes, ChainId, Urgency};

pub(crate) fn abi_entry(row: &AbiRow) -> wire::AbiEntry {
    wire::AbiEntry {
        chain_id: ChainId::from_i64(row.chain_id).0,
        address: address(row.address),
        name: row.name.clone(),
        source: match row.abi {
            None => wire::AbiSource::BuiltIn,
            Some(_) => wire::AbiSource::Uploaded,
        },
        created_at: time(row.created_at),
    }
}

pub(crate) fn abi(abi: &Abi, json: Option<Value>) -> wire::AbiDetail {
    let signatures = abi.contract.functions().map(|function| function.signature().to_owned());
    wire::AbiDetail { entry: abi_entry(&abi.row), functions: signatures.collect(), abi: json }
}

pub(crate) fn failure(failure: Failure) -> wire::CallFailure {
    wire::CallFailure {
        code: failure.code,
        text: failure.text,
        signature: failure.signature,
        args: failure.args,
        data: failure.data.map(|data| data.to_string()),
    }
}

pub(crate) fn quote(quote: Quote) -> wire::TransactionQuote {
    let price = quote.price.as_ref();
    wire::TransactionQuote {
        succeeds: quote.failure.is_none(),
        chain_id: quote.chain_id,
        from: address(quote.from),
        to: address(quote.to),
        value: quote.value.to_string(),
        input: quote.input.to_string(),
        gas_estimate: price.map(|price| price.gas_estimate),
        gas_limit: price.map(|price| price.gas_limit),
        base_fee: price.and_then(|price| price.base_fee_wei).map(|fee| fee.to_string()),
        max_fee: price.map(|price| price.max_fee_wei.to_string()),
        max_priority_fee: price.map(|price| price.max_priority_fee_wei.to_string()),
        l1_fee: price.map(|price| price.l1_fee_wei.to_string()),
        fee_likely: price
            .map(|price| (price.likely_wei.saturating_sub(price.value_wei)).to_string()),
        fee_max: price.map(|price| (price.worst_wei.saturating_sub(price.value_wei)).to_string()),
        returns: quote.returns,
        return_data: quote.return_data.map(|data| data.to_string()),
        failure: quote.failure.map(failure),
    }
}

fn urgency(stored: &str) -> wire::Urgency {
    match stored.parse() {
        Ok(Urgency::Low) => wire::Urgency::Low,
        Ok(Urgency::High) => wire::Urgency::High,
        Ok(Urgency::Urgent) => wire::Urgency::Urgent,
        Ok(Urgency::Normal) | Err(_) => wire::Urgency::Normal,
    }
}

pub(crate) fn transaction(row: &Transaction) -> wire::Transaction {
    wire::Transaction {
        id: row.id,
        status: status(&row.status),
        reason: row.reason.clone(),
        kind: row.kind.clone(),
        label: row.label.clone(),
        chain_id: ChainId::from_i64(row.chain_id).0,
        role: row.role.clone(),
        wallet: row.wallet.map(|wallet| address(wallet.0)),
        to: row.recipient.map(|to| address(to.0)),
        value: row.value_wei.to_string(),
        nonce: row.nonce.map(i64::unsigned_abs),
        tx_hash: row.tx_hash.map(|hash| hash.0.to_string()),
        block: row.block_number.zip(row.block_hash).map(|(number, hash)| block(number, hash.0)),
        reverted: row.reverted,
        urgency: urgency(&row.urgency),
        fee_cap: row.fee_cap_wei.map(|cap| cap.0.to_string()),
        gas_limit: row.gas_limit.map(i64::unsigned_abs),
        priority: row.priority,
        not_before: row.not_before.map(time),
        deadline: row.deadline_at.map(time),
        ordering_key: row.ordering_key.clone(),
        on_failure: match row.ordering_on_failure.as_str() {
            "free" => wire::OnFailure::Free,
            _ => wire::OnFailure::Block,
        },
        cancel_requested_at: row.cancel_requested_at.map(time),
        replaces: row.replaces,
        compensates: row.compensates,
        redrives: row.redrives.unsigned_abs(),
        created_at: time(row.created_at),
        updated_at: time(row.updated_at),
    }
}

fn attempt(row: &AttemptRow) -> wire::TransactionAttempt {
    wire::TransactionAttempt {
        attempt: row.attempt.unsigned_abs(),
        wallet: address(row.wallet),
        nonce: row.nonce.unsigned_abs(),
        tx_hash: row.tx_hash.map(|hash| hash.0.to_string()),
        gas_limit: row.gas_limit.unsigned_abs(),
        max_fee: row.max_fee_wei.to_string(),
        max_priority_fee: row.max_priority_fee_wei.to_string(),
        void: row.void,
        sent: row.sent.clone(),
        sent_error: row.sent_error.clone(),
        sent_at: row.sent_at.map(time),
        created_at: time(row.created_at),
    }
}

pub(crate) fn transaction_detail(view: TransactionView) -> wire::TransactionDetail {
    wire::TransactionDetail {
        transaction: transaction(&view.row),
        input: Bytes::from(view.input).to_string(),
        call: view.call.map(|(contract, called)| wire::DecodedCall {
            contract,
            function: called.function,
            signature: called.signature,
            args: called.args,
        }),
        failure: view.failure.map(failure),
        compensation: view.row.compensation,
        attempts: view.attempts.iter().map(attempt).collect(),
        approval: view.approval.map(approval),
    }
}

fn approval(view: ApprovalView) -> wire::TransactionApproval {
    let given = view.given.iter().map(|one| wire::GivenApproval {
        operator: address(one.operator.0),
        act: one.act.0.to_string(),
        expires_at: ::time::OffsetDateTime::from_unix_timestamp(one.expires).ok().map(time),
        created_at: time(one.created_at),
    });
    wire::TransactionApproval {
        wanted_at: view.wanted_at.map(time),
        act: view.wanted.act.to_string(),
        intent: json!(view.intent),
        operators: view.wanted.operators.iter().copied().map(address).collect(),
        needed: view.wanted.needed,
        expires_seconds_max: view.wanted.expires_max_s,
        role: view.wanted.role,
        policy: view.wanted.policy.to_string(),
        refused: view.wanted.refused,
        given: given.collect(),
    }
}

pub(crate) fn wallet(view: &WalletView) -> wire::Wallet {
    let row = &view.row;
    wire::Wallet {
        chain_id: ChainId::from_i64(row.chain_id).0,
        address: address(row.address),
        role: row.role.clone(),
        key_index: view.key_index,
        state: match view.state {
            WalletState::Active => wire::WalletState::Active,
            WalletState::Paused => wire::WalletState::Paused,
            WalletState::Retiring => wire::WalletState::Retiring,
            WalletState::Retired => wire::WalletState::Retired,
        },
        balance: view.balance.map(|wei| wei.to_string()),
        chain_nonce: view.chain_nonce,
        next_nonce: next_nonce(row.last_nonce, view.chain_nonce),
        in_flight: u32::try_from(row.in_flight).unwrap_or(u32::MAX),
        in_flight_max: row.in_flight_max.unsigned_abs(),
        open: u32::try_from(row.open).unwrap_or(u32::MAX),
        lane: view.lane.as_ref().map(|lane| wire::WalletLane {
            holder: lane.holder,
            epoch: lane.epoch,
            expires_at: time(lane.expires_at),
        }),
        paused_reason: row.paused_reason.clone(),
        paused_at: row.paused_at.map(time),
    }
}

/// One above the ledger's last, but never below the chain's.
fn next_nonce(last: Option<i64>, on_chain: Option<u64>) -> Option<u64> {
    let ledger = last.map(|last| last.unsigned_abs() + 1);
    ledger.max(on_chain)
}
