//! `[mail]` and `[fields]`: letters to users, and the keys that encrypt what is personal.

use super::{
    Secret, Settings,
    option::{
        Kind::{Millis, Secret as Hidden, Text, Whole},
        Opt, option,
    },
};
use ::mail::{Mailer, Options, Security};
use app::EmailOptions;
use std::{net::IpAddr, time::Duration};
use zeroize::Zeroizing;

const MINUTE: u64 = 60_000;

/// How letters are sent. Without a server none are.
#[derive(Clone, Debug)]
pub(crate) struct MailSettings {
    pub server: String,
    pub security: String,
    pub user: String,
    pub password: Secret,
    pub from: String,
    pub name: String,
    pub page: String,
    pub code_time: Duration,
    pub send_time: Duration,
    pub per_user_max: u32,
    pub per_address_max: u32,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            server: String::new(),
            security: "starttls".to_owned(),
            user: String::new(),
            password: Secret::default(),
            from: String::new(),
            name: "Stoa".to_owned(),
            page: String::new(),
            code_time: Duration::from_millis(30 * MINUTE),
            send_time: Duration::from_secs(20),
            per_user_max: 5,
            per_address_max: 5,
        }
    }
}

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("server", Text,
            "HOST or HOST:PORT of the mail server; empty: no mail is sent, and users have no \
             e-mail address here",
            s => s.mail.server),
        option!("security", Text,
            "`starttls` (port 587) or `tls` (port 465); `none` (port 25) is for a server on this \
             machine",
            s => s.mail.security),
        option!("user", Text, "as whom it is asked; empty: as nobody", s => s.mail.user),
        option!("password", Hidden, "of that user", s => s.mail.password),
        option!("from", Text, "who writes, as `Shop <shop@example.org>`", s => s.mail.from),
        option!("name", Text, "what the engine is called in letters", s => s.mail.name),
        option!("page", Text,
            "a page that takes codes, as `https://shop.example.org/email`: a letter then links to \
             it, with `#code=` behind it",
            s => s.mail.page),
        option!("code_ms", Millis(MINUTE, 24 * 60 * MINUTE), "for how long a code is good",
            s => s.mail.code_time),
        option!("send_ms", Millis(1_000, 25_000), "time to hand over one letter",
            s => s.mail.send_time),
        option!("per_user_max", Whole(1, 1_000), "letters that one user may ask for in an hour",
            s => s.mail.per_user_max),
        option!("per_address_max", Whole(1, 1_000), "letters to one address in an hour",
            s => s.mail.per_address_max),
    ]
}

/// Of `[fields]`.
pub(super) fn fields() -> Vec<Opt<Settings>> {
    vec![option!("keys_directory", Text,
        "where the keys are that encrypt what is personal, when you make and rotate them yourself; \
         it is read every 10 s; empty: in the data directory",
        s => s.field_keys_directory)]
}

/// The option, whether it is broken, and what it must be.
pub(super) fn rules(settings: &Settings) -> [(&'static str, bool, &'static str); 6] {
    let mail = &settings.mail;
    let wanted = !mail.server.is_empty();
    let plain = |text: &str| text.len() <= 80 && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
    let page = &mail.page;
    [
        ("mail.server", wanted && place(mail).is_none(), "must be HOST or HOST:PORT"),
        (
            "mail.security",
            security(&mail.security).is_none(),
            "must be \"starttls\", \"tls\" or \"none\"",
        ),
        (
            "mail.from",
            wanted && place(mail).is_some() && mail.mailer().is_err(),
            "must be an address, as `Shop <shop@example.org>`",
        ),
        (
            "mail.name",
            mail.name.is_empty() || !plain(&mail.name),
            "must be 1 to 80 plain characters",
        ),
        (
            "mail.page",
            !page.is_empty() && (page.parse::<reqwest::Url>().is_err() || page.contains('#')),
            "must be the address of a page",
        ),
        (
            "mail.password",
            mail.user.is_empty() != mail.password.expose().is_none(),
            "goes with mail.user",
        ),
    ]
}

fn security(text: &str) -> Option<(Security, u16)> {
    match text {
        "starttls" => Some((Security::StartTls, 587)),
        "tls" => Some((Security::Tls, 465)),
        "none" => Some((Security::None, 25)),
        _ => None,
    }
}

/// Host and port.
fn place(mail: &MailSettings) -> Option<(String, u16)> {
    let (_, usual) = security(&mail.security)?;
    let url = format!("smtp://{}", mail.server).parse::<reqwest::Url>().ok()?;
    let bare = url.path().is_empty() && url.query().is_none() && url.username().is_empty();
    let host = url.host_str().filter(|host| bare && !host.is_empty())?;
    Some((host.to_owned(), url.port().unwrap_or(usual)))
}

impl MailSettings {
    /// Are letters sent to another machine as they are?
    pub(super) fn goes_in_the_open(&self) -> bool {
        let here = |host: &str| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse().is_ok_and(|at: IpAddr| at.is_loopback())
        };
        let plain = matches!(security(&self.security), Some((Security::None, _)));
        !self.server.is_empty() && plain && place(self).is_none_or(|(host, _)| !here(&host))
    }

    /// As the use cases take it; none: no mail is sent.
    pub(crate) fn options(&self) -> Option<EmailOptions> {
        (!self.server.is_empty()).then(|| EmailOptions {
            name: self.name.clone(),
            page: Some(self.page.clone()).filter(|page| !page.is_empty()),
            code_time: time::Duration::try_from(self.code_time).unwrap_or(time::Duration::HOUR),
            per_user_max: self.per_user_max,
            per_address_max: self.per_address_max,
        })
    }

    /// Who sends them.
    ///
    /// # Errors
    /// [`mail::OptionsError`]
    pub(crate) fn mailer(&self) -> Result<Mailer, ::mail::OptionsError> {
        let (security, _) = security(&self.security).ok_or(::mail::OptionsError::Host)?;
        let (host, port) = place(self).ok_or(::mail::OptionsError::Host)?;
        Mailer::new(&Options {
            host,
            port,
            security,
            user: Some(self.user.clone()).filter(|user| !user.is_empty()),
            password: self.password.expose().map(|text| Zeroizing::new(text.to_owned())),
            from: self.from.clone(),
            send_time: self.send_time,
        })
    }
}
