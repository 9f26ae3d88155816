//! How commands of an operator find the server's database.

use crate::configuration::Settings;
use anyhow::{Context, Result, ensure};
use clap::Args;
use db::Db;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Args, Clone, Debug)]
pub(crate) struct DatabaseOptions {
    /// Data directory of a running development server.
    #[arg(long, default_value = ".dev", value_name = "DIR")]
    data_dir: PathBuf,
    /// The database itself, instead of a data directory.
    #[arg(long, value_name = "URL", env = "STOA_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl DatabaseOptions {
    /// The database that the configuration names, if the command line names none.
    pub(crate) fn above(&self, settings: &Settings) -> Self {
        let configured = || settings.database_url.expose().map(str::to_owned);
        let database_url = self.database_url.clone().or_else(configured);
        Self { database_url, ..self.clone() }
    }

    /// Connect for work of some length with at most so many connections, and bring the schema up to
    /// date.
    pub(crate) async fn connect_migrating(&self, connections_max: u32) -> Result<Db> {
        let db = db::connect(&self.url()?, connections_max)
            .await
            .context("the database does not answer")?;
        db::migrate(&db).await.context("the schema can't be brought up to date")?;
        Ok(db)
    }

    fn url(&self) -> Result<String> {
        self.database_url.clone().map_or_else(|| self.embedded(), Ok)
    }

    /// Connect, and see that the database is one of this version.
    pub(crate) async fn connect(&self) -> Result<Db> {
        let db = db::connect(&self.url()?, 2).await.context("the database does not answer")?;
        db::migrated(&db).await.context("the database has another schema than this program")?;
        Ok(db)
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Whether there is a database to be asked.
    pub(crate) fn is_running(&self) -> bool {
        self.database_url.is_some() || self.data_dir.join("postgres/data/postmaster.pid").exists()
    }

    /// The cluster of a development server; it must be running.
    fn embedded(&self) -> Result<String> {
        let directory = self.data_dir.join("postgres");
        let directory = directory.canonicalize().with_context(|| {
            format!(
                "no development server has run in {} (give --data-dir, or --database-url)",
                self.data_dir.display()
            )
        })?;
        ensure!(
            directory.join("data/postmaster.pid").exists(),
            "the development server in {} is not running",
            self.data_dir.display()
        );
        Ok(devstack::Postgres::attach(&directory)?.url("stoa"))
    }

    /// The pepper that the server verifies keys with: `file`, or the data directory's.
    pub(crate) fn pepper(&self, file: Option<&PathBuf>) -> Result<auth::Pepper> {
        ensure!(
            file.is_some() || self.database_url.is_none(),
            "--pepper-file is needed with --database-url: a key must be made with the server's"
        );
        let kept = self.data_dir.join("secrets/api_key_pepper");
        let path = file.unwrap_or(&kept);
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the pepper in {}", path.display()))?;
        let mut pepper = [0; 32];
        hex::decode_to_slice(text.trim(), &mut pepper)
            .with_context(|| format!("{} holds no secret of 32 bytes", path.display()))?;
        Ok(auth::Pepper::new(pepper))
    }
}
