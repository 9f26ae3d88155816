//! Files that somebody changed.

use crate::rig::{End, FINAL, PATIENCE, Rig, file_of, lines};
use std::fs;
use testkit::eventually_within;

async fn written(count: i64) -> (Rig, Vec<String>) {
    let rig = Rig::new().await;
    let writer = rig.writer(rig.directory());
    for _ in 0..count {
        rig.end(FINAL).await;
    }
    rig.written(count).await;
    writer.stop().await;
    let text = fs::read_to_string(file_of(&rig.directory())).unwrap();
    let lines = text.lines().map(str::to_owned).collect();
    (rig, lines)
}

fn put(rig: &Rig, lines: &[String]) {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    fs::write(file_of(&rig.directory()), text).unwrap();
}

#[tokio::test]
async fn a_change_within_breaks_the_chain_at_a_named_line() {
    let (rig, good) = written(6).await;
    type Change = fn(&mut Vec<String>);
    let changes: [(&str, Change, u64); 4] = [
        ("edited", |l| l[2] = l[2].replace("\"final\"", "\"failed\""), 4),
        ("removed", |l| drop(l.remove(2)), 3),
        ("moved", |l| l.swap(2, 3), 3),
        ("slipped in", |l| l.insert(3, l[2].clone()), 4),
    ];
    for (what, change, at) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        put(&rig, &changed);
        match audit::verify(&rig.directory()) {
            Err(audit::VerifyError::Broken(broken)) => assert_eq!(broken.line, at, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    put(&rig, &good);
    assert_eq!(lines(&rig.directory()).len(), 6);
}

#[tokio::test]
async fn an_end_that_was_cut_off_is_told_and_written_again() {
    let (rig, good) = written(6).await;
    put(&rig, &good[..4]);
    // The chain alone does not show it; the witness does.
    assert_eq!(lines(&rig.directory()).len(), 4);
    assert_eq!(rig.witness().await, 6);
    let writer = rig.writer(rig.directory());
    rig.end(FINAL).await;
    rig.written(7).await;
    writer.stop().await;
    let text = fs::read_to_string(file_of(&rig.directory())).unwrap();
    assert_eq!(text.lines().take(6).collect::<Vec<_>>(), good, "the same bytes");
    eventually_within(PATIENCE, "it is told", || async {
        (rig.facts("audit_log_end_missing").await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn lines_that_the_database_does_not_know_yet_are_not_written_twice() {
    let (rig, good) = written(6).await;
    let known = good[2].parse_head();
    for sql in [
        "update audit_logs set seq = 3, hash = $1, time_ms = $2, fact_seq = 3",
        "delete from audit_logs where $1::bytea is not null and $2::int8 is not null",
    ] {
        let done = sqlx::query(sql)
            .bind(known.hash.as_slice())
            .bind(known.time_ms.cast_signed())
            .execute(rig.db())
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1);
        let writer = rig.writer(rig.directory());
        rig.written(6).await;
        writer.stop().await;
        let text = fs::read_to_string(file_of(&rig.directory())).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), good);
    }
    assert_eq!(rig.facts("audit_log_broken").await, 0);
}

#[tokio::test]
async fn files_that_disagree_are_told_and_left_alone() {
    let (rig, good) = written(4).await;
    let mut forged = good.clone();
    // A whole new end, with a chain that holds: only the witness knows better.
    let before = good[2].parse_head();
    let entry = serde_json::json!({ "transaction": { "fact": 4, "status": "final" } });
    forged[3] = audit::Line::write(&before, before.time_ms, &entry).unwrap().text().to_owned();
    put(&rig, &forged);
    assert_eq!(lines(&rig.directory()).len(), 4);
    let writer = rig.writer(rig.directory());
    rig.end(End { status: "failed", mined: true }).await;
    eventually_within(PATIENCE, "it is told", || async {
        (rig.facts("audit_log_broken").await == 1).then_some(())
    })
    .await;
    let text = fs::read_to_string(file_of(&rig.directory())).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), forged);
    // The right file is put back, and it goes on by itself.
    put(&rig, &good);
    rig.written(5).await;
    eventually_within(PATIENCE, "that is told too", || async {
        (rig.facts("audit_log_mended").await == 1).then_some(())
    })
    .await;
    writer.stop().await;
    assert_eq!(lines(&rig.directory()).len(), 5);
}

trait ParseHead {
    fn parse_head(&self) -> audit::Head;
}

impl ParseHead for String {
    fn parse_head(&self) -> audit::Head {
        audit::Line::read(self).unwrap().head()
    }
}
