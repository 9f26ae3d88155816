//! `stoa fields`: the keys that encrypt what is personal in the database, and putting newer ones in
//! the place of older ones.

use crate::{database::DatabaseOptions, dev::private_directory, field_keys::FieldKeyFiles, say};
use anyhow::{Context, Result, bail};
use app::rotate_fields;
use clap::{Args, Subcommand};
use fields::KeyRing;
use std::path::PathBuf;
use time::OffsetDateTime;

#[derive(Subcommand, Debug)]
pub(crate) enum FieldsCommand {
    /// Make another key. A server takes it within 10 s; what is written from then on is under it.
    AddKey(KeyOptions),
    /// Encrypt anew, with the newest key, what older ones encrypted. May be ended at any moment and
    /// begun again, while servers run.
    Rotate(RotateOptions),
}

#[derive(Args, Debug)]
pub(crate) struct KeyOptions {
    /// Directory of the keys, if it is not the data directory's own: `fields.keys_directory`.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct RotateOptions {
    /// Values of one commit.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    #[command(flatten)]
    keys: KeyOptions,
}

impl KeyOptions {
    fn files(&self) -> FieldKeyFiles {
        match &self.keys {
            Some(directory) => FieldKeyFiles::given(&directory.display().to_string()),
            None => FieldKeyFiles::own(self.database.data_dir().join("secrets/field_keys")),
        }
    }
}

pub(crate) async fn run(command: FieldsCommand) -> Result<()> {
    match command {
        FieldsCommand::AddKey(options) => add(&options),
        FieldsCommand::Rotate(options) => rotate(&options).await,
    }
}

fn add(options: &KeyOptions) -> Result<()> {
    let directory = options.keys.clone();
    let directory = directory.unwrap_or(options.database.data_dir().join("secrets/field_keys"));
    private_directory(&directory)?;
    let path = options.files().add(OffsetDateTime::now_utc())?;
    say(&format!("made {}", path.display()));
    say("Keep a copy where the database's copies are not. Then: stoa fields rotate");
    Ok(())
}

async fn rotate(options: &RotateOptions) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    let keys = KeyRing::new(options.keys.files().load(now)?);
    let current = keys.current(now).context("no key may encrypt yet")?;
    let db = options.keys.database.connect().await?;
    let done = rotate_fields(&db, &keys, now, options.batch, |column, so_far| {
        say(&format!("{}.{}: {} so far", column.table(), column.column(), so_far.resealed));
    });
    let done = done.await?;
    say(&format!("{} encrypted anew with {current}", done.resealed));
    if done.unopened > 0 {
        bail!("{} do not open, and stay as they are: see the log", done.unopened);
    }
    Ok(())
}
