//! The roles of the engine, each a task of its own.

use super::{
    DevOptions,
    bootstrap::{self, Contracts},
    engine::Listeners,
    people::People,
    services::Services,
    sign_in::Users,
    tls::Certificate,
    webhooks,
};
use crate::{
    configuration::Settings,
    index::run::{Task, watch_endpoints},
};
use anyhow::Result;
use api::{ApiState, Entrance};
use app::{
    App, BlockStore,
    jobs::{
        batch_mints::{BatchMints, BatchOptions},
        outcomes::ProductOutcomes,
    },
};
use db::Db;
use projections::Projections;
use runtime::{CancellationToken, Importance, Metrics, Supervisor};
use std::{collections::HashSet, sync::Arc, time::Duration};
use transactor::Nudge;

/// Between two rounds of the housekeeper.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// Between two looks for sponsored transactions that have ended.
const SETTLING: Duration = Duration::from_secs(1);
/// Between two looks for new wallets.
const FAUCET: Duration = Duration::from_secs(1);

/// What is started, and ends together.
pub(super) struct Roles {
    pub(super) settings: Settings,
    pub(super) db: Db,
    pub(super) nudge: Nudge,
    pub(super) supervisor: Supervisor,
}

impl Roles {
    pub(super) fn new(settings: &Settings, db: &Db) -> Self {
        let (settings, db) = (settings.clone(), db.clone());
        let supervisor = Supervisor::new(CancellationToken::new());
        Self { settings, db, nudge: Nudge::default(), supervisor }
    }

    /// A task whose end is the end of all.
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.supervisor.spawn(name, Importance::Critical, async move {
            task.await;
            Ok(())
        });
    }

    pub(super) fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        self.supervisor.token().cancelled_owned()
    }

    pub(super) fn sequencer(&mut self) {
        let task =
            journal::run_sequencer(self.db.clone(), self.settings.sequencer, self.shutdown());
        self.spawn("sequencer", task);
    }

    /// Index the own chain, and the further ones; a task for each, as for the watch over its
    /// endpoints.
    pub(super) fn indexers(
        &mut self,
        services: &Services,
        contracts: &Contracts,
        further: Vec<Task>,
    ) {
        let of = &self.settings.chain;
        let projections = Projections::new(vec![contracts.factory]).recording(of.index_sources());
        let start_block = of.start_block(contracts.first_block);
        let options = indexer::IndexerOptions { start_block, ..of.indexer };
        let own = Task { chain: services.chain.clone(), projections, options };
        for Task { chain, projections, options } in [own].into_iter().chain(further) {
            watch_endpoints(&mut self.supervisor, chain.clone());
            let (db, projector) = (self.db.clone(), Arc::new(projections));
            self.spawn("indexer", indexer::run(db, chain, projector, options, self.shutdown()));
        }
    }

    pub(super) fn transactor(&mut self, services: &Services, signer: signer::Client) {
        let config = transactor::Config {
            db: self.db.clone(),
            chain: services.chain.clone(),
            signer,
            outcomes: Arc::new(ProductOutcomes),
            nudge: self.nudge.clone(),
            roles: self.settings.transactor_roles(),
            error_names: contracts::error_names().collect(),
            options: self.settings.transactor.clone(),
        };
        let shutdown = self.shutdown();
        self.supervisor.spawn("transactor", Importance::Critical, async move {
            Ok(transactor::run(config, shutdown).await?)
        });
    }

    pub(super) fn auditor(&mut self, options: &DevOptions) {
        let directory = options.audit_dir.clone();
        let directory = directory.unwrap_or_else(|| options.data_dir.join(super::AUDIT));
        let options = auditor::Options::new(directory);
        let task = auditor::run(self.db.clone(), options, self.shutdown());
        self.spawn("auditor", task);
    }

    pub(super) fn batcher(&mut self, services: &Services) {
        let options = BatchOptions { chain: services.chain.id, ..self.settings.mints };
        let batcher = BatchMints::new(self.db.clone(), options, self.nudge.clone())
            .fitting(services.chain.clone());
        let task = batcher.run(self.shutdown());
        self.spawn("mint_batcher", task);
    }

    /// What nobody waits for: forget old answers, keep the metrics small.
    pub(super) fn housekeeper(
        &mut self,
        app: App,
        (users, people, certificate): (Users, People, Option<Arc<Certificate>>),
        metrics: Metrics,
    ) {
        self.mail_sender(people.clone());
        let shutdown = self.shutdown();
        let rounds = async move {
            let mut webhook = uuid::Uuid::nil();
            loop {
                tokio::time::sleep(HOUSEKEEPING).await;
                metrics.upkeep();
                if let Err(error) = app.purge_expired_answers().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "answers stay");
                }
                users.keep().await;
                people.keep().await;
                certificate.iter().for_each(|certificate| certificate.look());
                webhook = webhooks::forget(&app, webhook).await;
            }
        };
        self.spawn("housekeeper", async move {
            tokio::select! {
                () = shutdown => {}
                () = rounds => {}
            }
        });
    }

    /// Letters to users.
    pub(super) fn mail_sender(&mut self, people: People) {
        let (shutdown, letters) = (self.shutdown(), people.send());
        self.spawn("mail_sender", async move {
            tokio::select! {
                () = shutdown => {}
                () = letters => {}
            }
        });
    }

    /// Reservations of sponsored transactions that have ended give way to what they cost.
    pub(super) fn sponsor_settler(&mut self, app: App) {
        let shutdown = self.shutdown();
        let rounds = async move {
            loop {
                tokio::time::sleep(SETTLING).await;
                if let Err(error) = app.settle_sponsored().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "costs wait");
                }
            }
        };
        self.spawn("sponsor_settler", async move {
            tokio::select! {
                () = shutdown => {}
                () = rounds => {}
            }
        });
    }

    /// Reads the documents behind token URIs, of each chain by itself.
    pub(super) fn metadata(&mut self, services: &Services, store: &BlockStore) {
        for chain in [&services.chain].into_iter().chain(&services.others) {
            let config = metadata::Config {
                db: self.db.clone(),
                chain: chain.clone(),
                store: Some(store.clone()),
                options: self.settings.metadata.clone(),
            };
            let task = metadata::run(config, self.shutdown());
            self.supervisor.spawn("metadata", Importance::Critical, async { Ok(task.await?) });
        }
    }

    /// Wallets of the node that we started get money when they are made.
    pub(super) fn faucet(&mut self, services: &Services) {
        if services.node.is_none() {
            return;
        }
        let (db, chain, shutdown) = (self.db.clone(), services.chain.clone(), self.shutdown());
        let rounds = async move {
            let mut known = HashSet::new();
            loop {
                if let Err(error) = bootstrap::fund_new(&db, &chain, &mut known).await {
                    tracing::warn!(error = %error, "a new wallet has no money yet");
                }
                tokio::time::sleep(FAUCET).await;
            }
        };
        self.spawn("faucet", async move {
            tokio::select! {
                () = shutdown => {}
                () = rounds => {}
            }
        });
    }

    /// `secret`: the same in every process of a deployment.
    pub(super) async fn edge(
        &mut self,
        listeners: Listeners,
        state: ApiState,
        users: Users,
        secret: [u8; 32],
    ) -> Result<()> {
        let snapshots = api::StreamSnapshots::new(state.clone());
        let hub = push::Hub::start(self.db.clone(), snapshots, self.settings.stream);
        let (hub, feed) = hub.await?;
        let fanout = match self.settings.redis_url.expose() {
            Some(url) => Some(push::Fanout::open(url, &self.db, &secret).await?),
            None => None,
        };
        let (feed, closing) = (feed.through(fanout).run(self.shutdown()), hub.clone());
        self.spawn("stream", async move {
            feed.await;
            // Upgraded connections outlive the listener's own shutdown.
            closing.close(Duration::from_secs(3)).await;
        });
        let policy = Arc::new(api::StreamPolicy::new(users.authenticator, users.sign_in.origins()));
        let stream = api::nested(push::router(hub, policy));
        let token = self.supervisor.token();
        let Listeners { api, content, certificate } = listeners;
        let tls = certificate.map(|certificate| certificate.tls.clone());
        let content = Entrance { listener: content, tls: tls.clone() };
        let content = api::serve_content(content, state.clone(), token.clone());
        self.supervisor.spawn("content", Importance::Critical, async { Ok(content.await?) });
        let api = api::serve(Entrance { listener: api, tls }, state, stream, token);
        self.supervisor.spawn("api", Importance::Critical, async { Ok(api.await?) });
        Ok(())
    }
}
