//! What happens in a storm, as its seed has it. Pure.

use rand::{Rng, rngs::StdRng};
use std::time::Duration;

/// What becomes of the transactions of blocks that are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The new branch has none of them.
    Dropped,
    /// It has the first few of each sender, in the old order.
    Some,
    /// It has all of them, each so far above the ancestor as before.
    Same,
    /// It has all of them, in another order and elsewhere.
    Shuffled,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Blocks with transactions, and as many empty ones as said between and after them.
    Grow { busy: u64, empty: u64 },
    /// All that lies less than `depth` below the highest block ever shown is replaced.
    Reorg { depth: u64, again: Again },
    /// The same, by a branch that is shorter at first.
    Shrink { depth: u64, again: Again },
    /// Wait until the index stands at the head.
    Await,
    /// The indexer dies so long after the step before.
    Cut { after: Duration },
    /// It is started again. Settled blocks are read in ranges so long at most, with the header of
    /// each block or without.
    Start { range_max: u64, proven: bool },
}

/// How reorgs follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One.
    Plain,
    /// Each deeper than the one before, which the index may have followed or not.
    Nested,
    /// Many at once, without a pause.
    BackToBack,
    /// Many while settled blocks are read.
    Backfill,
    /// While the indexer is away, when it is just back, and away again.
    Restart,
    /// New blocks between them.
    Interleaved,
    /// The chain is shorter for a while.
    Shorter,
}

const SHAPES: [Shape; 7] = [
    Shape::Plain,
    Shape::Nested,
    Shape::BackToBack,
    Shape::Backfill,
    Shape::Restart,
    Shape::Interleaved,
    Shape::Shorter,
];

#[derive(Clone, Debug, PartialEq)]
pub struct Storm {
    pub shape: Shape,
    pub steps: Vec<Step>,
}

impl Storm {
    /// One of reorgs up to `depth` blocks.
    pub fn draw(random: &mut StdRng, depth: u64) -> Self {
        let shape = SHAPES[random.random_range(0..SHAPES.len())];
        let mut draw = Draw { random, depth, steps: Vec::new() };
        draw.shape(shape);
        Self { shape, steps: draw.steps }
    }
}

struct Draw<'a> {
    random: &'a mut StdRng,
    depth: u64,
    steps: Vec<Step>,
}

impl Draw<'_> {
    fn shape(&mut self, shape: Shape) {
        match shape {
            Shape::Plain => {
                self.grow(6, 20);
                self.perhaps_await(0.8);
                self.reorg();
            }
            Shape::Nested => self.nested(),
            Shape::BackToBack => {
                self.grow(6, 10);
                self.perhaps_await(0.5);
                for _ in 0..self.random.random_range(2..6) {
                    self.reorg();
                }
            }
            Shape::Backfill => {
                self.cut();
                self.grow(8, 150);
                self.start();
                for _ in 0..self.random.random_range(1..4) {
                    self.reorg();
                    self.grow(1, 30);
                }
            }
            Shape::Restart => self.restart(),
            Shape::Interleaved => {
                for _ in 0..self.random.random_range(2..5) {
                    self.grow(3, 8);
                    self.perhaps_await(0.4);
                    self.reorg();
                }
                self.grow(1, 2);
            }
            Shape::Shorter => {
                self.grow(5, 12);
                self.perhaps_await(0.7);
                let (depth, again) = (self.depth(), self.again());
                self.steps.push(Step::Shrink { depth, again });
                self.perhaps_await(0.5);
                self.grow(2, 4);
            }
        }
    }

    fn nested(&mut self) {
        self.grow(6, 20);
        self.perhaps_await(0.8);
        let mut depths: Vec<u64> = (0..3).map(|_| self.depth()).collect();
        depths.sort_unstable();
        for depth in depths {
            let again = self.again();
            self.steps.push(Step::Reorg { depth, again });
            self.perhaps_await(0.5);
        }
    }

    fn restart(&mut self) {
        self.grow(6, 15);
        self.perhaps_await(0.8);
        self.cut();
        for _ in 0..self.random.random_range(1..4) {
            self.reorg();
            self.start();
            self.perhaps_await(0.2);
            if self.random.random_bool(0.5) {
                self.reorg();
            }
            self.cut();
            self.grow(1, 3);
        }
        self.start();
    }

    fn grow(&mut self, busy: u64, empty: u64) {
        let (busy, empty) =
            (self.random.random_range(1..=busy), self.random.random_range(0..=empty));
        self.steps.push(Step::Grow { busy, empty });
    }

    fn reorg(&mut self) {
        let (depth, again) = (self.depth(), self.again());
        self.steps.push(Step::Reorg { depth, again });
    }

    /// Small ones are the common ones; now and then the deepest.
    fn depth(&mut self) -> u64 {
        match self.random.random_range(0..6) {
            0 => self.depth,
            1 | 2 => self.random.random_range(1..=self.depth.min(4)),
            _ => self.random.random_range(1..=self.depth),
        }
    }

    fn again(&mut self) -> Again {
        let all = [Again::Dropped, Again::Some, Again::Same, Again::Shuffled];
        all[self.random.random_range(0..all.len())]
    }

    fn perhaps_await(&mut self, probability: f64) {
        if self.random.random_bool(probability) {
            self.steps.push(Step::Await);
        }
    }

    fn cut(&mut self) {
        let after = Duration::from_millis(self.random.random_range(0..40));
        self.steps.push(Step::Cut { after });
    }

    fn start(&mut self) {
        let range_max = [3, 10, 64, 10_000][self.random.random_range(0..4)];
        let proven = self.random.random_bool(0.3);
        self.steps.push(Step::Start { range_max, proven });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn storms(seed: u64, depth: u64) -> Vec<Storm> {
        let mut random = StdRng::seed_from_u64(seed);
        (0..100).map(|_| Storm::draw(&mut random, depth)).collect()
    }

    #[test]
    fn a_seed_repeats_its_storms() {
        assert_eq!(storms(7, 64), storms(7, 64));
        assert_ne!(storms(7, 64), storms(8, 64));
    }

    #[test]
    fn every_shape_and_depth_comes_and_none_is_too_deep() {
        let all = storms(1, 16);
        for shape in SHAPES {
            assert!(all.iter().any(|storm| storm.shape == shape), "{shape:?}");
        }
        let depths: Vec<u64> = all
            .iter()
            .flat_map(|storm| &storm.steps)
            .filter_map(|step| match step {
                Step::Reorg { depth, .. } | Step::Shrink { depth, .. } => Some(*depth),
                _ => None,
            })
            .collect();
        assert!((1..=16).all(|depth| depths.contains(&depth)));
        assert!(depths.iter().all(|depth| (1..=16).contains(depth)));
    }
}
