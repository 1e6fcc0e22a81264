#!/usr/bin/env bash
# Builds in release, puts load on the server and on a bare axum echo, and compares the figures with the
# targets.
# The server runs on one core and the generator on another. Usage: benches/run.sh [seconds per run]
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
# Each process uses one file descriptor per connection.
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

# load NAME ARGUMENTS...: runs the generator, shows its table and stores its figures
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
# row TEXT RUN NUMBER UNIT [OPERATOR TARGET]: a number without a target is only shown
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

# Each scenario has a server of its own, so that the server's memory holds only these connections.
start connections "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data-connections"
load connections connections --prefix many --connections "$connections"
kill "$pid"

# Measures the cost and the savings of sleep. Agents of the class `nap` sleep after a second.
start hundred "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data-hundred"
load hundred connections --class nap --prefix hundred --connections "$connections" --agents 100 --hold 5
kill "$pid"
start each "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data-each"
load each connections --class nap --prefix each --connections "$connections" --agents "$connections" --rate 1000 --hold 5
kill "$pid"
start wake "$bin/bench-server" serve --addr 127.0.0.1:0 --data "$work/data-wake"
load new connections --class nap --prefix new --connections 3000 --agents 3000
load plain connections --class plain --prefix plain --connections 3000 --agents 3000
for method in echo read write; do
    load "wake-$method" wake --class nap --prefix "wake-$method" --method "$method" --agents 2000 --hold 4
done
kill "$pid"

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
row "server CPU to connect one" connections cpu_per_connect µs
row "server memory a connection, awake" connections memory_per_connection KiB
row "server memory a sleeping connection, 100 agents" hundred memory_per_connection KiB "<=" 2.5
row "server memory a sleeping connection, one agent each" each memory_per_connection KiB "<=" 4
row "server CPU while they sleep" each cpu_asleep %
row "first connects to new agents that store nothing" plain connects_per_second /s ">=" 2500
row "first connects to new agents, with an initial state to keep" new connects_per_second /s ">=" 2500
row "wake by a message, one at a time: p50" wake-echo p50 µs "<=" 200
row "the same, which reads the state: p50" wake-read p50 µs "<=" 200
row "the same, with a durable write: p50" wake-write p50 µs
row "wakes by a message, 32 at a time" wake-echo wakes_per_second /s ">=" 6000
row "the same, which reads the state" wake-read wakes_per_second /s ">=" 6000
row "the same, with a durable write" wake-write wakes_per_second /s

echo
echo "| what | measured | target | bare axum | |"
echo "|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
echo
grep -m 1 'model name' /proc/cpuinfo || true
exit "$failed"
