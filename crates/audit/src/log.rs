//! The files of a log, one a day: `<name>-YYYY-MM-DD.jsonl`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use time::{Date, macros::format_description};

use crate::line::{Head, LINE_BYTES_MAX, Line, LineError};

const SUFFIX: &str = ".jsonl";

/// Why the log can't be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file or the directory can't be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The last whole line is no line of a log.
    #[error("{}: the last line is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How.
        #[source]
        source: LineError,
    },
    /// A line that doesn't follow the last one: a bug of the caller.
    #[error("line {seq} does not follow the log: {reason}")]
    Order {
        /// Its number.
        seq: u64,
        /// Why not.
        reason: String,
    },
}

/// A log that is being written. One writer at a time: the caller sees to that.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    name: String,
    head: Head,
    last: Option<Line>,
    file: Option<(Date, File)>,
}

impl Log {
    /// Opens the log `name` in `dir` (made with mode 0700 if missing). A last line that was cut
    /// by a crash is removed; [`Log::head`] then says what there is. Only the last file's end is
    /// read: [`crate::verify`] checks the rest.
    pub fn open(dir: &Path, name: &str) -> Result<Self, LogError> {
        let fail = |source| LogError::File { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fail)?;
        let mut log = Self {
            dir: dir.to_owned(),
            name: name.to_owned(),
            head: Head::START,
            last: None,
            file: None,
        };
        let files = days(dir).map_err(fail)?;
        for (_, _, path) in files.iter().rev().filter(|(of, ..)| of == name) {
            if let Some(line) = recover(path)? {
                log.head = line.head;
                log.last = Some(line);
                break;
            }
        }
        Ok(log)
    }

    /// The last line's place.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The last line; none while there is none, or after [`Log::restart_after`].
    pub fn last_line(&self) -> Option<&Line> {
        self.last.as_ref()
    }

    /// Goes on after `head` whatever is in the files, leaving a gap that [`crate::verify`] shows.
    pub fn restart_after(&mut self, head: Head) {
        self.head = head;
        self.last = None;
    }

    /// Appends lines, which must follow each other and the last one. They are handed to the
    /// kernel, not to the disk: see [`Log::sync`]. Files of days that are over are synced.
    pub fn append(&mut self, lines: &[Line]) -> Result<(), LogError> {
        let mut rest = lines;
        while let Some(first) = rest.first() {
            let day = day_of(first)?;
            let mut text = String::new();
            let mut count = 0;
            for line in rest {
                if day_of(line)? != day {
                    break;
                }
                line.check_follows(&self.head)
                    .map_err(|reason| LogError::Order { seq: line.head.seq, reason })?;
                self.head = line.head;
                text.push_str(&line.text);
                text.push('\n');
                count += 1;
            }
            self.write(day, &text)?;
            rest = &rest[count..];
        }
        if let Some(line) = lines.last() {
            self.last = Some(line.clone());
        }
        Ok(())
    }

    /// Makes everything that was appended durable.
    pub fn sync(&mut self) -> Result<(), LogError> {
        let Some((day, file)) = &self.file else { return Ok(()) };
        let path = path_of(&self.dir, &self.name, *day);
        file.sync_data().map_err(|source| LogError::File { path, source })
    }

    fn write(&mut self, day: Date, text: &str) -> Result<(), LogError> {
        let path = path_of(&self.dir, &self.name, day);
        let fail = |source| LogError::File { path: path.clone(), source };
        if self.file.as_ref().is_none_or(|(of, _)| *of != day) {
            self.sync()?;
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
            self.file = Some((day, file.map_err(fail)?));
            File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(fail)?;
        }
        match &mut self.file {
            Some((_, file)) => file.write_all(text.as_bytes()).map_err(fail),
            None => Ok(()),
        }
    }
}

fn day_of(line: &Line) -> Result<Date, LogError> {
    line.day().map_err(|error| LogError::Order { seq: line.head.seq, reason: error.to_string() })
}

fn path_of(dir: &Path, name: &str, day: Date) -> PathBuf {
    let (year, month, day) = day.to_calendar_date();
    dir.join(format!("{name}-{year:04}-{:02}-{day:02}{SUFFIX}", u8::from(month)))
}

/// All files of logs in a directory as (name, day, path), in order of name and day.
pub(crate) fn days(dir: &Path) -> io::Result<Vec<(String, Date, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some((name, day)) = parse_file_name(&path) {
            files.push((name, day, path));
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn parse_file_name(path: &Path) -> Option<(String, Date)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    let (name, day) = stem.split_at_checked(stem.len().checked_sub(10)?)?;
    let format = format_description!("[year]-[month]-[day]");
    Some((name.strip_suffix('-')?.to_owned(), Date::parse(day, &format).ok()?))
}

/// Cuts off an unfinished last line and returns the last whole one.
fn recover(path: &Path) -> Result<Option<Line>, LogError> {
    let fail = |source| LogError::File { path: path.to_owned(), source };
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    // The unfinished line and the one before it.
    let start = length.saturating_sub(2 * (LINE_BYTES_MAX as u64 + 1));
    file.seek(SeekFrom::Start(start)).map_err(fail)?;
    let mut end = Vec::new();
    file.take(length - start).read_to_end(&mut end).map_err(fail)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole < end.len() {
        let file = OpenOptions::new().write(true).open(path).map_err(fail)?;
        file.set_len(start + whole as u64).and_then(|()| file.sync_all()).map_err(fail)?;
    }
    let Some(lines) = end[..whole].strip_suffix(b"\n") else { return Ok(None) };
    let last = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let damaged = |source| LogError::Damaged { path: path.to_owned(), source };
    let text = std::str::from_utf8(&lines[last..])
        .map_err(|error| fail(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Some(Line::read(text).map_err(damaged)?))
}

#[cfg(test)]
mod tests;
