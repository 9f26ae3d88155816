//! Nothing that opens anything is ever logged, however much is logged.

use crate::{
    harness::{PAGE, start},
    sign_in::{CHALLENGES, LOGOUT, REFRESH, SESSIONS, personal, text},
    sponsored::User,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;
use vocab::Bytes;

#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<u8>>>);

impl Write for Book {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Book {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_logged() {
    let book = Book::default();
    // The client of the test logs what it sends; that is not ours.
    let filter = "trace,reqwest=off,hyper_util::client=off";
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(book.clone())
        .with_ansi(false)
        .init();
    let api = start().await;
    let user = User::new(7);
    let mut secrets: Vec<String> = Vec::new();

    let request = json!({ "address": user.address.to_string() });
    let asked: Value = api.plain(CHALLENGES, &request).await.json().await.unwrap();
    let message = text(&asked, "message").to_owned();
    secrets.push(text(&asked, "nonce").to_owned());
    let wrong = Bytes::copy_from_slice(&personal(&User::new(8), &message));
    let good = Bytes::copy_from_slice(&personal(&user, &message));
    secrets.extend([&wrong, &good].map(|signature| signature.to_string()[2..].to_owned()));
    for signature in [&wrong, &good, &good] {
        let request = json!({ "message": message, "signature": signature });
        let opened = api.plain(SESSIONS, &request).await;
        if opened.status() == 201 {
            let opened: Value = opened.json().await.unwrap();
            for token in ["access_token", "refresh_token"] {
                secrets.push(text(&opened, token).to_owned());
            }
        }
    }
    let (access, refresh) = (secrets[3].clone(), secrets[4].clone());
    api.get_as(&access, SESSIONS).send().await.unwrap();
    api.get_as(&format!("{access}x"), SESSIONS).send().await.unwrap();
    for _ in 0..2 {
        let next = api.plain(REFRESH, &json!({ "refresh_token": refresh })).await;
        let next: Value = next.json().await.unwrap();
        for token in ["access_token", "refresh_token"] {
            secrets.push(text(&next, token).to_owned());
        }
    }
    api.clock.advance(time::Duration::seconds(11));
    api.plain(REFRESH, &json!({ "refresh_token": refresh })).await;
    api.plain(REFRESH, &json!({ "refresh_token": format!("{refresh}x") })).await;
    api.plain(LOGOUT, &json!({ "refresh_token": secrets[6] })).await;

    let message: Value = api.plain(CHALLENGES, &request).await.json().await.unwrap();
    let message = text(&message, "message").to_owned();
    let signature = Bytes::copy_from_slice(&personal(&user, &message));
    let shown = json!({ "message": message, "signature": signature, "mode": "cookie" });
    let opened = api.request(Method::POST, SESSIONS).header("origin", PAGE).json(&shown).send();
    let opened = opened.await.unwrap();
    for cookie in opened.headers().get_all("set-cookie") {
        let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
        secrets.push(pair.split_once('=').unwrap().1.to_owned());
        let list = api.request(Method::GET, SESSIONS).header("cookie", pair);
        list.send().await.unwrap();
    }
    let log = String::from_utf8_lossy(&book.0.lock().unwrap()).into_owned();
    assert!(log.contains("a refresh token was used a second time"), "the log is there");
    assert!(log.lines().count() > 40, "all of it: {}", log.lines().count());
    assert!(secrets.len() >= 11, "{}", secrets.len());
    for secret in &secrets {
        // A JWT's header is no secret; its last part is.
        let telling = secret.rsplit('.').next().unwrap();
        for form in [secret.as_str(), telling, &telling[telling.len() / 2..]] {
            let line = log.lines().find(|line| line.contains(form));
            assert!(line.is_none(), "{}", line.unwrap_or_default());
        }
    }
}
