#!/usr/bin/env bash
# Sets up, then checks style and types and runs the tests. Arguments go to pytest, which then runs what they select one
# after the other: ./launch/test.sh -k payoffs
#
# The tests of the viewer draw its page in Chromium. Where there is none, root gets it from apt-get; where that cannot
# be, the end of the output names what was not run. So it does where npm cannot fetch what runs models in a browser and
# in C++. Tests in clean environments, which need the network for long, are not part of it: pytest -m environments.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/env.sh"

say() { printf '[test %3ds] %s\n' "$SECONDS" "$*"; }

has_browser() {
  python -c 'import sys; from camtf.games.duel.viewer.film import find_browser; sys.exit(find_browser() is None)'
}

install_browser() {
  [[ $EUID == 0 ]] && command -v apt-get >/dev/null && ! has_browser || return 0
  local log="$PWD/build/chromium.log"
  mkdir -p build
  say "installing Chromium for the tests of the viewer"
  { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends chromium; } \
    >"$log" 2>&1 || say "Chromium could not be installed, see $log"
}

fetch_node_packages() {
  command -v npm >/dev/null || return 0
  local log="$PWD/build/node_packages.log"
  mkdir -p build
  ./launch/node_packages.sh >"$log" 2>&1 || say "what npm has could not be fetched, see $log"
}

# Runs pytest, for which a selection without a test is no failure.
tests() {
  local status=0
  pytest -q "$@" || status=$?
  [[ $status == 0 || $status == 5 ]] || failed=$status
}

# One core fetches the browser and compiles the game, which the first test would do, while the other checks.
{ install_browser && fetch_node_packages && python -m tests.interpreted_program >/dev/null; } &
preparation=$!
trap 'kill "$preparation" 2>/dev/null || true' EXIT
ruff check
ruff format --check
mypy camtf mobile benchmarks
wait "$preparation"

if [[ $# -gt 0 ]]; then
  pytest -q "$@"
  exit
fi
failed=0
say "tests that start ranks, which need all cores"
tests -m ranks
say "all other tests, $(nproc) at a time"
tests -m "not ranks and not environments" -n "$(nproc)" --maxprocesses=4 --dist=loadgroup
exit "$failed"
