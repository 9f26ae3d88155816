//! Claiming jobs: as many as are a lane's fair share, in the order that their keys demand.

use crate::{
    FAILPOINTS,
    breaker::Circuit,
    lane::{Lane, LaneError},
    queue::Bell,
    rush::PATIENCE_MAX,
    share::{Found, Turn, batch, share},
    take::CALLS_MAX,
};
use db::{
    DbError, PgConnection,
    transactions::{self, ClaimFilter, Ready, ordering},
};
use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};
use tokio::time::sleep;
use uuid::Uuid;

/// How long other lanes leave claimed jobs alone: so long do jobs wait whose lane died meanwhile.
/// When a simulation takes longer, another lane may work in vain.
const CLAIM_SECONDS: f64 = 3.0;
/// Waiting jobs are counted up to this.
const DEPTH_MAX: i64 = 2_000;

/// A lane looks for jobs at every so many ticks at least.
const LOOK_TICKS: u32 = 50;

/// How long a lane leaves jobs alone when a rush begins: half as long as a block takes, so that the
/// next block is not lost, but not less, and no longer than [`PATIENCE_MAX`].
const PATIENCE_MIN: Duration = Duration::from_millis(100);

/// Jobs that a lane looks at.
pub(crate) struct Claimed {
    pub jobs: Vec<Ready>,
    /// More wait, for whichever lane looks next.
    pub more: bool,
    /// It took as many as it has room for.
    pub full: bool,
}

impl Lane {
    /// Is it this lane's turn to look for jobs? One that is told of some waits for a moment, if
    /// need be, so that there are several. One that was told of none looks if nobody else has, and
    /// now and then in any case: there are jobs that only one lane may take.
    pub async fn is_turn(&mut self, bell: &Bell, rang: bool) -> bool {
        let (now, tick) = (Instant::now(), self.options().tick);
        let (looks, role) = (&self.context.looks, self.wallet.role.as_str());
        let overdue = now.duration_since(self.looked) >= tick * LOOK_TICKS;
        if !rang && !overdue && looks.is_quiet(role, now, tick) {
            return false;
        }
        match looks.turn(role, now) {
            Turn::Now => {}
            Turn::After(pause) => sleep(pause).await,
            Turn::Not if overdue => {}
            Turn::Not => return false,
        }
        let patience = self.context.config.chain.block_time / 2;
        bell.let_rush_pass(patience.clamp(PATIENCE_MIN, PATIENCE_MAX)).await;
        self.looked = Instant::now();
        true
    }

    /// Claim at most `room` jobs.
    pub async fn claim(&self, room: usize) -> Result<Claimed, LaneError> {
        let (chain, role) = (self.context.chain_id(), self.wallet.role.as_str());
        // The loads before what waits: what another lane takes between is then missing in both, so
        // this one takes too little, which is made up for, and never too much. (The same holds for
        // claimed jobs, which count as a lane's once they have their nonces.)
        let finds = self.context.looks.finds(role);
        let others = self.context.loads.others(self.address(), role);
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let seconds_max = self.claim_seconds_max();
        let waiting =
            transactions::load_unclaimed(&mut connection, chain, role, seconds_max, DEPTH_MAX)
                .await?;
        drop(connection);
        let waiting = usize::try_from(waiting).unwrap_or(0);
        if waiting == 0 {
            self.context.looks.note(role, Found::All, finds);
            return Ok(Claimed { jobs: Vec::new(), more: false, full: false });
        }
        // Under the lease too: a lane that lost it must not keep jobs from its successor.
        let mut transaction = self.begin().await?;
        let room = room.min(CALLS_MAX);
        let batch = batch(usize::try_from(self.wallet.in_flight_max).unwrap_or(1));
        let limit = share(self.in_flight, &others, waiting, batch).min(room);
        let now = Instant::now();
        let paused = self.context.breakers.paused(now).into_iter().map(|of| (of.kind, of.source));
        let (paused_kinds, paused_sources): (Vec<String>, Vec<String>) = paused.unzip();
        let filter = ClaimFilter {
            chain_id: chain,
            role,
            wallet: self.address(),
            limit: i64::try_from(limit).unwrap_or(1),
            seconds: CLAIM_SECONDS,
            seconds_max,
            paused_kinds: &paused_kinds,
            paused_sources: &paused_sources,
        };
        let mut jobs = transactions::claim_ready(&mut transaction, filter).await?;
        let (probes, wait): (Vec<Ready>, Vec<Ready>) =
            jobs.into_iter().partition(|job| self.admits(job, now));
        jobs = probes;
        if !wait.is_empty() {
            let ids: Vec<Uuid> = wait.iter().map(|job| job.id).collect();
            transactions::unclaim(&mut transaction, &ids).await?;
        }
        let left = i64::try_from(limit - jobs.len()).unwrap_or(0);
        let filter = ClaimFilter { limit: left, ..filter };
        self.add_followers(&mut transaction, filter, &mut jobs).await?;
        transaction.commit().await.map_err(DbError::from)?;
        FAILPOINTS.hit("after_claim");
        let more = waiting > jobs.len();
        let found = match (jobs.is_empty(), more) {
            (true, _) => Found::NoneOfThese,
            (false, true) => Found::Some,
            (false, false) => Found::All,
        };
        self.context.looks.note(role, found, finds);
        Ok(Claimed { more, full: jobs.len() == room, jobs })
    }

    fn admits(&self, job: &Ready, now: Instant) -> bool {
        let breakers = &self.context.breakers;
        breakers.is_quiet() || breakers.admits(&Circuit::new(&job.kind, &job.source), now)
    }

    /// Twice the longest that a job is left alone for: what is beyond that, a clock that went back
    /// is to blame for.
    fn claim_seconds_max(&self) -> f64 {
        let postponed = self.options().retry * transactions::POSTPONED_MAX;
        2.0 * postponed.as_secs_f64().max(CLAIM_SECONDS)
    }

    /// Jobs that go out right behind a claimed one of their key. The claim of the first keeps other
    /// lanes from all of them.
    async fn add_followers(
        &self,
        db: &mut PgConnection,
        filter: ClaimFilter<'_>,
        jobs: &mut Vec<Ready>,
    ) -> Result<(), LaneError> {
        let heads: Vec<Uuid> =
            jobs.iter().filter(|job| job.ordering_key.is_some()).map(|job| job.id).collect();
        if !heads.is_empty() && filter.limit > 0 {
            jobs.extend(ordering::load_followers(db, filter, &heads).await?);
            self.keep_in_order(db, jobs).await?;
        }
        arrange(jobs, |job| job);
        Ok(())
    }

    /// Drop the jobs that another one before them holds back.
    pub async fn keep_in_order(
        &self,
        db: &mut PgConnection,
        jobs: &mut Vec<Ready>,
    ) -> Result<(), LaneError> {
        while jobs.iter().any(|job| job.ordering_key.is_some()) {
            let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
            let held = ordering::load_held_back(db, self.address(), &ids).await?;
            if held.is_empty() {
                break;
            }
            // Those behind the dropped are found in the next turn; each turn drops one at least.
            let held: HashSet<Uuid> = held.into_iter().collect();
            jobs.retain(|job| !held.contains(&job.id));
        }
        Ok(())
    }
}

/// First in the queue first; but jobs of one key in order of acceptance, whatever their priority.
pub(crate) fn arrange<T>(jobs: &mut Vec<T>, of: impl Fn(&T) -> &Ready) {
    jobs.sort_by_key(|job| (of(job).queue_rank, of(job).seq));
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, job) in jobs.iter().enumerate() {
        if let Some(key) = &of(job).ordering_key {
            places.entry(key).or_default().push(place);
        }
    }
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    for places in places.values() {
        let mut by_seq = places.clone();
        by_seq.sort_by_key(|place| of(&jobs[*place]).seq);
        for (place, job) in places.iter().zip(by_seq) {
            order[*place] = job;
        }
    }
    let mut slots: Vec<Option<T>> = jobs.drain(..).map(Some).collect();
    jobs.extend(order.into_iter().filter_map(|place| slots[place].take()));
}

/// Jobs whose key has one among `stuck` before them wait with it.
pub(crate) fn drop_behind<T>(jobs: &mut Vec<(Ready, T)>, stuck: &[(String, i64)]) {
    jobs.retain(|(job, _)| {
        let Some(key) = &job.ordering_key else { return true };
        !stuck.iter().any(|(other, seq)| other == key && *seq < job.seq)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn job(queue_rank: i64, seq: i64, key: Option<&str>) -> Ready {
        Ready {
            id: Uuid::from_u128(seq.unsigned_abs().into()),
            kind: String::new(),
            queue_rank,
            seq,
            urgency: String::new(),
            fee_cap_wei: None,
            recipient: None,
            value_wei: vocab::U256::ZERO,
            input: Vec::new(),
            gas_limit: None,
            ordering_key: key.map(str::to_owned),
            behind_queued: false,
            behind_sent: false,
            request_id: None,
            asked_approval: false,
            age: 0.0,
            source: String::new(),
        }
    }

    proptest! {
        #[test]
        fn keys_keep_their_order_and_others_their_rank(
            jobs in prop::collection::vec((0i64..100, 0usize..4), 0..60),
        ) {
            let keys = [None, Some("a"), Some("b"), Some("c")];
            let mut jobs: Vec<Ready> = (0i64..)
                .zip(jobs)
                .map(|(seq, (rank, key))| job(rank, seq, keys[key]))
                .collect();
            let before = jobs.len();
            arrange(&mut jobs, |job| job);
            prop_assert_eq!(jobs.len(), before);
            for key in keys {
                let of: Vec<&Ready> =
                    jobs.iter().filter(|job| job.ordering_key.as_deref() == key).collect();
                let sorted = match key {
                    Some(_) => of.windows(2).all(|w| w[0].seq < w[1].seq),
                    None => of.windows(2).all(|w| (w[0].queue_rank, w[0].seq)
                        < (w[1].queue_rank, w[1].seq)),
                };
                prop_assert!(sorted);
            }
        }
    }
}
