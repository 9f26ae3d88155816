// Reduces forge's output to what the Rust bindings need, in a stable form.
// usage: node artifacts.mjs write|check   (after `forge build`)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const CONTRACTS = ['StoaCollection', 'StoaCollectionFactory', 'ERC2771Forwarder', 'SignatureCheck']
const here = (path) => new URL(path, import.meta.url)
const committed = (name) => here(`../crates/contracts/artifacts/${name}.json`)

function artifact(name) {
  const built = JSON.parse(readFileSync(here(`out/${name}.sol/${name}.json`), 'utf8'))
  for (const code of [built.bytecode, built.deployedBytecode]) {
    if (Object.keys(code.linkReferences ?? {}).length) throw new Error(`${name}: unlinked library`)
  }
  const abi = built.abi
    .map((entry) => [`${entry.type} ${entry.name ?? ''} ${JSON.stringify(entry.inputs)}`, entry])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, entry]) => entry)
  return `${JSON.stringify(
    { abi, bytecode: built.bytecode.object, deployedBytecode: built.deployedBytecode.object },
    null,
    2,
  )}\n`
}

function read(name) {
  try {
    return readFileSync(committed(name), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

const mode = process.argv[2]
if (mode === 'write') {
  mkdirSync(here('../crates/contracts/artifacts/'), { recursive: true })
  for (const name of CONTRACTS) writeFileSync(committed(name), artifact(name))
} else if (mode === 'check') {
  const stale = CONTRACTS.filter((name) => read(name) !== artifact(name))
  if (stale.length) {
    console.error(`stale in crates/contracts/artifacts: ${stale.join(', ')}; run contracts/export.sh`)
    process.exitCode = 1
  }
} else {
  console.error('usage: node artifacts.mjs write|check')
  process.exitCode = 2
}
