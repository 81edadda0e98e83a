#!/usr/bin/env bash
# Seams inside modules that Package.swift cannot express: in RefSFU only the folder LiveKit knows the
# messages of LiveKit's signalling (the module Signal).
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/..}"

imports='^[[:space:]]*(@[[:alnum:]_()]+[[:space:]]+)*([[:alpha:]]+[[:space:]]+)?import[[:space:]]+'
if grep -rnE "${imports}([[:alpha:]]+[[:space:]]+)?Signal\b" --include='*.swift' \
  --exclude-dir=LiveKit Sources/RefSFU; then
  echo "imports.sh: only Sources/RefSFU/LiveKit may import Signal" >&2
  exit 1
fi
