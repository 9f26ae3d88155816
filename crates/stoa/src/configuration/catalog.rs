//! Every option, once.

use super::{
    ChainConfiguration, RoleSettings, Settings, SourceSettings,
    option::{
        Kind::{Address, Flag, Millis, Number, Socket, Text, Texts, Urgency, Wei, Whole},
        Opt,
        Options::{Chain, Engine},
        Section, option,
    },
};
use chain::{EndpointConfiguration, RelayConfiguration};

const HOUR: u64 = 3_600_000;

/// Tables that stand once. The others are [`role`], [`endpoint`], [`source`] and
/// [`relay`].
pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { name: "chain", means: "The chain.", options: Chain(chain()) },
        Section {
            name: "pool",
            means: "What its endpoints may do together ([endpoints](../operate/endpoints.md)).",
            options: Chain(pool()),
        },
        Section {
            name: "transactor",
            means: "How transactions are driven ([transactions](../internals/transactions.md)).",
            options: Engine(transactor()),
        },
        Section {
            name: "fees",
            means: "What they may cost ([fees](../internals/fees.md)). A job may set a lower cap \
                    for itself.",
            options: Engine(fees()),
        },
        Section { name: "mints", means: "How mints become batches.", options: Engine(mints()) },
        Section { name: "indexer", means: "How the chain is read.", options: Chain(indexer()) },
        Section {
            name: "metadata",
            means: "How documents behind token URIs are read ([metadata](../guide/metadata.md)).",
            options: Engine(metadata()),
        },
        Section {
            name: "sequencer",
            means: "How facts get numbers.",
            options: Engine(sequencer()),
        },
        Section { name: "api", means: "What the API allows at once.", options: Engine(api()) },
        Section {
            name: "tls",
            means: "A certificate, when the server encrypts by itself ([TLS](../operate/tls.md)).",
            options: Engine(super::tls::options()),
        },
        Section {
            name: "limits",
            means: "What it allows one caller ([limits between callers](../operate/limits.md)). \
                    Reloaded.",
            options: Engine(super::limits::limits()),
        },
        Section {
            name: "redis",
            means: "A Redis that all processes share. It may vanish at any moment.",
            options: Engine(super::limits::redis()),
        },
        Section {
            name: "stream",
            means: "The same for the [stream](../guide/use-the-stream.md).",
            options: Engine(stream()),
        },
    ]
    .into_iter()
    .chain(of_callers())
    .collect()
}

/// The same of who is served, and of what is told to others.
fn of_callers() -> Vec<Section> {
    vec![
        Section {
            name: "telemetry",
            means: "What it tells of itself ([watching](../operate/watching.md)).",
            options: Engine(super::telemetry::options()),
        },
        Section {
            name: "database",
            means: "Where everything is kept.",
            options: Engine(super::database::options()),
        },
        Section {
            name: "auth",
            means: "How users sign in ([sign-in](../guide/sign-in.md)).",
            options: Engine(super::auth::options()),
        },
        Section {
            name: "oidc",
            means: "The identity provider that staff sign in with ([staff](../operate/staff.md)).",
            options: Engine(super::oidc::options()),
        },
        Section {
            name: "mail",
            means: "How letters to users are sent ([users](../operate/users.md)).",
            options: Engine(super::mail::options()),
        },
        Section {
            name: "fields",
            means: "What encrypts the personal ([keys](../operate/users.md#keys)).",
            options: Engine(super::mail::fields()),
        },
        Section {
            name: "webhooks",
            means: "How others are told of facts ([webhooks](../operate/webhooks.md)).",
            options: Engine(super::webhooks::options()),
        },
    ]
}

/// Of `[chain]`, and of each of `[[chains]]`.
pub(super) fn chain() -> Vec<Opt<ChainConfiguration>> {
    vec![
        option!("id", Whole(1, 1 << 53),
            "its EIP-155 id; endpoints of another chain are refused. Without, the endpoints say \
             it (a further chain needs it)",
            s => s.id),
        option!("name", Text, "what people call it", s => s.name),
        option!("block_time_ms", Millis(50, HOUR),
            "time between blocks; of a node that is started here, and how late is late",
            s => s.block_time),
        option!("auditable_blocks", Whole(1, 100_000),
            "confirmations at which a block counts as `auditable`", s => s.finality.auditable),
        option!("final_blocks", Whole(1, 100_000),
            "confirmations at which a block counts as `final`", s => s.finality.final_),
        option!("index_lag_blocks_max", Whole(0, 100_000),
            "blocks that the index may be behind while `/ready` says yes", s => s.index_lag_max),
    ]
}

/// Of `[pool]`, and of `[chains.pool]`.
pub(super) fn pool() -> Vec<Opt<ChainConfiguration>> {
    vec![
        option!("hedge_after_ms", Millis(10, 60_000),
            "a second endpoint is asked when the first took so long, until its times are known",
            s => s.pool.hedge_after),
        option!("deadline_ms", Millis(100, 120_000),
            "a read with all its attempts takes no longer", s => s.pool.deadline),
        option!("agree_within_ms", Millis(100, 60_000),
            "who has not answered by then takes no part in a decision by two",
            s => s.pool.agree_within),
        option!("grace_ms", Millis(10, 60_000),
            "how long others may still answer a hand-over after one did", s => s.pool.grace),
        option!("lag_blocks_max", Whole(0, 10_000),
            "an endpoint more blocks behind is asked only when no better one is there",
            s => s.pool.lag_max),
        option!("floor_patience_ms", Millis(1_000, HOUR),
            "after so long without anybody at the highest head, a lower one is believed",
            s => s.pool.floor_patience),
    ]
}

fn transactor() -> Vec<Opt<Settings>> {
    vec![
        option!("queue_depth_max", Whole(1, 100_000_000),
            "jobs of one role that may wait; more are refused (503 `queue_full`, `Retry-After`)",
            s => s.queue_depth_max),
        option!("lease_ms", Millis(1_000, 600_000),
            "how long a dead worker's wallets stay without one", s => s.transactor.lease),
        option!("tick_ms", Millis(10, 10_000),
            "how long a lost nudge can delay a job", s => s.transactor.tick),
        option!("lane_connections", Whole(0, 100),
            "database connections that all wallets of a chain share, beside those of `[database]`; \
             0: one for two processors, 2 to 8", s => s.transactor.lane_connections),
        option!("resend_blocks", Whole(1, 1_000),
            "unmined bytes are handed over again after so many block times",
            s => s.transactor.resend_blocks),
        option!("bump_blocks", Whole(1, 1_000),
            "the lowest unmined nonce is priced anew after so many block times, if it offers less \
             than the market",
            s => s.transactor.bump_blocks),
        option!("retry_ms", Millis(100, 60_000),
            "pause before a refused or lost hand-over, or a simulation in trouble, is repeated",
            s => s.transactor.retry),
        option!("void_gas_max", Whole(21_000, 16_777_216),
            "most gas of a void; the signer's `void_gas_limit_max`",
            s => s.transactor.void_gas_max),
        option!("kind_failures_max", Whole(0, 1_000_000),
            "failures of one kind in a row that pause it, until a probe succeeds; 0: never",
            s => s.transactor.kind_failures_max),
        option!("kind_pause_ms", Millis(100, 60_000),
            "its pause at first; doubled each time that the probe fails too, up to a minute",
            s => s.transactor.kind_pause),
    ]
}

fn fees() -> Vec<Opt<Settings>> {
    vec![
        option!("urgency", Urgency, "of calls that name none", s => s.urgency),
        option!("cap_wei", Wei,
            "no transaction offers more per gas; while the market is above, jobs wait",
            s => s.transactor.fee_cap_wei),
        option!("gas_cost_max_wei", Wei,
            "most that the gas of one transaction may cost altogether",
            s => s.transactor.gas_cost_max_wei),
        option!("bump_free_wei", Wei,
            "up to this price per gas a replacement costs what it must; above, at most five times \
             the market",
            s => s.transactor.bump_free_wei),
        option!("tip_min_wei", Wei,
            "least tip per gas; on a chain without base fee the least price",
            s => s.transactor.tip_min_wei),
    ]
}

fn mints() -> Vec<Opt<Settings>> {
    vec![
        option!("items_max", Whole(1, 256), "items of one batch", s => s.mints.limits.items_max),
        option!("contents_bytes_max", Whole(64, 24_575),
            "bytes of their contents", s => s.mints.limits.contents_max),
        option!("gas_max", Whole(300_000, 16_777_216),
            "gas of one batch; never more than an eighth of a block's",
            s => s.mints.limits.gas_max),
        option!("gas_base", Whole(21_000, 10_000_000),
            "gas that a batch is reckoned to take by itself", s => s.mints.limits.gas_base),
        option!("gas_per_item", Whole(1_000, 10_000_000),
            "gas that each item adds", s => s.mints.limits.gas_per_item),
        option!("gas_per_content_byte", Whole(1, 100_000),
            "gas that each byte of contents adds", s => s.mints.limits.gas_per_content_byte),
        option!("age_ms_max", Millis(0, 600_000),
            "a job that waited so long goes in a batch that is not full, whatever is under way",
            s => s.mints.age_max),
        option!("open_per_wallet", Whole(1, 256),
            "batches under way per wallet, above which only full or late ones join them",
            s => s.mints.open_per_wallet),
        option!("full_per_wallet", Whole(1, 256),
            "the same for those; below the wallets' window, so that other work finds room",
            s => s.mints.full_per_wallet),
        option!("urgency", Urgency, "of their batches", s => s.mints.urgency),
        option!("tick_ms", Millis(1, 10_000), "pause between two looks", s => s.mints.tick),
        option!("lease_ms", Millis(1_000, 600_000),
            "how long a dead batcher blocks its successor", s => s.mints.lease),
    ]
}

/// Of `[indexer]`, and of `[chains.indexer]`.
pub(super) fn indexer() -> Vec<Opt<ChainConfiguration>> {
    vec![
        option!("window_blocks", Whole(1, 10_000),
            "how deep a reorg can be unwound; at least `final_blocks` of the chain",
            s => s.indexer.window),
        option!("window_finalized", Flag,
            "the window reaches down to the block that the node calls finalized, and is never \
             deeper than `window_blocks`; nothing is final earlier",
            s => s.indexer.window_finalized),
        option!("prove_settled", Flag,
            "prove by each block's header that no log below the window was kept back; without, \
             only the ends of ranges are proven, with far fewer calls",
            s => s.indexer.prove_settled),
        option!("spot_check_every", Whole(0, 1_000_000),
            "of so many blocks at the head that hold logs of ours, one is compared with its \
             receipts, of another endpoint where there is one; 0 for none",
            s => s.indexer.spot_check_every),
        option!("reread_blocks", Whole(0, 1_000_000),
            "so many blocks after which every known account of a token that rebases was read \
             again; 0 for never",
            s => s.indexer.reread_blocks),
        option!("range_blocks_max", Whole(1, 100_000),
            "blocks of one commit while it catches up", s => s.indexer.range_max),
        option!("range_logs", Whole(100, 1_000_000),
            "logs that one request aims at", s => s.indexer.range_logs),
        option!("ranges_in_flight", Whole(1, 64),
            "ranges that are read ahead of the commits; each may take some 30 MB of memory",
            s => s.indexer.ranges_in_flight),
        option!("batch_calls_max", Whole(1, 1_000),
            "calls of one JSON-RPC batch", s => s.indexer.batch_max),
        option!("batches_in_flight", Whole(1, 64),
            "such batches at once", s => s.indexer.batches_in_flight),
        option!("addresses_max", Whole(1, 10_000),
            "contracts above this number are asked for by topic alone",
            s => s.indexer.addresses_max),
        option!("stand_by_ms", Millis(50, 60_000),
            "pause between attempts to be the one that indexes", s => s.indexer.stand_by),
        option!("back_off_ms_max", Millis(100, 600_000),
            "longest pause after trouble", s => s.indexer.back_off_max),
    ]
}

fn metadata() -> Vec<Opt<Settings>> {
    vec![
        option!("enabled", Flag, "without, nothing is read", s => s.metadata.enabled),
        option!("network", Flag,
            "without, only documents inside their URIs and those of the own content store are \
             read; the others wait",
            s => s.metadata.network),
        option!("ipfs_gateways", Texts, "who is asked for `ipfs:`, in this order",
            s => s.metadata.ipfs_gateways),
        option!("arweave_gateways", Texts, "who is asked for `ar:`, in this order",
            s => s.metadata.arweave_gateways),
        option!("http", Flag, "plain HTTP is followed, too", s => s.metadata.http),
        option!("allow_private", Texts,
            "`HOST:PORT` of those that may be asked whatever their address, port and scheme; no \
             others on private addresses are",
            s => s.metadata.allow_private),
        option!("document_bytes_max", Whole(1_024, 16_777_216), "largest document",
            s => s.metadata.document_bytes_max),
        option!("fetch_ms", Millis(100, 120_000),
            "time for one document, redirects included", s => s.metadata.fetch_time),
        option!("redirects_max", Whole(0, 10), "redirects of one document",
            s => s.metadata.redirects_max),
        option!("fetches_max", Whole(1, 1_024), "documents fetched at once",
            s => s.metadata.fetches_max),
        option!("host_fetches_max", Whole(1, 1_024), "of those from one host",
            s => s.metadata.host_fetches_max),
        option!("gateway_fetches_max", Whole(1, 1_024), "of those through gateways",
            s => s.metadata.gateway_fetches_max),
        option!("ask_batch", Whole(1, 500), "tokens that a node is asked for at once",
            s => s.metadata.ask_batch),
        option!("asks_per_second", Whole(1, 100_000), "and in a second",
            s => s.metadata.asks_per_second),
        option!("tries_max", Whole(1, 100), "tries until a document counts as lost",
            s => s.metadata.tries_max),
        option!("retry_ms", Millis(10, HOUR),
            "pause after the first failed try; each is four times the one before, up to a day",
            s => s.metadata.retry),
        option!("claim_ms", Millis(1_000, HOUR),
            "how long work of a process that died is nobody's", s => s.metadata.claim),
        option!("tick_ms", Millis(10, 60_000), "pause between two looks for work",
            s => s.metadata.tick),
    ]
}

fn sequencer() -> Vec<Opt<Settings>> {
    vec![
        option!("batch_max", Whole(1, 100_000),
            "facts numbered in one commit", s => s.sequencer.batch_max),
        option!("idle_ms", Millis(1, 10_000),
            "pause when little waits: the longest time from commit to number",
            s => s.sequencer.idle),
        option!("busy_ms", Millis(1, 10_000),
            "the same while many facts come (32 in one commit), if longer", s => s.sequencer.busy),
        option!("lease_ms", Millis(1_000, 600_000),
            "how long a dead sequencer blocks its successor", s => s.sequencer.lease),
    ]
}

fn api() -> Vec<Opt<Settings>> {
    vec![
        option!("listen", Socket,
            "where it listens; `--http` stands above it. Port 0: a free one. To others it \
             belongs behind a proxy that does TLS, or takes a certificate (`[tls]`)",
            s => s.listen),
        option!("requests_max", Whole(1, 100_000),
            "requests under way; more are answered 503", s => s.api.requests_max),
        option!("queue_delay_ms", Millis(0, 60_000),
            "how much longer than alone even the quickest requests of a route may take before \
             fewer of them are let in, the others answered 503. 0: as many as there are",
            s => s.api.queue_delay),
        option!("request_ms", Millis(100, 600_000),
            "time for one request, its body included", s => s.api.request_time),
        option!("uploads_max", Whole(1, 10_000),
            "uploads under way; each holds a few hundred kilobytes", s => s.api.uploads_max),
        option!("upload_ms", Millis(1_000, HOUR), "time for one upload", s => s.api.upload_time),
        option!("upload_idle_ms", Millis(100, 600_000),
            "longest silence inside one", s => s.api.upload_idle),
        option!("connections_max", Whole(1, 1_000_000),
            "open connections; more wait in the kernel's queue. Of user content there are a third \
             as many beside them. Fewer where the process may not open as many files",
            s => s.api.connections.connections_max),
        option!("connections_per_address", Whole(0, 1_000_000),
            "of these, by one address (of IPv6 a /64); more are closed at once. 0: no bound. \
             `auth.trusted_proxies` have none",
            s => s.api.connections.per_address_max),
        option!("stall_ms", Millis(100, 600_000),
            "how long a client may take nothing of an answer that waits for it",
            s => s.api.connections.stall_time),
        option!("kept_bytes", Whole(0, 1 << 40),
            "answers to public reads that are kept for a moment, in bytes; 0 keeps none",
            s => s.api.hot_bytes),
        option!("header_ms", Millis(100, 600_000),
            "time from connecting to the end of a request's headers",
            s => s.api.connections.header_time),
        option!("drain_ms", Millis(100, 600_000),
            "how long requests under way may take at the end",
            s => s.api.connections.drain_time),
    ]
}

fn stream() -> Vec<Opt<Settings>> {
    vec![
        option!("ring_facts", Whole(16, 10_000_000),
            "facts kept in memory per topic", s => s.stream.ring_facts),
        option!("ring_bytes", Whole(65_536, 1 << 34),
            "bytes kept in memory per topic", s => s.stream.ring_bytes),
        option!("connections_max", Whole(1, 1_000_000),
            "connections; one more is answered 503", s => s.stream.connections_max),
        option!("subscriptions_max", Whole(1, 1_000),
            "subscriptions of one connection", s => s.stream.subscriptions_max),
        option!("frames_per_second", Whole(1, 10_000),
            "frames that a client may send, after a burst of twice as many",
            s => s.stream.frames_per_second),
        option!("heartbeat_ms", Millis(100, 600_000), "between heartbeats",
            s => s.stream.heartbeat),
        option!("stall_ms_max", Millis(100, 600_000),
            "a client that reads nothing for so long is cut", s => s.stream.stall_max),
        option!("silence_ms_max", Millis(100, HOUR),
            "one of which nothing is heard, too", s => s.stream.silence_max),
        option!("linger_ms", Millis(10, 60_000),
            "how long a close frame may wait", s => s.stream.linger),
    ]
}

/// `[roles.NAME]`
pub(super) fn role() -> Vec<Opt<RoleSettings>> {
    vec![
        option!("wallets", Whole(1, 256),
            "wallets, made by the signer when missing; its `keys_max` is the limit",
            r => r.wallets),
        option!("in_flight_max", Whole(1, 256),
            "transactions of one wallet that wait to be mined; 1 for delegated accounts (EIP-7702)",
            r => r.in_flight_max),
        option!("calls", Flag, "operators may use it for calls of their own", r => r.calls),
        option!("top_up_from", Text,
            "the role whose wallets refill these; the signer's policy must allow its transfers",
            r => r.top_up_from),
        option!("top_up_below_wei", Wei,
            "a wallet with less is refilled, at most once a minute", r => r.top_up_below_wei),
        option!("top_up_amount_wei", Wei, "with so much", r => r.top_up_amount_wei),
    ]
}

/// `[[endpoints]]`
pub(super) fn endpoint() -> Vec<Opt<EndpointConfiguration>> {
    vec![
        option!("url", Address, "where it is; secret past its host", e => e.url),
        option!("ws_url", Address, "its WebSocket, which tells of new heads at once; without, they \
            are asked for four times per block time", e => e.ws_url),
        option!("weight", Whole(0, 1_000_000),
            "healthy endpoints of the highest weight are asked first", e => e.weight),
        option!("timeout_ms", Millis(100, 60_000), "time for one request", e => e.timeout_ms),
        option!("requests_per_second", Number(0.1, 100_000.0),
            "calls that it may be asked; without, no limit until it complains",
            e => e.requests_per_second),
        option!("burst", Number(1.0, 100_000.0), "calls at once", e => e.burst),
        option!("requests_max", Whole(1, 1_024), "requests in flight; more wait",
            e => e.requests_max),
    ]
}

/// `[[sources]]`
pub(super) fn source() -> Vec<Opt<SourceSettings>> {
    vec![
        option!("address", Text, "the contract; `\"*\"` with `events`: every one", s => s.address),
        option!("standard", Text,
            "`\"erc20\"`, `\"erc721\"`, `\"erc1155\"`: what its logs mean; `\"erc20_fee\"`, \
             `\"erc20_rebasing\"`: balances are read of the contract; `\"events\"`, \
             `\"abi\"`: read by the ABI of `events`, or by the uploaded one",
            s => s.standard),
        option!("start_block", Whole(0, 1 << 53), "the first block whose logs are kept",
            s => s.start_block),
        option!("projected", Flag, "its logs are made something of; else they are only kept",
            s => s.projected),
        option!("factory_event", Text,
            "of a factory: the event that names a contract that it made, as Solidity has it",
            s => s.factory_event),
        option!("factory_parameter", Text,
            "which of that event's arguments is the contract; `standard` is that of those",
            s => s.factory_parameter),
        option!("events", Texts, "events that are read, as Solidity declares them",
            s => s.events),
    ]
}

/// `[relay]`
pub(super) fn relay() -> Vec<Opt<RelayConfiguration>> {
    vec![
        option!("url", Address, "where it is; secret past its host", r => r.url),
        option!("kinds", Texts, "kinds of transactions that it gets first", r => r.kinds),
        option!("public_after_blocks", Whole(0, 1_000_000),
            "block times after which an unmined one goes to everybody", r => r.public_after_blocks),
    ]
}
