//! Documents behind content ids: our own store, gateways in turn, and gateways that lie.

use crate::host::{Answer, Host};
use content::BlockStore;
use metadata::{Options, Reader, Reason, place::Place};

const DAWN: &str = "{\"name\":\"Dawn\"}";

fn reader(gateways: &[&Host], store: Option<BlockStore>) -> Reader {
    let options = Options {
        ipfs_gateways: gateways.iter().map(|host| host.url("")).collect(),
        arweave_gateways: gateways.iter().map(|host| host.url("")).collect(),
        allow_private: gateways.iter().map(|host| host.name()).collect(),
        ..Options::default()
    };
    Reader::new(&options, store).unwrap()
}

fn place(uri: &str) -> Place {
    Place::parse(uri, 1_000).unwrap()
}

async fn name(reader: &Reader, uri: &str) -> Result<(Option<String>, Option<bool>), Reason> {
    let found = reader.fetch(&place(uri)).await?;
    Ok((found.document.name, found.verified))
}

#[tokio::test]
async fn what_we_hold_is_read_without_asking_anybody() {
    let directory = tempfile::tempdir().unwrap();
    let store = BlockStore::open_at(directory.path()).await.unwrap();
    let cid = store.put_raw(DAWN.as_bytes()).await.unwrap();
    let huge = store.put_raw(&vec![b' '; 300_000]).await.unwrap();
    let reader = reader(&[], Some(store));
    let here = reader.read_here(&place(&cid.to_uri())).await.unwrap().unwrap().unwrap();
    assert_eq!((here.document.name.as_deref(), here.verified), (Some("Dawn"), Some(true)));
    let large = reader.read_here(&place(&huge.to_uri())).await.unwrap().unwrap();
    assert_eq!(large.err(), Some(Reason::TooLarge));
    let other = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    assert_eq!(reader.read_here(&place(other)).await.unwrap(), None);
    let inline = reader.read_here(&place("data:,{\"name\":\"x\"}")).await.unwrap().unwrap();
    assert_eq!(inline.unwrap().document.name.as_deref(), Some("x"));
}

#[tokio::test]
async fn gateways_are_asked_in_turn_and_lies_are_found() {
    let liar = Host::answering(|_, _| Answer::json("{\"name\":\"Lie\"}")).await;
    let broken = Host::answering(|_, _| Answer::status(502)).await;
    let good = Host::answering(|_, _| Answer::json(DAWN)).await;
    let cid = content::unixfs::cid_of(DAWN.as_bytes()).to_uri();
    let all = reader(&[&liar, &broken, &good], None);
    let told = name(&all, &cid).await;
    assert_eq!(told, Ok((Some("Dawn".into()), Some(true))));
    assert_eq!((liar.asked(), broken.asked(), good.asked()), (1, 1, 1));
    let only = reader(&[&liar], None);
    assert_eq!(name(&only, &cid).await, Err(Reason::ContentMismatch));
    // Below a directory nothing can be told from the bytes alone.
    let inside = format!("{cid}/1.json");
    assert_eq!(name(&only, &inside).await, Ok((Some("Lie".into()), None)));
}

#[tokio::test]
async fn gateways_get_the_path() {
    let host = Host::answering(|path, _| Answer::json(format!("{{\"name\":\"{path}\"}}"))).await;
    let reader = reader(&[&host], None);
    let root = "QmeSjSinHpPnmXmspMjwiXyN6zS4E9zccariGR3jxcaWtq";
    let told = name(&reader, &format!("ipfs://{root}/a b/#1")).await.unwrap();
    assert_eq!(told.0.unwrap(), format!("/ipfs/{root}/a%20b/%231"));
    let id = "a".repeat(43);
    let told = name(&reader, &format!("ar://{id}/1.json")).await.unwrap();
    assert_eq!(told.0.unwrap(), format!("/{id}/1.json"));
}

/// A gateway that is down is left alone after a few tries.
#[tokio::test]
async fn gateways_that_fail_rest() {
    let broken = Host::answering(|_, _| Answer::status(502)).await;
    let good = Host::answering(|_, _| Answer::json(DAWN)).await;
    let reader = reader(&[&broken, &good], None);
    let cid = content::unixfs::cid_of(DAWN.as_bytes()).to_uri();
    for _ in 0..9 {
        name(&reader, &cid).await.unwrap();
    }
    assert_eq!((broken.asked(), good.asked()), (5, 9));
}
