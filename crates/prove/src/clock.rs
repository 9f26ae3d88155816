//! The node's clock: a block each so often, but none while somebody has the node to himself.

use chain::Endpoint;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

/// Mines until it is dropped. The node's own clock would not do: anvil that mines a block while it
/// takes others back loses blocks of its chain, or all its state.
pub struct Clock {
    turn: Arc<Mutex<()>>,
    _task: JoinSet<()>,
}

impl Clock {
    pub fn start(node: Endpoint, block_time: Duration) -> Self {
        let turn = Arc::new(Mutex::new(()));
        let mut task = JoinSet::new();
        task.spawn(mine(node, block_time, turn.clone()));
        Self { turn, _task: task }
    }

    /// No block is mined while this is held, and none is being mined.
    pub async fn stand_still(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

async fn mine(node: Endpoint, block_time: Duration, turn: Arc<Mutex<()>>) {
    let mut ticks = interval(block_time);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let _turn = turn.lock().await;
        if let Err(error) = node.call::<Value>("evm_mine", json!([])).await {
            crate::say(&format!("the node does not mine: {error}"));
        }
    }
}
