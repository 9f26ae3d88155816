#!/usr/bin/env bash
# Builds the contracts and writes their artifacts into crates/contracts/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="$PWD/../tools/bin:$PATH"
forge build --skip test --quiet
node artifacts.mjs write
