//! Reading a container front to back, never beyond its end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::MediaError;

pub(super) const BUFFER_LEN: usize = 64 * 1024;

/// EXIF blocks are read up to this many bytes; the orientation lies in the first directory.
const EXIF_LEN_MAX: u64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct Scan {
    reader: BufReader<File>,
    left: u64,
}

impl Scan {
    pub(super) fn new(reader: BufReader<File>, len: u64) -> Self {
        Self { reader, left: len }
    }

    /// The next bytes, without taking them; fewer than 12 only at the end of the file.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    /// Bytes that are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], MediaError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.left = self.left.saturating_sub(N as u64);
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, MediaError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16_be(&mut self) -> Result<u16, MediaError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32_be(&mut self) -> Result<u32, MediaError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u16_le(&mut self) -> Result<u16, MediaError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u24_le(&mut self) -> Result<u32, MediaError> {
        let [a, b, c] = self.array()?;
        Ok(u32::from_le_bytes([a, b, c, 0]))
    }

    pub(super) fn u32_le(&mut self) -> Result<u32, MediaError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn skip(&mut self, len: u64) -> Result<(), MediaError> {
        self.each(len, |_| {})
    }

    /// Passes the next `len` bytes to `take`, in pieces.
    pub(super) fn each(
        &mut self,
        mut len: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), MediaError> {
        if len > self.left {
            return Err(MediaError::Truncated);
        }
        while len > 0 {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return Err(MediaError::Truncated);
            }
            let n = bytes.len().min(usize::try_from(len).unwrap_or(usize::MAX));
            take(&bytes[..n]);
            self.reader.consume(n);
            self.left = self.left.saturating_sub(n as u64);
            len -= n as u64;
        }
        Ok(())
    }

    /// Takes a block of `len` bytes and returns its beginning.
    pub(super) fn exif(&mut self, len: u64) -> Result<Vec<u8>, MediaError> {
        let mut kept = Vec::new();
        self.each(len, |bytes| {
            let room = (EXIF_LEN_MAX as usize).saturating_sub(kept.len());
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        })?;
        Ok(kept)
    }

    /// Takes bytes up to and including the next 0xFF.
    pub(super) fn skip_past_ff(&mut self) -> Result<(), MediaError> {
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return Err(MediaError::Truncated);
            }
            let found = bytes.iter().position(|byte| *byte == 0xff);
            let n = found.map_or(bytes.len(), |at| at + 1);
            self.reader.consume(n);
            self.left = self.left.saturating_sub(n as u64);
            if found.is_some() {
                return Ok(());
            }
        }
    }
}
