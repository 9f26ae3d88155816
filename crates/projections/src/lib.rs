//! What the logs of our contracts mean: who owns which item, what became of which mint.
//!
//! [`decode`] reads logs, [`fold`] turns (current rows, decoded logs) into row changes and their
//! undo, [`facts`] into what is told: all three pure. [`Projections`] runs them inside the
//! indexer's commits. `README.md` lists the facts.

mod cid;
pub mod decode;
pub mod facts;
pub mod fold;
mod projector;
mod source;
pub mod told;

pub use cid::raw_uri;
pub use projector::Projections;
pub use source::{Source, Standard};
