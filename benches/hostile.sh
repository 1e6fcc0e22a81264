#!/usr/bin/env bash
# Builds in release, and starts the bench server on one core and the hostile clients on another.
# Usage: benches/hostile.sh [seconds of attack, 600] [preset of limits: default or internet]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
preset=${2:-internet}
ulimit -n 20000

cargo build --release --locked --package agents-benches --bins
bin="${CARGO_TARGET_DIR:-target}/release"
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

# The disk hangs for one agent.
cc -shared -fPIC -O2 -o "$work/hanging_disk.so" benches/hanging_disk.c -ldl

LD_PRELOAD="$work/hanging_disk.so" BENCH_LIMITS="$preset" taskset -c "${SERVER_CORE:-0}" "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data" \
    --metrics-addr 127.0.0.1:0 >"$work/log" 2>"$work/errors" &
pid=$!
for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' "$work/log")
    metrics=$(sed -n 's/^metrics on //p' "$work/log")
    [[ -n $url && -n $metrics ]] && break
    sleep 0.1
done
echo "limits: $preset, attack: $seconds s"
taskset -c "${GENERATOR_CORE:-1}" "$bin/bench-hostile" --url "$url" --server-pid "$pid" --seconds "$seconds"
# The limits that the server counted.
curl -s "$metrics" | grep -v '^#' | grep -E 'limit_reached|refused' | grep -v ' 0$' || true
sort "$work/errors" | cut -c1-160 | uniq -c | sort -rn | head -5
