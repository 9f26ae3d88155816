//! What logs mean: of our contracts who owns which item and what became of which mint, and of
//! contracts of others who has what ([`followed`]).
//!
//! [`decode`] reads logs, [`fold`] turns (current rows, decoded logs) into row changes and their
//! undo, [`facts`] into what is told: all three pure. [`Projections`] runs them inside the
//! indexer's commits, and [`rebuild`] from stored logs. `README.md` lists the facts.

mod cid;
pub mod decode;
pub mod facts;
pub mod fold;
pub mod followed;
mod projector;
pub mod rebuild;
mod source;
pub mod told;

pub use cid::raw_uri;
pub use projector::Projections;
pub use source::{Factory, Source, Standard};
