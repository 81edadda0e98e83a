# Shared by `assay` and `check`: finds what is missing, installs it where it may, says how where not.
# Sourced with the working directory at the checkout.

# Installs the Debian packages named as arguments that are not there yet.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      sudo=(sudo -n)
    else
      echo "assay: these packages are missing; install them and try again:" >&2
      echo "  sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
      exit 2
    fi
  fi
  echo "assay: installing ${missing[*]}" >&2
  local log
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
      --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "assay: the installation failed; run it by hand and try again:" >&2
    echo "  apt-get update && apt-get install -y ${missing[*]}" >&2
    exit 2
  fi
  rm -f "$log"
}

need_swift() {
  command -v swift >/dev/null && return 0
  echo "assay: no Swift toolchain found; install Swift 6.1 or newer from swift.org and put it on PATH" >&2
  exit 2
}

build_packages=(libssl-dev libsrtp2-dev libusrsctp-dev libpcap-dev zlib1g-dev libyaml-dev libwslay-dev
  libhttp-parser-dev libvpx-dev libopus-dev pkg-config)
test_packages=(iproute2 janus openssl tshark protobuf-compiler libxml2-utils chromium python3 python3-venv)

# Puts the packages that file $2 pins into the virtual environment $1, unless they are there already.
# Where that fails, the tests that need them skip.
need_peers() {
  local home=$1 list=$2 log
  if [ -x "$home/bin/python" ] && cmp -s "$list" "$home/peers.txt"; then return 0; fi
  echo "assay: installing the Python peers of $list" >&2
  log=$(mktemp)
  if ! { rm -rf "$home" && mkdir -p "$(dirname "$home")" && python3 -m venv "$home" &&
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-input \
      --only-binary :all: -r "$list"; } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    echo "assay: the packages of $list cannot be had here; tests with them are skipped" >&2
    rm -rf "$home" "$log"
    return 0
  fi
  cp "$list" "$home/peers.txt"
  rm -f "$log"
}

# The commit this tree is at, and whether it was changed since.
describe_commit() {
  local commit
  commit=$(git rev-parse --short HEAD 2>/dev/null) || return 0
  [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit+=-dirty
  echo "$commit"
}

# Builds the release tool unless nothing changed since the last build.
build_tool() {
  local stamp=.build/release.stamp
  if [ -x .build/release/assay ] && [ -e "$stamp" ] &&
    [ -z "$(find Package.swift Sources tools -newer "$stamp" -print -quit)" ]; then
    return 0
  fi
  need_swift
  need_packages "${build_packages[@]}"
  mkdir -p .build
  local started log
  started=$(mktemp .build/started.XXXXXX)
  log=.build/release.log
  echo "assay: building (a few minutes the first time)" >&2
  if ! swift build -c release --product assay >"$log" 2>&1; then
    grep -E 'error' "$log" | head -n 20 >&2
    echo "assay: the build failed; the whole log is $PWD/$log" >&2
    rm -f "$started"
    exit 70
  fi
  mv "$started" "$stamp"
  describe_commit >.build/commit
}

# A line for each test that Swift Testing skipped in log $1: the reason it gave.
skipped_tests() {
  sed -nE 's/^[^ ]+ (Test|Suite) .* skipped: "(.*)"$/test: \2/p; s/^[^ ]+ (Test|Suite) .* skipped\.?$/test: no reason given/p' "$1"
}

# A line for each scenario that tools/determinism.sh did not compare, from its output $1.
skipped_scenarios() {
  sed -nE 's/^– [^ ]+ +(skipped|left out): (.*)$/determinism: \1, \2/p' "$1"
}

# A line for each run that a gate skipped, from its output $1.
skipped_runs() {
  sed -nE 's/^– ([^ ]+) .*skipped.*$/gate: \1/p' "$1"
}

# Counts the lines of file $1 that are alike.
count_skipped() {
  sort "$1" | uniq -c | sort -rn | sed -E 's/^ *([0-9]+) /  \1 × /'
}
