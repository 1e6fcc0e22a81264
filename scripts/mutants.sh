#!/usr/bin/env bash
# Applies each mutant of tests/mutants to a copy of the sources and runs the tests that must fail with it.
# A mutant is a patch whose head names its tests: a line `Tests: ` with the arguments of `cargo nextest run`.
# This script is not part of scripts/test.sh: run it by hand after a change to the files that the patches
# touch.
#
#   scripts/mutants.sh                    all mutants
#   scripts/mutants.sh sync poison        those whose name contains one of these words
#   scripts/mutants.sh --check            only checks that every patch still applies
#
# Exits with 1 if a mutant survives, if a patch does not apply, or if a mutant does not compile.
set -euo pipefail
exec 2>&1
cd "$(dirname "$0")/.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
copy=$target/mutants/sources
log=$target/mutants/log
check=
if [ "${1:-}" = --check ]; then
  check=1
  shift
fi

chosen() {
  [ "$#" -gt 1 ] || return 0
  local name=$1 word
  shift
  for word in "$@"; do
    case $name in *"$word"*) return 0 ;; esac
  done
  return 1
}

if [ -z "$check" ]; then
  cargo nextest --version >/dev/null || { echo "cargo-nextest is needed: cargo install cargo-nextest"; exit 2; }
  mkdir -p "$log"
  git worktree remove --force "$copy" 2>/dev/null || true
  git worktree add --quiet --detach "$copy" HEAD
  trap 'git -C "$root" worktree remove --force "$copy"' EXIT
  # A separate target folder keeps the builds of the sources themselves.
  export CARGO_TARGET_DIR=$target/mutants/build
fi

caught=0
failed=0
tell() { printf '%-9s %s\n' "$1" "$2"; }
for patch in tests/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  chosen "$name" "$@" || continue
  if ! git apply --check "$patch"; then
    tell STALE "$name: the patch does not apply"
    failed=$((failed + 1))
    continue
  fi
  [ -z "$check" ] || continue
  git -C "$copy" apply "$root/$patch"
  tests=$(sed -n 's/^Tests: //p' "$patch")
  code=0
  # The arguments contain quoted expressions.
  (cd "$copy" && eval "cargo nextest run --locked --no-tests fail $tests") >"$log/$name.log" 2>&1 || code=$?
  git -C "$copy" checkout --quiet -- .
  case $code in
    100) tell caught "$name" && caught=$((caught + 1)) ;;
    0) tell SURVIVED "$name" && failed=$((failed + 1)) ;;
    *) tell BROKEN "$name: exit code $code, see $log/$name.log" && failed=$((failed + 1)) ;;
  esac
done
[ -z "$check" ] || { echo "$failed patches do not apply"; exit $((failed > 0)); }
echo "$caught caught, $failed not"
exit $((failed > 0))
