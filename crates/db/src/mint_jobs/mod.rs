//! `mint_jobs`: what users asked to be minted.

pub mod effects;
