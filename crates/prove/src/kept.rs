//! What earlier runs found, one JSON object a line, so that a series can go on where it stopped.

use anyhow::{Context, Result};
use prove::Found;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};

#[derive(Serialize, Deserialize)]
struct Line {
    run: String,
    found: Found,
}

pub struct Kept {
    lines: Vec<Line>,
    file: Option<File>,
}

impl Kept {
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { lines: Vec::new(), file: None }) };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context("what was kept can't be read"),
        };
        // A run that died while it wrote leaves half a line: that run is done again.
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let mut file = File::options().create(true).append(true).open(path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(file)?;
        }
        Ok(Self { lines, file: Some(file) })
    }

    pub fn find(&self, run: &str) -> Option<Found> {
        self.lines.iter().find(|line| line.run == run).map(|line| line.found.clone())
    }

    pub fn add(&mut self, run: &str, found: &Found) -> Result<()> {
        if let Some(file) = &mut self.file {
            let line = Line { run: run.to_owned(), found: found.clone() };
            writeln!(file, "{}", serde_json::to_string(&line)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_again_and_half_a_line_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kept");
        let found = Found { accepted: 3, ..Found::default() };
        Kept::open(Some(&path)).unwrap().add("a", &found).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        write!(file, "{{\"run\":\"b\"").unwrap();
        let mut kept = Kept::open(Some(&path)).unwrap();
        assert_eq!((kept.find("a"), kept.find("b")), (Some(found.clone()), None));
        kept.add("b", &found).unwrap();
        assert_eq!(Kept::open(Some(&path)).unwrap().find("b"), Some(found));
    }
}
