//! The index that storms go over, and those made from nothing to compare it with.

use super::{
    Making,
    site::{Site, projections},
};
use anyhow::{Context, Result, bail};
use db::{
    Db, checkpoints,
    digest::{self, TableDigest},
};
use indexer::IndexerOptions;
use std::{future::pending, sync::Arc, time::Duration};
use testkit::TestDatabase;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use vocab::BlockRef;

/// How long an index may take to stand at the head.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(4);

/// An indexer, running or not, and its database.
pub struct Subject {
    test: TestDatabase,
    running: Option<JoinHandle<()>>,
}

impl Subject {
    pub async fn new() -> Self {
        Self { test: testkit::database().await, running: None }
    }

    pub fn start(&mut self, site: &Site, options: IndexerOptions, making: Making) {
        self.cut();
        let (db, chain) = (self.test.db.clone(), site.chain());
        let projector = making(projections(site.factory(), site.token()));
        self.running = Some(tokio::spawn(indexer::run(db, chain, projector, options, pending())));
    }

    /// Cut it off where it stands: what it was waiting for in the database is rolled back.
    pub fn cut(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }

    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.is_finished())
    }

    /// Wait until the index stands at `head`.
    pub async fn await_head(&self, site: &Site, head: BlockRef) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut connection = self.test.db.acquire().await?;
            let reached = checkpoints::load(&mut connection, site.node.chain_id).await?;
            if reached.as_ref().is_some_and(|checkpoint| checkpoint.block == head) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the index stands at {reached:?}, the node at {head:?}");
            }
            sleep(LOOK).await;
        }
    }

    pub async fn digest(&self, site: &Site) -> Result<Vec<TableDigest>> {
        load(&self.test.db, site).await
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.cut();
    }
}

/// A database for indexes that are made from nothing, one after the other: clearing it costs less
/// than making another one.
pub struct Blank(TestDatabase);

/// Empties all that is of a chain and is not empty.
const CLEAR: &str = "do $$
declare names text;
begin
    select string_agg(quote_ident(c.relname), ', ') into names
      from pg_class c
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
       and pg_relation_size(c.oid) > 0
       and exists (select from pg_attribute a
                    where a.attrelid = c.oid and a.attname = 'chain_id' and not a.attisdropped);
    if names is not null then
        execute 'truncate ' || names || ' cascade';
    end if;
end $$";

impl Blank {
    pub async fn new() -> Self {
        Self(testkit::database().await)
    }

    /// The digest of an index that is made now.
    pub async fn index(&self, site: &Site, head: BlockRef) -> Result<Vec<TableDigest>> {
        let db = &self.0.db;
        db::raw::execute(&mut *db.acquire().await?, CLEAR).await?;
        let options = IndexerOptions {
            prove_settled: false,
            // The session of the index before may be on its way out.
            stand_by: Duration::from_millis(20),
            ..IndexerOptions::default()
        };
        let projector = Arc::new(projections(site.factory(), site.token()));
        let made = indexer::run_to_head(db.clone(), site.chain(), projector, options, pending());
        timeout(PATIENCE, made).await.context("a fresh index is not made in time")?;
        let reached = checkpoints::load(&mut *db.acquire().await?, site.node.chain_id).await?;
        if reached.as_ref().is_none_or(|checkpoint| checkpoint.block != head) {
            bail!("a fresh index stands at {reached:?}, the node at {head:?}");
        }
        load(db, site).await
    }
}

/// The digest of an index that is made now, from nothing.
///
/// # Errors
/// When it can't be made, or does not stand at `head` then.
pub async fn fresh(site: &Site, head: BlockRef) -> Result<Vec<TableDigest>> {
    Blank::new().await.index(site, head).await
}

async fn load(db: &Db, site: &Site) -> Result<Vec<TableDigest>> {
    let mut connection = db.acquire().await?;
    Ok(digest::load(&mut connection, site.node.chain_id).await?)
}
