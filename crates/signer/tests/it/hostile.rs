//! Peers that do not behave.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use signer::{ClientError, REQUEST_BYTES_MAX, Refusal};

use crate::rig::{DEADLINE, Rig, send, sign_one};

fn connect(rig: &Rig) -> UnixStream {
    let stream = UnixStream::connect(rig.socket()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends one frame, and returns all that comes back until the server closes the connection.
fn closing_answer(rig: &Rig, body: &[u8]) -> String {
    let mut stream = connect(rig);
    stream.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(answer.get(4..).unwrap_or_default()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_end_their_connection_and_nothing_else() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    let deep = "[".repeat(100_000);
    let zero = format!("{:#x}", alloy_primitives::Address::ZERO);
    let fee = r#"{"legacy":{"gas_price":"1"}}"#;
    let intent = |extra: &str, kind: &str| {
        format!(
            r#"{{"id":1,"call":{{"sign_transactions":{{"intents":[{{"key":"{zero}","chain_id":1,
            "nonce":0,"kind":{kind},"gas_limit":21000,"fee":{fee}{extra}}}]}}}}}}"#
        )
    };
    let typed = |rest: &str| {
        let rest = rest.trim_start_matches('{');
        let head = r#"{"id":1,"call":{"sign_typed":{"intents":[{"key":"#;
        format!(r#"{head}"{zero}",{rest}]}}}}}}"#)
    };
    let word = alloy_primitives::B256::ZERO;
    let one = format!(r#"{{"act":"{word}","expires":1,"salt":"{word}","signature":"0x"}}"#);
    let many = vec![one; signer::APPROVALS_MAX + 1].join(",");
    let too_many =
        format!(r#"{{"id":1,"call":{{"sign_typed":{{"intents":[],"approvals":[{many}]}}}}}}"#);
    let bodies = [
        String::new(),
        "{".to_owned(),
        "\u{0}\u{1}".to_owned(),
        deep,
        r#"{"id":1}"#.to_owned(),
        r#"{"id":-1,"call":{"health":{}}}"#.to_owned(),
        r#"{"id":1,"call":{"health":{}},"extra":1}"#.to_owned(),
        r#"{"id":1,"call":{"health":{"extra":1}}}"#.to_owned(),
        r#"{"id":1,"call":{"export_key":{"role":"minter"}}}"#.to_owned(),
        r#"{"id":1,"call":{"ensure_key":{"role":"minter","index":4294967296}}}"#.to_owned(),
        intent(r#","raw":"0x00""#, r#"{"void":{}}"#),
        intent("", r#"{"void":{"to":"0x00"}}"#),
        intent("", r#"{"raw":"0x00"}"#),
        typed(r#"{"digest":"0x00"}"#),
        typed(r#"{"domain":{},"primary_type":"A","message":{},"types":{}}"#),
        typed(r#"{"domain":{"chainId":1},"primary_type":"A","message":{}}"#),
        r#"{"id":1,"call":{"sign_hash":{"hash":"0x00"}}}"#.to_owned(),
        r#"{"id":1,"call":{"reload_policy":{}}}"#.to_owned(),
        r#"{"id":1,"call":{"sign_typed":{"intents":[],"approvals":[{"act":"0x00"}]}}}"#.to_owned(),
        intent("", r#"{"call":{"to":"0x00","value":"0x0","data":"0x"}}"#),
    ];
    for body in bodies {
        let answer = closing_answer(&rig, body.as_bytes());
        assert!(answer.ends_with(r#""outcome":{"fault":"malformed"}}"#), "{body:.80}: {answer}");
    }
    let too_many = closing_intent(&rig, &too_many);
    assert!(too_many.contains("malformed"), "{too_many}");
    let known = closing_intent(&rig, &typed(r#"{"domain":{},"primary_type":"A","message":{}}"#));
    assert!(known.contains("unknown_key"), "so is the other: {known}");
    let refused = closing_intent(&rig, &intent("", r#"{"void":{}}"#));
    assert!(refused.contains("unknown_key"), "the template itself is well formed: {refused}");
    assert!(sign_one(&client, &send(key, 0, 1, 1)).await.is_ok());
    server.stop().await;
}

/// Sends a well-formed request and reads one answer.
fn closing_intent(rig: &Rig, body: &str) -> String {
    let mut stream = connect(rig);
    stream.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_claims_a_gigabyte_is_refused_by_its_length() {
    let rig = Rig::new();
    let server = rig.start();
    rig.client().health().await.unwrap();
    for length in [1_000_000_000u32, u32::MAX, REQUEST_BYTES_MAX as u32 + 1] {
        let mut stream = connect(&rig);
        stream.write_all(&length.to_be_bytes()).unwrap();
        // Not one byte of the body is needed for the refusal.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_frames_and_silent_peers_hold_nobody_up() {
    let rig = Rig::new();
    let server = rig.start();
    let client = rig.client();
    let key = client.ensure_key("minter", 0).await.unwrap();
    // More than the server takes: the surplus is closed, and a slow frame closes the others.
    let mut slow: Vec<_> = (0..80).map(|_| connect(&rig)).collect();
    for stream in &mut slow {
        // A peer above the limit may find its connection closed already.
        let _ = stream.write_all(&[0, 0]);
    }
    assert!(sign_one(&client, &send(key, 0, 1, 1)).await.is_ok());
    for mut stream in slow {
        // Either an end or a reset, within the reading timeout: not a silence.
        match stream.read(&mut [0; 8]) {
            Ok(read) => assert_eq!(read, 0),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    assert!(rig.client().health().await.is_ok(), "their places are free again");
    server.stop().await;
}

#[tokio::test]
async fn an_intent_too_large_for_a_frame_is_refused_by_the_client() {
    let rig = Rig::new();
    let mut intent = send(alloy_primitives::Address::ZERO, 0, 1, 1);
    intent.kind = signer::TxKind::Create {
        value: Default::default(),
        init_code: vec![0; REQUEST_BYTES_MAX / 2].into(),
    };
    let error = rig.client().sign_transactions(&[intent]).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn an_absent_signer_is_unavailable_and_a_policy_says_no() {
    let rig = Rig::new();
    let hasty =
        signer::Client::connect_with_timeout(rig.socket(), std::time::Duration::from_millis(100));
    let error = hasty.health().await.unwrap_err();
    assert!(matches!(error, ClientError::Unavailable { .. }), "{error}");
    let server = rig.start();
    let client = rig.client();
    let unknown = client.ensure_key("treasurer", 0).await.unwrap_err();
    assert!(matches!(unknown, ClientError::Refused(Refusal::UnknownRole { .. })), "{unknown}");
    let escaping = client.ensure_key("../minter", 0).await.unwrap_err();
    assert!(matches!(escaping, ClientError::Refused(Refusal::UnknownRole { .. })));
    let many = client.ensure_key("minter", 4).await.unwrap_err();
    assert!(matches!(many, ClientError::Refused(Refusal::TooManyKeys { limit: 4 })));
    server.stop().await;
}
