//! A node between us and the node, that may lie.

use axum::{Json, Router, extract::State, routing::post};
use chain::{Endpoint, EndpointOptions, RpcError};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, task::JoinHandle};

/// Makes another answer of (method, parameters, true answer).
pub type Lie = Arc<dyn Fn(&str, &Value, Value) -> Value + Send + Sync>;

pub struct Proxy {
    pub endpoint: Endpoint,
    lie: Arc<Mutex<Option<Lie>>>,
    refused: Arc<Mutex<Refused>>,
    server: JoinHandle<()>,
}

/// A method that is answered by an error, and how often it was.
#[derive(Default)]
struct Refused {
    method: Option<(String, String)>,
    times: u64,
}

type Shared = (Endpoint, Arc<Mutex<Option<Lie>>>, Arc<Mutex<Refused>>);

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    pub async fn before(node: &Endpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lie: Arc<Mutex<Option<Lie>>> = Arc::default();
        let refused: Arc<Mutex<Refused>> = Arc::default();
        let state: Shared = (node.clone(), Arc::clone(&lie), Arc::clone(&refused));
        let router = Router::new().route("/", post(answer)).with_state(state);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let endpoint = Endpoint::new(&url, EndpointOptions::default()).unwrap();
        Self { endpoint, lie, refused, server }
    }

    pub fn lie(&self, lie: impl Fn(&str, &Value, Value) -> Value + Send + Sync + 'static) {
        *self.lie.lock().unwrap() = Some(Arc::new(lie));
    }

    /// Have calls of a method fail, as if the node said so.
    pub fn refuse(&self, method: &str, message: &str) {
        let method = Some((method.to_owned(), message.to_owned()));
        *self.refused.lock().unwrap() = Refused { method, times: 0 };
    }

    pub fn refused(&self) -> u64 {
        self.refused.lock().unwrap().times
    }

    pub fn be_honest(&self) {
        *self.lie.lock().unwrap() = None;
        self.refused.lock().unwrap().method = None;
    }
}

async fn answer(State(state): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let Value::Array(calls) = body else { return Json(answer_one(&state, &body).await) };
    let mut answers = Vec::new();
    for call in &calls {
        answers.push(answer_one(&state, call).await);
    }
    Json(Value::Array(answers))
}

async fn answer_one((node, lie, refused): &Shared, call: &Value) -> Value {
    let method = call["method"].as_str().unwrap();
    {
        let mut refused = refused.lock().unwrap();
        if let Some((_, message)) = refused.method.clone().filter(|(one, _)| one == method) {
            refused.times += 1;
            let error = json!({ "code": -32000, "message": message });
            return json!({ "jsonrpc": "2.0", "id": call["id"], "error": error });
        }
    }
    match node.call::<Value>(method, call["params"].clone()).await {
        Ok(truth) => {
            let lie = lie.lock().unwrap().clone();
            let result = lie.map_or(truth.clone(), |lie| lie(method, &call["params"], truth));
            json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
        }
        Err(RpcError::Refused { code, message, .. }) => json!({
            "jsonrpc": "2.0", "id": call["id"], "error": { "code": code, "message": message },
        }),
        Err(error) => json!({
            "jsonrpc": "2.0", "id": call["id"],
            "error": { "code": -32000, "message": error.to_string() },
        }),
    }
}
