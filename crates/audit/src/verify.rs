//! Checking a chain from its first line to its last.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::{
    line::{Head, LINE_BYTES_MAX, Line},
    log::{days, parse_file_name},
};

/// A log whose chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Name of the log: its files' names without the day.
    pub name: String,
    /// Number of files.
    pub files: u64,
    /// Number of lines.
    pub lines: u64,
    /// Number of the first line; above 1 the lines before it are elsewhere, or gone.
    pub first_seq: u64,
    /// The last line's place.
    pub head: Head,
}

/// Where and why a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}: {reason}", path.display())]
pub struct Broken {
    /// File.
    pub path: PathBuf,
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

/// Why [`verify`] does not vouch for a log.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Somebody changed it, or the disk did.
    #[error("the chain is broken")]
    Broken(#[from] Broken),
    /// A file can't be read.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no file of a log at the path.
    #[error("{} holds no log", .0.display())]
    Nothing(PathBuf),
}

/// Checks all logs of a directory, or one file: each line follows the one before, and lies in the
/// file of its day. Reads line by line; memory doesn't grow with the log.
pub fn verify(path: &Path) -> Result<Vec<Summary>, VerifyError> {
    verify_each(path, |_, _| {})
}

/// As [`verify`], showing each good line to `seen`, with the name of its log.
pub fn verify_each(
    path: &Path,
    mut seen: impl FnMut(&str, &Line),
) -> Result<Vec<Summary>, VerifyError> {
    let file_error = |source| VerifyError::File { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(file_error)?;
    let files = if about.is_dir() {
        days(path).map_err(file_error)?
    } else {
        let (name, day) =
            parse_file_name(path).ok_or_else(|| VerifyError::Nothing(path.to_owned()))?;
        vec![(name, day, path.to_owned())]
    };
    let mut logs: Vec<Summary> = Vec::new();
    for (name, day, path) in files {
        if logs.last().is_none_or(|log| log.name != name) {
            logs.push(Summary { name, files: 0, lines: 0, first_seq: 0, head: Head::START });
        }
        let Some(log) = logs.last_mut() else { continue };
        log.files += 1;
        each_line(&path, |line| {
            if line.day().ok() != Some(day) {
                return Err("its time is not of the file's day".to_owned());
            }
            if log.lines == 0 {
                log.first_seq = line.head.seq;
                if line.head.seq == 1 {
                    line.check_follows(&Head::START)?;
                }
            } else {
                line.check_follows(&log.head)?;
            }
            log.lines += 1;
            log.head = line.head;
            seen(&log.name, &line);
            Ok(())
        })?;
    }
    if logs.is_empty() {
        return Err(VerifyError::Nothing(path.to_owned()));
    }
    Ok(logs)
}

fn each_line(
    path: &Path,
    mut check: impl FnMut(Line) -> Result<(), String>,
) -> Result<(), VerifyError> {
    let file_error = |source| VerifyError::File { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(file_error)?);
    let mut number = 0;
    loop {
        number += 1;
        let mut bytes = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if (&mut file).take(limit).read_until(b'\n', &mut bytes).map_err(file_error)? == 0 {
            return Ok(());
        }
        let checked = match bytes.strip_suffix(b"\n").map(std::str::from_utf8) {
            None => Err("it does not end, or is too long".to_owned()),
            Some(Err(_)) => Err("it is no text".to_owned()),
            Some(Ok(text)) => match Line::read(text) {
                Ok(line) => check(line),
                Err(error) => Err(error.to_string()),
            },
        };
        checked.map_err(|reason| Broken { path: path.to_owned(), line: number, reason })?;
    }
}
