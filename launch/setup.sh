#!/usr/bin/env bash
# Makes .venv in the repository root: the pinned packages, Horovod compiled against the pinned TensorFlow, and the
# project itself in editable form. Returns at once when nothing has changed since the last complete set-up.
#
#   CAMTF_PYTHON=/path/to/python   the interpreter to use (CPython 3.10 or 3.11; searched for when unset)
#   XDG_CACHE_HOME                 where the Horovod wheel is kept for the next clone (default ~/.cache)
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"
venv="$root/.venv"
python="$venv/bin/python"
stamp="$venv/setup.stamp"
log="$venv/setup.log"
pins="$root/launch/requirements.txt"
compiler="" # the process that writes byte code

say() { printf '[setup %3ds] %s\n' "$SECONDS" "$*"; }

die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# Runs a command with its output in the log; if it fails, shows the end of the log.
logged() {
  printf '\n$ %s\n' "$*" >>"$log"
  "$@" >>"$log" 2>&1 && return
  printf '%s\n' "--- the last 30 lines of $log" >&2
  tail -n 30 "$log" >&2
  die "failed: $* (all output: $log)"
}

trap '[[ -z $compiler ]] || kill "$compiler" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What the environment was made from. pyvenv.cfg names the interpreter and its version.
fingerprint() {
  printf '%s\n' "$root"
  cat "$pins" "$root/setup.py" "$root/launch/setup.sh" "$venv/pyvenv.cfg"
}

up_to_date() {
  [[ -x $python && -f $stamp ]] || return 1
  [[ -z ${CAMTF_PYTHON:-} || "$(version_of "$CAMTF_PYTHON")" == "$(version_of "$python")" ]] || return 1
  [[ "$(fingerprint | sha256sum)" == "$(<"$stamp")" ]]
}

version_of() {
  "$1" -c 'import platform; print(platform.python_implementation(), platform.python_version())' 2>/dev/null || true
}

# Prints the path of a suitable interpreter.
find_python() {
  local candidate version without_venv=""
  for candidate in ${CAMTF_PYTHON:+"$CAMTF_PYTHON"} python3.11 python3.10 python3 python; do
    version="$(version_of "$candidate")"
    case $version in
      "CPython 3.10."* | "CPython 3.11."*)
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
          "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))' # never one inside a venv
          return
        fi
        without_venv="${without_venv:-$candidate ($version)}"
        ;;
    esac
    if [[ -n ${CAMTF_PYTHON:-} && -z $without_venv ]]; then
      die "CAMTF_PYTHON=$CAMTF_PYTHON is ${version:-not a working Python}; CPython 3.10 or 3.11 is needed"
    elif [[ -n ${CAMTF_PYTHON:-} ]]; then
      break
    fi
  done
  [[ -z $without_venv ]] ||
    die "$without_venv lacks the venv module: install it (Debian, Ubuntu: apt-get install python3-venv)"
  die "no CPython 3.10 or 3.11 found: install one (Debian 12: apt-get install python3 python3-venv) or set CAMTF_PYTHON"
}

pinned() { sed -n "s/^$1==//p" "$pins"; }

# Compiles Horovod with Gloo into the wheel "$1"; a wheel appears there complete or not at all.
build_horovod() {
  local work="$venv/horovod-build"
  rm -rf "$work"
  mkdir -p "$work/wheel" "$(dirname -- "$1")"
  # Horovod's own build also compiles a second Gloo that TensorFlow does not use, and debug symbols: twice the time.
  # Ninja comes with the pinned packages, make may be missing.
  cat >"$work/cmake" <<'EOF'
#!/bin/sh
case $1 in
  --build) exec cmake --build . --target tensorflow ;;
  *) exec cmake -G Ninja -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -DNDEBUG" "$@" ;;
esac
EOF
  chmod +x "$work/cmake"
  # Neither pip's cache nor its build isolation: both can bring in a Horovod made for another TensorFlow.
  logged env PATH="$venv/bin:$PATH" TMPDIR="$work" HOROVOD_CMAKE="$work/cmake" \
    CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" \
    HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
    HOROVOD_WITHOUT_MPI=1 HOROVOD_WITH_GLOO=1 HOROVOD_CPU_OPERATIONS=GLOO \
    "$python" -m pip wheel --no-cache-dir --no-build-isolation --no-deps --no-binary horovod \
    --wheel-dir "$work/wheel" "horovod==$(pinned horovod)"
  cp "$work/wheel"/horovod-*.whl "$1.$$"
  mv "$1.$$" "$1"
  rm -rf "$work"
}

check_horovod() {
  local report
  report="$(PATH="$venv/bin:$PATH" TF_CPP_MIN_LOG_LEVEL=2 "$venv/bin/horovodrun" --check-build 2>&1)" || true
  printf '%s\n' "$report" >>"$log"
  [[ $report == *"[X] TensorFlow"* && $report == *"[X] Gloo"* ]]
}

main() {
  up_to_date && return

  [[ "$(uname -sm)" == "Linux x86_64" ]] || die "the pinned versions are for x86-64 Linux, this is $(uname -sm)"
  if command -v flock >/dev/null; then # one set-up at a time
    exec 9>"$root/.venv.lock"
    flock -n 9 || { say "waiting for another set-up of this folder" && flock 9; }
    up_to_date && return
  fi

  unset PYTHONHOME PYTHONPATH
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0 PYTHONNOUSERSITE=1

  local base key wheel
  base="$(find_python)"
  key="$("$base" -c 'import platform, sys, sysconfig; print("cp%d%d" % sys.version_info[:2],
    sysconfig.get_platform(), "".join(platform.libc_ver()), sep="-")')"
  wheel="${XDG_CACHE_HOME:-$HOME/.cache}/camtf/horovod-$(pinned horovod)-tensorflow-$(pinned tensorflow-cpu)-$key"
  wheel="$wheel/horovod-$(pinned horovod)-${key%%-*}-${key%%-*}-linux_x86_64.whl"
  [[ -f $wheel ]] || command -v "${CXX:-g++}" >/dev/null ||
    die "no C++ compiler (${CXX:-g++}) to build Horovod with: install it (Debian, Ubuntu: apt-get install g++)"

  # A complete set-up is updated in place; anything else starts afresh.
  if [[ ! -f $stamp || "$(version_of "$python")" != "$(version_of "$base")" ]]; then
    say "new environment in $venv ($(version_of "$base"))"
    rm -rf "$venv"
    mkdir "$venv"
    logged "$base" -m venv "$venv"
  fi
  rm -f "$stamp"

  say "installing $(grep -c '^[a-z]' "$pins") pinned packages"
  grep -v '^horovod==' "$pins" >"$venv/pins.txt"
  logged "$python" -m pip install --no-deps --no-compile -r "$venv/pins.txt"
  nice "$python" -m compileall -q -x '/tests?/' "$venv/lib" >/dev/null 2>&1 &
  compiler=$!

  if [[ ! -f $wheel ]]; then
    say "compiling Horovod $(pinned horovod), once on this machine (1 to 3 minutes)"
    build_horovod "$wheel"
  fi
  say "installing Horovod and camtf"
  logged "$python" -m pip install --no-deps --force-reinstall "$wheel"
  logged "$python" -m pip install --no-deps --no-build-isolation -e "$root"

  say "checking Horovod"
  if ! check_horovod; then
    rm -f "$wheel"
    die "Horovod was built without TensorFlow or Gloo; see the end of $log, then run this again to rebuild it"
  fi
  wait "$compiler" || true # some packages carry files that are not valid Python
  compiler=""
  fingerprint | sha256sum >"$stamp.new"
  mv "$stamp.new" "$stamp"
  say "ready"
}

main
