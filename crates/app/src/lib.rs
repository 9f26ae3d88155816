//! The use cases: one file each. A use case authorises its caller, loads what it needs, lets a
//! pure rule decide, and records state, fact, job and answer in one transaction.
//!
//! | file | does |
//! |---|---|
//! | `upload_picture` | picture on disk → content under its CID |
//! | `store_metadata` | ERC-721 metadata → one raw block |
//! | `request_mint` | a mint asked for → queued job |
//! | `request_mints` | many of them → as many jobs, or none |
//! | `group_commit` | requests of one time in one commit |
//! | `group_read` | reads of one time in one view |
//! | `request_collection` | a collection asked for → queued transaction |
//! | `store_abi` | an ABI of somebody's contract → registry |
//! | `encode_call`, `resolve_contract` | contract, function, JSON arguments → calldata |
//! | `request_transaction` | a call asked for → queued transaction |
//! | `change_transaction`, `change_wallet` | operators step in |
//! | `quote_transaction` | what a call would do and cost, without sending it |
//! | `tell_change` | what somebody with a right to it did → a fact, for the audit log |
//! | `api_keys` | keys made, changed, replaced, revoked ([`ApiKeys`], beside [`App`]) |
//! | `principals` | who there is, and roles granted ([`Principals`]) |
//! | `metric_series` | how the engine gets on, over time |
//! | `minters` | whom the chain lets mint |
//! | `change_sponsor` | who pays for which calls |
//! | `change_webhook`, `try_webhook` | who is told of which facts |
//! | `request_sponsored`, `sponsored_call` | a call that a user signed → queued transaction |
//! | `prepare_sponsored` | what a user has to sign |
//! | `sign_in` | wallets and staff sign in, and stay signed in ([`SignIn`], beside [`App`]) |
//! | `users` | profile, e-mail address, what their wallets hold ([`Users`], beside [`App`]) |
//! | `read_…` | look at things |
//! | `read_snapshot` | the state behind a topic, as of a number |
//! | `check_readiness`, `node_heads` | may this process take requests? |
//! | `jobs` | what the application does by itself, without a request |
//! | `once` | idempotency of all that makes something |
//!
//! What this crate must not know: HTTP, wire shapes, where configuration comes from.

mod address;
mod api_keys;
mod change_sponsor;
mod change_transaction;
mod change_wallet;
mod change_webhook;
mod check_readiness;
mod encode_call;
mod enqueue;
mod error;
mod fact_levels;
mod group_commit;
mod group_read;
pub mod jobs;
mod metric_series;
mod minters;
mod node_heads;
mod once;
mod prepare_sponsored;
mod principals;
mod quote_transaction;
mod read_audit;
mod read_balances;
mod read_collections;
mod read_facts;
mod read_index;
mod read_items;
mod read_logs;
mod read_mints;
mod read_snapshot;
mod read_sponsors;
mod read_token_metadata;
mod read_transactions;
mod read_transfers;
mod read_view;
mod read_wallets;
mod read_webhooks;
mod replica;
mod request_collection;
mod request_mint;
mod request_mints;
mod request_sponsored;
mod request_transaction;
mod resolve_contract;
mod sign_in;
mod sponsor_refusal;
mod sponsored_call;
mod store_abi;
mod store_metadata;
mod tell_change;
mod try_webhook;
mod upload_picture;
mod users;
mod webhook_refusal;

pub use abi::{Fault, Logged};
pub use address::parse_address;
pub use api_keys::{
    ApiKeyRefusal, ApiKeys, KeyAnswer, KeyPlace, KeySpec, OVERLAP, TermsSpec, key_terms,
};
pub use chain::Endpoint;
pub use change_sponsor::{RuleSpec, SponsorSpec, SponsorTerms};
pub use change_transaction::Change;
pub use change_wallet::{DRAIN, WalletChange, WalletPlace};
pub use change_webhook::{WebhookSettings, WebhookSpec};
pub use check_readiness::{ChainReadiness, Readiness};
pub use content::{
    BlockStore,
    media::{Inspector, MediaError},
    store::Upload,
};
pub use db::{
    abis::AbiRow,
    api_keys::ApiKeyRow,
    attempts_reads::AttemptRow,
    audit_logs::{Decided, DecidedFilter},
    balances_reads::BalanceRow,
    checkpoints::Checkpoint,
    collections_reads::CollectionRow,
    facts::Fact,
    forward_requests::ForwardRequestRow,
    index_sources::SourceRow,
    items_reads::ItemRow,
    mint_jobs::requests::MintJob,
    token_metadata::reads::{MetadataRow, TraitCount},
    transactions::Transaction,
    transactions_reads::Summary,
    transfers_reads::{TransferPlace, TransferRow},
    user_sessions::SessionRow,
    user_wallets::WalletRow,
};
pub use encode_call::CallSpec;
pub use error::{AddressFault, AppError, Class, CollectionFault, Field, Refusal};
pub use fact_levels::Leveled;
pub use metric_series::{
    Kind as SeriesSort, SERIES, Series, SeriesKind, SeriesQuery, SeriesWindow,
};
pub use mint::metadata::{MetadataRefusal, Problem as MetadataProblem, Reason as MetadataReason};
pub use once::{Answer, Fingerprint, Once};
pub use prepare_sponsored::{PrepareSpec, Prepared};
pub use principals::{PrincipalQuery, PrincipalView, Principals, role_decided};
pub use quote_transaction::{Failure, Quote, QuoteSpec};
pub use read_audit::RefusedAttempt;
pub use read_balances::{BalanceQuery, Holder, HolderQuery};
pub use read_collections::CollectionQuery;
pub use read_facts::{FactPage, FactQuery};
pub use read_index::IndexView;
pub use read_items::{ItemDetail, ItemQuery};
pub use read_logs::{LogQuery, LogView};
pub use read_mints::MintQuery;
pub use read_snapshot::{Snapshot, SnapshotRows};
pub use read_sponsors::{SponsorView, SponsoredQuery};
pub use read_transactions::{ApprovalView, TransactionQuery, TransactionView};
pub use read_transfers::TransferQuery;
pub use read_view::{Look, Seen};
pub use read_wallets::{WalletState, WalletView};
pub use read_webhooks::{DeliveryView, Replay, WebhookPosition, WebhookView};
pub use replica::{Changes, Replica};
pub use request_collection::CollectionSpec;
pub use request_mint::MintRequest;
pub use request_mints::MintItem;
pub use request_sponsored::{ForwardSpec, SPONSORED, SponsoredSpec};
pub use request_transaction::{CALL, COMPENSATION, TRANSFER, TransactionSpec};
pub use resolve_contract::KnownContract;
pub use sign_in::{
    Asked, ChallengeSpec, ClientPlace, Grants, Opened, SessionKind, SignIn, SignInConfig,
    SignInOptions, SignInRefusal, SignedMessage, StaffAnswer, StaffOpened, StaffOptions, StaffSent,
    StaffSpec,
};
pub use signer::Approval;
pub use sponsor_refusal::SponsorRefusal;
pub use store_abi::{Abi, AbiSpec};
pub use store_metadata::StoredMetadata;
pub use tell_change::{Beside, By, Decision, Deed};
pub use transactor::{OnFailure, Unfit};
pub use upload_picture::StoredPicture;
pub use users::{
    ChainBalances, EmailOptions, EmailView, ProfileChange, ProfileView, Rotated, UserRefusal,
    Users, rotate_fields,
};
pub use webhook_refusal::WebhookRefusal;
pub use webhooks::{
    Answer as WebhookAnswer, Options as WebhookOptions, RootKey as WebhookKey,
    Scheme as WebhookScheme, Sender as WebhookSender,
};

use auth::Actor;
use chain::Chain;
use db::{
    Db, DbError, PgConnection, mint_jobs::requests::NewMint, transactions::accept::NewAccept,
};
use group_commit::Desk;
use group_read::ReadDesk;
use node_heads::NodeHead;
use request_mint::Wanted;
use runtime::Failpoints;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Semaphore;
use transactor::{Intake, Nudge};
use vocab::{Address, ChainId, Clock, ItemKey, Urgency};

/// Places of sponsored transactions where a test can have the process die, in the order in which a
/// request passes them. (The transactor has its own.)
pub const FAILPOINTS: Failpoints =
    Failpoints::new(&["before_sponsored", "after_sponsored", "before_settled", "after_settled"]);

/// One chain that requests may name: it is indexed, and can be read.
#[derive(Clone, Debug)]
pub struct ChainSettings {
    pub chain_id: ChainId,
    /// What people call it.
    pub name: Option<String>,
    /// Who is asked for the head of the chain.
    pub nodes: Vec<Endpoint>,
    /// Blocks that the index may be behind the chain while this process still counts as ready.
    pub index_lag_max: u64,
    /// None: nothing is sent to it, and what would be is refused ([`Refusal::ChainReadOnly`]).
    pub writes: Option<WriteSettings>,
}

/// What requests that change something on a chain stand on.
#[derive(Clone, Debug)]
pub struct WriteSettings {
    pub chain_id: ChainId,
    /// Its nodes, for quotes and balances.
    pub node: Chain,
    /// Roles whose wallets operators may use for calls of their own; the first is the default.
    pub call_roles: Vec<String>,
    /// As configured: how many transactions a wallet of a role may have under way.
    pub roles: Vec<transactor::Role>,
    /// Whose wallets carry what users signed and sponsors pay for; none: nobody's.
    pub sponsor_role: Option<String>,
    /// Of calls that name none.
    pub urgency: Urgency,
    /// By which the chain's transactor makes its offers: quotes follow them.
    pub offers: transactor::Options,
    /// `StoaCollectionFactory` and the implementation behind its clones.
    pub factory: Address,
    pub implementation: Address,
    /// ERC-2771 forwarder of new collections; zero for none.
    pub forwarder: Address,
    /// The wallet that calls the factory, and its role: addresses of collections depend on it.
    pub creator: Address,
    pub creator_role: String,
    /// Default admin of new collections, and who may mint into them.
    pub collection_admin: Address,
    pub minters: Vec<Address>,
    /// Where a mint goes that names no collection.
    pub default_collection: Option<Address>,
}

impl WriteSettings {
    /// How many transactions a wallet of this role may have under way.
    fn window(&self, role: &str) -> u16 {
        let configured = self.roles.iter().find(|known| known.name == role);
        configured.map_or_else(|| transactor::Role::new(role, 1).in_flight_max, |r| r.in_flight_max)
    }
}

/// What the use cases stand on.
#[derive(Clone, Debug)]
pub struct AppConfig {
    pub db: Db,
    /// Pages of the index may come from here.
    pub replica: Option<Arc<Replica>>,
    /// Noted by whoever hears of one.
    pub changes: Changes,
    pub clock: Arc<dyn Clock>,
    pub store: BlockStore,
    pub inspector: Inspector,
    /// Not empty; the first is the default.
    pub chains: Vec<ChainSettings>,
    /// Wakes the transactor of this process.
    pub nudge: Nudge,
    /// Refuses while too much waits.
    pub intake: Intake,
    /// Makes keys of wallets; it is asked for nothing else here.
    pub signer: signer::Client,
    pub webhooks: WebhookSettings,
}

/// The use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: AppConfig,
    /// Deployed collections, known for a moment: see `request_mint`.
    targets: Mutex<HashMap<(ChainId, Address), request_mint::KnownTarget>>,
    /// ABIs, known for a moment: see `resolve_contract`.
    contracts: Mutex<resolve_contract::ContractCache>,
    /// In the order of the chains.
    heads: Vec<NodeHead>,
    minters: minters::Minters,
    mints: Desk<NewMint>,
    transactions: Desk<NewAccept>,
    webhook_tries: Semaphore,
    items: ReadDesk<ItemKey>,
    documents: read_items::Documents,
    refusals: read_audit::Refusals,
}

/// Who calls, under which request id, and from where as far as that is known.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub actor: &'a Actor,
    pub request_id: &'a str,
    pub from: Option<IpAddr>,
}

/// How long a finished answer is replayed.
pub const ANSWER_TTL: Duration = Duration::from_secs(24 * 60 * 60);

impl App {
    #[must_use]
    pub fn new(config: AppConfig) -> Self {
        let heads = config.chains.iter().map(|_| NodeHead::default()).collect();
        let mints = Desk::new(&config.db);
        let transactions = Desk::new(&config.db);
        let items = ReadDesk::new(config.db.clone());
        Self(Arc::new(Inner {
            config,
            targets: Mutex::default(),
            contracts: Mutex::default(),
            heads,
            minters: minters::Minters::default(),
            mints,
            transactions,
            webhook_tries: Semaphore::new(try_webhook::TRIES_MAX),
            items,
            documents: read_items::documents(),
            refusals: read_audit::Refusals::default(),
        }))
    }

    pub(crate) fn mint_desk(&self) -> &Desk<NewMint> {
        &self.0.mints
    }

    pub(crate) fn transaction_desk(&self) -> &Desk<NewAccept> {
        &self.0.transactions
    }

    fn webhook_tries(&self) -> &Semaphore {
        &self.0.webhook_tries
    }

    pub(crate) fn item_desk(&self) -> &ReadDesk<ItemKey> {
        &self.0.items
    }

    pub(crate) fn documents(&self) -> &read_items::Documents {
        &self.0.documents
    }

    fn refusals(&self) -> &read_audit::Refusals {
        &self.0.refusals
    }

    fn config(&self) -> &AppConfig {
        &self.0.config
    }

    /// To be told of what public reads show.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.config().changes
    }

    /// The store that uploads go to.
    #[must_use]
    pub fn store(&self) -> &BlockStore {
        &self.config().store
    }

    async fn connection(
        &self,
    ) -> Result<impl std::ops::DerefMut<Target = PgConnection> + use<>, AppError> {
        Ok(self.config().db.acquire().await.map_err(DbError::from)?)
    }

    /// The named chain, or the default one.
    fn chain(&self, id: Option<u64>) -> Result<&ChainSettings, AppError> {
        let chains = &self.config().chains;
        let found = match id {
            None => chains.first(),
            Some(id) => chains.iter().find(|chain| chain.chain_id.0 == id),
        };
        found.ok_or(AppError::Refused(Refusal::ChainUnknown))
    }

    /// The named chain, or the default one, for requests that change something there.
    ///
    /// # Errors
    /// [`Refusal::ChainUnknown`]; [`Refusal::ChainReadOnly`] when nothing is sent to it.
    fn writable(&self, id: Option<u64>) -> Result<&WriteSettings, AppError> {
        let chain = self.chain(id)?;
        let read_only = Refusal::ChainReadOnly { chain_id: chain.chain_id };
        chain.writes.as_ref().ok_or(AppError::Refused(read_only))
    }

    /// All chains that something is sent to.
    fn written(&self) -> impl Iterator<Item = &WriteSettings> {
        self.config().chains.iter().filter_map(|chain| chain.writes.as_ref())
    }
}
