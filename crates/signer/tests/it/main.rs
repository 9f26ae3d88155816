//! The signer from outside: its socket, its files, its deaths.

mod budgets;
mod crash;
mod hostile;
mod keystore;
mod nonces;
mod process;
mod rig;
mod signatures;
mod speed;
