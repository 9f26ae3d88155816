//! The client libraries against a server.

use crate::server::{Home, Options, Server};
use std::{path::Path, process::Command};

/// Receivers of their webhooks are on this machine; how much they may ask for is tested elsewhere.
const CONFIG: &str = "[webhooks]\nallowed_networks = [\"127.0.0.1\"]\n\
                      [limits]\nip_units = 0\nkey_units = 0\n";

async fn start(home: &Home) -> (Server, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("stoa.toml");
    std::fs::write(&config, CONFIG).unwrap();
    (home.start(&Options { config: Some(&config), ..Options::default() }).await, place)
}

/// It is built, and its own tests are run: `web/packages/api-client/test`.
#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_does_what_it_says() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/packages/api-client");
    let installed = package.join("node_modules/typescript").exists();
    assert!(installed, "what it is built with is missing: scripts/install-tools.sh");
    let home = Home::new();
    let (server, _place) = start(&home).await;
    let mut npm = Command::new("npm");
    npm.arg("test").current_dir(package);
    npm.env("STOA_URL", server.text("http")).env("STOA_KEY", server.text("operator_api_key"));
    let output = tokio::task::spawn_blocking(move || npm.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.stop(), Some(0));
}
