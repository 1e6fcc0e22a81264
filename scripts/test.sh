#!/usr/bin/env bash
# Installs the requirements of the tests, builds once, and runs all tests:
# format, lints, docs, the TypeScript client, the pages of the examples, the templates, the npm client, a real
# browser, and the Rust tests.
# Stops at the first step that fails, with its name, and exits with its code.
#
#   scripts/test.sh                   everything
#   scripts/test.sh build npm         only the named steps, in the order below
#
# AGENTS_TEST_CHAOS is the seed of the step chaos. The default is 1.
# CHROMIUM names a browser program. The default is /usr/bin/chromium.
set -euo pipefail
exec 2>&1
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
export CHROMIUM
CHAOS="${AGENTS_TEST_CHAOS:-1}"
# All other steps run without AGENTS_TEST_CHAOS.
unset AGENTS_TEST_CHAOS

# The Rust tests come last, so that their summary closes the output.
STEPS=(tools packages format licences build client lints docs doctests typescript pages templates npm browser chaos rust)

. scripts/tools.sh

step_tools() {
  need_rust
  need_node
  if [ ! -x "$CHROMIUM" ]; then
    say "$CHROMIUM is missing: installing chromium"
    local code=0
    install chromium || code=$?
    # Without root the browser tests are skipped. Any other failure ends the script.
    [ "$code" = 0 ] || [ "$code" = 90 ] || return "$code"
  fi
}

step_packages() {
  local folder
  for folder in tests/npm tests/browser agents-core/typescript examples/web examples/kanban/web; do
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  done
}

step_format() { cargo fmt --all --check; }
# Checks the licences, sources and duplicates of deny.toml. Without this tool, the snapshots of the Rust step
# check the tree of dependencies.
step_licences() {
  if ! cargo deny --version >/dev/null 2>&1; then
    say "SKIPPED licences: cargo-deny is not installed (cargo install cargo-deny)"
    return
  fi
  cargo deny --log-level error check licenses bans sources
}

# A program that is only a client is built alone: together with the others it would get the features of the
# server.
step_client() {
  local client
  for client in chat-cli kanban-cli; do cargo clippy -p "$client" --locked -- -D warnings; done
}

# The example `dashboard` needs tokens. All steps name the same packages and features, so that each crate is
# compiled once.
ALL=(--workspace --features agents/jwt --locked)
step_build() { cargo build "${ALL[@]}" --all-targets; }
step_lints() { cargo clippy "${ALL[@]}" --all-targets -- -D warnings; }
# The pages of the documentation, and that the public face is the one that is written down.
step_docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
  node scripts/public-api.mjs --check
}
step_doctests() { cargo test "${ALL[@]}" --doc; }
# Checks the client that the command `types` writes.
step_typescript() { (cd agents-core/typescript && npm run --silent check && npm test --silent); }

# Checks the pages of the examples that are written in TypeScript, with the current types of the programs.
step_pages() {
  export AGENTS_EXAMPLES="$CARGO_TARGET_DIR/debug/examples"
  (cd examples/web && npm run --silent check && npm run --silent bundle)
  "$CARGO_TARGET_DIR/debug/kanban" types --react --out examples/kanban/web/src/agents
  (cd examples/kanban/web && npm run --silent page)
}

# Makes a program from each template, with the crates of this workspace's lock file, and builds and tests it.
step_templates() {
  local made="$CARGO_TARGET_DIR/templates"
  rm -rf "$made"
  scripts/new.sh "$made/my-app"
  scripts/new.sh "$made/my-react-app" --react
  local name
  for name in my-app my-react-app; do
    cp Cargo.lock "$made/$name/Cargo.lock"
    (cd "$made/$name" && cargo test --quiet --offline && cargo build --quiet --offline)
  done
  (cd "$made/my-react-app/web" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent build)
}

step_npm() { (cd tests/npm && npm test --silent); }

step_browser() {
  if [ ! -x "$CHROMIUM" ]; then
    say "SKIPPED browser: there is no $CHROMIUM, and installing it needs root or sudo"
    return
  fi
  (cd tests/browser && npm test --silent)
}

# Runs the behaviour tests again, with agents that hibernate or crash after every event.
step_chaos() {
  local tests=(--test connections --test state --test durability --test hibernation --test limits --test calls)
  if cargo nextest --version >/dev/null 2>&1; then
    AGENTS_TEST_CHAOS="$CHAOS" cargo nextest run "${ALL[@]}" "${tests[@]}" --no-fail-fast
  else
    AGENTS_TEST_CHAOS="$CHAOS" cargo test "${ALL[@]}" "${tests[@]}" --no-fail-fast
  fi
}

step_rust() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run "${ALL[@]}" --no-fail-fast
  else
    cargo test "${ALL[@]}" --lib --bins --tests --examples
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

# `set -e` ends the script where a command of a step fails. This trap prints the step.
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
