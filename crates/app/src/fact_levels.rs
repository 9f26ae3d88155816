//! How sure what a fact tells is, and lists of what is sure enough. Pure.

use crate::Fact;
use vocab::Level;

/// A fact, and how sure its block is: none for what is not on the chain, or no longer.
pub type Leveled = (Fact, Option<Level>);

/// Facts whose blocks have at least the level `least`, in order, at most `limit`; and the number
/// up to which there are no others. Each of `told` comes with whether a later fact took it back.
///
/// What was taken back is left out, with what took it back. At the first fact that may still go
/// either way the list ends, however sure those behind it are: it is told when its time comes, and
/// nobody who goes on from there misses it.
pub(crate) fn settled(
    told: Vec<(Fact, bool)>,
    after: i64,
    limit: usize,
    least: Level,
    level: impl Fn(&Fact) -> Option<Level>,
) -> (Vec<Leveled>, i64) {
    let (mut settled, mut upto) = (Vec::new(), after);
    for (fact, taken_back) in told {
        let seq = fact.seq;
        if !fact.reverting && !taken_back {
            let reached = level(&fact);
            if settled.len() == limit || reached.is_none_or(|reached| reached < least) {
                break;
            }
            settled.push((fact, reached));
        }
        upto = seq;
    }
    (settled, upto)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::OffsetDateTime;

    fn fact(seq: i64, block: i64, reverting: bool) -> Fact {
        Fact {
            topic: "items".into(),
            seq,
            kind: "item_minted".into(),
            reverting,
            attributes: json!({}),
            chain_id: Some(1),
            block_number: Some(block),
            block_hash: None,
            data: json!({}),
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    /// Blocks to 10 are final, to 20 auditable.
    fn level(fact: &Fact) -> Option<Level> {
        Some(match fact.block_number? {
            ..=10 => Level::Final,
            11..=20 => Level::Auditable,
            _ => Level::Tentative,
        })
    }

    fn seqs(told: &[(i64, i64, bool, bool)], limit: usize, least: Level) -> (Vec<i64>, i64) {
        let told = told
            .iter()
            .map(|(seq, block, reverting, gone)| (fact(*seq, *block, *reverting), *gone));
        let (facts, upto) = settled(told.collect(), 0, limit, least, level);
        (facts.iter().map(|(fact, _)| fact.seq).collect(), upto)
    }

    #[test]
    fn a_list_ends_at_what_is_open_and_leaves_out_what_is_gone() {
        let told = [
            (1, 8, false, false),
            (2, 9, false, true),
            (3, 9, true, false),
            (4, 9, false, false),
            (5, 12, false, true),
            (6, 12, true, false),
            (7, 12, false, false),
            (8, 10, false, false),
            (9, 25, false, false),
        ];
        assert_eq!(seqs(&told, 9, Level::Final), (vec![1, 4], 6), "8 waits for 7");
        assert_eq!(seqs(&told, 9, Level::Auditable), (vec![1, 4, 7, 8], 8));
        assert_eq!(seqs(&told, 9, Level::Tentative), (vec![1, 4, 7, 8, 9], 9));
        assert_eq!(seqs(&told, 1, Level::Final), (vec![1], 3), "what is gone is passed at once");
        assert_eq!(seqs(&told[8..], 9, Level::Final), (vec![], 0));
        assert_eq!(seqs(&[], 9, Level::Final), (vec![], 0));
    }
}
