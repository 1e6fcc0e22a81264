#!/usr/bin/env bash
# Runs the fuzz targets under libFuzzer, one after the other.
#
#   scripts/fuzz.sh                   every target, 60 seconds each
#   scripts/fuzz.sh 3600 frames routes  the named targets, an hour each
#
# New inputs stay in target/fuzz/found. An input that makes a target fail is in target/fuzz/artifacts. Copy
# such an input to fuzz/corpus/TARGET and mend the cause; the tests of `agents-fuzz` then run that input each
# time.
#
# Needs a C++ compiler. With a nightly toolchain, the address sanitizer is used too.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ "$#" -gt 0 ] && shift
targets=("$@")
[ "$#" -gt 0 ] || targets=(arguments attachment close_frames frames json_frames routes socket statement)

if ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install cargo-fuzz --locked
fi
# Coverage needs no nightly features; the sanitizer does.
toolchain=() sanitizer=none
if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
  toolchain=(+nightly) sanitizer=address
fi

out="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
for target in "${targets[@]}"; do
  mkdir -p "$out/found/$target" "$out/artifacts/$target"
  cargo "${toolchain[@]}" fuzz run --fuzz-dir fuzz/libfuzzer --target-dir "$out" --sanitizer "$sanitizer" "$target" \
    "$out/found/$target" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$out/artifacts/$target/"
done
