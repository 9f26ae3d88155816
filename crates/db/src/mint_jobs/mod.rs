//! `mint_jobs`: what users asked to have minted.

pub mod batching;
pub mod requests;
