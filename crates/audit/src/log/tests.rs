use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::json;

use super::Log;
use crate::{Head, LINE_BYTES_MAX, Line, LineError, Summary, VerifyError, verify};

const DAY_MS: u64 = 86_400_000;
/// 2026-11-20 23:59:59.500 UTC.
const LATE_MS: u64 = 1_795_219_199_500;

/// Writes `count` lines a quarter of a second apart, across midnight, in batches of three.
fn written(dir: &Path, count: u64) -> Vec<Line> {
    let mut log = Log::open(dir, "signatures").unwrap();
    let mut lines = Vec::new();
    let mut head = log.head();
    for number in 0..count {
        let line = Line::write(&head, LATE_MS + 250 * number, &json!({ "note": number })).unwrap();
        head = line.head();
        lines.push(line);
    }
    for batch in lines.chunks(3) {
        log.append(batch).unwrap();
    }
    log.sync().unwrap();
    lines
}

fn first(dir: &Path) -> std::path::PathBuf {
    dir.join("signatures-2026-11-20.jsonl")
}

fn second(dir: &Path) -> std::path::PathBuf {
    dir.join("signatures-2026-11-21.jsonl")
}

#[test]
fn one_chain_over_the_days() {
    let dir = tempfile::tempdir().unwrap();
    let lines = written(dir.path(), 8);
    let expected = Summary {
        name: "signatures".to_owned(),
        files: 2,
        lines: 8,
        first_seq: 1,
        head: lines[7].head(),
    };
    assert_eq!(verify(dir.path()).unwrap(), std::slice::from_ref(&expected));
    let text = fs::read_to_string(second(dir.path())).unwrap();
    assert!(text.starts_with(r#"{"seq":3,"time":"2026-11-21T00:00:00Z","prev":""#), "{text}");
    let alone = verify(&second(dir.path())).unwrap();
    assert_eq!(alone[0], Summary { files: 1, lines: 6, first_seq: 3, ..expected });
    let head: Head = alone[0].head.to_string().parse().unwrap();
    assert_eq!((head.seq, head.hash), (8, lines[7].head().hash));
}

#[test]
fn every_kind_of_tampering_is_named_with_its_place() {
    type Edit = fn(&mut Vec<String>);
    type Case = (&'static str, Edit, Option<(u64, &'static str)>);
    let cases: &[Case] = &[
        ("untouched", |_| {}, None),
        ("edited", |l| l[1] = l[1].replace("note\":3", "note\":9"), Some((3, "another line"))),
        ("removed", |l| drop(l.remove(2)), Some((3, "number 6, expected 5"))),
        ("removed at the start", |l| drop(l.remove(0)), Some((1, "number 4, expected 3"))),
        ("swapped", |l| l.swap(2, 3), Some((3, "number 6, expected 5"))),
        ("repeated", |l| l.insert(1, l[0].clone()), Some((2, "number 3, expected 4"))),
        ("no JSON", |l| l[4].truncate(20), Some((5, "format"))),
        ("extra field", |l| l[4].insert_str(1, "\"x\":1,"), Some((5, "format"))),
        ("earlier", |l| l[4] = l[4].replace("00:00:01Z", "00:00:00Z"), Some((5, "time"))),
        ("other day", |l| l[4] = l[4].replace("11-21T", "11-22T"), Some((5, "day"))),
    ];
    for (what, edit, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path(), 8);
        let text = fs::read_to_string(second(dir.path())).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        edit(&mut lines);
        fs::write(second(dir.path()), lines.join("\n") + "\n").unwrap();
        match (verify(dir.path()), expected) {
            (Ok(_), None) => {}
            (Err(VerifyError::Broken(broken)), Some((line, reason))) => {
                assert_eq!((broken.line, &broken.path), (*line, &second(dir.path())), "{what}");
                assert!(broken.reason.contains(reason), "{what}: {}", broken.reason);
            }
            (other, _) => panic!("{what}: {other:?}"),
        }
    }
}

/// The chain can't show that its end is missing, so the head must.
#[test]
fn a_missing_file_shows_at_the_start_and_a_missing_end_in_the_head() {
    let dir = tempfile::tempdir().unwrap();
    let lines = written(dir.path(), 8);
    fs::remove_file(first(dir.path())).unwrap();
    assert_eq!(verify(dir.path()).unwrap()[0].first_seq, 3);

    let text = fs::read_to_string(second(dir.path())).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(second(dir.path()), &text[..cut]).unwrap();
    assert_ne!(verify(dir.path()).unwrap()[0].head, lines[7].head());
    fs::write(second(dir.path()), &text[..cut + 9]).unwrap();
    assert!(matches!(verify(dir.path()), Err(VerifyError::Broken(broken)) if broken.line == 6));
    fs::write(second(dir.path()), text.trim_end()).unwrap();
    assert!(verify(dir.path()).is_err(), "not even the last line feed may be missing");
}

#[test]
fn lines_out_of_order_are_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let lines = written(dir.path(), 4);
    let mut log = Log::open(dir.path(), "signatures").unwrap();
    assert_eq!(log.head(), lines[3].head());
    assert!(log.append(&lines[3..]).is_err());
    let far = Head { seq: 9, ..log.head() };
    assert!(log.append(&[Line::write(&far, LATE_MS, &1).unwrap()]).is_err());
    assert_eq!(verify(dir.path()).unwrap()[0].lines, 4);
    let other = Log::open(dir.path(), "transactions").unwrap();
    assert_eq!(other.head(), Head::START, "a log of another name is another chain");
}

/// Who throws the beginning away can't call what is left the beginning.
#[test]
fn the_first_line_follows_none() {
    let dir = tempfile::tempdir().unwrap();
    let gone = Head { hash: [7; 32], ..Head::START };
    let line = Line::write(&gone, LATE_MS, &"I am the first").unwrap();
    fs::write(first(dir.path()), format!("{}\n", line.text())).unwrap();
    assert!(matches!(verify(dir.path()), Err(VerifyError::Broken(broken)) if broken.line == 1));
}

#[test]
fn a_line_too_long_to_be_read_is_not_written() {
    let of = |length| Line::write(&Head::START, LATE_MS, &"x".repeat(length));
    let around = of(0).unwrap().text().len();
    let longest = of(LINE_BYTES_MAX - around).unwrap();
    assert_eq!(Line::read(longest.text()).unwrap(), longest);
    let error = of(LINE_BYTES_MAX - around + 1).unwrap_err();
    assert!(matches!(error, LineError::TooLong(bytes) if bytes == LINE_BYTES_MAX + 1), "{error}");
    assert!(matches!(Line::read(&format!("{} ", longest.text())), Err(LineError::TooLong(_))));
}

/// A clock set back neither disorders the lines nor opens yesterday's file again.
#[test]
fn time_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let lines = written(dir.path(), 4);
    let mut log = Log::open(dir.path(), "signatures").unwrap();
    let line = Line::write(&log.head(), LATE_MS - DAY_MS, &"late").unwrap();
    assert_eq!(line.head().time_ms, lines[3].head().time_ms);
    log.append(&[line]).unwrap();
    assert_eq!(verify(dir.path()).unwrap()[0].lines, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Killed while writing: whatever reached the disk, the log opens at its last whole line.
    #[test]
    fn a_cut_log_opens_at_its_last_whole_line(count in 3u64..12, at in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().unwrap();
        let lines = written(dir.path(), count);
        let text = fs::read(second(dir.path())).unwrap();
        let at = at.index(text.len() + 1);
        fs::write(second(dir.path()), &text[..at]).unwrap();
        let whole = 2 + text[..at].iter().filter(|byte| **byte == b'\n').count();
        let mut log = Log::open(dir.path(), "signatures").unwrap();
        prop_assert_eq!(log.head(), lines[whole - 1].head());
        log.append(&lines[whole..]).unwrap();
        prop_assert_eq!(verify(dir.path()).unwrap()[0].head, lines[count as usize - 1].head());
        prop_assert_eq!(fs::read(second(dir.path())).unwrap(), text);
    }

    /// One changed byte anywhere but in the last line breaks the chain.
    #[test]
    fn any_changed_byte_breaks_the_chain(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path(), 2);
        let mut text = fs::read(first(dir.path())).unwrap();
        let last = text.iter().position(|byte| *byte == b'\n').unwrap();
        let at = at.index(last);
        text[at] ^= flip;
        fs::write(first(dir.path()), text).unwrap();
        prop_assert!(verify(dir.path()).is_err());
    }
}
