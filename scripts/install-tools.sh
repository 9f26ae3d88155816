#!/usr/bin/env bash
# Installs what the build and the tests need and this machine lacks: Postgres, Redis and Prometheus
# from Debian, the pinned npm tools of tools/package-lock.json, and for tests SoftHSM from Debian and
# the pinned moto, schemathesis and aiosmtpd of tools/requirements.txt, and the packages of
# web/packages/api-client. Prints one line per thing installed,
# nothing when all is there. Afterwards tools/bin holds anvil, cast, forge and solc.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

FOUNDRY=1.7.1

fail() { printf '%s\n' "$@" >&2; exit 1; }

# Debian keeps the server programs out of PATH.
has_postgres() {
  command -v postgres initdb >/dev/null 2>&1 && return 0
  local dir
  for dir in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
    [[ -x $dir/postgres && -x $dir/initdb ]] && return 0
  done
  return 1
}

install_debian() {
  local missing=()
  has_postgres || missing+=(postgresql)
  command -v redis-server >/dev/null 2>&1 || missing+=(redis-server)
  # For the tests of deploy/: rules by promtool, dashboards by a Prometheus.
  { command -v prometheus && command -v promtool; } >/dev/null 2>&1 || missing+=(prometheus)
  (( ${#missing[@]} )) || return 0
  if (( EUID != 0 )) || ! command -v apt-get >/dev/null 2>&1; then
    fail "missing: ${missing[*]}" \
      "Install them (on Debian or Ubuntu: sudo apt-get install ${missing[*]}), then run this again."
  fi
  local log; log=$(mktemp)
  # Stock packages would start a cluster and servers; nobody here uses them.
  local policy=/usr/sbin/policy-rc.d placed=
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; placed=1
  fi
  local status=0
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || status=$?
  if [[ -n $placed ]]; then rm -f "$policy"; fi
  if (( status )); then
    tail -n 20 "$log" >&2; rm -f "$log"
    fail "apt-get could not install: ${missing[*]}"
  fi
  rm -f "$log"
  printf 'installed %s\n' "${missing[@]}"
}

# For the signer's tests only: a software HSM, and moto, which plays AWS KMS. Without them the
# product builds and runs; `make test` says what is missing.
install_signer_tests() {
  if ! command -v softhsm2-util >/dev/null 2>&1; then
    if (( EUID == 0 )) && command -v apt-get >/dev/null 2>&1; then
      local log; log=$(mktemp)
      if { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
          apt-get install -q -y --no-install-recommends softhsm2; } >"$log" 2>&1; then
        echo 'installed softhsm2'
      else
        tail -n 5 "$log" >&2; echo 'softhsm2 is missing: tests of PKCS#11 will fail' >&2
      fi
      rm -f "$log"
    else
      echo 'softhsm2 is missing: install it, or tests of PKCS#11 will fail' >&2
    fi
  fi
  local stamp=tools/venv/.stoa-stamp want log
  want=$(sha256sum <tools/requirements.txt | cut -d' ' -f1)
  [[ -f $stamp && $(<"$stamp") == "$want" && -x tools/venv/bin/python ]] && return 0
  log=$(mktemp)
  if python3 -m venv --clear tools/venv >"$log" 2>&1 &&
      tools/venv/bin/python -m pip install --no-deps --only-binary :all: \
        -r tools/requirements.txt >>"$log" 2>&1; then
    printf '%s\n' "$want" >"$stamp"
    echo 'installed moto, schemathesis, aiosmtpd'
  else
    tail -n 5 "$log" >&2
    echo 'moto, schemathesis and aiosmtpd are missing (python3 with venv): their tests will fail' >&2
  fi
  rm -f "$log"
}

# The stamp names everything the installed tree depends on.
npm_stamp() {
  { cat tools/package.json tools/package-lock.json tools/.npmrc; uname -sm; } | sha256sum | cut -d' ' -f1
}

platform() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo linux-amd64 ;;
    Linux-aarch64 | Linux-arm64) echo linux-arm64 ;;
    Darwin-x86_64) echo darwin-amd64 ;;
    Darwin-arm64) echo darwin-arm64 ;;
    *) fail "Foundry has no npm package for $(uname -sm)" ;;
  esac
}

# The lock holds Foundry's native packages for Linux on amd64; elsewhere the same version is
# fetched by name. We link the programs themselves: the node wrapper would swallow signals.
npm_tree() {
  (cd tools && npm ci --ignore-scripts --no-audit --no-fund) || return
  [[ $1 == linux-amd64 ]] && return
  (cd tools && npm install --no-save --ignore-scripts --no-audit --no-fund \
    "@foundry-rs/anvil-$1@$FOUNDRY" "@foundry-rs/cast-$1@$FOUNDRY" "@foundry-rs/forge-$1@$FOUNDRY")
}

link_bins() {
  local tool program
  mkdir -p tools/bin
  for tool in anvil cast forge; do
    program=node_modules/@foundry-rs/$tool-$1/bin/$tool
    [[ -f tools/$program ]] || fail "npm did not bring $tool for $1"
    chmod 755 "tools/$program"
    ln -sfn "../$program" "tools/bin/$tool"
  done
  printf '#!/bin/sh\nexec node "$(dirname "$0")/../solc.js" "$@"\n' >tools/bin/solc
  chmod 755 tools/bin/solc
}

install_npm() {
  local stamp=tools/node_modules/.stoa-stamp want target
  want=$(npm_stamp)
  if [[ -f $stamp && $(<"$stamp") == "$want" && -x tools/bin/solc && -x tools/bin/forge ]]; then
    return 0
  fi
  command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
    fail "missing: node, npm" "Install Node.js 20 or later, then run this again."
  target=$(platform)
  local log; log=$(mktemp)
  # No package of ours needs its install script: the programs come as plain files.
  if ! npm_tree "$target" >"$log" 2>&1; then
    tail -n 20 "$log" >&2; rm -f "$log"
    fail "npm could not install tools/package-lock.json"
  fi
  rm -f "$log"
  link_bins "$target"
  printf '%s\n' "$want" >"$stamp"
  node -e 'const p = require("./tools/package.json"), d = { ...p.optionalDependencies, ...p.dependencies }
    for (const n of Object.keys(d)) console.log(`installed ${n} ${d[n]}`)'
}

# What the TypeScript client is made and built with. Without it the product builds and runs.
install_web() {
  local package=web/packages/api-client stamp want log
  stamp=$package/node_modules/.stoa-stamp
  want=$(cat "$package/package.json" "$package/package-lock.json" | sha256sum | cut -d' ' -f1)
  [[ -f $stamp && $(<"$stamp") == "$want" ]] && return 0
  log=$(mktemp)
  if (cd "$package" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
    printf '%s\n' "$want" >"$stamp"
    echo 'installed the packages of web/packages/api-client'
  else
    tail -n 5 "$log" >&2
    echo 'the packages of web/packages/api-client are missing: the test of the client will fail' >&2
  fi
  rm -f "$log"
}

# Two runs at once must not write the same tree.
exec 8>tools/.install.lock
if command -v flock >/dev/null 2>&1; then flock 8; fi
install_debian
install_npm
install_web
install_signer_tests
