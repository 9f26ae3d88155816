//! `docs/guide/api-keys.md`, `docs/guide/sign-requests.md` and `docs/guide/me.md`: their commands
//! are run as they are written there.

use crate::{
    server::{Home, Options},
    sign_in::{checkout, follow_guide},
};

#[tokio::test(flavor = "multi_thread")]
async fn guides_make_keys_and_sign_with_them() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let place = checkout(&home);
    let ask =
        "echo; echo \"revoked $(curl -sS -o /dev/null -w '%{http_code}' \"$KEYS\" -H \"$SHOP\")\"";
    let said = follow_guide(place.path(), "api-keys.md", ask).await;
    assert!(said.contains("\"allowed_ips\":[\"127.0.0.1/32\"]"), "{said}");
    assert!(said.trim_end().ends_with("revoked 401"), "{said}");

    let again = "echo; echo \"again $(mint \"$PARAMETERS\" AAAA 2>&1 | tail -n 1)\"
        HMAC=$(said hmac-sha256); ORDER=ticket-3
        code() { openssl dgst -sha256 -hmac \"$SECRET\" -binary | openssl base64 -A; }
        mint \"$HMAC\" \"$(base \"$HMAC\" | code)\" || echo \"refused\"";
    let said = follow_guide(place.path(), "sign-requests.md", again).await;
    let accepted = said.matches("\"status\":\"queued\"").count();
    assert_eq!(accepted, 2, "by HMAC and by Ed25519: {said}");
    assert!(said.trim_end().ends_with("refused"), "a secret where a key is set: {said}");
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guide_has_users_tell_of_themselves() {
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let place = checkout(&home);
    let ask = "echo; echo \"left $(curl -sSf \"$API/me/wallets\" -H \"$ME\" | field items)\"";
    let said = follow_guide(place.path(), "me.md", ask).await;
    assert!(said.contains("Link this wallet to the user "), "{said}");
    assert!(said.contains("\"contact\":\"+49 170 0000000\""), "{said}");
    assert!(said.contains("\"chains\":[{\"chain_id\":31337,"), "{said}");
    let left = said.lines().last().unwrap();
    assert!(left.starts_with("left ") && left.matches("\"address\"").count() == 1, "{said}");
    assert_eq!(server.stop(), Some(0));
}
