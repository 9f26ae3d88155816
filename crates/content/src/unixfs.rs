//! From a stream of bytes to the CID of its UnixFS file, profile `unixfs-v1-2025`
//! (IPIP-499: CIDv1, raw leaves, chunks of 1 MiB, 1,024 links per node, balanced).
//!
//! Only digests are kept: at most one unfinished node per level of the tree, so a few kilobytes
//! for any file.

use sha2::{Digest, Sha256};

use crate::cid::{Cid, Codec};

/// Bytes of a full leaf; also the largest raw block that we store.
pub const CHUNK_LEN: usize = 1024 * 1024;
/// Links of a full node.
pub const LINKS_MAX: usize = 1024;
/// The name of the profile, kept beside a CID wherever it has to be made again.
pub const PROFILE: &str = "unixfs-v1-2025";

/// Size of leaves and nodes. Anything but the default gives CIDs outside our profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes per leaf, at least 1.
    pub chunk_len: usize,
    /// Links per node, at least 2.
    pub links_max: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { chunk_len: CHUNK_LEN, links_max: LINKS_MAX }
    }
}

/// A finished subtree, as its parent links it.
#[derive(Clone, Copy, Debug)]
struct Link {
    cid: Cid,
    /// Bytes of file content under the link.
    content_len: u64,
    /// Bytes of all blocks under the link: dag-pb's `Tsize`.
    tree_len: u64,
}

#[derive(Debug, Default)]
struct Level {
    /// Links that wait for their parent to be full.
    open: Vec<Link>,
    /// All links this level ever had.
    count: u64,
}

/// Computes the CID of a file whose bytes arrive piece by piece.
#[derive(Debug)]
pub struct Importer {
    shape: Shape,
    leaf: Sha256,
    leaf_len: usize,
    size: u64,
    levels: Vec<Level>,
}

impl Default for Importer {
    fn default() -> Self {
        Self::new(Shape::default())
    }
}

impl Importer {
    /// # Panics
    /// If the shape cannot make a tree: see [`Shape`].
    pub fn new(shape: Shape) -> Self {
        assert!(shape.chunk_len >= 1 && shape.links_max >= 2, "invariant: a shape makes trees");
        Self { shape, leaf: Sha256::new(), leaf_len: 0, size: 0, levels: vec![Level::default()] }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // A full leaf is closed when its successor begins, so that a file which ends on the
            // edge of a chunk gets no empty leaf.
            if self.leaf_len == self.shape.chunk_len {
                self.close_leaf();
            }
            let (now, later) =
                bytes.split_at(bytes.len().min(self.shape.chunk_len - self.leaf_len));
            self.leaf.update(now);
            self.leaf_len += now.len();
            self.size += now.len() as u64;
            bytes = later;
        }
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The CID of the file: a raw block if it is one chunk or less, else the root of its tree.
    pub fn finish(mut self) -> Cid {
        self.close_leaf();
        let mut depth = 0;
        loop {
            let level = &mut self.levels[depth];
            if level.count == 1 {
                return level.open[0].cid;
            }
            if !level.open.is_empty() {
                let links = std::mem::take(&mut level.open);
                self.push(depth + 1, node(&links));
            }
            depth += 1;
        }
    }

    fn close_leaf(&mut self) {
        let digest = self.leaf.finalize_reset().into();
        let len = std::mem::take(&mut self.leaf_len) as u64;
        let cid = Cid::from_digest(Codec::Raw, digest);
        self.push(0, Link { cid, content_len: len, tree_len: len });
    }

    fn push(&mut self, mut depth: usize, mut link: Link) {
        loop {
            if depth == self.levels.len() {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[depth];
            level.open.push(link);
            level.count += 1;
            if level.open.len() < self.shape.links_max {
                return;
            }
            link = node(&std::mem::take(&mut level.open));
            depth += 1;
        }
    }
}

/// The CID of a file given at once.
pub fn cid_of(bytes: &[u8]) -> Cid {
    let mut importer = Importer::default();
    importer.update(bytes);
    importer.finish()
}

/// Encodes and hashes the dag-pb node over `links`: links first, then the UnixFS message, as the
/// dag-pb specification orders them.
fn node(links: &[Link]) -> Link {
    let content_len = links.iter().map(|link| link.content_len).sum();
    let mut unixfs = vec![0x08, 0x02]; // Type = File
    put_field(&mut unixfs, 0x18, content_len); // filesize
    let mut block = Vec::with_capacity(links.len() * 56);
    for link in links {
        put_field(&mut unixfs, 0x20, link.content_len); // blocksizes
        let mut entry = Vec::with_capacity(56);
        put_bytes(&mut entry, 0x0a, &link.cid.to_bytes()); // Hash
        put_bytes(&mut entry, 0x12, &[]); // Name: empty, but present
        put_field(&mut entry, 0x18, link.tree_len); // Tsize
        put_bytes(&mut block, 0x12, &entry); // Links
    }
    put_bytes(&mut block, 0x0a, &unixfs); // Data
    let below: u64 = links.iter().map(|link| link.tree_len).sum();
    Link {
        cid: Cid::from_digest(Codec::DagPb, Sha256::digest(&block).into()),
        content_len,
        tree_len: below + block.len() as u64,
    }
}

fn put_field(out: &mut Vec<u8>, tag: u8, value: u64) {
    out.push(tag);
    put_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_field(out, tag, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests;
