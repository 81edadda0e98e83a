#!/usr/bin/env bash
# Runs every scenario of a folder in two processes and compares what was sent: those of the quick tier,
# or of the release tier too. The last line counts what was compared, skipped and left out.
#   tools/determinism.sh [DIR [quick|release]]
# ASSAY_BINARY names another build of the tool.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
assay=${ASSAY_BINARY:-$PWD/.build/release/assay}
folder=${1:-scenarios}
later=nightly
[ "${2:-quick}" = release ] || later="release|nightly"
if [ ! -x "$assay" ]; then
  echo "determinism: $assay is not built; run ./assay doctor first" >&2
  exit 2
fi
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

hash_of() {
  sed -n 's/^ *"traceHash": "\([0-9a-f]*\)",\{0,1\}$/\1/p' "$1"/*/result.json
}

# Prints one line: ✓ equal, ✗ different, ? no result, – skipped or left out.
compare() {
  local file=$1 name start
  name=$(basename "$file" .yaml)
  if grep -qE "^tier: *($later)" "$file"; then
    echo "– $name  left out: its tier is a later one"
    return 0
  fi
  start=$SECONDS
  local take
  for take in one two; do
    # The gate judges verdicts; here only what was sent counts.
    "$assay" run "$file" --out "$runs/$name-$take" >/dev/null 2>"$runs/$name-$take.log" || true
  done
  # Only a result that says so is a skipped run; no result at all is a failure.
  if grep -qsE '^ {0,2}"verdict": "skipped"' "$runs/$name-one"/*/result.json; then
    echo "– $name  skipped: a file of 'requires' is not there"
    return 0
  fi
  local one two
  one=$(hash_of "$runs/$name-one" 2>/dev/null)
  two=$(hash_of "$runs/$name-two" 2>/dev/null)
  if [ -z "$one" ]; then
    echo "? $name  no result: $(tail -n 1 "$runs/$name-one.log")"
    return 1
  elif [ "$one" != "$two" ]; then
    echo "✗ $name  ${one//$'\n'/ } then ${two//$'\n'/ }"
    return 1
  fi
  echo "✓ $name  ${one//$'\n'/ }  $((SECONDS - start)) s"
}
export -f compare hash_of
export assay runs later

shopt -s nullglob
files=("$folder"/*.yaml)
if [ ${#files[@]} -eq 0 ]; then
  echo "determinism: no scenario in $folder" >&2
  exit 4
fi
status=0
printf '%s\0' "${files[@]}" \
  | xargs -0 -n 1 -P "$(nproc)" bash -c 'compare "$1" || exit 1' _ | tee "$runs/lines" || status=1
count() { grep -cE "$1" "$runs/lines" || true; }
echo "determinism: $(count '^✓') equal, $(count '^[✗?]') not, $(count '^– .* skipped:') skipped," \
  "$(count '^– .* left out:') left out"
exit $status
