#!/usr/bin/env bash
# Fails when the committed artifacts or gas figures are not those of the sources, or the sources
# are not formatted. With `coverage`: fails unless every line, statement, branch and function of
# our own contracts is covered.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="$PWD/../tools/bin:$PATH"

case ${1:-} in
  '')
    forge fmt --check
    forge build --skip test --quiet
    node artifacts.mjs check
    # Comparing, not writing: a difference fails the test that made it.
    FORGE_SNAPSHOT_CHECK=true FORGE_SNAPSHOT_EMIT=false forge test --match-path 'test/gas/*' --quiet
    ;;
  coverage)
    report=$(forge coverage --no-match-path 'test/gas/*' --no-match-coverage '(test|node_modules)/')
    table=$(grep -E '^\| (File|src/|Total)' <<<"$report")
    printf '%s\n' "$table"
    if grep -E '^\| (src/|Total)' <<<"$table" | grep -vqE '(100\.00% [^|]*\|[^|]*){4}'; then
      echo 'not all of our own contracts is covered' >&2
      exit 1
    fi
    ;;
  *)
    echo 'usage: check.sh [coverage]' >&2
    exit 2
    ;;
esac
