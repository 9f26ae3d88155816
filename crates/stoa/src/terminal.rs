//! Who sits at a terminal of the server, for the audit log. Who reaches the database can be
//! anybody there: this says which account they used, not that it was theirs.

use app::{Beside, By, Decision};
use journal::NewFact;
use nix::unistd::{User, getuid};
use serde_json::Value;
use vocab::ChainId;

/// The account of this process, and who became it by sudo.
pub(crate) fn account() -> String {
    let uid = getuid();
    let name = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    match std::env::var("SUDO_USER") {
        Ok(before) if is_account(&before) && before != name => format!("{name} ({before})"),
        _ => name,
    }
}

fn is_account(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte))
}

/// What somebody here did about the index of a chain, for the record.
pub(crate) fn changed_index(
    (act, chain): (&'static str, ChainId),
    about: (&'static str, String),
    (before, after): (Value, Value),
) -> NewFact {
    let account = account();
    let (by, deed) = (By::Terminal(&account), Beside::ChangeIndex.into());
    Decision { by, deed, about, act, chain_id: Some(chain), before, after }.fact()
}

/// The same about whether and from where it goes on.
pub(crate) fn changed_chain(
    act: &'static str,
    chain: ChainId,
    (before, after): (Value, Value),
) -> NewFact {
    changed_index((act, chain), ("chain", chain.to_string()), (before, after))
}
