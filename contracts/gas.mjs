// Prints docs/internals/gas.md's tables from snapshots/, which `forge test` writes.
import { readFileSync } from 'node:fs'

const GROUPS = [
  ['OpenZeppelinSlots', 'OpenZeppelin, slot per digest'],
  ['SoladySlots', 'Solady, slot per digest'],
  ['SoladyBlob', 'Solady, blob per batch'],
  ['Erc721aSlots', 'ERC721A, slot per digest'],
  ['Erc721aBlob', 'ERC721A, blob per batch'],
  ['Erc721aBlobOf4', 'ERC721A in runs of 4, blob'],
  ['OwnersInBlob', 'owners and digests in the blob'],
  ['StoaCollection', '**StoaCollection**'],
]
const load = (group) =>
  JSON.parse(readFileSync(new URL(`snapshots/${group}.json`, import.meta.url), 'utf8'))
const thousands = (n) => Math.round(Number(n)).toLocaleString('en-US')

const mints = ['1', '20', '100'].flatMap((n) => [`${n} one`, `${n} distinct`])
console.log('Gas per item minted, by number of items and whether they go to one recipient:\n')
console.log(`| | ${mints.join(' | ')} |\n|---|${'---:|'.repeat(mints.length)}`)
for (const [group, label] of GROUPS) {
  const gas = load(group)
  const cells = mints.map((name) => thousands(gas[`mint ${name}`] / parseInt(name)))
  console.log(`| ${label} | ${cells.join(' | ')} |`)
}
const moves = ['first of 100 one', 'middle of 100 one', 'last of 100 one', 'middle of 100 distinct']
console.log('\nGas of the first transfer of an item, to a fresh owner:\n')
console.log(`| | ${moves.join(' | ')} |\n|---|${'---:|'.repeat(moves.length)}`)
for (const [group, label] of GROUPS) {
  const gas = load(group)
  console.log(`| ${label} | ${moves.map((name) => thousands(gas[`transfer ${name}`])).join(' | ')} |`)
}
const rest = Object.entries(load('StoaCollection')).filter(([name]) => !/^(mint \d+ (one|distinct)|transfer .*)$/.test(name) || /255/.test(name))
console.log('\nStoaCollection, whole transactions:\n\n| | gas |\n|---|---:|')
for (const [name, gas] of rest) console.log(`| ${name} | ${thousands(gas)} |`)
