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
    /// Up to which blocks are auditable and final when the canonical head is `head`.
    #[must_use]
    pub fn heights(self, head: u64) -> LevelHeights {
        LevelHeights {
            auditable: (head + 1).checked_sub(self.auditable),
            final_: (head + 1).checked_sub(self.final_),
        }
    }
}

/// Up to which blocks of a chain are auditable and final; none while none is. Heights only rise,
/// but for reorgs below them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelHeights {
    pub auditable: Option<u64>,
    pub final_: Option<u64>,
}

impl LevelHeights {
    /// Level of a canonical block.
    #[must_use]
    pub fn level(self, number: u64) -> Level {
        let reaches = |height: Option<u64>| height.is_some_and(|height| number <= height);
        if reaches(self.final_) {
            Level::Final
        } else if reaches(self.auditable) {
            Level::Auditable
        } else {
            Level::Tentative
        }
    }

    /// The higher ones of both.
    #[must_use]
    pub fn or_higher(self, other: Self) -> Self {
        Self {
            auditable: self.auditable.max(other.auditable),
            final_: self.final_.max(other.final_),
        }
    }

    /// No higher than this block, above which nothing is canonical.
    #[must_use]
    pub fn up_to(self, number: u64) -> Self {
        let cut = |height: Option<u64>| height.map(|height| height.min(number));
        Self { auditable: cut(self.auditable), final_: cut(self.final_) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_change_at_their_depth() {
        let f = Finality::default();
        let cases = [
            (100, 100, Level::Tentative),
            (100, 110, Level::Tentative),
            (100, 111, Level::Auditable),
            (100, 130, Level::Auditable),
            (100, 131, Level::Final),
            (0, 10, Level::Tentative),
            (0, 11, Level::Auditable),
            (0, 31, Level::Final),
        ];
        for (number, head, level) in cases {
            assert_eq!(f.heights(head).level(number), level, "block {number} at head {head}");
        }
        let of = |auditable, final_| LevelHeights { auditable, final_ };
        assert_eq!(f.heights(131), of(Some(120), Some(100)));
        assert_eq!(f.heights(30), of(Some(19), None));
        assert_eq!(f.heights(10), of(None, None));
    }

    #[test]
    fn heights_rise_and_are_cut() {
        let of = |auditable, final_| LevelHeights { auditable, final_ };
        let (low, high) = (of(Some(5), None), of(Some(9), Some(4)));
        assert_eq!(low.or_higher(high), high);
        assert_eq!(high.or_higher(low), high);
        assert_eq!(high.up_to(9), high);
        assert_eq!(high.up_to(6), of(Some(6), Some(4)));
        assert_eq!(high.up_to(3), of(Some(3), Some(3)));
        assert_eq!(low.up_to(0), of(Some(0), None));
    }
}
