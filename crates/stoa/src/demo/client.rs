//! The few calls of the public API that the demo makes.

use crate::dev::DevFile;
use alloy_sol_types::SolCall;
use anyhow::{Context, Result, bail};
use contracts::StoaCollection;
use futures_util::{SinkExt, StreamExt};
use reqwest::{RequestBuilder, multipart};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use vocab::U256;

pub struct Client {
    http: reqwest::Client,
    dev: DevFile,
}

pub struct Stream(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub fn new(dev: &DevFile) -> Result<Self> {
        // Only loopback is called; the provider is needed for the client to be built at all.
        chain::install_tls();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { http, dev: dev.clone() })
    }

    pub async fn upload(&self, picture: &Path) -> Result<Value> {
        let bytes = tokio::fs::read(picture)
            .await
            .with_context(|| format!("cannot read {}", picture.display()))?;
        let name = picture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let form =
            multipart::Form::new().part("file", multipart::Part::bytes(bytes).file_name(name));
        self.send(self.post("/api/v1/uploads").multipart(form)).await
    }

    pub async fn metadata(&self, metadata: &Value) -> Result<Value> {
        self.send(self.post("/api/v1/metadata").json(metadata)).await
    }

    pub async fn mint(&self, request: &Value) -> Result<Value> {
        self.send(self.post("/api/v1/mints").json(request)).await
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.dev.http);
        self.send(self.http.get(url).bearer_auth(&self.dev.operator_api_key)).await
    }

    /// What the chain itself says, past the engine.
    pub async fn owner_on_chain(&self, contract: &str, token_id: &str) -> Result<String> {
        let call = StoaCollection::ownerOfCall { tokenId: token_id.parse::<U256>()? };
        let endpoint = chain::Endpoint::new(&self.dev.rpc_url, chain::EndpointOptions::default())?;
        let request = chain::CallRequest {
            from: vocab::Address::ZERO,
            to: Some(contract.parse()?),
            value: U256::ZERO,
            data: call.abi_encode().into(),
        };
        let answer = endpoint.simulate(&[request]).await?.remove(0)?;
        Ok(StoaCollection::ownerOfCall::abi_decode_returns(&answer)?.to_string())
    }

    /// All that the stream tells of one mint, from its beginning.
    pub async fn subscribe(&self, mint_id: &str) -> Result<Stream> {
        let (mut socket, _) = connect_async(&self.dev.stream).await.context("no stream")?;
        let hello = [
            json!({ "op": "auth", "key": self.dev.operator_api_key }),
            json!({ "op": "subscribe", "id": "mint", "topic": "mints",
                    "filter": { "mint_id": mint_id }, "from_seq": 0 }),
        ];
        for frame in hello {
            socket.send(Message::text(frame.to_string())).await?;
        }
        Ok(Stream(socket))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.dev.http))
            .bearer_auth(&self.dev.operator_api_key)
            .header("Idempotency-Key", uuid::Uuid::now_v7().to_string())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let response = request.send().await.context("the server does not answer")?;
        let status = response.status();
        let body: Value = response.json().await.context("the answer is not JSON")?;
        if !status.is_success() {
            bail!("{status}: {} ({})", body["detail"], body["code"]);
        }
        Ok(body)
    }
}

impl Stream {
    /// The data of the next fact.
    pub async fn next(&mut self) -> Result<Value> {
        while let Some(message) = self.0.next().await {
            let Message::Text(text) = message? else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            if frame["op"] == "error" {
                bail!("the stream refused: {frame}");
            }
            if frame["type"] == "delta" || frame["type"] == "reorg" {
                return Ok(frame["data"].clone());
            }
        }
        bail!("the stream ended")
    }
}
