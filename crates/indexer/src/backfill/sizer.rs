//! How many blocks to ask for at once: so many that their logs fill an answer, as far as the last
//! answers tell, and never more than the endpoint has shown to bear.

use crate::IndexerOptions;

/// Blocks of the first request, whose answer says how dense logs are.
const PROBE: u64 = 64;
/// A range is at most so many times the longest that was answered.
const GROWTH: u64 = 16;
/// Bytes that one answer aims at; nodes' limits begin at about ten times as much.
const BYTES: f64 = 12e6;
/// Ranges that must be answered before a limit that was learnt is doubled; half as many before it
/// is doubled again, as it seems to be none.
const PATIENCE: u32 = 16;

#[derive(Debug)]
pub(crate) struct Sizer {
    blocks_max: u64,
    logs: f64,
    /// Per block, of the last answers.
    density: Option<Density>,
    longest: u64,
    /// What the endpoint bears, when it has shown that.
    limit: Option<u64>,
    answered: u32,
    patience: u32,
}

#[derive(Clone, Copy, Debug)]
struct Density {
    logs: f64,
    bytes: f64,
}

impl Sizer {
    pub(crate) fn new(options: &IndexerOptions) -> Self {
        Self {
            blocks_max: options.range_max.max(1),
            logs: options.range_logs.max(1) as f64,
            density: None,
            longest: PROBE,
            limit: None,
            answered: 0,
            patience: PATIENCE,
        }
    }

    /// Blocks to ask for next.
    pub(crate) fn blocks(&self) -> u64 {
        let wanted = self.density.map_or(PROBE, |density| {
            let by_logs = self.logs / density.logs.max(1e-9);
            let by_bytes = BYTES / density.bytes.max(1e-9);
            (by_logs.min(by_bytes) as u64).min(self.longest.saturating_mul(GROWTH))
        });
        wanted.min(self.blocks_max).min(self.limit.unwrap_or(u64::MAX)).max(1)
    }

    /// Is it known how dense logs are? If not, one request at a time is enough.
    pub(crate) fn has_learnt(&self) -> bool {
        self.density.is_some()
    }

    pub(crate) fn note_answer(&mut self, blocks: u64, logs: usize, bytes: usize) {
        let blocks_f = blocks.max(1) as f64;
        let new = Density { logs: logs as f64 / blocks_f, bytes: bytes as f64 / blocks_f };
        // Rising density counts at once, falling by halves: too long an answer costs more than
        // too short a one.
        let settle = |old: f64, new: f64| if new > old { new } else { f64::midpoint(old, new) };
        self.density = Some(self.density.map_or(new, |old| Density {
            logs: settle(old.logs, new.logs),
            bytes: settle(old.bytes, new.bytes),
        }));
        self.longest = self.longest.max(blocks);
        self.answered += 1;
        if self.answered >= self.patience {
            self.answered = 0;
            self.patience = (self.patience / 2).max(1);
            let doubled = self.limit.map(|limit| limit.saturating_mul(2));
            self.limit = doubled.filter(|limit| *limit < self.blocks_max);
        }
    }

    /// `blocks` were too many.
    pub(crate) fn note_limit(&mut self, blocks: u64) {
        let half = (blocks / 2).max(1);
        self.limit = Some(self.limit.map_or(half, |limit| limit.min(half)));
        (self.answered, self.patience) = (0, PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizer() -> Sizer {
        let options =
            IndexerOptions { range_max: 10_000, range_logs: 20_000, ..IndexerOptions::default() };
        Sizer::new(&options)
    }

    #[test]
    fn ranges_follow_the_density_of_logs() {
        let mut sizer = sizer();
        assert_eq!(sizer.blocks(), PROBE);
        sizer.note_answer(64, 6_400, 64_000);
        assert_eq!(sizer.blocks(), 200);
        sizer.note_answer(200, 0, 40);
        assert_eq!(sizer.blocks(), 400);
        sizer.note_answer(400, 400_000, 400);
        assert_eq!(sizer.blocks(), 20);
    }

    #[test]
    fn empty_blocks_let_ranges_grow_to_the_most() {
        let mut sizer = sizer();
        for wanted in [64, 1_024, 10_000, 10_000] {
            assert_eq!(sizer.blocks(), wanted);
            sizer.note_answer(wanted, 0, 40);
        }
    }

    #[test]
    fn long_answers_make_ranges_short() {
        let mut sizer = sizer();
        sizer.note_answer(64, 64, 96_000_000);
        assert_eq!(sizer.blocks(), 8);
    }

    #[test]
    fn limits_are_kept_and_tried_again() {
        let mut sizer = sizer();
        sizer.note_answer(64, 0, 40);
        sizer.note_limit(1_024);
        assert_eq!(sizer.blocks(), 512);
        sizer.note_limit(2);
        sizer.note_limit(1);
        assert_eq!(sizer.blocks(), 1);
        for _ in 0..PATIENCE {
            sizer.note_answer(1, 0, 40);
        }
        assert_eq!(sizer.blocks(), 2);
        for _ in 0..2 * PATIENCE {
            sizer.note_answer(1, 0, 40);
        }
        assert_eq!(sizer.blocks(), 1_024, "no limit any more");
    }
}
