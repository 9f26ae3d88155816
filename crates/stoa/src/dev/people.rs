//! What users tell of themselves: the keys that encrypt it, and the letters that prove addresses.

use super::{DevOptions, secrets::private_directory};
use crate::{configuration::Settings, field_keys::FieldKeyFiles};
use anyhow::{Context, Result};
use app::{App, SignIn, Users, jobs::send_mails::SendMails};
use auth::Pepper;
use db::Db;
use fields::KeyRing;
use std::{sync::Arc, time::Duration};
use time::OffsetDateTime;
use vocab::SystemClock;

/// Between two looks for letters.
const LETTERS: Duration = Duration::from_millis(500);

/// Keys of fields, and who uses them.
#[derive(Clone, Debug)]
pub(super) struct People {
    keys: KeyRing,
    files: FieldKeyFiles,
    mails: Option<SendMails>,
}

impl People {
    pub(super) fn open(options: &DevOptions, settings: &Settings, db: &Db) -> Result<Self> {
        let files = match settings.field_keys_directory.as_str() {
            "" => {
                let directory = options.data_dir.join("secrets/field_keys");
                private_directory(&directory)?;
                FieldKeyFiles::own(directory)
            }
            directory => FieldKeyFiles::given(directory),
        };
        let keys = KeyRing::new(files.load(OffsetDateTime::now_utc())?);
        let wanted = settings.mail.options().is_some();
        let mailer = wanted.then(|| settings.mail.mailer()).transpose();
        let mailer = mailer.context("no mail can be sent")?;
        let clock = Arc::new(SystemClock);
        let (db, of) = (db.clone(), keys.clone());
        let mails = mailer.map(|mailer| SendMails { db, clock, keys: of, mailer });
        Ok(Self { keys, files, mails })
    }

    /// The use cases.
    pub(super) fn users(
        &self,
        settings: &Settings,
        app: &App,
        (sign_in, pepper): (SignIn, Pepper),
    ) -> Users {
        Users::new(app.clone(), sign_in, self.keys.clone(), pepper, settings.mail.options())
    }

    /// Look for new keys, and forget what is long over. What fails is tried again next time.
    pub(super) async fn keep(&self) {
        match self.files.load(OffsetDateTime::now_utc()) {
            Ok(keys) => self.keys.replace(keys),
            Err(error) => tracing::error!(error = %error, "the keys of fields stay as they are"),
        }
        let Some(mails) = &self.mails else { return };
        if let Err(error) = mails.purge().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old codes stay");
        }
    }

    /// Hand letters to the mail server, as they come. Without one it has nothing to do.
    pub(super) async fn send(self) {
        let Some(mails) = &self.mails else { return std::future::pending().await };
        loop {
            if let Err(error) = mails.send_due().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "letters wait");
            }
            tokio::time::sleep(LETTERS).await;
        }
    }
}
