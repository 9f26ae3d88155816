//! The committed query answers: made by compiling `db` against a scratch database that has just
//! been migrated.

use crate::workspace::{command, root, run, target};
use anyhow::{Context, Result, bail};
use devstack::{Postgres, PostgresOptions};
use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

/// Renew the answers, or fail when they are stale.
pub fn prepare(check: bool) -> Result<()> {
    let live = Live::start()?;
    let mut cargo = command("cargo", &["check", "--quiet", "--package", "db"]);
    live.enter(&mut cargo)?;
    run(cargo).context("`db` does not compile against the migrated schema")?;
    if check { live.compare() } else { live.write() }
}

/// A migrated scratch database, and where the compiler leaves its answers.
pub struct Live {
    postgres: Postgres,
    scratch: tempfile::TempDir,
}

impl Live {
    pub fn start() -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("stoa-sqlx").tempdir()?;
        open_to_all(scratch.path())?;
        let postgres = Postgres::start(&PostgresOptions {
            directory: scratch.path().join("pg"),
            durable: false,
            connections_max: 20,
        })?;
        postgres.ensure_database("stoa")?;
        for migration in migrations(&root())? {
            postgres
                .psql("stoa", &fs::read_to_string(&migration)?)
                .with_context(|| migration.display().to_string())?;
        }
        fs::create_dir(scratch.path().join("answers"))?;
        Ok(Self { postgres, scratch })
    }

    /// Make the compiler that `command` runs ask this database.
    pub fn enter(&self, command: &mut Command) -> Result<()> {
        // The macros run only when the crate is compiled, so its time stamp is touched.
        let lib = root().join("crates/db/src/lib.rs");
        fs::File::options().append(true).open(&lib)?.set_modified(std::time::SystemTime::now())?;
        command
            .env("DATABASE_URL", self.postgres.url("stoa"))
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", self.answers());
        Ok(())
    }

    /// Fail when the committed answers differ from those just given.
    pub fn compare(&self) -> Result<()> {
        if read(&self.answers())? != read(&root().join(".sqlx"))? {
            bail!(".sqlx/ is stale: run `cargo xtask sqlx` and commit it");
        }
        fs::create_dir_all(target())?;
        fs::write(stamp(), digest()?.to_string())?;
        Ok(())
    }

    fn write(&self) -> Result<()> {
        let (new, committed) = (read(&self.answers())?, root().join(".sqlx"));
        let _ = fs::remove_dir_all(&committed);
        fs::create_dir(&committed)?;
        for (name, text) in &new {
            fs::write(committed.join(name), text)?;
        }
        eprintln!("{} query answers in .sqlx/", new.len());
        Ok(())
    }

    fn answers(&self) -> PathBuf {
        self.scratch.path().join("answers")
    }
}

/// True when nothing that the answers depend on has changed since they were last compared.
pub fn fresh() -> bool {
    fs::read_to_string(stamp()).is_ok_and(|old| digest().is_ok_and(|new| old == new.to_string()))
}

fn stamp() -> PathBuf {
    target().join("sqlx-compared")
}

/// Of all that decides the answers: queries, schema, and the answers themselves.
fn digest() -> Result<u64> {
    let root = root();
    let mut hasher = DefaultHasher::new();
    for folder in ["crates/db/src", "migrations", ".sqlx"] {
        let mut files: Vec<PathBuf> = fs::read_dir(root.join(folder))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.retain(|path| path.is_file());
        files.sort();
        for file in files {
            (file.file_name(), fs::read(&file)?).hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn migrations(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(root.join("migrations"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    found.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    found.sort();
    Ok(found)
}

fn read(directory: &Path) -> Result<BTreeMap<String, String>> {
    let mut answers = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            answers.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(answers)
}

/// The cluster runs as another user when we are root, and must get through.
fn open_to_all(directory: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?)
}
