//! Keys in a PKCS#11 token, by SoftHSM.

use std::{collections::HashMap, process::Command, time::Instant};

use alloy_primitives::Address;
use signer::{Config, ServeError};

use crate::{
    backends::{Hsm, PIN, declare, key, two_roles, write_private},
    rig::{DIR_VARIABLE, Rig, is_away, is_conflict, send, sign_one, wait_until},
    signatures::check,
};

const ACTION_VARIABLE: &str = "SIGNER_TEST_ACTION";

/// The token's module reads where its tokens are from the environment, so whatever opens it runs
/// in a child that has it there.
#[test]
fn acts_on_a_token() {
    let Some(action) = std::env::var_os(ACTION_VARIABLE) else {
        return;
    };
    let dir = std::env::var_os(DIR_VARIABLE).unwrap();
    let config = Config { harden: false, ..crate::rig::config_in(dir.as_ref()) };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match action.to_str().unwrap().split_once(':').unwrap() {
        ("generate", label) => {
            let safe = signer::Safe::open(&config, runtime.handle().clone()).unwrap();
            println!("ADDRESS {}", safe.generate("hsm", label).unwrap());
            assert!(safe.generate("hsm", label).is_err(), "a label is given once");
        }
        ("adopt", _) => {
            let config = Config { adopt_keys: true, ..config };
            signer::Safe::open(&config, runtime.handle().clone()).unwrap();
        }
        ("fail", _) => {
            let error = signer::Safe::open(&config, runtime.handle().clone()).unwrap_err();
            assert!(matches!(error, ServeError::Backend { .. }), "{error}");
            println!("ERROR {error}");
        }
        other => panic!("{other:?}"),
    }
}

fn act(rig: &Rig, hsm: &Hsm, action: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pkcs11::acts_on_a_token", "--nocapture"])
        .env(DIR_VARIABLE, rig.dir.path())
        .env(ACTION_VARIABLE, action)
        .env("SOFTHSM2_CONF", &hsm.configuration)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // By the exit code too: a module still in use at the exit crashes in its destructors.
    let done = text.contains("test result: ok. 1 passed");
    let done = done && output.status.success();
    assert!(done, "{} {text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    text
}

/// Makes a key in the token, and declares it as the first of `role`.
pub(crate) fn with_token_key(mut rig: Rig, hsm: &Hsm, role: &str) -> Rig {
    declare(&rig, &[hsm.section(&rig)]);
    act(&rig, hsm, "generate:signing key 0");
    declare(&rig, &[hsm.section(&rig), key(role, 0, "hsm", "signing key 0")]);
    act(&rig, hsm, "adopt:");
    rig.environment = HashMap::from([("SOFTHSM2_CONF".to_owned(), hsm.configuration.clone())]);
    rig
}

fn rig() -> (Rig, Hsm) {
    let rig = Rig::with_policy(&two_roles());
    let hsm = Hsm::new(&rig);
    (with_token_key(rig, &hsm, "vault"), hsm)
}

async fn address_of(rig: &Rig) -> Address {
    rig.client().ensure_key("vault", 0).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signs_batches_and_the_same_question_has_the_same_answer() {
    let (rig, _hsm) = rig();
    let process = rig.spawn();
    let client = rig.client();
    let key = address_of(&rig).await;
    let asked: Vec<_> = (0..1_000).map(|nonce| send(key, nonce, 1, 1)).collect();
    let start = Instant::now();
    let outcomes = client.sign_transactions(&asked).await.unwrap();
    println!("SoftHSM: {:.0} signatures/s", 1_000.0 / start.elapsed().as_secs_f64());
    for (intent, outcome) in asked.iter().zip(&outcomes) {
        check(intent, outcome.as_ref().unwrap());
    }
    let local = client.ensure_key("minter", 0).await.unwrap();
    assert!(sign_one(&client, &send(local, 0, 1, 1)).await.is_ok(), "a keystore key beside it");
    process.kill();
    let process = rig.spawn();
    assert_eq!(client.sign_transactions(&asked).await.unwrap(), outcomes);
    let other = sign_one(&client, &send(key, 7, 2, 1)).await;
    assert!(is_conflict(&other), "{other:?}");
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_gone_means_later_and_costs_no_nonce() {
    let (rig, _hsm) = rig();
    let process = rig.spawn();
    let key = address_of(&rig).await;
    assert!(sign_one(&rig.client(), &send(key, 0, 1, 1)).await.is_ok());
    process.kill();
    std::fs::rename(rig.path("tokens"), rig.path("unplugged")).unwrap();
    std::fs::create_dir(rig.path("tokens")).unwrap();
    let process = rig.spawn();
    let outcome = sign_one(&rig.client(), &send(key, 1, 1, 1)).await;
    assert!(is_away(&outcome), "{outcome:?}");
    process.kill();
    std::fs::remove_dir(rig.path("tokens")).unwrap();
    std::fs::rename(rig.path("unplugged"), rig.path("tokens")).unwrap();
    let process = rig.spawn();
    assert!(is_conflict(&sign_one(&rig.client(), &send(key, 1, 2, 1)).await), "claimed");
    assert!(sign_one(&rig.client(), &send(key, 1, 1, 1)).await.is_ok());
    process.kill();
}

#[test]
fn wrong_modules_labels_and_keys_stop_the_start_and_show_no_pin() {
    let (rig, hsm) = rig();
    let section = hsm.section(&rig);
    let mine = key("vault", 0, "hsm", "signing key 0");
    let cases = [
        (format!("{}{mine}", section.replace("libsofthsm2", "libnothing")), "module"),
        (format!("{section}{mine}{}", key("vault", 1, "hsm", "nowhere")), "no key"),
    ];
    for (text, expected) in cases {
        declare(&rig, &[text]);
        let output = act(&rig, &hsm, "fail:");
        assert!(output.contains(expected) && !output.contains(PIN), "{output}");
    }
    // A wrong PIN would lock the token after some tries; a known key waits, a new one can't start.
    write_private(&rig.path("pin"), "wrong-pin-9999");
    declare(&rig, &[section, mine, key("vault", 1, "hsm", "another")]);
    let output = act(&rig, &hsm, "fail:");
    assert!(output.contains("no session") && !output.contains("wrong-pin"), "{output}");
}

#[test]
fn a_module_is_asked_by_the_signer_alone() {
    let (rig, _hsm) = rig();
    let process = rig.spawn();
    wait_until("it is ready", || rig.socket().exists());
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", process.0.id())).unwrap();
    assert!(maps.contains("softhsm"), "loaded in the signer");
    let own = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(!own.contains("softhsm"), "and not in its client");
    process.kill();
}
