//! How far the index is.

use crate::harness::{body, start};
use serde_json::json;

#[tokio::test]
async fn the_index_tells_how_it_gets_on() {
    let api = start().await;
    let look = || async { body(api.get("/api/v1/index").send().await.unwrap(), 200).await };
    assert_eq!(look().await, json!({ "items": [] }));

    let mut connection = api.database.db.acquire().await.unwrap();
    for sql in [
        "insert into checkpoints (chain_id, height, hash, epoch)
         values (31337, 250, sha256('x'), 1), (77, 1, sha256('y'), 1)",
        "insert into index_progress (chain_id, base_block, target_block, logs, node_ms, decode_ms,
                                     database_ms, started_at, updated_at)
         values (31337, 50, 850, 1000, 700, 200, 1100, '2026-01-01T00:00:00Z',
                 '2026-01-01T00:00:02Z')",
        "insert into index_sources (chain_id, address, kind, start_block, projected, configured,
                                    height, last_block)
         values (31337, decode(repeat('11', 20), 'hex'), 'erc20', 1, false, true, null, null),
                (31337, decode(repeat('22', 20), 'hex'), 'erc721', 51, true, false, 100, null),
                (31337, decode(repeat('33', 20), 'hex'), 'erc20', 5, true, false, null, 120)",
    ] {
        db::raw::execute(&mut connection, sql).await.unwrap();
    }
    let found = look().await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "no chain but ours: {found}");
    let index = &found["items"][0];
    assert_eq!((&index["chain_id"], &index["block_number"]), (&json!(31_337), &json!(250)));
    assert_eq!(index["state"], "live");
    let run = json!({
        "base_block": 50, "target_block": 850, "percent": 25.0, "logs": 1_000,
        "logs_per_second": 500.0, "eta_seconds": 6,
        "waited": { "node_ms": 700, "decode_ms": 200, "database_ms": 1_100 },
        "started_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:02.000Z",
    });
    assert_eq!(index["settled"], run);
    let sources = json!([
        { "contract": "0x1111111111111111111111111111111111111111", "standard": "erc20",
          "start_block": 1, "projected": false, "factory_event": null, "events": [],
          "configured": true, "state": "live",
          "block_number": 250, "percent": 100.0 },
        { "contract": "0x2222222222222222222222222222222222222222", "standard": "erc721",
          "start_block": 51, "projected": true, "factory_event": null, "events": [],
          "configured": false, "state": "backfilling",
          "block_number": 100, "percent": 25.0 },
        { "contract": "0x3333333333333333333333333333333333333333", "standard": "erc20",
          "start_block": 5, "projected": true, "factory_event": null, "events": [],
          "configured": false, "state": "removed",
          "block_number": 120, "percent": 100.0 },
    ]);
    assert_eq!(index["sources"], sources);

    for (state, shown) in [("paused", "paused"), ("reorg_too_deep", "stopped")] {
        let chain = vocab::ChainId(31_337);
        if state == "paused" {
            db::checkpoints::record_paused(&mut connection, chain).await.unwrap().unwrap();
        } else {
            let stop = "update checkpoints set state = 'reorg_too_deep'";
            db::raw::execute(&mut connection, stop).await.unwrap();
        }
        assert_eq!(look().await["items"][0]["state"], shown);
    }
}
