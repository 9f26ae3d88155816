//! Postgres behind a proxy that is paused and cut.

use std::time::Duration;
use testkit::TcpProxy;

#[tokio::test]
async fn postgres_waits_out_a_pause_and_comes_back_after_a_cut() {
    let test = testkit::database().await;
    let (_, host) = test.url.split_once("host=").unwrap();
    let encoded = host.split('&').next().unwrap();
    let host = encoded.replace("%2F", "/");
    let directory = tempfile::tempdir().unwrap();
    let name = ".s.PGSQL.5432";
    let target = std::path::Path::new(&host).join(name);
    let proxy = TcpProxy::unix(&directory.path().join(name), &target).await;
    let url = test.url.replace(encoded, &directory.path().display().to_string());
    assert_ne!(url, test.url);
    let db = db::connect(&url, 1).await.unwrap();
    db::facts::load_heads(&mut db.acquire().await.unwrap()).await.unwrap();

    let mut connection = db.acquire().await.unwrap();
    proxy.pause();
    {
        let mut waiting = std::pin::pin!(db::facts::load_heads(&mut connection));
        assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err());
        proxy.restore();
        waiting.await.unwrap();
    }

    proxy.cut();
    assert!(db::facts::load_heads(&mut connection).await.is_err());
    drop(connection);
    proxy.restore();
    testkit::eventually("a new connection", || async {
        let mut connection = db.acquire().await.ok()?;
        db::facts::load_heads(&mut connection).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_tcp_connection_ends_at_the_cut() {
    let node = testkit::anvil(testkit::NodeOptions::default()).await;
    let target = node.anvil.http_url().replace("http://", "");
    let proxy = TcpProxy::tcp(&target).await;
    let url = format!("http://{}", proxy.address());
    let endpoint = chain::Endpoint::new(&url, chain::EndpointOptions::default()).unwrap();
    endpoint.head().await.unwrap();
    proxy.cut();
    endpoint.head().await.unwrap_err();
    proxy.restore();
    endpoint.head().await.unwrap();
}
