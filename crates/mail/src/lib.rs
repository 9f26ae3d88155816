//! Sending mail by SMTP: one letter at a time, timed, and told apart by whether another try helps.
//!
//! What this crate must not know: what is written and why, where letters wait.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Address,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use std::{fmt, sync::Once, time::Duration};
use zeroize::Zeroizing;

/// RFC 5321, section 4.5.3.1.3: a path has 256 octets, two of them brackets.
const ADDRESS_LEN_MAX: usize = 254;

/// How the way to the server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS before anything is told; without it nothing is sent (port 587).
    StartTls,
    /// In the open: for a server on this machine.
    None,
}

/// What an operator says of the server.
#[derive(Clone)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: Option<String>,
    pub password: Option<Zeroizing<String>>,
    /// `Stoa <stoa@example.org>`, or the address alone.
    pub from: String,
    /// For one letter.
    pub send_time: Duration,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Which option is unfit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("the sender is no address")]
    From,
    #[error("no TLS for this host")]
    Host,
}

/// Why a letter was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Nobody answered, or not in time, or not now; perhaps it was sent. Another try may help.
    #[error("the mail server does not take it now")]
    Later,
    /// The server refuses it for good, or it can't be written.
    #[error("the mail server refuses it")]
    Never,
}

/// A letter. Never shown.
pub struct Letter<'a> {
    /// The same for each try, so that one that comes twice is known by it.
    pub id: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
}

impl fmt::Debug for Letter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Sends letters. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    send_time: Duration,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer(…)")
    }
}

/// An address in the one form that it is kept in: its domain in lower case. None if it is none, or
/// one that no letter can be sent to.
#[must_use]
pub fn parse_address(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > ADDRESS_LEN_MAX || !text.is_ascii() || text.contains(['"', '[']) {
        return None;
    }
    let address: Address = text.parse().ok()?;
    let domain = address.domain().to_ascii_lowercase();
    domain.contains('.').then(|| format!("{}@{domain}", address.user()))
}

impl Mailer {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// [`OptionsError`]
    pub fn new(options: &Options) -> Result<Self, OptionsError> {
        static TLS: Once = Once::new();
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let from: Mailbox = options.from.parse().map_err(|_| OptionsError::From)?;
        let parameters =
            || TlsParameters::new(options.host.clone()).map_err(|_| OptionsError::Host);
        let tls = match options.security {
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::StartTls => Tls::Required(parameters()?),
            Security::None => Tls::None,
        };
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(options.host.as_str())
                .port(options.port)
                .tls(tls)
                .timeout(Some(options.send_time));
        if let (Some(user), Some(password)) = (&options.user, &options.password) {
            let credentials = Credentials::new(user.clone(), password.to_string());
            transport = transport.credentials(credentials);
        }
        Ok(Self { transport: transport.build(), from, send_time: options.send_time })
    }

    /// Hand a letter to the server.
    ///
    /// # Errors
    /// [`MailError`]
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let to: Address = letter.to.parse().map_err(|_| MailError::Never)?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.to_owned())
            .map_err(|_| MailError::Never)?;
        // The library's time is for each step.
        let sent = tokio::time::timeout(self.send_time, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(MailError::Never),
            Ok(Err(_)) | Err(_) => Err(MailError::Later),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        let good = [
            ("ada@example.org", "ada@example.org"),
            (" Ada.L+x@EXAMPLE.Org ", "Ada.L+x@example.org"),
        ];
        for (text, expected) in good {
            assert_eq!(parse_address(text).as_deref(), Some(expected), "{text}");
        }
        let long = format!("{}@example.org", "a".repeat(300));
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a@b@example.org",
            "ada@example.org\r\nBcc: x@example.org",
            "ada@exa mple.org",
            "Ada <ada@example.org>",
            "\"a b\"@example.org",
            "ada@[127.0.0.1]",
            "ada@ex\u{e4}mple.org",
            &long,
        ] {
            assert_eq!(parse_address(bad), None, "{bad}");
        }
    }
}
