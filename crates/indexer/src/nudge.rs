//! New heads by WebSocket (`eth_subscribe`), as a nudge only: what it says is never believed, and
//! polling goes on beside it.

use chain::Chain;
use futures_util::{SinkExt, StreamExt, future::join_all};
use std::{convert::Infallible, future::pending, time::Duration};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};
use vocab::ChainId;

const SUBSCRIBE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;
const CONNECT: Duration = Duration::from_secs(5);
/// A connection that says nothing for this long is made anew.
const SILENCE: Duration = Duration::from_secs(60);
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Nudge at every message of every WebSocket of the chain; idle for ever when it has none.
pub(crate) async fn nudge_by_ws(chain: Chain, nudge: &Notify) -> Infallible {
    let listeners = chain.ws_urls.iter().map(|url| keep_listening(chain.id, url, nudge));
    join_all(listeners).await;
    pending().await
}

/// Reconnects for ever.
async fn keep_listening(chain: ChainId, url: &str, nudge: &Notify) -> Infallible {
    let mut pause = PAUSE_MIN;
    loop {
        let mut heard = false;
        if let Err(error) = listen(url, nudge, &mut heard).await {
            // The address may carry a key, so it is not said here.
            tracing::debug!(chain.id = %chain, error = &error as &dyn std::error::Error,
                "the WebSocket for heads ended");
        }
        pause = if heard { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        sleep(pause).await;
    }
}

async fn listen(url: &str, nudge: &Notify, heard: &mut bool) -> Result<(), tungstenite::Error> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let connected = timeout(CONNECT, connect_async_with_config(url, Some(config), true)).await;
    let Ok(connected) = connected else { return Ok(()) };
    let (mut socket, _) = connected?;
    socket.send(Message::text(SUBSCRIBE)).await?;
    while let Ok(Some(message)) = timeout(SILENCE, socket.next()).await {
        message?;
        *heard = true;
        nudge.notify_one();
    }
    Ok(())
}
