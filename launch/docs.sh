#!/usr/bin/env bash
# Makes the site of documents in build/site; every warning, as of a link that leads nowhere, is an error.
#
#   ./launch/docs.sh          make it, then open build/site/index.html
#   ./launch/docs.sh serve    show it on http://127.0.0.1:8000 (where its search works), made anew when a page changes
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/env.sh"
export NO_MKDOCS_2_WARNING=1

if [[ ${1:-} == serve ]]; then
  exec python -m mkdocs serve "${@:2}"
fi
exec python -m mkdocs build --strict "$@"
