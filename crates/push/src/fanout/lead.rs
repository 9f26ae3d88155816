//! Leading, and publishing what was read.

use super::{
    ANSWER, BEAT, Fanout, HOLD, PAUSE,
    desk::{Desk, Role},
    wire,
};
use redis::{RedisError, Script};
use std::{convert::Infallible, sync::LazyLock, time::Duration};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// Entries published at a time.
const AT_ONCE: usize = 64;
/// Entries kept, each of 64 KiB or less: whoever is further behind reads the database.
const KEPT: usize = 512;
/// A deployment that is gone leaves nothing behind.
const KEPT_FOR: Duration = Duration::from_secs(3_600);

static PUBLISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("publish.lua")));
static RESIGN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("resign.lua")));

impl Fanout {
    /// Lead when nobody else does, as long as Redis and the database answer.
    pub(crate) async fn lead(&self, desk: &Desk) {
        let mut waiting = desk.waiting.lock().await;
        // Said once each time that it is lost, and when it is not there to begin with.
        let mut is_new = true;
        loop {
            let Err(error) = self.lead_while_well(desk, &mut waiting).await;
            metrics::gauge!("push_fanout_up").set(0.0);
            metrics::gauge!("push_fanout_leads").set(0.0);
            metrics::counter!("push_fanout_failures_total").increment(1);
            if desk.enter(Role::Alone) || is_new {
                let why = error.category();
                tracing::warn!(why, "Redis does not answer: facts come from the database");
            }
            is_new = false;
            sleep(PAUSE).await;
        }
    }

    async fn lead_while_well(
        &self,
        desk: &Desk,
        waiting: &mut mpsc::Receiver<Vec<String>>,
    ) -> Result<Infallible, RedisError> {
        let mut connection = self.connect(Some(ANSWER)).await?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut entries = tokio::select! {
                Some(entries) = waiting.recv() => entries,
                _ = beat.tick() => Vec::new(),
            };
            let is_beat = entries.is_empty();
            while entries.len() < AT_ONCE
                && let Ok(more) = waiting.try_recv()
            {
                entries.extend(more);
            }
            // After all that was read before it, and nothing that was read since.
            if is_beat && desk.leads() && waiting.is_empty() {
                entries.push(desk.heads());
            }
            let leads = desk.may_lead() && {
                let mut publish = PUBLISH.key(&self.leader);
                publish.key(&self.stream).arg(self.node.to_string());
                let sealed: Vec<String> =
                    entries.iter().map(|entry| self.seal.close(entry)).collect();
                publish.arg(millis(HOLD)).arg(KEPT).arg(millis(KEPT_FOR)).arg(sealed);
                publish.invoke_async::<bool>(&mut connection).await?
            };
            metrics::gauge!("push_fanout_up").set(1.0);
            metrics::gauge!("push_fanout_leads").set(f64::from(u8::from(leads)));
            if desk.enter(if leads { Role::Leading } else { Role::Following }) && leads {
                tracing::info!("other nodes hear of facts by this one");
            }
        }
    }

    /// Have another lead at once. Best effort.
    pub(crate) async fn resign(&self) {
        let resigned = async {
            let mut connection = self.connect(Some(ANSWER)).await?;
            let mut resign = RESIGN.key(&self.leader);
            resign.key(&self.stream).arg(self.node.to_string()).arg(self.seal.close(&wire::gone()));
            resign.invoke_async::<bool>(&mut connection).await
        };
        if !matches!(timeout(ANSWER, resigned).await, Ok(Ok(_))) {
            tracing::info!("other nodes will miss this one");
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
