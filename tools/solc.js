// The Solidity compiler of npm (WebAssembly) behind the two calls forge makes of a native solc:
// `--version`, and `--standard-json` with the input on standard input and every source inline.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const solc = createRequire(import.meta.url)('solc')
const args = process.argv.slice(2)

if (args.includes('--version')) {
  console.log('solc, the solidity compiler commandline interface')
  console.log(`Version: ${solc.version()}`)
} else if (args.includes('--standard-json')) {
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
} else {
  console.error('usage: solc --version | solc --standard-json < input.json')
  process.exitCode = 1
}
