use super::*;
use proptest::prelude::*;

#[test]
fn a_key_reads_back() {
    for env in ["dev", "live", "staging"] {
        let key = KeyText::generate(env);
        let read = KeyText::parse(key.reveal()).expect("our own key");
        assert_eq!(read, key);
        assert_eq!(read.prefix(), format!("sk_{env}"));
        assert_eq!((read.id().len(), read.secret().len()), (ID_LEN, SECRET_LEN));
    }
}

#[test]
fn keys_do_not_repeat_and_are_not_printed() {
    let (a, b) = (KeyText::generate("dev"), KeyText::generate("dev"));
    assert_ne!(a, b);
    assert_ne!(a.id(), b.id());
    assert!(!format!("{a:?}").contains(a.secret()));
    assert_eq!(format!("{:?}", Pepper::new([7; 32])), "Pepper(…)");
}

#[test]
fn base62_holds_every_secret() {
    assert_eq!(base62(U256::MAX, SECRET_LEN).len(), SECRET_LEN);
    let back = base62(U256::MAX, SECRET_LEN).bytes().fold(U256::ZERO, |sum, digit| {
        let place = DIGITS.iter().position(|d| *d == digit).expect("a digit");
        sum * U256::from(62) + U256::from(place)
    });
    assert_eq!(back, U256::MAX);
}

#[test]
fn the_pepper_and_the_secret_both_matter() {
    let pepper = Pepper::new([1; 32]);
    assert_eq!(pepper.mac("a"), pepper.mac("a"));
    assert_ne!(pepper.mac("a"), pepper.mac("b"));
    assert_ne!(pepper.mac("a"), Pepper::new([2; 32]).mac("a"));
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in ".{0,120}") {
        let _ = KeyText::parse(&text);
    }

    #[test]
    fn one_changed_character_is_noticed(place in 0usize..73, with in proptest::char::range('!', '~')) {
        let key = KeyText::generate("dev");
        let mut changed: Vec<char> = key.reveal().chars().collect();
        prop_assume!(changed[place] != with);
        changed[place] = with;
        let changed: String = changed.into_iter().collect();
        prop_assert_eq!(KeyText::parse(&changed), Err(MalformedKey));
    }

    #[test]
    fn a_cut_key_is_refused(len in 0usize..73) {
        let key = KeyText::generate("dev");
        prop_assert!(KeyText::parse(&key.reveal()[..len]).is_err());
    }
}
