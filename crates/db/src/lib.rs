//! All SQL of the engine, and nothing else: one module per table (or per pair that always moves
//! together). Rows in, rows out; no rules.
//!
//! A function that runs one statement takes `&mut PgConnection`; so does one that must run inside
//! the caller's transaction, which its name says with `record_`, `claim_` or `lock_`.
//! Queries are checked at compile time against the schema; `cargo xtask sqlx` renews the committed
//! answers in `.sqlx/`.

mod column;
mod connect;
mod copy;
mod error;

pub mod abis;
pub mod allowances;
pub mod api_keys;
pub mod approvals;
pub mod attempts;
pub mod attempts_reads;
pub mod audit_logs;
pub mod balance_readings;
pub mod balances;
pub mod balances_as_of;
pub mod balances_reads;
pub mod blocks;
pub mod checkpoints;
pub mod collection_requests;
pub mod collections;
pub mod collections_reads;
pub mod contents;
pub mod decoded_logs;
pub mod diagnosis;
pub mod digest;
pub mod facts;
pub mod forward_requests;
pub mod idempotency_keys;
pub mod index_anew;
pub mod index_builds;
pub mod index_children;
pub mod index_progress;
pub mod index_purges;
pub mod index_rebuilds;
pub mod index_removals;
pub mod index_samples;
pub mod index_sources;
pub mod items;
pub mod items_as_of;
pub mod items_owners;
pub mod items_reads;
pub mod items_whole;
pub mod leases;
pub mod mails;
pub mod metadata_cursors;
pub mod metadata_updates;
pub mod metric_samples;
pub mod mined_blocks;
pub mod mint_jobs;
pub mod nonces;
pub mod operator_approvals;
pub mod outbox;
pub mod principal_roles;
pub mod principals;
pub mod raw;
pub mod raw_logs;
pub mod raw_logs_copy;
pub mod reconciliations;
pub mod registry;
pub mod request_nonces;
pub mod sealed_fields;
pub mod shadow;
pub mod sign_in_challenges;
pub mod sponsors;
pub mod token_approvals;
pub mod token_metadata;
pub mod transactions;
pub mod transactions_reads;
pub mod transfers;
pub mod transfers_reads;
pub mod undecoded_logs;
pub mod undo_records;
pub mod user_emails;
pub mod user_profiles;
pub mod user_sessions;
pub mod user_subjects;
pub mod user_wallets;
pub mod wallets;
pub mod wallets_reads;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
pub mod webhook_positions;
pub mod workers;

pub use column::{Addr, Hash, Numeric};
pub use connect::{
    Db, MIGRATOR, PooledConnection, apart, begin, begin_view, begin_view_by_keys, connect,
    connect_copy, migrate, migrated,
};
pub use error::DbError;
pub use sqlx::{PgConnection, PgPool, PgTransaction};
