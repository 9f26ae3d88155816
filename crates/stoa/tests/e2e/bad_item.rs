//! One item that the contract refuses, in a batch of many: it alone fails, before a nonce is spent.

use crate::server::{Home, Options, fresh_address};
use sqlx::Row;
use vocab::Address;

#[tokio::test]
async fn it_is_simulated_out_and_the_rest_is_minted() {
    const ITEMS: usize = 48;
    const BAD: usize = 31;
    let home = Home::new();
    let server = home.start(&Options::default()).await;
    let db = db::connect(&home.database_url(), 2).await.unwrap();
    let contract = server.dev["contracts"]["default_collection"].as_str().unwrap().to_owned();
    // The API refuses the zero address, so the row is written past it; all in one statement, so
    // that the batcher finds them together. A contract that can't receive is no bad recipient:
    // nobody is called back.
    let deaf: Address = contract.parse().unwrap();
    let recipients: Vec<Address> = (0..ITEMS)
        .map(|i| match i {
            BAD => Address::ZERO,
            0 => deaf,
            _ => fresh_address().parse().unwrap(),
        })
        .collect();
    let ids: Vec<uuid::Uuid> = (0..ITEMS).map(|_| uuid::Uuid::now_v7()).collect();
    sqlx::query(
        "insert into mint_jobs (id, principal_id, request_id, fingerprint, chain_id, contract,
                                recipient, uri)
         select u.id, (select principal_id from api_keys limit 1), u.id::text,
                decode(repeat('00', 32), 'hex'), $3, $4, u.recipient, $5
           from unnest($1::uuid[], $2::bytea[]) as u(id, recipient)",
    )
    .bind(&ids)
    .bind(recipients.iter().map(|to| to.to_vec()).collect::<Vec<_>>())
    .bind(server.dev["chain_id"].as_i64().unwrap())
    .bind(deaf.to_vec())
    .bind("ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
    .execute(&db)
    .await
    .unwrap();
    for (i, id) in ids.iter().enumerate() {
        let states: &[&str] =
            if i == BAD { &["failed"] } else { &["tentative", "auditable", "final"] };
        server.mint_reaches(&id.to_string(), states).await;
    }
    let (_, bad) = server.get(&format!("/mints/{}", ids[BAD])).await;
    let reason = bad["reason"].as_str().unwrap();
    assert!(reason.contains("Recipient") || reason.contains("Receiver"), "{reason}");
    for (i, to) in recipients.iter().enumerate().filter(|(i, _)| *i != BAD) {
        assert_eq!(server.balance_on_chain(&to.to_string()).await, 1, "item {i}");
    }
    let row = sqlx::query(
        "select count(*) filter (where reverted) as reverted,
                count(*) filter (where status = 'failed' and nonce is not null) as spent
           from transactions where kind = 'mint_batch'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    let (reverted, spent): (i64, i64) = (row.get("reverted"), row.get("spent"));
    assert_eq!((reverted, spent), (0, 0), "no gas and no nonce went into the bad item");
}
