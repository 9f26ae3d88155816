//! `mint_jobs`: what users asked to have minted.

pub mod requests;
