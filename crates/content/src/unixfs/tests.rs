#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    seed: u32,
    size: usize,
    chunk: usize,
    links: usize,
    sha256: String,
    cid: Cid,
}

/// The generator documented in `tools/cid-vectors.mjs`.
fn generate(seed: u32, size: usize) -> Vec<u8> {
    let mut x = seed;
    let next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn import(bytes: &[u8], shape: Shape, pieces: &[usize]) -> Cid {
    let mut importer = Importer::new(shape);
    let mut rest = bytes;
    for piece in pieces {
        let (now, later) = rest.split_at(rest.len().min(*piece));
        importer.update(now);
        rest = later;
    }
    importer.update(rest);
    assert_eq!(importer.size(), bytes.len() as u64);
    importer.finish()
}

#[test]
fn cids_equal_those_of_the_reference_importer() {
    let file = include_str!("../../tests/vectors.json");
    let vectors: Vectors = serde_json::from_str(file).unwrap();
    assert!(vectors.vectors.len() >= 20);
    for v in vectors.vectors {
        let bytes = generate(v.seed, v.size);
        assert_eq!(hex::encode(Sha256::digest(&bytes)), v.sha256, "generator, size {}", v.size);
        let shape = Shape { chunk_len: v.chunk, links_max: v.links };
        assert_eq!(import(&bytes, shape, &[]), v.cid, "size {} chunk {}", v.size, v.chunk);
    }
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        size in 0usize..3000,
        chunk_len in 1usize..80,
        links_max in 2usize..6,
        pieces in proptest::collection::vec(0usize..200, 0..40),
    ) {
        let shape = Shape { chunk_len, links_max };
        let bytes = generate(7, size);
        prop_assert_eq!(import(&bytes, shape, &pieces), import(&bytes, shape, &[]));
    }

    #[test]
    fn one_changed_byte_changes_the_cid(size in 1usize..2000, at: prop::sample::Index) {
        let shape = Shape { chunk_len: 16, links_max: 3 };
        let mut bytes = generate(7, size);
        let before = import(&bytes, shape, &[]);
        bytes[at.index(size)] ^= 1;
        prop_assert_ne!(import(&bytes, shape, &[]), before);
    }
}
