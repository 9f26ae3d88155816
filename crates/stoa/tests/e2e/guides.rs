//! `docs/guide/api-keys.md` and `docs/guide/sign-requests.md`: their commands are run as they are
//! written there.

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
        SIGNED=$(base \"$HMAC\" | openssl dgst -sha256 -hmac \"$SECRET\" -binary | openssl base64 -A)
        mint \"$HMAC\" \"$SIGNED\" || echo \"refused\"";
    let said = follow_guide(place.path(), "sign-requests.md", again).await;
    let accepted = said.matches("\"status\":\"queued\"").count();
    assert_eq!(accepted, 2, "by HMAC and by Ed25519: {said}");
    assert!(said.trim_end().ends_with("refused"), "a secret where a key is set: {said}");
    assert_eq!(server.stop(), Some(0));
}
