#!/usr/bin/env bash
# Installs what the tests need, builds once, and runs every test there is:
# format, lints, docs, the npm client, a real browser, and the Rust tests.
# Stops at the first step that fails, with its name, and exits with its code.
#
#   scripts/test.sh                   everything
#   scripts/test.sh build npm         only the named steps, in the order below
#
# AGENTS_TEST_CHAOS is the seed of the step chaos, 1 by default.
# CHROMIUM names another browser program than /usr/bin/chromium.
set -euo pipefail
exec 2>&1
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
export CHROMIUM
CHAOS="${AGENTS_TEST_CHAOS:-1}"
# All other steps are without it.
unset AGENTS_TEST_CHAOS

# The Rust tests come last, so that their summary closes the output.
STEPS=(tools packages format licences build lints docs doctests npm browser chaos rust)

say() { printf '==> %s\n' "$*"; }

# Runs its arguments as root, or says that this is not possible.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 90
  fi
}

install() {
  command -v apt-get >/dev/null || return 90
  as_root true || return 90
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need PROGRAM PACKAGE...: installs the packages unless the program is there.
need() {
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  say "$program is missing: installing $*"
  install "$@" || {
    say "$program is needed; install the packages $* and start again"
    return 1
  }
}

step_tools() {
  need cargo cargo
  need cc gcc libc6-dev
  need node nodejs npm
  need npm npm
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || {
    say "Node.js $(node --version) is too old: 20 or newer is needed"
    return 1
  }
  if [ ! -x "$CHROMIUM" ]; then
    say "$CHROMIUM is missing: installing chromium"
    local code=0
    install chromium || code=$?
    # Without root the browser tests are skipped; any other failure counts.
    [ "$code" = 0 ] || [ "$code" = 90 ] || return "$code"
  fi
}

step_packages() {
  local folder
  for folder in tests/npm tests/browser; do
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  done
}

step_format() { cargo fmt --all --check; }
# The licences, sources and duplicates of deny.toml; the snapshots of the Rust step guard the tree
# of dependencies where this tool is missing.
step_licences() {
  if ! cargo deny --version >/dev/null 2>&1; then
    say "SKIPPED licences: cargo-deny is not installed (cargo install cargo-deny)"
    return
  fi
  cargo deny --log-level error check licenses bans sources
}

step_build() { cargo build --workspace --all-targets --locked; }
step_lints() { cargo clippy --workspace --all-targets --locked -- -D warnings; }
step_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked; }
step_doctests() { cargo test --workspace --doc --locked; }
step_npm() { (cd tests/npm && npm test --silent); }

step_browser() {
  if [ ! -x "$CHROMIUM" ]; then
    say "SKIPPED browser: there is no $CHROMIUM, and installing it needs root or sudo"
    return
  fi
  (cd tests/browser && npm test --silent)
}

# The behaviour tests once more, with agents that hibernate or crash after every event.
step_chaos() {
  local tests=(--test connections --test state --test durability --test hibernation --test limits)
  if cargo nextest --version >/dev/null 2>&1; then
    AGENTS_TEST_CHAOS="$CHAOS" cargo nextest run -p agents-tests "${tests[@]}" --locked --no-fail-fast
  else
    AGENTS_TEST_CHAOS="$CHAOS" cargo test -p agents-tests "${tests[@]}" --locked --no-fail-fast
  fi
}

step_rust() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
  else
    cargo test --workspace --lib --bins --tests --examples --locked
  fi
}

chosen=("$@")
[ "$#" -gt 0 ] || chosen=("${STEPS[@]}")
for name in "${chosen[@]}"; do
  case " ${STEPS[*]} " in
    *" $name "*) ;;
    *)
      say "there is no step '$name'; the steps are: ${STEPS[*]}"
      exit 2
      ;;
  esac
done

current=
started=$SECONDS
took=()

# `set -e` ends the script where a command of a step fails; this says where.
finish() {
  local code=$?
  if [ "$code" != 0 ] && [ -n "$current" ]; then
    say "FAILED $current (exit code $code, $((SECONDS - started)) s)"
  fi
}
trap finish EXIT

for name in "${STEPS[@]}"; do
  case " ${chosen[*]} " in *" $name "*) ;; *) continue ;; esac
  if [ "$name" = rust ] && [ "${#took[@]}" -gt 0 ]; then
    say "so far: ${took[*]}"
  fi
  current=$name
  started=$SECONDS
  say "$name"
  "step_$name"
  took+=("$name $((SECONDS - started))s")
  [ "$name" = rust ] || say "$name: $((SECONDS - started)) s"
done
