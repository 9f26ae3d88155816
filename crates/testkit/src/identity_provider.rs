//! An OpenID Connect provider (`oidc-provider`, `tools/identity-provider.mjs`), and a browser that
//! signs in with it.

use crate::database::workspace;
use reqwest::{Client, Response, Url, header, redirect::Policy};
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// As it knows this engine.
pub const CLIENT_ID: &str = "stoa";
pub const CLIENT_SECRET: &str = "client-secret-of-tests";
/// More redirects than a sign-in takes.
const REDIRECTS_MAX: usize = 12;

/// A provider of one test; ends with it.
#[derive(Debug)]
pub struct IdentityProvider {
    pub issuer: String,
    client: Client,
    process: Child,
}

/// Start a provider that sends browsers back to `redirect_url`.
pub async fn identity_provider(redirect_url: &str) -> IdentityProvider {
    chain::install_tls();
    let script = workspace().join("tools/identity-provider.mjs");
    let mut process = Command::new("node")
        .arg(script)
        .args([CLIENT_ID, CLIENT_SECRET, redirect_url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("the provider says where it is");
    let said: Value = serde_json::from_str(&line).unwrap();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    IdentityProvider { issuer: said["issuer"].as_str().unwrap().to_owned(), client, process }
}

impl IdentityProvider {
    /// Who signs in from now on.
    pub async fn account(&self, subject: &str, name: &str, groups: &[&str]) {
        self.control(json!({ "account": { "sub": subject, "name": name, "groups": groups } }))
            .await;
    }

    /// What it does from now on: see its script.
    pub async fn control(&self, what: Value) {
        let sent = self.client.post(format!("{}/control", self.issuer)).json(&what).send().await;
        assert_eq!(sent.unwrap().status(), 200);
    }

    /// It is away.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// A browser with its cookies, by host and port. Follows redirects when it is told to.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    jar: BTreeMap<String, BTreeMap<String, String>>,
}

impl Default for Browser {
    fn default() -> Self {
        chain::install_tls();
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, jar: BTreeMap::new() }
    }
}

impl Browser {
    /// One request, with the cookies of its place; keeps what is set.
    pub async fn get(&mut self, url: &str) -> Response {
        let place = place(url);
        let kept = self.jar.entry(place).or_default();
        let pairs: Vec<String> =
            kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response =
            self.client.get(url).header(header::COOKIE, pairs.join("; ")).send().await.unwrap();
        for line in response.headers().get_all(header::SET_COOKIE) {
            let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            kept.insert(name.to_owned(), value.to_owned());
        }
        response
    }

    /// Where it is sent, as often as it is, until something below `end` would be asked.
    pub async fn follow(&mut self, url: &str, end: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..REDIRECTS_MAX {
            if url.starts_with(end) {
                return url;
            }
            let response = self.get(&url).await;
            let status = response.status();
            let next = location(&response);
            let next = next.unwrap_or_else(|| panic!("{url}: {status} leads nowhere"));
            url = url.parse::<Url>().unwrap().join(&next).unwrap().into();
        }
        panic!("{url}: too many redirects");
    }

    /// A cookie that it keeps of a place.
    pub fn cookie(&self, url: &str, name: &str) -> Option<&str> {
        self.jar.get(&place(url))?.get(name).map(String::as_str)
    }

    /// The same, as another browser has it.
    pub fn set_cookie(&mut self, url: &str, name: &str, value: &str) {
        self.jar.entry(place(url)).or_default().insert(name.to_owned(), value.to_owned());
    }
}

fn place(url: &str) -> String {
    url.parse::<Url>().unwrap().origin().ascii_serialization()
}

/// Where an answer leads.
pub fn location(response: &Response) -> Option<String> {
    let value = response.headers().get(header::LOCATION)?;
    Some(value.to_str().unwrap().to_owned())
}
