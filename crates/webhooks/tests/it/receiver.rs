//! An endpoint on loopback that keeps what it is sent, verifies it with the published library, and
//! answers as a test wants.

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Something that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: String,
    pub signature: String,
    pub headers: HeaderMap,
    pub body: Value,
    /// As it came, to verify.
    pub bytes: Vec<u8>,
    /// What was answered.
    pub status: u16,
}

impl Sent {
    pub fn seq(&self) -> i64 {
        self.body["data"]["seq"].as_i64().unwrap()
    }

    pub fn key(&self) -> String {
        self.body["data"]["data"]["key"].as_str().unwrap().to_owned()
    }
}

/// What to answer: by the request and how many came before it.
pub type Answering = Arc<dyn Fn(&Value, usize) -> Answer + Send + Sync>;

#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Nothing is answered, ever.
    pub hangs: bool,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), hangs: false }
    }

    pub fn hang() -> Self {
        Self { hangs: true, ..Self::status(200) }
    }
}

/// Ends with the test.
pub struct Receiver {
    pub address: SocketAddr,
    kept: Arc<Mutex<Vec<Sent>>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn start(answering: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (kept, asked) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (keep, count) = (kept.clone(), asked.clone());
        let take = move |headers: HeaderMap, bytes: Bytes| {
            let (keep, count) = (keep.clone(), count.clone());
            let answering = answering.clone();
            async move {
                let place = count.fetch_add(1, Ordering::SeqCst);
                let body: Value = serde_json::from_slice(&bytes).unwrap();
                let answer = answering(&body, place);
                if answer.hangs {
                    std::future::pending::<()>().await;
                }
                let text = |name: &str| headers[name].to_str().unwrap().to_owned();
                keep.lock().unwrap().push(Sent {
                    id: text("webhook-id"),
                    signature: text("webhook-signature"),
                    headers: headers.clone(),
                    body,
                    bytes: bytes.to_vec(),
                    status: answer.status,
                });
                respond(answer)
            }
        };
        let router = Router::new().route("/hook", post(take));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, kept, asked, serving }
    }

    /// It takes everything.
    pub async fn willing() -> Self {
        Self::start(Arc::new(|_, _| Answer::status(200))).await
    }

    pub async fn answering(
        answer: impl Fn(&Value, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start(Arc::new(answer)).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it has answered, in the order in which it did.
    pub fn kept(&self) -> Vec<Sent> {
        self.kept.lock().unwrap().clone()
    }

    /// What it said yes to.
    pub fn taken(&self) -> Vec<Sent> {
        let all = self.kept().into_iter();
        all.filter(|sent| (200..300).contains(&sent.status)).collect()
    }

    /// Requests that came, answered or not.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn forget(&self) {
        self.kept.lock().unwrap().clear();
    }
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap();
    let mut response = (status, answer.body).into_response();
    for (name, value) in answer.headers {
        let name: header::HeaderName = name.parse().unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
