//! The one task that follows the log for a hub: in the database, or as another node reads it there.

use crate::{
    Fanout, Hub,
    fanout::{Desk, Role, SILENCE_MAX, Told, encode},
};
use db::DbError;
use journal::{Fact, Tail};
use std::{future::Future, time::Duration};
use tokio::{sync::mpsc, time::sleep};

/// Before the database is asked again after trouble.
const PAUSE: Duration = Duration::from_millis(500);

/// Run it beside the server.
#[derive(Debug)]
pub struct Feed {
    hub: Hub,
    tail: Tail,
    fanout: Option<Fanout>,
}

impl Feed {
    pub(crate) fn new(hub: Hub, tail: Tail) -> Self {
        Self { hub, tail, fanout: None }
    }

    /// Have one node read the database for all that share `fanout`'s Redis.
    #[must_use]
    pub fn through(self, fanout: Option<Fanout>) -> Self {
        Self { fanout, ..self }
    }

    /// Follow the log until `shutdown` ends, then tell all connections to go. Database trouble is
    /// retried for ever with a pause, and said in the log.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let closing = self.hub.closing().clone();
        let fanout = self.fanout.take();
        let follow = async {
            match &fanout {
                None => self.follow().await,
                Some(fanout) => self.follow_with_others(fanout).await,
            }
        };
        tokio::select! {
            () = shutdown => closing.cancel(),
            () = follow => {}
        }
        if let Some(fanout) = &fanout {
            fanout.resign().await;
        }
    }

    async fn follow(&mut self) {
        loop {
            let read = self.tail.next().await;
            self.take_in(read).await;
        }
    }

    async fn take_in(&mut self, read: Result<Vec<Fact>, DbError>) {
        match read {
            Ok(facts) => {
                count(&facts, "database");
                self.hub.tell(facts, self.tail.places());
            }
            Err(error) => complain(&error).await,
        }
    }

    /// Its three loops are one task: none goes on without the others.
    async fn follow_with_others(&mut self, fanout: &Fanout) {
        let (desk, told) = Desk::new(self.tail.places());
        tokio::join!(fanout.lead(&desk), fanout.listen(&desk), self.follow_either(&desk, told));
    }

    /// By Redis while another node speaks there, else in the database. Whatever way a fact comes,
    /// it is told when it is the next of its topic; where one is missing, the database has it.
    async fn follow_either(&mut self, desk: &Desk, mut told: mpsc::Receiver<Option<Told>>) {
        let (mut roles, mut role) = (desk.role(), Role::Alone);
        // Does another node speak? Until it has, it is not relied on.
        let (mut hears, mut missing) = (false, false);
        loop {
            let before = std::mem::replace(&mut role, *roles.borrow_and_update());
            if before != role {
                (hears, missing) = (false, false);
                desk.publish(Vec::new(), self.tail.places());
            }
            if missing {
                missing = self.catch_up(desk).await;
                continue;
            }
            if hears {
                self.tail.rest();
            }
            tokio::select! {
                biased;
                changed = roles.changed() => if changed.is_err() { return },
                Some(heard) = told.recv(), if role == Role::Following => {
                    let speaks = !matches!(heard, Some(Told::Gone));
                    if speaks && !hears {
                        tracing::info!("facts come through Redis");
                    }
                    hears = speaks;
                    missing = self.hear(heard);
                }
                read = look(&mut self.tail, desk), if !hears => {
                    if let (Role::Leading, Ok(facts)) = (role, &read) {
                        desk.publish(encode(facts, self.tail.places()), self.tail.places());
                    }
                    desk.looked(read.is_ok());
                    self.take_in(read).await;
                }
                () = sleep(SILENCE_MAX), if hears => {
                    tracing::warn!("nobody speaks in Redis: facts come from the database");
                    hears = false;
                }
            }
        }
    }

    /// Tell what follows; true when there is more in the database than was heard of.
    fn hear(&mut self, heard: Option<Told>) -> bool {
        let Some(heard) = heard else { return true };
        let (facts, whole) = heard.following(&mut self.tail);
        if !facts.is_empty() {
            count(&facts, "redis");
            self.hub.tell(facts, self.tail.places());
        }
        !whole
    }

    /// One look into the database; true when there may be more.
    async fn catch_up(&mut self, desk: &Desk) -> bool {
        let looked = self.tail.look().await;
        desk.looked(looked.is_ok());
        match looked {
            Ok(None) => false,
            Ok(Some(facts)) => {
                metrics::counter!("push_fanout_gaps_total").increment(1);
                self.take_in(Ok(facts)).await;
                true
            }
            Err(error) => {
                complain(&error).await;
                true
            }
        }
    }
}

/// The next facts in the database, noting when it was last looked at.
async fn look(tail: &mut Tail, desk: &Desk) -> Result<Vec<Fact>, DbError> {
    loop {
        let found = tail.look().await?;
        desk.looked(true);
        if let Some(found) = found {
            return Ok(found);
        }
        tail.wait().await?;
    }
}

async fn complain(error: &DbError) {
    tracing::warn!(error = error as &dyn std::error::Error, "the stream waits for the database");
    sleep(PAUSE).await;
}

fn count(facts: &[Fact], by: &'static str) {
    metrics::counter!("push_facts_total", "by" => by).increment(facts.len() as u64);
}
