//! The use cases and jobs: one file each.

pub mod jobs;
