#!/usr/bin/env bash
# Lets the models of a pack decide on 64-bit ARM, emulated, on their golden observations, and compares every decision
# with this machine's. Its status is 0 where float32, float16 and delta models decide the same everywhere, and int8
# models as nearly as mobile/README.md says.
#
#   ./launch/arm64.sh [pack]      default: build/quickstart
#
# Needs apt and the packages of Debian 12. What it fetches (QEMU, an ARM Python, tflite-runtime's aarch64 wheel) goes to
# build/arm64; nothing is installed on the machine, and no root rights are needed. ai-edge-litert's aarch64 wheel ends
# with a segmentation fault under Debian 12's QEMU 7.2, whatever processor it plays, and is left out.
set -euo pipefail
pack="$(realpath -- "${1:-$(dirname -- "${BASH_SOURCE[0]}")/../build/quickstart}")"
source "$(dirname -- "${BASH_SOURCE[0]}")/env.sh"

arm="$PWD/build/arm64"
python=3.11
packages=(libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libffi8 libssl3 libbz2-1.0 liblzma5 libcrypt1 "python$python"
  "python$python-minimal" "libpython$python-minimal" "libpython$python-stdlib")

say() { printf '[arm64 %3ds] %s\n' "$SECONDS" "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Downloads and unpacks packages of one architecture into a folder, with lists of its own.
fetch() {
  local architecture="$1" target="$2" state="$arm/apt-$1"
  shift 2
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs" "$target"
  local options=(-qq -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
    -o APT::Sandbox::User="$(id -un)" -o "Dir::State=$state" -o "Dir::State::lists=$state/lists"
    -o "Dir::Cache=$state/cache" -o Dir::State::status=/dev/null)
  apt-get "${options[@]}" update
  (cd "$state/debs" && apt-get "${options[@]}" download "$@") || die "apt has no $* for $architecture"
  local deb
  for deb in "$state"/debs/*.deb; do
    dpkg-deb -x "$deb" "$target"
  done
}

if [[ ! -e "$arm/ready" ]]; then
  command -v apt-get >/dev/null || die "apt-get is missing; this script needs Debian 12 or a relative of it"
  rm -rf "$arm"
  say "fetching QEMU and an ARM Python $python"
  fetch "$(dpkg --print-architecture)" "$arm/host" qemu-user-static
  fetch arm64 "$arm/root" "${packages[@]}"
  say "fetching the aarch64 wheels"
  pins="$(grep -E '^(numpy|tflite-runtime|fastjsonschema)==' launch/requirements.txt)"
  pip install -q --no-deps --target "$arm/wheels" --python-version "$python" --only-binary=:all: \
    --platform manylinux2014_aarch64 --platform manylinux_2_34_aarch64 $pins
  touch "$arm/ready"
fi

say "this machine"
python -m mobile.decisions pack "$pack" >"$arm/here.json"
say "aarch64 under QEMU"
PYTHONPATH="$PWD:$arm/wheels" "$arm/host/usr/bin/qemu-aarch64-static" -L "$arm/root" \
  "$arm/root/usr/bin/python$python" -m mobile.decisions pack "$pack" >"$arm/there.json"
python -m mobile.decisions compare "$arm/here.json" "$arm/there.json"
