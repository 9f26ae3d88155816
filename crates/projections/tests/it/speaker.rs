//! A contract of somebody else that tells whatever it is told to.

use crate::rig::{self, Rig, call_of};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde_json::Value;

/// One log to be told.
#[derive(Clone, Debug)]
pub struct Told {
    pub topics: Vec<B256>,
    pub data: Vec<u8>,
}

impl Told {
    pub fn new(signature: &str, indexed: &[B256], data: Vec<u8>) -> Self {
        let mut topics = vec![keccak256(signature)];
        topics.extend_from_slice(indexed);
        Self { topics, data }
    }
}

pub fn word(n: u64) -> Vec<u8> {
    U256::from(n).to_be_bytes_vec()
}

pub fn topic(n: u64) -> B256 {
    B256::from(U256::from(n))
}

pub async fn deploy(rig: &Rig) -> Address {
    let run = code();
    let length = u8::try_from(run.len()).unwrap();
    let mut creation = vec![0x60, length, 0x60, 0x0c, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xf3];
    creation.extend(run);
    rig::deploy(&rig.node, Bytes::from(creation)).await
}

/// What makes it tell these logs, in one transaction.
pub fn call(speaker: Address, logs: &[Told]) -> Value {
    call_of(speaker, input(logs))
}

pub async fn say(rig: &Rig, speaker: Address, logs: &[Told]) -> B256 {
    rig.send(speaker, input(logs)).await
}

/// Per log: how many topics, how many bytes, four topics, the bytes.
fn input(logs: &[Told]) -> Vec<u8> {
    let mut input = Vec::new();
    for log in logs {
        input.extend(word(log.topics.len() as u64));
        input.extend(word(log.data.len() as u64));
        for place in 0..4 {
            input.extend(log.topics.get(place).copied().unwrap_or_default());
        }
        input.extend(&log.data);
    }
    input
}

/// `mem[0]` is the place of the next log in the input; its data is copied to `mem[64]`.
fn code() -> Vec<u8> {
    const LOOP: u8 = 0;
    let mut code = vec![
        0x5b, // loop:
        0x60, 0, 0x51, // place
        0x80, 0x36, 0x11, 0x15, // is the input at its end?
        0x60, 0, 0x57, // then go to `end`, whose place is known below
        0x80, 0x60, 0x20, 0x01, 0x35, // length, place
        0x80, 0x82, 0x60, 0xc0, 0x01, 0x60, 0x40, 0x37, // copy the data
        0x80, 0x82, 0x01, 0x60, 0xc0, 0x01, 0x60, 0, 0x52, // where the next one is
        0x90, 0x80, 0x35, // topics, place, length
    ];
    let end_at = 9;
    let mut jumps = Vec::new();
    for topics in 0..=4u8 {
        code.extend([0x80, 0x60, topics, 0x14, 0x60]);
        jumps.push(code.len());
        code.extend([0, 0x57]);
    }
    code.push(0xfe);
    for topics in 0..=4u8 {
        code[jumps[usize::from(topics)]] = u8::try_from(code.len()).unwrap();
        code.extend([0x5b, 0x50]); // place, length
        for pushed in 0..topics {
            let topic = topics - 1 - pushed;
            // place + 64 + 32 × topic
            code.extend([0x80 + pushed, 0x60, 0x40 + 0x20 * topic, 0x01, 0x35]);
        }
        // length, 64, log; then the next one
        code.extend([0x81 + topics, 0x60, 0x40, 0xa0 + topics, 0x50, 0x50, 0x60, LOOP, 0x56]);
    }
    code[end_at] = u8::try_from(code.len()).unwrap();
    code.extend([0x5b, 0x00]);
    code
}
