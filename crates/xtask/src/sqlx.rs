//! The committed query answers: made by compiling `db` against a scratch database that has just
//! been migrated.

use anyhow::{Context, Result, bail, ensure};
use devstack::{Postgres, PostgresOptions};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub fn prepare(check: bool) -> Result<()> {
    let root = root();
    let scratch = tempfile::Builder::new().prefix("stoa-sqlx").tempdir()?;
    open_to_all(scratch.path())?;
    let postgres = Postgres::start(&PostgresOptions {
        directory: scratch.path().join("pg"),
        durable: false,
        connections_max: 20,
    })?;
    postgres.ensure_database("stoa")?;
    for migration in migrations(&root)? {
        postgres
            .psql("stoa", &fs::read_to_string(&migration)?)
            .with_context(|| migration.display().to_string())?;
    }
    let answers = scratch.path().join("answers");
    fs::create_dir(&answers)?;
    // The macros run only when the crate is compiled, so its time stamp is touched.
    let lib = root.join("crates/db/src/lib.rs");
    fs::File::options().append(true).open(&lib)?.set_modified(std::time::SystemTime::now())?;
    let status = Command::new("cargo")
        .args(["check", "--quiet", "--package", "db"])
        .current_dir(&root)
        .env("DATABASE_URL", postgres.url("stoa"))
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &answers)
        .status()?;
    ensure!(status.success(), "`db` does not compile against the migrated schema");
    let (new, committed) = (read(&answers)?, read(&root.join(".sqlx"))?);
    if check {
        if new != committed {
            bail!(".sqlx/ is stale: run `cargo xtask sqlx` and commit it");
        }
        return Ok(());
    }
    let _ = fs::remove_dir_all(root.join(".sqlx"));
    fs::create_dir(root.join(".sqlx"))?;
    for (name, text) in &new {
        fs::write(root.join(".sqlx").join(name), text)?;
    }
    eprintln!("{} query answers in .sqlx/", new.len());
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
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
