//! Jobs: what the application does by itself, without a request.
//!
//! | file | does |
//! |---|---|
//! | `batch_mints` | waiting mint jobs → transactions of the transactor |
//! | `settle_sponsored` | sponsored transactions that have ended → what they cost |
//! | `forget_deliveries` | what was sent to endpoints long ago → nothing |
//! | `sample_metrics` | metrics of this process → samples, for charts |
//! | `outcomes` | what became of a transaction → its mint jobs and collection requests |

pub mod batch_mints;
mod forget_deliveries;
mod mint_call;
pub mod outcomes;
mod sample_metrics;
pub mod send_mails;
pub(crate) mod settle_sponsored;
