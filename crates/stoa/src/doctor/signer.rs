//! The signer: its socket, its policy, and the keys that it holds.

use super::{
    Patient,
    report::{Finding, chain, within},
};
use crate::dev;
use ::signer::{Client, KeyInfo};
use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
};

/// And its keys, if it can be asked.
pub(super) async fn examine(of: &Patient) -> (Vec<Finding>, Option<Vec<KeyInfo>>) {
    let home = of.options.database.data_dir().join("signer");
    let socket = match &of.options.signer {
        Some(socket) => socket.clone(),
        None if home.exists() => match dev::signer_socket(of.options.database.data_dir()) {
            Ok(socket) => socket,
            Err(error) => {
                let finding = Finding::fail("signer", format!("{error:#}"), "name it: --signer");
                return (vec![finding], None);
            }
        },
        None => {
            let why = "no socket is named (--signer), and the data directory has none";
            return (vec![Finding::skip("signer", why)], None);
        }
    };
    let shown = socket.display().to_string();
    let todo = format!("start it (stoa sign --socket {shown}), and see its log");
    if let Some(finding) = of_socket(&socket, &todo) {
        return (vec![finding], None);
    }
    let client = Client::connect_with_timeout(&socket, of.time);
    let asked = within(of.time, async {
        let health = client.health().await.map_err(|error| chain(&error))?;
        let keys = client.list_keys().await.map_err(|error| chain(&error))?;
        Ok((health, keys))
    });
    let (health, keys) = match asked.await {
        Ok(answer) => answer,
        Err(why) => return (vec![Finding::fail("signer", why, todo)], None),
    };
    let why = format!("process {} holds {} keys", health.pid, health.keys);
    let mut findings = vec![Finding::ok("signer", why)];
    findings.push(policy(&home.join("policy.toml"), &health.policy_digest.to_string()));
    (findings, Some(keys))
}

/// What is wrong with the socket, if anything is.
fn of_socket(socket: &Path, todo: &str) -> Option<Finding> {
    let shown = socket.display();
    let Ok(status) = fs::metadata(socket) else {
        return Some(Finding::fail("signer", format!("there is no socket {shown}"), todo));
    };
    if !status.file_type().is_socket() {
        let why = format!("{shown} is no socket");
        return Some(Finding::fail("signer", why, "name the signer's socket: --signer"));
    }
    let open = socket.parent().and_then(|parent| fs::metadata(parent).ok());
    let open = open.is_some_and(|status| status.permissions().mode() & 0o007 != 0);
    let others = status.permissions().mode() & 0o002 != 0;
    (open && others).then(|| {
        let why = format!("anybody on this machine may connect to {shown}");
        Finding::warn("signer", why, "have its directory be of mode 0700")
    })
}

/// Whether the file that is here is what the signer goes by.
fn policy(file: &Path, in_force: &str) -> Finding {
    let check = "signer.policy";
    let Ok(text) = fs::read_to_string(file) else {
        return Finding::ok(check, format!("{in_force} is in force"));
    };
    match ::signer::policy_digest(&text) {
        Ok(digest) if digest.to_string() == in_force => {
            Finding::ok(check, format!("{in_force}, as in the file"))
        }
        Ok(digest) => {
            let why = format!("the signer goes by {in_force}, the file is {digest}");
            Finding::warn(check, why, "restart the signer, or put the policy back")
        }
        Err(error) => {
            let why = format!("{} is no policy: {}", file.display(), chain(&error));
            Finding::fail(check, why, "mend it: the signer would not start again")
        }
    }
}
