//! How sure we are that a block stays: levels by depth below our canonical head.

use serde::{Deserialize, Serialize};

/// Confidence in a mined fact, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Tentative,
    Auditable,
    Final,
}

/// Depths, in confirmations, at which a block counts as auditable and as final.
/// A block at the head has one confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finality {
    pub auditable: u64,
    pub final_: u64,
}

impl Default for Finality {
    fn default() -> Self {
        Self { auditable: 12, final_: 32 }
    }
}

impl Finality {
    /// Level of a canonical block at `number` when the canonical head is `head`; none when the
    /// block lies above the head.
    #[must_use]
    pub fn level(self, number: u64, head: u64) -> Option<Level> {
        let confirmations = head.checked_sub(number)? + 1;
        Some(if confirmations >= self.final_ {
            Level::Final
        } else if confirmations >= self.auditable {
            Level::Auditable
        } else {
            Level::Tentative
        })
    }

    /// Highest block number that is at least auditable at `head`; none while none is.
    #[must_use]
    pub fn auditable_height(self, head: u64) -> Option<u64> {
        (head + 1).checked_sub(self.auditable)
    }

    /// Highest block number that is final at `head`; none while none is.
    #[must_use]
    pub fn final_height(self, head: u64) -> Option<u64> {
        (head + 1).checked_sub(self.final_)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_change_at_their_depth() {
        let f = Finality::default();
        let cases = [
            (100, 99, None),
            (100, 100, Some(Level::Tentative)),
            (100, 110, Some(Level::Tentative)),
            (100, 111, Some(Level::Auditable)),
            (100, 130, Some(Level::Auditable)),
            (100, 131, Some(Level::Final)),
        ];
        for (number, head, level) in cases {
            assert_eq!(f.level(number, head), level, "block {number} at head {head}");
        }
        assert_eq!(f.final_height(131), Some(100));
        assert_eq!(f.auditable_height(111), Some(100));
        assert_eq!(f.final_height(30), None);
    }
}
