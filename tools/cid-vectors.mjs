// Writes crates/content/tests/vectors.json: the CIDs which the JavaScript reference importer gives
// to generated content, under the profile `unixfs-v1-2025` (IPIP-499) and, to reach deep trees
// with little content, under the same profile with small chunks and a small fan-out.
//
//   node tools/cid-vectors.mjs > crates/content/tests/vectors.json
//
// The content is byte i of a linear congruential generator, so that any language can make it:
//   x(0) = seed;  x(i+1) = (x(i) * 1664525 + 1013904223) mod 2^32;  byte i = x(i+1) >> 24
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importFile } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const MIB = 1024 * 1024

function generate (seed, size) {
  const bytes = new Uint8Array(size)
  let x = seed >>> 0
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

async function vector (seed, size, shape) {
  const options = { profile: 'unixfs-v1-2025' }
  if (shape !== undefined) {
    options.chunker = fixedSize({ chunkSize: shape.chunk })
    options.layout = balanced({ maxChildrenPerNode: shape.links })
  }
  const content = generate(seed, size)
  const { cid } = await importFile({ content }, new BlackHoleBlockstore(), options)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { seed, size, chunk: shape?.chunk ?? MIB, links: shape?.links ?? 1024, sha256, cid: cid.toString() }
}

const entry = createRequire(import.meta.url).resolve('ipfs-unixfs-importer')
const manifest = new URL('../../package.json', `file://${entry}`)
const vectors = []
for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 10_000_000, 50_000_000]) {
  vectors.push(await vector(1, size))
}
const small = { chunk: 16, links: 3 }
for (const size of [0, 1, 15, 16, 17, 32, 47, 48, 49, 96, 97, 144, 145, 160, 432, 433, 1296, 1297, 5000]) {
  vectors.push(await vector(2, size, small))
}
const { version } = JSON.parse(readFileSync(manifest))
console.log(JSON.stringify({ importer: `ipfs-unixfs-importer ${version}`, vectors }, null, 1))
