//! Where things are, and how chores run programs.

use anyhow::{Context, Result, ensure};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's root directory.
pub fn root() -> PathBuf {
    // Cargo says where it runs us; a binary in a shared target directory may be another clone's.
    let here = env::var_os("CARGO_MANIFEST_DIR");
    let here = here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&here).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// Where anvil, forge, cast and solc are.
pub fn tools() -> PathBuf {
    env::var_os("STOA_TOOLS").map_or_else(|| root().join("tools/bin"), PathBuf::from)
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A command at the root, with the tools in its path.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(tools()).chain(env::split_paths(&path));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).env("STOA_TOOLS", tools());
    if let Ok(path) = env::join_paths(paths) {
        command.env("PATH", path);
    }
    command
}

/// Run it; its output is the user's.
pub fn run(mut command: Command) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let status = command.status().with_context(|| format!("cannot run {name}"))?;
    ensure!(status.success(), "{name}: {status}");
    Ok(())
}

/// Run it and return what it prints.
pub fn output(mut command: Command) -> Result<String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}\n{errors}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// True when `program` can be found.
pub fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
