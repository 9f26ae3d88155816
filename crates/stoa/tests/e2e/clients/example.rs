//! The example of `docs/guide/clients.md`.
#![allow(clippy::print_stdout)]

pub async fn run(url: &str, key: &str) -> anyhow::Result<()> {
    use stoa_client::{
        Error, Stoa, Topic,
        types::{ItemListQuery, MintRequest},
    };

    let stoa = Stoa::new(url)?.with_key(key);

    // Follow your mints from now on. A snapshot comes first: what is there already.
    let mut following = stoa.follow(Topic::Mints);
    following.next().await?;

    // Ask for one. If the answer is lost on the way, it is asked for again, and made once.
    let wanted: MintRequest = serde_json::from_str(
        r#"{
        "to": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "metadata": {
            "name": "Stone",
            "image": "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
        }
    }"#,
    )?;
    let job = stoa.request_mint(&wanted).await?;

    // reserved, submitted, tentative: on chain.
    loop {
        let told = following.next().await?;
        if told.data["mint_id"] == job.id.to_string() && told.data["status"] == "tentative" {
            break;
        }
    }

    // All items, however many pages.
    let mut items = stoa.list_items(&ItemListQuery::default()).rows();
    while let Some(item) = items.next().await? {
        println!("{} {}", item.contract, item.token_id);
    }

    // Refusals have a code that never changes its meaning.
    match stoa.get_mint(&uuid::Uuid::new_v4()).await {
        Err(Error::Problem(problem)) => println!("refused: {}", problem.code),
        other => println!("{other:?}"),
    }
    Ok(())
}
