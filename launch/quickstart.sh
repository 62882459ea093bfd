#!/usr/bin/env bash
# From a fresh clone to Specialists on a phone: sets up, trains with horovodrun on two cores, evaluates, exports,
# verifies, times, and prints one table. Started again, it goes on where it was.
#
#   ./launch/quickstart.sh [run name]      files go to runs/<run name> and build/<run name> (default: quickstart)
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/env.sh"

name="${1:-quickstart}"
run="runs/$name"
models="build/$name"
ranks=2

say() { printf '\n[quickstart %3ds] %s\n' "$SECONDS" "$*"; }

# In a terminal, launch/horovodrun shows what ranks write as it should be. Elsewhere a filter takes off what stands
# before each line; Ctrl-C is for the ranks: the filter outlives it and shows their last words.
on_ranks() {
  if [[ -t 1 && -t 2 ]]; then
    horovodrun -np "$ranks" --disable-cache "$@"
    return
  fi
  horovodrun -np "$ranks" --disable-cache "$@" 2>&1 | (trap '' INT && exec sed -u -E 's/^\[[0-9]+\]<std(out|err)>://')
}

say "training: Generalists, then one Specialist per character"
on_ranks python -m camtf.train --preset=quickstart --run_dir="$run"

say "evaluating: every Specialist against the Generalists and the bots"
on_ranks python -m camtf.evaluate --run_dir="$run"

say "exporting to TFLite, comparing with Keras, timing"
python -m mobile.export --run_dir="$run" --out_dir="$models"
python -m mobile.verify --run_dir="$run" --model_dir="$models" --matches=20
python -m mobile.benchmark --model_dir="$models"

say "writing the report: every figure of the papers, $run/report.html"
python -m camtf.report --run_dir="$run" --model_dir="$models"

say "done"
python -m mobile.report --run_dir="$run" --model_dir="$models"
