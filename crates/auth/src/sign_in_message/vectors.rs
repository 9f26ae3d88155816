//! The messages that the makers of EIP-4361's libraries agree on, as our library ships them. What
//! they refuse we refuse; what they read we read, but for what we are stricter in.

use super::SignInMessage;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, path::PathBuf, process::Command};

/// Of the messages they read, those that are not in the one form of their fields.
const OF_OTHER_FORM: [&str; 1] = ["resources empty"];

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.expect("cargo").stdout
}

fn directory() -> PathBuf {
    let version = String::from_utf8(cargo(&["-vV"])).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    // Of other platforms nothing has been fetched.
    let options = ["--format-version=1", "--offline", "--locked", "--filter-platform", host];
    let metadata = cargo(&[&["metadata"], &options[..]].concat());
    let metadata: Value = serde_json::from_slice(&metadata).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let library = packages.iter().find(|package| package["name"] == "signinwithethereum");
    let manifest = library.expect("the library")["manifest_path"].as_str().expect("a path");
    PathBuf::from(manifest).with_file_name("test-vectors").join("vectors")
}

fn vectors(name: &str) -> Map<String, Value> {
    let path = directory().join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("an object")
}

fn reads(text: &Value) -> bool {
    SignInMessage::parse(text.as_str().expect("a message")).is_ok()
}

#[test]
fn what_is_no_message_is_refused() {
    let refused = ["parsing/parsing_negative.json", "grammar/invalid_uris.json"];
    let mut count = 0;
    for name in refused.into_iter().chain(["grammar/invalid_resources.json"]) {
        for (case, text) in vectors(name) {
            assert!(!reads(&text), "{name}: {case}");
            count += 1;
        }
    }
    assert!(count >= 70, "{count}");
    // Addresses whose form tells nothing of a mistyped digit.
    for (case, vector) in vectors("parsing/parsing_warnings.json") {
        assert!(!reads(&vector["message"]), "{case}");
    }
}

#[test]
fn what_is_a_message_is_read() {
    let mut others = BTreeSet::new();
    for name in ["parsing/parsing_positive.json", "grammar/valid_specification.json"] {
        for (case, vector) in vectors(name) {
            let text = vector.get("message").unwrap_or(&vector["msg"]);
            if !reads(text) {
                others.insert(case);
            }
        }
    }
    assert_eq!(others, OF_OTHER_FORM.map(str::to_owned).into());
}
