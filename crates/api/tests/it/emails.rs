//! Addresses of users, by letters that really go out, or do not.

use crate::{
    harness::{Api, Setup, body, problem, start, start_as},
    sign_in::text,
    sponsored::User,
    users::{ME, dump},
};
use app::{EmailOptions, jobs::send_mails::SendMails};
use mail::{Mailer, Options, Security};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::mail_sink::{MailSink, mail_sink};

const EMAIL: &str = "/api/v1/me/email";
const VERIFY: &str = "/api/v1/me/email/verification";
const ADA: &str = "canary-ada@example.org";

struct Office {
    api: Api,
    sink: MailSink,
    job: SendMails,
}

fn options() -> EmailOptions {
    EmailOptions {
        name: "Stoa".to_owned(),
        page: Some("https://app.example.org/email".to_owned()),
        code_time: time::Duration::minutes(30),
        per_user_max: 5,
        per_address_max: 3,
    }
}

impl Office {
    async fn open() -> Self {
        let sink = mail_sink().await;
        let api = start_as(Setup { email: Some(options()), ..Setup::default() }).await;
        let mailer = Mailer::new(&Options {
            host: "127.0.0.1".to_owned(),
            port: sink.port,
            security: Security::None,
            user: None,
            password: None,
            from: "Stoa <stoa@example.org>".to_owned(),
            send_time: Duration::from_secs(2),
        });
        let job = SendMails {
            db: api.database.db.clone(),
            clock: api.clock.clone(),
            keys: api.fields.clone(),
            mailer: mailer.unwrap(),
        };
        Self { api, sink, job }
    }

    async fn user(&self, seed: u8) -> String {
        text(&self.api.signed_in(&User::new(seed)).await, "access_token").to_owned()
    }

    async fn ask(&self, user: &str, address: &str) -> Response {
        let asked = json!({ "address": address });
        self.api.as_user(user, Method::POST, EMAIL).json(&asked).send().await.unwrap()
    }

    async fn asked(&self, user: &str, address: &str) {
        let asked = self.ask(user, address).await;
        assert_eq!((asked.status().as_u16(), asked.text().await.unwrap()), (202, String::new()));
    }

    async fn show(&self, user: &str, code: &str) -> Response {
        let shown = json!({ "code": code });
        self.api.as_user(user, Method::POST, VERIFY).json(&shown).send().await.unwrap()
    }

    /// The code of the next letter, which goes to `address`.
    async fn code(&mut self, address: &str) -> String {
        assert_eq!(self.job.send_due().await.unwrap(), 1);
        let letter = self.sink.letter().await;
        assert_eq!(letter["to"], json!([address]));
        let data = text(&letter, "data");
        assert!(data.contains("Subject: Stoa: your code"), "{data}");
        let code = data.lines().find_map(|line| line.trim_end().strip_prefix("    ")).unwrap();
        let linked = format!("https://app.example.org/email#code={}", code.replace('-', ""));
        assert!(data.contains(&linked), "{data}");
        code.to_owned()
    }

    async fn waiting(&self) -> i64 {
        let count = sqlx::query_scalar::<_, i64>("select count(*) from mails");
        count.fetch_one(&self.api.database.db).await.unwrap()
    }
}

#[tokio::test]
async fn an_address_is_its_users_when_they_show_the_code() {
    let mut office = Office::open().await;
    let user = office.user(7).await;
    office.asked(&user, ADA).await;
    assert_eq!(office.api.me(&user).await["email"], Value::Null);
    let code = office.code(ADA).await;
    assert_eq!(office.waiting().await, 0);
    // Somebody else's code is none, though they asked for a letter, too.
    let other = office.user(8).await;
    office.asked(&other, ADA).await;
    problem(office.show(&other, &code).await, "verify_email", "email_code_invalid").await;
    let shown = body(office.show(&user, &code.to_lowercase()).await, 200).await;
    assert_eq!(shown["email"]["address"], ADA);
    problem(office.show(&user, &code).await, "verify_email", "email_code_invalid").await;
    // It may be that of two, and neither learns of the other.
    let second = office.code(ADA).await;
    assert_eq!(body(office.show(&other, &second).await, 200).await["email"]["address"], ADA);

    // Another takes its place when it is proven, and not before; letter case of domains is one.
    office.asked(&user, "Ada.L@EXAMPLE.net").await;
    assert_eq!(office.api.me(&user).await["email"]["address"], ADA);
    let code = office.code("Ada.L@example.net").await;
    body(office.show(&user, &code).await, 200).await;
    assert_eq!(office.api.me(&user).await["email"]["address"], "Ada.L@example.net");
    let forget = || office.api.as_user(&user, Method::DELETE, EMAIL).send();
    assert_eq!(forget().await.unwrap().status(), 204);
    assert_eq!(forget().await.unwrap().status(), 204);
    assert_eq!(office.api.me(&user).await["email"], Value::Null);
    assert_eq!(office.api.me(&other).await["email"]["address"], ADA);
    for bad in ["", "ada", "ada@localhost", "a@example.org\r\nBcc: b@example.org"] {
        problem(office.ask(&user, bad).await, "ask_email", "profile_invalid").await;
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_a_while_and_not_for_guessing() {
    let mut office = Office::open().await;
    let user = office.user(7).await;
    let invalid = |response| problem(response, "verify_email", "email_code_invalid");
    invalid(office.show(&user, "00000-00000").await).await;
    office.asked(&user, ADA).await;
    let code = office.code(ADA).await;
    for _ in 0..5 {
        invalid(office.show(&user, "00000-00000").await).await;
    }
    invalid(office.show(&user, &code).await).await;
    // The newest counts alone.
    office.asked(&user, ADA).await;
    let before = office.code(ADA).await;
    office.asked(&user, "other@example.org").await;
    let newest = office.code("other@example.org").await;
    invalid(office.show(&user, &before).await).await;
    // Too late.
    office.api.clock.advance(time::Duration::minutes(31));
    let user = office.user(7).await;
    invalid(office.show(&user, &newest).await).await;
    // Of two at once, one.
    office.asked(&user, ADA).await;
    let code = office.code(ADA).await;
    let shown = [0; 8].map(|_| office.show(&user, &code));
    let shown = futures_util::future::join_all(shown).await;
    let good = shown.iter().filter(|response| response.status() == 200).count();
    assert_eq!(good, 1);
}

#[tokio::test]
async fn nobody_is_flooded_and_nobody_learns_of_it() {
    let office = Office::open().await;
    let users = [office.user(7).await, office.user(8).await];
    for _ in 0..3 {
        office.asked(&users[0], ADA).await;
    }
    assert_eq!(office.waiting().await, 3);
    // Whatever its case, no more letters go there; the answer is the same.
    office.asked(&users[1], ADA).await;
    office.asked(&users[1], "Canary-Ada@Example.org").await;
    assert_eq!(office.waiting().await, 3);
    office.asked(&users[0], "one@example.org").await;
    office.asked(&users[0], "two@example.org").await;
    let refused = office.ask(&users[0], "three@example.org").await;
    assert_eq!(refused.headers()["retry-after"], "3600");
    problem(refused, "ask_email", "mails_too_many").await;
    assert_eq!(office.waiting().await, 5);
    // At once, too.
    let third = office.user(9).await;
    let rivals = (0..12).map(|place| {
        let address = format!("rival-{place}@example.org");
        let (office, third) = (&office, &third);
        async move { office.ask(third, &address).await.status().as_u16() }
    });
    let statuses = futures_util::future::join_all(rivals).await;
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 5, "{statuses:?}");
    assert_eq!(office.waiting().await, 10);
    office.api.clock.advance(time::Duration::minutes(61));
    let again = office.user(7).await;
    office.asked(&again, ADA).await;
}

#[tokio::test]
async fn letters_wait_for_a_server_that_does_not_take_them() {
    let mut office = Office::open().await;
    let user = office.user(7).await;
    // The request does not wait for the server.
    office.sink.set("hang").await;
    office.asked(&user, ADA).await;
    assert_eq!(office.job.send_due().await.unwrap(), 0);
    assert_eq!(office.job.send_due().await.unwrap(), 0, "not before its pause is over");
    assert_eq!(office.waiting().await, 1);
    office.sink.set("later").await;
    for pause in [2, 4, 8] {
        office.api.clock.advance(time::Duration::seconds(pause));
        assert_eq!(office.job.send_due().await.unwrap(), 0);
        assert_eq!(office.waiting().await, 1, "after {pause} s");
    }
    office.sink.set("take").await;
    office.api.clock.advance(time::Duration::seconds(16));
    let code = office.code(ADA).await;
    body(office.show(&user, &code).await, 200).await;

    // What is refused for good is given up, and what nobody can use any more.
    office.sink.set("never").await;
    office.asked(&user, "nobody@example.org").await;
    assert_eq!(office.job.send_due().await.unwrap(), 0);
    assert_eq!(office.waiting().await, 0);
    office.sink.set("take").await;
    office.asked(&user, "late@example.org").await;
    office.api.clock.advance(time::Duration::minutes(31));
    assert_eq!(office.job.send_due().await.unwrap(), 0);
    assert_eq!(office.waiting().await, 0);
    // A process that dies with a letter in its hands: after ten minutes another one sends it.
    let user = office.user(7).await;
    office.asked(&user, "again@example.org").await;
    let mut db = office.api.database.db.acquire().await.unwrap();
    let now = office.job.clock.now();
    let claimed = db::mails::claim(&mut db, (now, now + time::Duration::minutes(10)), 9).await;
    assert_eq!(claimed.unwrap().len(), 1);
    drop(db);
    assert_eq!(office.job.send_due().await.unwrap(), 0);
    office.api.clock.advance(time::Duration::minutes(10));
    office.code("again@example.org").await;
}

#[tokio::test]
async fn no_address_and_no_code_stands_in_the_open() {
    let mut office = Office::open().await;
    let user = office.user(7).await;
    office.asked(&user, ADA).await;
    // While the letter waits, when it is out, and when the address is proven.
    assert!(!dump(&office.api).await.contains("canary-ada"));
    let code = office.code(ADA).await;
    body(office.show(&user, &code).await, 200).await;
    office.asked(&user, ADA).await;
    let all = dump(&office.api).await;
    assert!(all.contains("<user_emails>") && all.contains("<mails>"));
    for secret in ["canary-ada", &code, &code.replace('-', "")] {
        assert!(!all.to_lowercase().contains(&secret.to_lowercase()), "{secret}");
    }
    // Each in another row: neither opens.
    let other = office.user(8).await;
    office.asked(&other, "bob@example.org").await;
    let letters = "update mails m set content = n.content, key_id = n.key_id
                     from mails n where m.id <> n.id";
    sqlx::query(letters).execute(&office.api.database.db).await.unwrap();
    assert_eq!(office.job.send_due().await.unwrap(), 0);
    assert_eq!(office.waiting().await, 2);
    assert_eq!(office.api.me(&user).await["email"]["address"], ADA);
}

#[tokio::test]
async fn without_a_server_there_are_no_addresses() {
    let api = start().await;
    let user = text(&api.signed_in(&User::new(7)).await, "access_token").to_owned();
    let asked = json!({ "address": ADA });
    let asked = api.as_user(&user, Method::POST, EMAIL).json(&asked).send().await.unwrap();
    problem(asked, "ask_email", "email_absent").await;
    let told = api.as_user(&user, Method::GET, ME).send().await.unwrap();
    assert_eq!(body(told, 200).await["email"], Value::Null);
}
