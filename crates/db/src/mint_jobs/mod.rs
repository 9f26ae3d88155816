//! `mint_jobs`: what users asked to be minted.

pub mod batching;
pub mod effects;
pub mod requests;
