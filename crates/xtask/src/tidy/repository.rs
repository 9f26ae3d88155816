//! What the rules look at.

use super::{Package, packages, source::Source};
use crate::workspace::{command, output};
use anyhow::Result;
use std::{fs, path::Path};

/// The whole repository, read once.
pub struct Repository {
    pub files: Vec<File>,
    /// Every package that the host's build takes in, ours included.
    pub packages: Vec<Package>,
    /// Paths that version control leaves out, out of those that documents name.
    pub ignored: fn(&str) -> bool,
}

/// A text file under version control, or about to be.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
    /// Of a Rust file that parses.
    pub rust: Option<Source>,
}

impl Repository {
    pub fn load(root: &Path) -> Result<Self> {
        let mut files = Self::files(root)?;
        for file in &mut files {
            if file.path.ends_with(".rs") {
                file.rust = Source::parse(&file.text);
            }
        }
        Ok(Self { files, packages: packages::load()?, ignored })
    }

    /// All text files, Rust not yet parsed.
    pub fn files(root: &Path) -> Result<Vec<File>> {
        let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
        let mut files = Vec::new();
        for path in output(command("git", &list))?.split_terminator('\0') {
            let full = root.join(path);
            // Not links to directories, files deleted but not yet committed, pictures.
            let Some(text) = fs::read(&full).ok().and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                continue;
            };
            files.push(File { path: path.to_owned(), text, rust: None });
        }
        Ok(files)
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust files that parse, with their crates' names.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &Source, &str)> {
        self.files.iter().filter_map(|file| {
            let name = file.crate_name()?;
            Some((file, file.rust.as_ref()?, name))
        })
    }

    /// Our own packages.
    pub fn crates(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.ours)
    }
}

impl File {
    /// The crate it belongs to.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// True when all of it is test code.
    pub fn is_test(&self) -> bool {
        let path = &self.path;
        path.contains("/tests/")
            || path.starts_with("contracts/test/")
            || path.contains("/benches/")
            || path.ends_with("/tests.rs")
            || matches!(self.crate_name(), Some("e2e" | "sim"))
    }

    /// True for a program that only shows or measures.
    pub fn is_example(&self) -> bool {
        self.path.contains("/examples/")
    }

    pub fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

fn ignored(path: &str) -> bool {
    output(command("git", &["check-ignore", "--quiet", path])).is_ok()
}
