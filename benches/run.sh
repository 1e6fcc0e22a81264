#!/usr/bin/env bash
# Builds in release, puts load on the server and on a bare axum echo, and compares with the targets.
# Server on one core, generator on another. Usage: benches/run.sh [seconds per run]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-5}
server_core=${SERVER_CORE:-0}
generator_core=${GENERATOR_CORE:-1}
connections=${CONNECTIONS:-10000}

if (($(nproc) < 2)); then
    echo "two cores are needed: the server and the generator must not share one" >&2
    exit 1
fi
# Each process holds one descriptor a connection.
if ! ulimit -n $((connections * 2)) 2>/dev/null; then
    echo "ulimit -n $((connections * 2)) is not allowed here" >&2
    exit 1
fi

cargo build --release --locked --package agents-benches --bins
bin="${CARGO_TARGET_DIR:-target}/release"

work=$(mktemp -d)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

# start NAME COMMAND...: sets url and pid
start() {
    local log="$work/$1.log"
    shift
    taskset -c "$server_core" "$@" >"$log" 2>"$log.err" &
    pid=$!
    pids+=("$pid")
    for _ in $(seq 100); do
        url=$(sed -n 's/^listening on //p' "$log")
        [[ -n $url ]] && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "$1 did not start:" >&2
    cat "$log" "$log.err" >&2
    exit 1
}

# load NAME ARGUMENTS...: runs the generator, shows its table and keeps its numbers
failed=0
load() {
    local name=$1
    shift
    echo "== $name"
    taskset -c "$generator_core" "$bin/bench-load" "$@" --url "$url" --server-pid "$pid" >"$work/$name.out" || failed=1
    sed '$d' "$work/$name.out"
    tail -n 1 "$work/$name.out" >"$work/$name.json"
}

number() {
    sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" "$work/$1.json"
}

rows=()
# row TEXT RUN NUMBER UNIT [OPERATOR TARGET]: without a target the number is only shown
row() {
    local value baseline=- target=- verdict=
    value=$(number "$2" "$3")
    case $2 in
        rpc-echo) baseline=$(number axum-echo "$3") ;;
        latency) baseline=$(number axum-latency "$3") ;;
    esac
    if [[ -z $value ]]; then
        verdict="no result"
        failed=1
    elif [[ -n ${5:-} ]]; then
        target="$5 $6"
        if awk "BEGIN { exit !($value $5 $6) }"; then
            verdict=met
        else
            verdict=missed
            failed=1
        fi
    fi
    rows+=("| $1 | ${value:--} $4 | $target | $baseline | $verdict |")
}

start axum "$bin/bench-axum-echo"
load axum-echo rpc-echo --protocol raw --seconds "$seconds"
load axum-latency latency --protocol raw --seconds "$seconds"
kill "$pid"

start agents "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data"
load rpc-echo rpc-echo --seconds "$seconds"
load latency latency --seconds "$seconds"
load increment-one increment --prefix one --in-flight 1 --seconds "$seconds"
load increment increment --prefix count --seconds "$seconds"
load broadcast broadcast --prefix cast --connections 1000 --seconds "$seconds"
kill "$pid"

# A server of its own, so that nothing but the connections is in its memory.
start connections "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data-connections"
load connections connections --prefix many --connections "$connections"

row "RPC echo, 16 × 4 × 8: server CPU a call" rpc-echo cpu_per_call µs "<=" 10
row "RPC echo, 16 × 4 × 8: calls" rpc-echo calls_per_second /s
row "one in flight: p50" latency p50 µs "<=" 100
row "one in flight: p99" latency p99 µs
row "durable increments, 16 × 4 × 1" increment-one calls_per_second /s ">=" 12000
row "durable increments, 16 × 4 × 8" increment calls_per_second /s ">=" 12000
row "broadcast to 1,001 connections: deliveries" broadcast deliveries_per_second /s ">=" 120000
row "connections on one agent, reached by one broadcast" connections reached "" ">=" "$connections"
row "connections closed cleanly" connections clean_closes "" ">=" "$connections"
row "time to connect them all" connections connect_time ms
row "server memory a connection" connections memory_per_connection KiB

echo
echo "| what | measured | target | bare axum | |"
echo "|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
echo
grep -m 1 'model name' /proc/cpuinfo || true
exit "$failed"
