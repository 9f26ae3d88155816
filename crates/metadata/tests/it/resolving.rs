//! From a token on chain to its document in the database.

use crate::{
    host::{Answer, Host},
    rig::{CONTRACT, Rig, minting, minting_many, options, updating},
};
use alloy_primitives::{Address, U256};
use content::BlockStore;
use db::token_metadata::reads::{self, TraitFilter};
use projections::Standard;
use serde_json::json;
use testkit::eventually;
use tokio::io::AsyncWriteExt;

fn data(name: &str) -> String {
    format!("data:application/json,{{\"name\":\"{name}\"}}")
}

#[tokio::test]
async fn documents_of_all_kinds_are_read() {
    let rig = Rig::new(Standard::Erc721).await;
    let host = Host::answering(|path, _| match path {
        "/odd" => Answer::json("<html>"),
        "/nul" => Answer::json("{\"name\":\"a\\u0000b\",\"attributes\":[{\"value\":\"\\u0000\"}]}"),
        _ => Answer::json("{\"name\":\"Served\",\"attributes\":{\"Sky\":\"Red\",\"Level\":3}}"),
    })
    .await;
    let store = BlockStore::open_at(rig.directory.path()).await.unwrap();
    let own = store.put_raw(b"{\"name\":\"Own\"}").await.unwrap();
    let receiver = Address::repeat_byte(0x77);
    let uris = [
        data("Inline"),
        own.to_uri(),
        host.url("/1"),
        host.url("/odd"),
        host.url("/nul"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "data:application/json,{".to_owned(),
        String::new(),
    ];
    rig.say(&uris, Some((receiver, 500))).await;
    let _resolving = rig.resolve(options(&[&host])).await;
    rig.mint(0..9).await;
    let inline = rig.named(0, "Inline").await;
    assert_eq!(inline.royalty_receiver.map(|to| to.0), Some(receiver));
    assert_eq!((inline.royalty_bps, inline.verified), (Some(500), None));
    assert_eq!(rig.named(1, "Own").await.verified, Some(true));
    let served = rig.named(2, "Served").await;
    let sky =
        json!([{ "trait_type": "Level", "value": 3 }, { "trait_type": "Sky", "value": "Red" }]);
    assert_eq!(served.attributes, sky);
    rig.failed(3, "not_json").await;
    rig.named(4, "a\u{fffd}b").await;
    for (token_id, reason) in
        [(5, "address_refused"), (6, "not_json"), (7, "uri_missing"), (8, "call_reverted")]
    {
        let row = rig.failed(token_id, reason).await;
        assert_eq!(row.due_at, None, "{reason} is not tried again");
    }
    let filter = TraitFilter {
        contract: CONTRACT,
        owner: None,
        traits: &[("Sky".into(), "Red".into()), ("Level".into(), "3".into())],
    };
    let mut connection = rig.test.db.acquire().await.unwrap();
    let found = reads::list_items(&mut connection, rig.node.chain_id, &filter, None, 10).await;
    let found: Vec<U256> = found.unwrap().iter().map(|item| item.token_id).collect();
    assert_eq!(found, [U256::from(2)]);
}

#[tokio::test]
async fn tokens_of_erc1155_have_their_id_in_the_uri() {
    let rig = Rig::new(Standard::Erc1155).await;
    let host = Host::answering(|path, _| Answer::json(format!("{{\"name\":\"{path}\"}}"))).await;
    let uri = host.url("/{id}.json");
    rig.say(&[uri.clone(), uri.clone(), uri], None).await;
    let _resolving = rig.resolve(options(&[&host])).await;
    rig.send(minting_many(2)).await;
    let row = rig.named(2, &format!("/{:064x}.json", 2)).await;
    assert_eq!((row.royalty_receiver, row.royalty_bps), (None, None));
}

#[tokio::test]
async fn what_failed_is_tried_again_and_not_for_ever() {
    let rig = Rig::new(Standard::Erc721).await;
    let host = Host::answering(|_, place| match place {
        0..2 => Answer::status(500),
        _ => Answer::json("{\"name\":\"Late\"}"),
    })
    .await;
    let never = Host::answering(|_, _| Answer::status(404)).await;
    rig.say(&[host.url("/"), never.url("/")], None).await;
    let mut options = options(&[&host, &never]);
    options.tries_max = 3;
    let _resolving = rig.resolve(options).await;
    rig.mint(0..2).await;
    rig.named(0, "Late").await;
    let ended = |row: &reads::MetadataRow| row.state == "failed" && row.due_at.is_none();
    let row = rig.token(1, "given up", ended).await;
    assert_eq!((row.reason.as_deref(), row.tries, never.asked()), (Some("not_found"), 3, 3));
}

/// One that dies while a document is on its way is followed by another, and nothing is twice.
#[tokio::test]
async fn work_of_the_dead_is_done_by_others() {
    let rig = Rig::new(Standard::Erc721).await;
    let host = Host::start(|_, place, mut stream| {
        Box::pin(async move {
            if place == 0 {
                std::future::pending::<()>().await;
            }
            let body = "{\"name\":\"Second\"}";
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(body.as_bytes()).await;
        })
    })
    .await;
    rig.say(&[host.url("/")], None).await;
    let first = rig.resolve(options(&[&host])).await;
    rig.mint(0..1).await;
    eventually("the host is asked", || async { (host.asked() == 1).then_some(()) }).await;
    first.kill().await;
    assert_eq!(rig.look(0).await.unwrap().state, "pending");
    let _second = rig.resolve(options(&[&host])).await;
    rig.named(0, "Second").await;
    assert_eq!(host.asked(), 2);
}

#[tokio::test]
async fn two_processes_share_the_work() {
    let rig = Rig::new(Standard::Erc721).await;
    let host = Host::answering(|path, _| Answer::json(format!("{{\"name\":\"{path}\"}}"))).await;
    let uris: Vec<String> = (0..30).map(|n| host.url(&format!("/{n}"))).collect();
    rig.say(&uris, None).await;
    let _first = rig.resolve(options(&[&host])).await;
    let _second = rig.resolve(options(&[&host])).await;
    rig.mint(0..30).await;
    for n in 0..30 {
        rig.named(n, &format!("/{n}")).await;
    }
    assert_eq!(host.asked(), 30, "each document once");
}

/// Tokens of a host that never answers wait; those of others don't.
#[tokio::test]
async fn a_dead_host_starves_nobody() {
    let rig = Rig::new(Standard::Erc721).await;
    let dead = Host::start(|_, _, stream| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(stream);
        })
    })
    .await;
    let good = Host::answering(|path, _| Answer::json(format!("{{\"name\":\"{path}\"}}"))).await;
    let uri = |n: usize| match n {
        0..30 => dead.url(&format!("/{n}")),
        _ => good.url(&format!("/{n}")),
    };
    let uris: Vec<String> = (0..40).map(uri).collect();
    rig.say(&uris, None).await;
    rig.mint(0..40).await;
    let mut options = options(&[&dead, &good]);
    options.fetches_max = 8;
    let _resolving = rig.resolve(options).await;
    for n in 30..40 {
        rig.named(n, &format!("/{n}")).await;
    }
    let still = rig.count("select count(*) from token_metadata where state = 'pending'").await;
    assert!(still >= 20, "{still} of the dead host's wait");
    // After five failures it rests: with four at once that is two rounds.
    eventually("the host rests", || async { (dead.asked() >= 5).then_some(()) }).await;
    let asked = dead.asked();
    assert!(asked <= 12, "{asked}");
}

#[tokio::test]
async fn notices_of_the_contract_have_it_read_again() {
    let rig = Rig::new(Standard::Erc721).await;
    let old: Vec<String> = (0..3).map(|n| data(&format!("Old {n}"))).collect();
    rig.say(&old, None).await;
    let _resolving = rig.resolve(options(&[])).await;
    rig.mint(0..3).await;
    for n in 0..3 {
        rig.named(n, &format!("Old {n}")).await;
    }
    let new: Vec<String> = (0..3).map(|n| data(&format!("New {n}"))).collect();
    rig.say(&new, None).await;
    rig.send(updating(1, U256::from(1))).await;
    rig.named(1, "New 1").await;
    assert_eq!(rig.look(0).await.unwrap().name.as_deref(), Some("Old 0"));
    rig.send(updating(0, U256::MAX)).await;
    rig.named(0, "New 0").await;
    rig.named(2, "New 2").await;
}

/// What was read of blocks that are gone goes with them, and is read again of those that came.
#[tokio::test]
async fn a_reorg_takes_metadata_back() {
    const CANONICAL: &str = "
        select count(*) from token_metadata m
          join blocks b on b.number = m.asked_block and b.hash = m.asked_hash
         where m.state = 'resolved' and m.resolved_block = m.asked_block";
    let rig = Rig::new(Standard::Erc721).await;
    rig.say(&[data("0"), data("1")], None).await;
    let _resolving = rig.resolve(options(&[])).await;
    rig.mint(0..2).await;
    rig.named(0, "0").await;
    rig.named(1, "1").await;
    assert_eq!(rig.count(CANONICAL).await, 2);
    // Token 0 is minted again on the other branch, token 1 is not.
    rig.node.call("anvil_reorg", json!([2, [[minting(0), 0]]])).await;
    rig.node.mine(1).await;
    eventually("the index follows", || async {
        let gone = "select count(*) from items where token_id = 1";
        let seen = rig.count("select count(*) from reconciliations").await;
        let left = rig.count("select count(*) from items").await;
        (seen > 0 && rig.count(gone).await == 0 && left == 1).then_some(())
    })
    .await;
    eventually("all is read again", || async { (rig.count(CANONICAL).await == 2).then_some(()) })
        .await;
}

/// Without the network, documents that hosts have wait.
#[tokio::test]
async fn without_the_network_only_what_is_here_is_read() {
    let rig = Rig::new(Standard::Erc721).await;
    let host = Host::answering(|_, _| Answer::json("{}")).await;
    rig.say(&[host.url("/"), data("Here")], None).await;
    let mut options = options(&[&host]);
    options.network = false;
    let _resolving = rig.resolve(options).await;
    rig.mint(0..2).await;
    rig.named(1, "Here").await;
    let waits = "select count(*) from token_metadata where token_id = 0 and host <> ''";
    eventually("it waits", || async { (rig.count(waits).await == 1).then_some(()) }).await;
    assert_eq!((rig.look(0).await.unwrap().state.as_str(), host.asked()), ("pending", 0));
}
