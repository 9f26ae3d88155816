//! One step: facts into lines, lines onto the disk, their end into Postgres.

use crate::{
    Options,
    entry::Entry,
    files::{Files, FilesError},
};
use audit::{Head, Line, LineError};
use db::{
    Db, DbError, PgConnection,
    audit_logs::{self, Witness},
    facts,
    leases::{self, Lease},
};
use time::OffsetDateTime;
use tokio::task::spawn_blocking;
use vocab::{B256, topic};

/// Name of the log: its files are `transactions-YYYY-MM-DD.jsonl`.
pub const NAME: &str = "transactions";
/// Facts that are looked at in one step, most of which make no line.
const FACTS_MAX: i64 = 10_000;
const LINES_MAX: i64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("the database")]
    Db(#[from] DbError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("a line can't be written")]
    Line(#[from] LineError),
    /// The files say something that the facts don't, or the other way about.
    #[error("the audit log does not agree with the database: {0}")]
    Disagrees(String),
    /// Another process is the writer now.
    #[error("the lease is lost")]
    Lost,
}

/// The log as it is being written.
pub(crate) struct Writing {
    /// None while they are on their way through a blocking thread, or after that failed.
    files: Option<Files>,
    /// What is on disk.
    on_disk: Head,
    witness: Option<Witness>,
    /// The line that was made last, and the fact up to which all were looked at.
    head: Head,
    fact: i64,
    /// Lines that the files lacked when they were opened.
    pub missing: u64,
}

impl Writing {
    /// Open the files and find the place to go on from: the end of the files or the witnessed one,
    /// whichever is lower. From there lines are made anew until both are passed, and must be those.
    pub async fn open(db: &Db, options: &Options) -> Result<Self, StepError> {
        let dir = options.directory.clone();
        let files = spawn_blocking(move || Files::open(&dir)).await;
        let files = files.map_err(|_| FilesError::Cancelled)??;
        let (on_disk, mut fact) = files.place()?;
        let witness =
            audit_logs::load(&mut *db.acquire().await.map_err(DbError::from)?, NAME).await?;
        let mut head = on_disk;
        let mut missing = 0;
        if let Some(witness) = &witness {
            let witnessed = head_of(witness);
            if witnessed.seq == on_disk.seq {
                agree(&witnessed, &on_disk)?;
            } else if witnessed.seq < on_disk.seq {
                (head, fact) = (witnessed, witness.fact_seq);
            } else {
                missing = witnessed.seq - on_disk.seq;
            }
        } else {
            (head, fact) = (Head::START, 0);
        }
        Ok(Self { files: Some(files), on_disk, witness, head, fact, missing })
    }

    /// Do a bounded part of what waits. Gives how many facts still wait.
    pub async fn step(&mut self, db: &Db, lease: &Lease) -> Result<i64, StepError> {
        let mut connection = db.acquire().await.map_err(DbError::from)?;
        let heads = facts::load_heads(&mut connection).await?;
        let head = heads.iter().find(|head| head.topic == topic::TRANSACTIONS);
        let last = head.map_or(0, |head| head.seq);
        if last < self.fact {
            let reason = format!("it tells fact {}, the database ends at {last}", self.fact);
            return Err(StepError::Disagrees(reason));
        }
        let upto = last.min(self.fact + FACTS_MAX);
        let (told, read) = load_told(&mut connection, (self.fact, upto)).await?;
        drop(connection);
        let lines = self.lines(told)?;
        let count = lines.len() as u64;
        self.publish(lines).await?;
        self.record(db, lease).await?;
        self.fact = read;
        let known = self.witness.map_or(0, |witness| witness.seq.cast_unsigned());
        let end = known.max(self.on_disk.seq);
        if self.fact == last && self.head.seq < end {
            let found = self.head.seq;
            let reason = format!("the log has {end} lines, the database's facts make {found}");
            return Err(StepError::Disagrees(reason));
        }
        metrics::counter!("audit_log_lines_total").increment(count);
        Ok(last - self.fact)
    }

    /// The lines of these facts that are not on disk yet.
    fn lines(&mut self, told: Vec<Told>) -> Result<Vec<Line>, StepError> {
        let mut lines = Vec::new();
        for one in told {
            let time_ms = u64::try_from(one.at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
            let line = Line::write(&self.head, time_ms, &one.entry)?;
            self.head = line.head();
            self.fact = one.fact;
            if let Some(witness) = &self.witness
                && witness.seq.cast_unsigned() == self.head.seq
            {
                agree(&head_of(witness), &self.head)?;
            }
            if self.head.seq == self.on_disk.seq {
                agree(&self.on_disk, &self.head)?;
            } else if self.head.seq > self.on_disk.seq {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    async fn publish(&mut self, lines: Vec<Line>) -> Result<(), StepError> {
        let Some(last) = lines.last().map(Line::head) else { return Ok(()) };
        let mut files = self.files.take().ok_or(FilesError::Cancelled)?;
        let written = spawn_blocking(move || files.append(&lines).map(|()| files)).await;
        self.files = Some(written.map_err(|_| FilesError::Cancelled)??);
        self.on_disk = last;
        Ok(())
    }

    /// Only the lease's holder moves the witness, and only from where it knew it to be.
    async fn record(&mut self, db: &Db, lease: &Lease) -> Result<(), StepError> {
        let known = self.witness.map_or(0, |witness| witness.seq.cast_unsigned());
        if self.head.seq <= known || self.head.seq < self.on_disk.seq {
            return Ok(());
        }
        let now = Witness {
            seq: self.head.seq.cast_signed(),
            hash: B256::from(self.head.hash),
            time_ms: self.head.time_ms.cast_signed(),
            fact_seq: self.fact,
        };
        let mut transaction = db::begin(db).await?;
        if !leases::lock_held(&mut transaction, lease).await?
            || !audit_logs::record(&mut transaction, NAME, self.witness, now).await?
        {
            return Err(StepError::Lost);
        }
        transaction.commit().await.map_err(DbError::from)?;
        self.witness = Some(now);
        Ok(())
    }

    /// The line that was made last.
    pub fn head(&self) -> Head {
        self.head
    }
}

/// What a fact says for the log.
struct Told {
    fact: i64,
    at: OffsetDateTime,
    entry: Entry,
}

/// What is to be told of the facts above `after`, in their order, and the fact up to which that is
/// all: `upto`, or less if there is much.
async fn load_told(
    db: &mut PgConnection,
    (after, upto): (i64, i64),
) -> Result<(Vec<Told>, i64), StepError> {
    let full = usize::try_from(LINES_MAX).unwrap_or(usize::MAX);
    let ended = audit_logs::load_ended(db, (after, upto), LINES_MAX).await?;
    let read = ended.last().filter(|_| ended.len() >= full).map_or(upto, |last| last.fact_seq);
    let decided = audit_logs::load_decided(db, (after, read), LINES_MAX).await?;
    let read = decided.last().filter(|_| decided.len() >= full).map_or(read, |last| last.fact_seq);
    let ended = ended.into_iter().map(|one| {
        let (fact, at) = (one.fact_seq, one.at);
        Told { fact, at, entry: Entry::ended(one) }
    });
    let decided = decided.into_iter().map(|one| {
        let (fact, at) = (one.fact_seq, one.at);
        Told { fact, at, entry: Entry::Decision(one.into()) }
    });
    let mut told: Vec<Told> = ended.chain(decided).filter(|one| one.fact <= read).collect();
    told.sort_by_key(|one| one.fact);
    Ok((told, read))
}

fn head_of(witness: &Witness) -> Head {
    Head {
        seq: witness.seq.cast_unsigned(),
        hash: witness.hash.0,
        time_ms: witness.time_ms.cast_unsigned(),
    }
}

fn agree(one: &Head, other: &Head) -> Result<(), StepError> {
    if (one.seq, one.hash) == (other.seq, other.hash) {
        return Ok(());
    }
    Err(StepError::Disagrees(format!("line {} should have another hash", one.seq)))
}
