//! The nouns that every crate shares: ids, chains, job states, levels, and the seams for clock
//! and randomness. No input or output happens here.

mod clock;
mod id;
mod item;
mod level;
mod status;
pub mod topic;
mod urgency;

pub use alloy_primitives::{Address, B256, Bytes, U256, keccak256 as keccak};
pub use clock::{Clock, FixedClock, SystemClock};
pub use id::{CollectionRequestId, MintId, PrincipalId, TransactionId};
pub use item::{BlockRef, ChainId, ItemKey};
pub use level::{Finality, Level, LevelHeights};
pub use status::{JobStatus, UnknownStatus};
pub use urgency::{UnknownUrgency, Urgency};
