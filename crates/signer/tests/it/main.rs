//! The signer from outside: its socket, its files, its deaths.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panic, and may print"
)]

mod approvals;
mod audit_log;
mod aws_kms;
mod backends;
mod budgets;
mod crash;
mod hostile;
mod keystore;
mod nonces;
mod operator;
mod pkcs11;
mod process;
mod reload;
mod rig;
mod signatures;
mod speed;
mod tls;
mod typed;
