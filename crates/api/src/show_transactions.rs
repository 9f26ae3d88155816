//! From the application's values to wire shapes: transactions, ABIs, wallets.

use crate::show::time;
use api_types as wire;
use app::{Abi, AbiRow, Failure, Quote};
use serde_json::Value;
use vocab::{Address, ChainId};

fn address(address: Address) -> String {
    address.to_checksum(None)
}

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
    let limit = quote.gas.map(|gas| gas.limit);
    let fee_max = limit.map(|limit| u128::from(limit).saturating_mul(quote.fees.max));
    wire::TransactionQuote {
        succeeds: quote.failure.is_none(),
        chain_id: quote.chain_id,
        from: address(quote.from),
        to: address(quote.to),
        value: quote.value.to_string(),
        input: quote.input.to_string(),
        gas_estimate: quote.gas.map(|gas| gas.estimate),
        gas_limit: limit,
        base_fee: quote.fees.base.to_string(),
        max_fee: quote.fees.max.to_string(),
        max_priority_fee: quote.fees.tip.to_string(),
        fee_max: fee_max.map(|fee| fee.to_string()),
        returns: quote.returns,
        return_data: quote.return_data.map(|data| data.to_string()),
        failure: quote.failure.map(failure),
    }
}
