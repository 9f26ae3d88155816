use super::*;
use proptest::prelude::*;

fn intents(batch: &Batch) -> Vec<U256> {
    (0..batch.items.len()).map(|i| batch.first_intent + U256::from(i)).collect()
}

proptest! {
    #[test]
    fn batches_cover_all_jobs_in_order_within_bounds(
        first in 0u64..2_000,
        sizes in proptest::collection::vec(0usize..3_000, 0..600),
        items_max in 1usize..300,
        contents_max in 1usize..30_000,
        gas_max in 100_000u64..16_000_000,
    ) {
        let limits = BatchLimits { items_max, contents_max, gas_max, ..BatchLimits::default() };
        let batches = plan_batches(U256::from(first), &sizes, &limits);
        let mut next = 0;
        for batch in &batches {
            prop_assert_eq!(batch.items.start, next);
            prop_assert!(batch.full || batch.items.end == sizes.len());
            prop_assert_eq!(batch.first_intent, U256::from(first + next as u64));
            prop_assert!(!batch.items.is_empty());
            next = batch.items.end;
            let (word, mask) = word_and_mask(&intents(batch)).expect("one word");
            prop_assert_eq!(word, batch.first_intent >> 8);
            prop_assert_eq!(mask.count_ones(), batch.items.len());
            let bytes: usize = sizes[batch.items.clone()].iter().sum();
            if batch.items.len() > 1 {
                prop_assert!(batch.items.len() <= items_max && bytes <= contents_max);
                prop_assert!(gas(batch.items.len(), bytes, &limits) <= gas_max);
            }
        }
        prop_assert_eq!(next, sizes.len());
    }

    #[test]
    fn masks_name_their_intents(word in 0u64..9, bits in proptest::collection::btree_set(0u64..256, 1..80)) {
        let intents: Vec<U256> = bits.iter().map(|b| U256::from(word * 256 + b)).collect();
        let (found, mask) = word_and_mask(&intents).expect("one word");
        prop_assert_eq!(found, U256::from(word));
        for bit in 0..256u64 {
            prop_assert_eq!(mask.bit(bit as usize), bits.contains(&bit));
        }
    }
}

#[test]
fn only_rising_intents_of_one_word_make_a_mask() {
    let list = |numbers: &[u64]| numbers.iter().map(|n| U256::from(*n)).collect::<Vec<_>>();
    for bad in [&[][..], &[255, 256], &[3, 3], &[4, 3]] {
        assert_eq!(word_and_mask(&list(bad)), None, "{bad:?}");
    }
    assert_eq!(word_and_mask(&list(&[511])), Some((U256::ONE, U256::ONE << 255)));
}

#[test]
fn a_batch_is_full_when_nothing_more_fits() {
    let of = |first: u64, jobs: usize, limits: &BatchLimits| -> Vec<(usize, bool)> {
        let batches = plan_batches(U256::from(first), &vec![32; jobs], limits);
        batches.iter().map(|batch| (batch.items.len(), batch.full)).collect()
    };
    let limits = BatchLimits::default();
    assert_eq!(of(0, 256, &limits), [(256, true)], "a word of digests in one transaction");
    assert_eq!(of(0, 300, &limits), [(256, true), (44, false)]);
    assert_eq!(of(250, 7, &limits), [(6, true), (1, false)], "the word ends");
    let small = limits.within_block(30_000_000);
    assert_eq!(of(0, 100, &small), [(59, true), (41, false)], "an eighth of the block");
    assert_eq!(limits.within_block(300_000_000), limits);
}

#[test]
fn fates_are_decided() {
    use Decision as D;
    use JobStatus as S;
    let fate = |status, reverted, reason| Fate { status, reverted, reason };
    let cases = [
        (64, fate(S::Reserved, false, None), D::Follow(S::Reserved)),
        (64, fate(S::Unknown, false, None), D::Follow(S::Unknown)),
        (64, fate(S::Queued, false, None), D::Follow(S::Queued)),
        (2, fate(S::Tentative, false, None), D::Leave),
        (2, fate(S::Auditable, false, None), D::Leave),
        (2, fate(S::Final, false, None), D::Repeat),
        (2, fate(S::Tentative, true, None), D::Split),
        (2, fate(S::Auditable, true, Some("reverted")), D::Split),
        (1, fate(S::Tentative, true, Some("reverted")), D::Leave),
        (1, fate(S::Failed, true, Some("reverted")), D::Fail),
        (1, fate(S::Failed, false, None), D::Fail),
        (2, fate(S::Failed, false, Some("reverted")), D::Split),
        (2, fate(S::Failed, false, Some(INTENT_USED)), D::Split),
        (1, fate(S::Failed, false, Some(INTENT_USED)), D::AwaitIndex),
        (1, fate(S::Tentative, true, Some(INTENT_USED)), D::AwaitIndex),
        (9, fate(S::Failed, false, Some("CollectionPaused")), D::Fail),
        (9, fate(S::Tentative, true, Some("CollectionPaused")), D::Leave),
        (9, fate(S::Tentative, true, Some("cancelled")), D::Leave),
        (9, fate(S::Auditable, true, Some("expired")), D::Leave),
        (9, fate(S::Cancelled, true, Some("cancelled")), D::Follow(S::Cancelled)),
        (9, fate(S::Expired, false, None), D::Follow(S::Expired)),
        (9, fate(S::Cancelled, false, None), D::Follow(S::Cancelled)),
    ];
    for (items, fate, wanted) in cases {
        assert_eq!(decide(items, fate), wanted, "{items} items, {fate:?}");
    }
}

#[test]
fn nothing_moves_a_job_that_the_index_owns_or_that_ended() {
    for from in JobStatus::ALL {
        for to in JobStatus::ALL {
            let wanted = FOLLOWING.contains(&from) && !to.is_mined();
            assert_eq!(may_follow(from, to), wanted, "{from} → {to}");
        }
    }
}
