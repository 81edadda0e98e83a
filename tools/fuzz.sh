#!/usr/bin/env bash
# Fuzzes one parser: tools/fuzz.sh NAME [SECONDS]. NAME is a folder of Tests/Fuzz with a main.swift.
# Crashing inputs stay in Tests/Fuzz/corpus/NAME, where `swift test` replays them from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-}
seconds=${2:-60}
if [ -z "$name" ] || [ ! -f "Tests/Fuzz/$name/main.swift" ]; then
  echo "usage: tools/fuzz.sh NAME [SECONDS]; the names are:" >&2
  for main in Tests/Fuzz/*/main.swift; do basename "$(dirname "$main")"; done >&2
  exit 2
fi

captures=${ASSAY_SHARED:-../shared}/captures
work=.build/fuzz/corpus/$name
mkdir -p "$work" "Tests/Fuzz/corpus/$name"

# One file for each of the first UDP payloads of a capture.
datagrams() {
  command -v tshark >/dev/null && [ -f "$captures/chromium-plain.pcapng" ] || return 0
  local count=0
  tshark -r "$captures/chromium-plain.pcapng" -Y "$1" -T fields -e udp.payload \
    -d udp.port==44324,rtp 2>/dev/null | awk 'NR <= 400' | {
    while read -r line; do
      count=$((count + 1))
      printf '%s' "$line" | xxd -r -p >"$work/seed-$count"
    done
  }
}

copies() {
  local file
  for file in "$@"; do [ ! -f "$file" ] || head -c 16384 "$file" >"$work/seed-${file##*/}"; done
}

size=4096
case $name in
RTP) datagrams rtp ;;
RTCP) datagrams rtcp ;;
STUN) datagrams stun ;;
SDP) copies "$captures"/*.sdp ;;
Capture | Inspection) copies "$captures"/*.pcapng ;;
Scenario) copies scenarios/*.yaml ;;
esac
case $name in SDP | Capture | Inspection | Scenario) size=16384 ;; esac

ASSAY_FUZZ=1 swift build -c release --sanitize fuzzer --scratch-path .build/fuzz \
  --product "Fuzz$name" >&2
# A crash is the fuzzer's to note, not the runtime's.
export SWIFT_BACKTRACE=enable=no
exec ".build/fuzz/release/Fuzz$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
  -max_len=$size -print_final_stats=1 \
  -artifact_prefix="Tests/Fuzz/corpus/$name/" "$work" "Tests/Fuzz/corpus/$name"
