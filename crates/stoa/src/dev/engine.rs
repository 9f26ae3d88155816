//! All roles in one process, wired.

use super::{
    DevOptions,
    bootstrap::{self, Contracts, Wallets},
    file::{self, DevFile, write_private},
    origin,
    people::People,
    roles::Roles,
    secrets::{ensure_secret, private_directory},
    services::Services,
    sign_in::Users,
    telemetry,
    tls::Certificate,
    webhooks,
};
use crate::{
    configuration::{ChainConfiguration, DEPLOYER, SPONSOR, Settings},
    index::run::{CONNECTIONS_PER_CHAIN, Task, what},
};
use anyhow::{Context, Result, bail};
use api::{ApiConfig, ApiState};
use app::{
    App, AppConfig, BlockStore, Caller, ChainSettings, Changes, CollectionSpec, Fingerprint,
    Inspector, Once, Principals, Replica, WebhookKey, WriteSettings,
};
use auth::{Actor, Authenticator, Pepper};
use chain::Chain;
use content::media::MediaLimits;
use db::Db;
use limits::Limiter;
use runtime::{Metrics, Supervisor};
use std::{fs, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use vocab::{Address, SystemClock};

/// Each makes plans of its own for all statements, and a few commits at once share a flush.
const DB_CONNECTIONS: u32 = 26;
/// For each further chain: its lock and commits, and the documents of its tokens.
const DB_CONNECTIONS_PER_CHAIN: u32 = CONNECTIONS_PER_CHAIN + 3;

/// Bound before anything is started, so that a taken port is said at once.
pub(super) struct Listeners {
    pub(super) api: TcpListener,
    pub(super) content: TcpListener,
    /// Shown by both.
    pub(super) certificate: Option<Arc<Certificate>>,
}

impl Listeners {
    pub(super) async fn bind(http: SocketAddr, settings: &Settings) -> Result<Self> {
        let certificate = Certificate::open(&settings.tls)?.map(Arc::new);
        let api = TcpListener::bind(http)
            .await
            .with_context(|| format!("cannot listen on {http} (another one: --http ADDR:PORT)"))?;
        let content = TcpListener::bind(SocketAddr::new(http.ip(), 0)).await?;
        Ok(Self { api, content, certificate })
    }
}

impl Listeners {
    /// Of the API, and of user content.
    fn origins(&self) -> Result<(String, String)> {
        let of = |listener: &TcpListener| -> Result<String> {
            Ok(origin(listener.local_addr()?, self.certificate.is_some()))
        };
        Ok((of(&self.api)?, of(&self.content)?))
    }
}

/// A server that takes requests.
pub(super) struct Ready {
    pub file: DevFile,
    pub supervisor: Supervisor,
    pub services: Services,
    /// What the API charges callers by.
    pub limiter: Limiter,
    pub db: Db,
}

/// Bring the schema up to date, start all roles, and see that the contracts stand.
pub(super) async fn start(
    options: &DevOptions,
    settings: &Settings,
    services: Services,
    listeners: Listeners,
) -> Result<Ready> {
    let metrics = runtime::install_metrics()?;
    let db = db::connect(&services.postgres.url("stoa"), connections(&services)).await?;
    db::migrate(&db).await?;
    let signer = signer::Client::connect(&services.signer_socket);
    let wallets = bootstrap::wallets(&signer, &services.chain, settings).await?;
    bootstrap::windows(&db, &services.chain, settings).await?;
    let planned = bootstrap::plan(&db, &services.chain, wallets.deployer).await?;
    let further = further_chains(&db, settings, &services.others).await?;

    let mut roles = Roles::new(settings, &db);
    roles.sequencer();
    roles.indexers(&services, &planned, further);
    roles.transactor(&services, signer.clone());
    roles.auditor(options);
    let contracts =
        bootstrap::finish(&db, &services.chain, &roles.nudge, wallets.deployer, &planned).await?;

    let keys = Keys::ensure(options, &db).await?;
    let of_chain = |default_collection| WriteSettings {
        default_collection,
        ..write_settings(settings, &services, &wallets, contracts)
    };
    let store = BlockStore::open_at(options.data_dir.join("content")).await?;
    // One for all: it holds the memory budget of decoding.
    let inspector = Inspector::new(MediaLimits::default());
    let webhooks = webhooks::settings(settings, keys.webhook.clone())?;
    let (intake, nudge) = (transactor::Intake::new(settings.queue_depth_max), roles.nudge.clone());
    let (changes, replica) = replica(settings)?;
    let app_with = |default_collection| {
        App::new(AppConfig {
            db: db.clone(),
            replica: replica.clone(),
            changes: changes.clone(),
            clock: Arc::new(SystemClock),
            store: store.clone(),
            inspector: inspector.clone(),
            chains: chain_settings(settings, &services, of_chain(default_collection)),
            nudge: nudge.clone(),
            intake: intake.clone(),
            signer: signer.clone(),
            webhooks: webhooks.clone(),
        })
    };
    let collection = default_collection(&app_with(None), &keys.operator, &services, &roles).await?;
    roles.batcher(&services);
    let origins = listeners.origins()?;
    let app = app_with(Some(collection));
    let chains = (&db, services.chains());
    let users = Users::open(options, settings, chains, keys.of_users(), &origins.0)?;
    let people = People::open(options, settings, &db)?;
    let kept = (users.clone(), people.clone(), listeners.certificate.clone());
    roles.housekeeper(app.clone(), kept, metrics.clone());
    roles.sponsor_settler(app.clone());
    roles.metadata(&services, &store);
    webhooks::spawn(&mut roles.supervisor, &db, settings, webhooks.key.clone());
    roles.faucet(&services);
    let profile = telemetry::start(&mut roles.supervisor, settings, (&app, &metrics)).await?;
    let of_users = (&users, &people, keys.pepper);
    let (state, limiter) = api_state(settings, app, of_users, (metrics, keys.cursor))?;
    roles.edge(listeners, state, users, keys.cursor).await?;
    let file = describe(&services, contracts, collection, origins, (keys.text, profile)).await?;
    Ok(Ready { file, supervisor: roles.supervisor, services, limiter, db })
}

/// Where pages of the index may come from, beside the primary.
fn replica(settings: &Settings) -> Result<(Changes, Option<Arc<Replica>>)> {
    let changes = Changes::default();
    let open = |url| Replica::new(url, settings.replica_connections, changes.clone());
    let replica = settings.replica_url.expose().map(open).transpose()?;
    Ok((changes, replica.map(Arc::new)))
}

fn connections(services: &Services) -> u32 {
    let further = u32::try_from(services.others.len()).unwrap_or_default();
    DB_CONNECTIONS + further * DB_CONNECTIONS_PER_CHAIN
}

fn api_state(
    settings: &Settings,
    app: App,
    (users, people, pepper): (&Users, &People, Pepper),
    (metrics, cursor): (Metrics, [u8; 32]),
) -> Result<(ApiState, Limiter)> {
    let limiter = settings.limiter()?;
    let state = ApiState::new(ApiConfig {
        app: app.clone(),
        authenticator: users.authenticator.clone(),
        sign_in: users.sign_in.clone(),
        users: people.users(settings, &app, (users.sign_in.clone(), pepper)),
        keys: users.keys(&app),
        principals: Principals::new(app.clone(), users.authenticator.clone()),
        limiter: limiter.clone(),
        trusted_proxies: settings.auth.proxies(),
        metrics,
        cursor_key: api::CursorKey::new(cursor),
        limits: settings.api,
    });
    Ok((state, limiter))
}

/// The operator's key and the secrets behind it.
struct Keys {
    authenticator: Authenticator,
    pepper: Pepper,
    cursor: [u8; 32],
    /// Of which the secrets of webhooks are made.
    webhook: WebhookKey,
    /// The key itself, for `dev.json`.
    text: String,
    operator: Actor,
}

impl Keys {
    /// What signing in stands on.
    fn of_users(&self) -> (Authenticator, Pepper) {
        (self.authenticator.clone(), self.pepper.clone())
    }

    async fn ensure(options: &DevOptions, db: &Db) -> Result<Self> {
        bootstrap::ensure_admin(db).await?;
        let home = options.data_dir.join("secrets");
        private_directory(&home)?;
        let pepper = Pepper::new(ensure_secret(&home.join("api_key_pepper"))?);
        let cursor = ensure_secret(&home.join("cursor_key"))?;
        let webhook = WebhookKey::new(ensure_secret(&home.join("webhook_key"))?);
        let clock = Arc::new(SystemClock);
        let authenticator = Authenticator::new(db.clone(), pepper.clone(), clock);
        let path = home.join("operator_api_key");
        let known = fs::read_to_string(&path).unwrap_or_default();
        if let Ok(operator) = authenticator.authenticate(&known, None).await {
            let operator = operator.without_request();
            return Ok(Self { authenticator, pepper, cursor, webhook, text: known, operator });
        }
        let text = bootstrap::issue_operator_key(db, &pepper).await?;
        write_private(&path, text.as_bytes())?;
        let operator = authenticator.authenticate(&text, None).await?.without_request();
        Ok(Self { authenticator, pepper, cursor, webhook, text, operator })
    }
}

/// What is to be indexed of the chains that are only read.
async fn further_chains(db: &Db, settings: &Settings, chains: &[Chain]) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for (chain, of) in chains.iter().zip(&settings.chains) {
        tasks.push(what(db, chain.clone(), of).await?);
    }
    Ok(tasks)
}

/// The own chain first: it is the one that requests mean which name none.
fn chain_settings(
    settings: &Settings,
    services: &Services,
    writes: WriteSettings,
) -> Vec<ChainSettings> {
    let known = |chain: &Chain, of: &ChainConfiguration, writes| ChainSettings {
        chain_id: chain.id,
        name: of.name.clone(),
        nodes: chain.endpoints.to_vec(),
        index_lag_max: of.index_lag_max,
        writes,
    };
    let own = known(&services.chain, &settings.chain, Some(writes));
    let others = services.others.iter().zip(&settings.chains);
    [own].into_iter().chain(others.map(|(chain, of)| known(chain, of, None))).collect()
}

fn write_settings(
    settings: &Settings,
    services: &Services,
    wallets: &Wallets,
    contracts: Contracts,
) -> WriteSettings {
    WriteSettings {
        chain_id: services.chain.id,
        node: services.chain.clone(),
        call_roles: settings.call_roles(),
        roles: settings.transactor_roles(),
        sponsor_role: settings.roles.contains_key(SPONSOR).then(|| SPONSOR.to_owned()),
        urgency: settings.urgency,
        offers: settings.transactor.clone(),
        factory: contracts.factory,
        implementation: contracts.implementation,
        forwarder: contracts.forwarder,
        creator: wallets.deployer,
        creator_role: DEPLOYER.to_owned(),
        collection_admin: wallets.deployer,
        minters: wallets.minters.clone(),
        default_collection: None,
    }
}

/// The collection for mints that name none; asked for like any other, under a fixed key.
async fn default_collection(
    app: &App,
    operator: &Actor,
    services: &Services,
    roles: &Roles,
) -> Result<Address> {
    let caller = Caller { actor: operator, request_id: "start", from: None };
    let key = "stoa-default-collection";
    let once = Once { key, fingerprint: Fingerprint(vocab::keccak(key).0) };
    let spec = CollectionSpec {
        name: "Stoa",
        symbol: "STOA",
        content_mode: "digest",
        base_uri: None,
        contract_uri: None,
        admin: None,
        royalty_receiver: None,
        royalty_bps: None,
        chain_id: None,
    };
    let render = |row: &app::CollectionRow| serde_json::json!(row.contract);
    let answer = app.request_collection(caller, once, spec, render).await?;
    let contract: Address = serde_json::from_slice(&answer.body)?;
    let chain = services.chain.id;
    roles.nudge.wake(chain, DEPLOYER);
    loop {
        let found = app.load_collection(caller, chain.0, &contract.to_string()).await?;
        match found.request_status.as_deref() {
            Some("tentative" | "auditable" | "final") => return Ok(contract),
            Some("failed") => bail!("the default collection was not deployed: {:?}", found.reason),
            _ => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}

async fn describe(
    services: &Services,
    contracts: Contracts,
    collection: Address,
    (http, content): (String, String),
    (operator_api_key, profile): (String, Option<String>),
) -> Result<DevFile> {
    let ours = services.node.is_some();
    Ok(DevFile {
        stream: format!("{}/api/v1/stream", http.replacen("http", "ws", 1)),
        http,
        content,
        rpc_url: services.rpc_url.clone(),
        chain_id: services.chain.id.0,
        contracts: file::contracts([
            ("ERC2771Forwarder", contracts.forwarder),
            ("StoaCollection", contracts.implementation),
            ("StoaCollectionFactory", contracts.factory),
            ("default_collection", collection),
        ]),
        operator_api_key,
        accounts: if ours { file::accounts() } else { Vec::new() },
        profile,
    })
}
