#!/usr/bin/env bash
# Sets up, then checks style and types and runs the tests. Arguments go to pytest: ./launch/test.sh -k payoffs
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/env.sh"

ruff check
ruff format --check
mypy camtf mobile benchmarks
pytest -q "$@"
