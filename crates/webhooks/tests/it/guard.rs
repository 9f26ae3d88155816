//! Where nobody can have us sent.

use crate::{
    receiver::{Answer, Receiver},
    rig::{Rig, options, terms},
};
use webhooks::Options;

/// Names are looked at when they are resolved, and what they lead to is what is connected to;
/// redirects are not followed at all.
#[tokio::test]
async fn nothing_inside_is_reached() {
    let rig = Rig::new().await;
    let inside = Receiver::willing().await;
    let port = inside.address.port();
    let urls = [
        (format!("https://localhost:{port}/hook"), "address_refused"),
        (format!("https://127.0.0.1:{port}/hook"), "address_refused"),
        (format!("https://127.1:{port}/hook"), "address_refused"),
        (format!("https://2130706433:{port}/hook"), "address_refused"),
        (format!("https://0x7f000001:{port}/hook"), "address_refused"),
        (format!("https://[::1]:{port}/hook"), "address_refused"),
        (format!("https://[::ffff:127.0.0.1]:{port}/hook"), "address_refused"),
        (format!("https://[64:ff9b::7f00:1]:{port}/hook"), "address_refused"),
        (format!("https://[2002:7f00:1::]:{port}/hook"), "address_refused"),
        (format!("https://[fe80::1]:{port}/hook"), "address_refused"),
        (format!("https://[fd00::1]:{port}/hook"), "address_refused"),
        ("https://100.64.0.1/".to_owned(), "address_refused"),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), "address_refused"),
        ("https://224.0.0.1/".to_owned(), "address_refused"),
        (format!("http://127.0.0.1:{port}/hook"), "url_refused"),
        (format!("http://localhost:{port}/hook"), "url_refused"),
        ("https://1.1.1.1:22/".to_owned(), "url_refused"),
        ("https://u:p@1.1.1.1/".to_owned(), "url_refused"),
        ("https://nobody.invalid/".to_owned(), "name_unresolved"),
    ];
    for (url, _) in &urls {
        rig.endpoint_as(rig.principal, &terms(url, &["items"])).await;
    }
    // With plain HTTP allowed, the same names and addresses are refused for what they lead to.
    let _role = rig.run(Options { allowed_networks: Vec::new(), ..options() });
    rig.tell("a", 1).await;
    for (url, outcome) in &urls {
        let sql = format!(
            "select least(count(*), 1) from webhook_attempts a
               join webhook_deliveries d on d.id = a.delivery_id
               join webhook_endpoints e on e.id = d.endpoint_id
              where e.url = '{url}' and a.outcome = '{outcome}' and a.status is null"
        );
        rig.counts(&format!("{url} is {outcome}"), &sql, 1).await;
    }
    assert_eq!(inside.asked(), 0);
    let others = "select count(*) from webhook_attempts where status is not null";
    assert_eq!(rig.count(others).await, 0);
}

#[tokio::test]
async fn redirects_lead_nowhere() {
    let rig = Rig::new().await;
    let inside = Receiver::willing().await;
    let target = inside.url();
    let receiver = Receiver::answering(move |_, place| {
        let to = vec![("location", target.clone())];
        match place {
            0..4 => Answer { headers: to, ..Answer::status([301, 302, 307, 308][place]) },
            _ => Answer::status(200),
        }
    })
    .await;
    rig.endpoint(&receiver).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    rig.settled(1).await;
    assert_eq!((receiver.asked(), inside.asked()), (5, 0));
}
