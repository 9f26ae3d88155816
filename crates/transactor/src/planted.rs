//! Faults of our own, put in to show that tests would notice them. They exist only under the
//! feature `planted-faults`, which this crate's own tests enable and nothing else may (tidy and
//! the compiler see to it), and each run chooses one in its [`crate::Options`].

use crate::lane::Lane;

#[cfg(all(feature = "planted-faults", not(debug_assertions)))]
compile_error!("planted faults are for tests, never for an optimised build");

/// What is done wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A hand-over whose answer was lost ends the job as failed.
    UnknownIsFailure,
    /// Bytes are shown to nodes before they are in the database.
    SendBeforeCommit,
    /// A job whose block left the chain gets another nonce.
    NonceRebound,
    /// A node that fails to tell of a receipt is taken to have none.
    ErrorIsMissing,
    /// Commits do not check that the lane's lease is still held.
    EpochUnchecked,
}

impl Fault {
    /// All of them.
    #[cfg(feature = "planted-faults")]
    pub const ALL: [Self; 5] = [
        Self::UnknownIsFailure,
        Self::SendBeforeCommit,
        Self::NonceRebound,
        Self::ErrorIsMissing,
        Self::EpochUnchecked,
    ];
}

impl Lane {
    /// Is this to be done wrongly? Never outside of tests.
    #[cfg(feature = "planted-faults")]
    pub fn planted(&self, fault: Fault) -> bool {
        self.options().planted == Some(fault)
    }

    #[cfg(not(feature = "planted-faults"))]
    #[allow(clippy::unused_self)]
    pub const fn planted(&self, _: Fault) -> bool {
        false
    }
}
