//! What the node itself can take: transfers that were signed before the clock starts, pushed by
//! as many keep-alive clients as the engine gets, with no engine between.

use crate::{
    node::{Node, quantity},
    quantile::{Quantiles, rounded},
};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Signature, TxKind, U256, hex, keccak256};
use anyhow::{Context, Result, ensure};
use secp256k1::{Message, SecretKey, ecdsa::RecoverableSignature};
use serde::Serialize;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const GWEI: u128 = 1_000_000_000;
const MINED_MAX: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Serialize)]
pub struct Ceiling {
    pub transactions: usize,
    pub accepted_per_second: f64,
    pub confirmed_per_second: f64,
    pub push: Quantiles,
}

/// Push `count` transfers of 1 wei from `wallets` fresh keys, and wait until all are mined.
pub async fn measure(
    node: &Node,
    chain_id: u64,
    (count, wallets, clients): (usize, usize, usize),
) -> Result<Ceiling> {
    let salt = uuid::Uuid::now_v7();
    let keys: Vec<Key> =
        (0..wallets).map(|i| Key::derive(&format!("{salt}:{i}"))).collect::<Result<_>>()?;
    for key in &keys {
        node.call("anvil_setBalance", json!([key.address, U256::from(10).pow(U256::from(22))]))
            .await?;
    }
    let raw: Arc<[String]> = (0..count)
        .map(|i| {
            let to = Address::from_word(keccak256(format!("{salt}:to:{i}")));
            keys[i % wallets].transfer(chain_id, (i / wallets) as u64, to)
        })
        .collect();
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (node, raw, next) = (node.clone(), raw.clone(), next.clone());
        tasks.spawn(async move {
            let mut times = Vec::new();
            while let Some(raw) = raw.get(next.fetch_add(1, Ordering::Relaxed)) {
                let started = Instant::now();
                node.send(raw).await?;
                times.push(started.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        times.extend(done.context("a client died")??);
    }
    let accepted = started.elapsed();
    wait_mined(node, &keys, count).await?;
    let confirmed = started.elapsed();
    let rate = |took: Duration| rounded(count as f64 / took.as_secs_f64());
    Ok(Ceiling {
        transactions: count,
        accepted_per_second: rate(accepted),
        confirmed_per_second: rate(confirmed),
        push: Quantiles::of(times),
    })
}

async fn wait_mined(node: &Node, keys: &[Key], count: usize) -> Result<()> {
    let calls: Vec<_> = keys
        .iter()
        .map(|key| ("eth_getTransactionCount", json!([key.address, "latest"])))
        .collect();
    let started = Instant::now();
    loop {
        let mut mined = 0;
        for answer in node.batch(&calls).await? {
            mined += quantity(&answer)?;
        }
        if mined == count as u64 {
            return Ok(());
        }
        ensure!(started.elapsed() < MINED_MAX, "only {mined} of {count} transfers were mined");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

struct Key {
    secret: SecretKey,
    address: Address,
}

impl Key {
    fn derive(seed: &str) -> Result<Self> {
        let secret =
            SecretKey::from_secret_bytes(keccak256(seed).0).context("a seed gave no key")?;
        let public = secret.public_key().serialize_uncompressed();
        let address = Address::from_raw_public_key(&public[1..]);
        Ok(Self { secret, address })
    }

    fn transfer(&self, chain_id: u64, nonce: u64, to: Address) -> String {
        let tx = TxEip1559 {
            chain_id,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000 * GWEI,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        let message = Message::from_digest(tx.signature_hash().0);
        let signed = RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret);
        let (recovery, compact) = signed.serialize_compact();
        let signature = Signature::from_bytes_and_parity(&compact, recovery.to_u8() == 1);
        hex::encode_prefixed(tx.into_signed(signature).encoded_2718())
    }
}
