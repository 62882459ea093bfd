#!/usr/bin/env bash
# Fetches what runs a pack's models outside Python, from npm's registry: LiteRT.js into mobile/web/node_modules, and a
# TensorFlow Lite C library with its headers into build/tflite_c. The tests of mobile/web and mobile/cpp need them.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

command -v npm >/dev/null || {
  echo "error: npm is missing: install Node.js 18 or newer" >&2
  exit 1
}
[[ -e mobile/web/node_modules/@litertjs/core ]] || npm ci --prefix mobile/web --ignore-scripts --no-audit --no-fund
[[ -e build/tflite_c/include ]] && exit
case "$(uname -m)" in
  x86_64) machine=amd64 ;;
  aarch64) machine=arm64 ;;
  *) echo "error: there is no C library for $(uname -m)" >&2 && exit 1 ;;
esac
rm -rf build/tflite_c.new
mkdir -p build/tflite_c.new
# TensorFlow's own package for Node: the only one of its C library for Linux that needs no compiling.
archive="$(npm pack --silent --pack-destination build/tflite_c.new tfjs-tflite-node@0.0.2)"
echo "3be1632328a76a2475e5b6833253763c802c859433becb4d879ee1860e3b5284  build/tflite_c.new/$archive" | sha256sum --check --quiet
tar -xzf "build/tflite_c.new/$archive" -C build/tflite_c.new --strip-components=2 package/cc_deps/include \
  "package/cc_deps/linux_$machine"
mv "build/tflite_c.new/linux_$machine" build/tflite_c.new/lib
rm "build/tflite_c.new/$archive"
mv build/tflite_c.new build/tflite_c
