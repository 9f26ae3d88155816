//! Jobs: what the application does by itself, without a request.
//!
//! | file | does |
//! |---|---|
//! | `batch_mints` | waiting mint jobs → transactions of the transactor |
//! | `outcomes` | what became of a transaction → its mint jobs and collection requests |

pub mod batch_mints;
mod mint_call;
pub mod outcomes;
