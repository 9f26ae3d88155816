use super::*;
use proptest::prelude::*;

fn key() -> CursorKey {
    CursorKey::new([7; 32])
}

const OWN: Listing<'_> = Listing { name: "mints", filters: &[Some("queued"), None] };

#[test]
fn a_cursor_belongs_to_one_list_and_one_key() {
    let text = key().seal(OWN, b"position");
    assert_eq!(key().open(OWN, &text), Ok(b"position".to_vec()));
    let others: [(&str, Listing<'_>); 5] = [
        ("other list", Listing { name: "items", ..OWN }),
        ("other value", Listing { filters: &[Some("failed"), None], ..OWN }),
        ("moved value", Listing { filters: &[None, Some("queued")], ..OWN }),
        ("empty, not absent", Listing { filters: &[Some("queued"), Some("")], ..OWN }),
        ("one more filter", Listing { filters: &[Some("queued"), None, None], ..OWN }),
    ];
    for (case, listing) in others {
        assert_eq!(key().open(listing, &text), Err(BadCursor), "{case}");
    }
    assert_eq!(CursorKey::new([8; 32]).open(OWN, &text), Err(BadCursor));
}

proptest! {
    #[test]
    fn positions_read_back(position in proptest::collection::vec(any::<u8>(), 0..64)) {
        let text = key().seal(OWN, &position);
        prop_assert_eq!(key().open(OWN, &text), Ok(position));
    }

    #[test]
    fn no_text_breaks_it(text in ".{0,600}") {
        prop_assert_eq!(key().open(OWN, &text), Err(BadCursor));
    }

    #[test]
    fn one_changed_bit_is_noticed(bit in 0usize..264) {
        let text = key().seal(OWN, b"position");
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).expect("our own");
        prop_assert_eq!(bytes.len() * 8, 264);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(key().open(OWN, &URL_SAFE_NO_PAD.encode(bytes)), Err(BadCursor));
    }
}
