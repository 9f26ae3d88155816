//! From the application's values to wire shapes: sponsors and what they pay for.

use crate::show::{address, block, status, time};
use api_types as wire;
use app::{ForwardRequestRow, Prepared, SponsorView};
use serde_json::json;
use vocab::{Bytes, ChainId};

pub(crate) fn sponsor(view: &SponsorView) -> wire::Sponsor {
    let (row, used, left) = (&view.row, &view.used, view.left());
    wire::Sponsor {
        id: row.id,
        chain_id: ChainId::from_i64(row.chain_id).0,
        name: row.name.clone(),
        owner: row.principal_id,
        state: match row.state.as_str() {
            "active" => wire::SponsorState::Active,
            _ => wire::SponsorState::Paused,
        },
        day: view.day.to_string(),
        limits: wire::SponsorAmounts {
            day: row.day_wei_max.to_string(),
            total: row.total_wei_max.to_string(),
            user_day: row.user_day_wei_max.to_string(),
            user_day_requests: row.user_day_requests_max.unsigned_abs(),
        },
        used: wire::SponsorAmounts {
            day: used.day_wei.to_string(),
            total: used.total_wei.to_string(),
            user_day: used.user_day_wei.to_string(),
            user_day_requests: used.user_day_requests,
        },
        left: wire::SponsorAmounts {
            day: left.day_wei.to_string(),
            total: left.total_wei.to_string(),
            user_day: left.user_day_wei.to_string(),
            user_day_requests: left.user_day_requests,
        },
        gas_max: row.gas_max.unsigned_abs(),
        rules: view
            .rules
            .iter()
            .map(|rule| wire::SponsorRule {
                target: address(rule.target),
                function: rule.function.clone(),
            })
            .collect(),
        created_at: time(row.created_at),
        updated_at: time(row.updated_at),
    }
}

pub(crate) fn prepared(made: &Prepared) -> wire::PreparedRequest {
    let request = &made.request;
    wire::PreparedRequest {
        chain_id: made.chain_id,
        forwarder: address(made.forwarder),
        request: wire::ForwardRequest {
            from: address(request.from),
            to: address(request.to),
            value: Some(json!(request.value.to_string())),
            gas: json!(request.gas.to_string()),
            nonce: json!(request.nonce.to_string()),
            deadline: json!(request.deadline.to_string()),
            data: request.data.to_string(),
        },
        typed_data: made.typed_data.clone(),
        digest: made.digest.to_string(),
        cost_max: made.cost_max.to_string(),
    }
}

pub(crate) fn sponsored(row: &ForwardRequestRow) -> wire::SponsoredTransaction {
    wire::SponsoredTransaction {
        id: row.id,
        sponsor_id: row.sponsor_id,
        status: status(&row.status),
        reason: row.reason.clone(),
        consent: wire::Consent::ForwardRequest,
        chain_id: ChainId::from_i64(row.chain_id).0,
        forwarder: address(row.forwarder),
        user: address(row.user_address),
        nonce: row.nonce.unsigned_abs(),
        to: address(row.target),
        selector: Bytes::copy_from_slice(&row.selector).to_string(),
        gas: row.gas.unsigned_abs(),
        deadline: row.deadline_at.unix_timestamp(),
        digest: row.digest.0.to_string(),
        transaction_id: row.transaction_id,
        tx_hash: row.tx_hash.map(|hash| hash.0.to_string()),
        block: row.block_number.zip(row.block_hash).map(|(number, hash)| block(number, hash.0)),
        reverted: row.reverted,
        reserved: row.reserved_wei.to_string(),
        cost: row.cost_wei.map(|cost| cost.0.to_string()),
        settled_at: row.settled_at.map(time),
        created_at: time(row.created_at),
    }
}
