#!/usr/bin/env bash
# Compares two commits: instructions of the server for each operation, times under load, and compile times.
#
#   benches/compare.sh BASE                        the checkout as it is, against a commit
#   benches/compare.sh BASE HEAD                   a commit against another
#   benches/compare.sh --only instructions BASE    some of the parts instructions, times, compile
#   benches/compare.sh --rounds 9 --seconds 5 BASE more and longer rounds of the times; 5 and 3 by default
#
# The load generator of the checkout drives the servers of both commits.
# Builds stay in target/compare, and so do the profiles, for `callgrind_annotate`. Worktrees are removed.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
. scripts/tools.sh

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$root/benches/compare.sh"
    exit "$1"
}

parts=(instructions times compile)
rounds=5
seconds=3
while [[ ${1:-} == -* ]]; do
    case $1 in
        --only) IFS=, read -ra parts <<<"${2:-}" ;;
        --rounds) rounds=${2:-} ;;
        --seconds) seconds=${2:-} ;;
        --help | -h) usage 0 ;;
        *) usage 2 >&2 ;;
    esac
    shift 2 || usage 2 >&2
done
(($# == 1 || $# == 2)) || usage 2 >&2
base=$(git rev-parse --verify --short "$1^{commit}")
head=${2:+$(git rev-parse --verify --short "$2^{commit}")}

out=$(realpath -m "${CARGO_TARGET_DIR:-target}")/compare
work=$(mktemp -d)
pids=()
worktrees=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for tree in "${worktrees[@]}"; do git -C "$root" worktree remove --force "$tree" || true; done
    rm -rf "$work"
}
trap cleanup EXIT
# The profiles name functions and lines. Incremental builds would depend on the build before.
export CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_INCREMENTAL=0

# sources COMMIT: sets source to a folder with the sources of a commit, or to the checkout.
sources() {
    if [[ -z $1 ]]; then
        source=$root
        return
    fi
    source=$work/$1
    if [[ ! -d $source ]]; then
        git worktree add --quiet --detach "$source" "$1"
        worktrees+=("$source")
    fi
}

# server SIDE COMMIT: builds the server of a commit, and copies it to a path of its own.
server() {
    local binary=$work/server-$1 kept=$out/servers/$2
    if [[ -n $2 && -x $kept ]]; then
        cp "$kept" "$binary"
        return
    fi
    sources "$2"
    say "$1: the server of ${2:-the checkout}"
    (cd "$source" && CARGO_TARGET_DIR="$out/$1" \
        cargo build --quiet --release --locked --package agents-benches --bin bench-server)
    cp "$out/$1/release/bench-server" "$binary"
    if [[ -n $2 ]]; then
        mkdir -p "$out/servers"
        cp "$binary" "$kept"
    fi
}

build() {
    server base "$base"
    server head "$head"
    say "the load generator of the checkout"
    CARGO_TARGET_DIR="$out/head" cargo build --quiet --release --locked --package agents-benches --bin bench-load
    cp "$out/head/release/bench-load" "$work/load"
}

# start LOG COMMAND...: starts a server with a new folder of data; sets url and pid.
start() {
    local log=$1
    shift
    data=$(mktemp -d "$work/data.XXXXXX")
    "$@" serve --addr 127.0.0.1:0 --data "$data" >"$log" 2>"$log.errors" &
    pid=$!
    pids=("$pid")
    for _ in $(seq 600); do
        url=$(sed -n 's/^listening on //p' "$log")
        [[ -n $url ]] && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "a server did not start:" >&2
    cat "$log" "$log.errors" >&2
    exit 1
}

# stop: ends the server of start and waits for it.
stop() {
    kill "$pid"
    wait "$pid" || true
    pids=()
    rm -rf "$data"
}

# add SAMPLES NUMBER: a file of samples has a number on each line.
add() { echo "$2" >>"$work/$1"; }

median() {
    sort -g "$work/$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# spread SAMPLES: the distance of the smallest and the largest, in per cent of the median.
spread() {
    awk -v m="$(median "$1")" 'NR == 1 { a = b = $1 } { if ($1 < a) a = $1; if ($1 > b) b = $1 }
        END { printf "%.1f %%", m ? 100 * (b - a) / m : 0 }' "$work/$1"
}

# row TEXT NAME [UNIT]: the medians of NAME.base and NAME.head, their ratio and their spreads.
row() {
    local a b ratio digits=1
    [[ -n ${3:-} ]] || digits=0
    a=$(median "$2.base") b=$(median "$2.head")
    ratio=$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", a ? b / a : 0 }')
    printf "| %s | %'.${digits}f%s | %'.${digits}f%s | %s | %s, %s |\n" \
        "$1" "$a" "${3:+ $3}" "$b" "${3:+ $3}" "$ratio" "$(spread "$2.base")" "$(spread "$2.head")"
}

table() {
    printf '\n| %s | %s | %s | ratio | spreads |\n|---|---|---|---|---|\n' "$1" "$base" "${head:-checkout}"
}

# ---- Instructions

# counted SIDE NAME NUMBER ARGUMENTS...: sets total to the instructions that a server takes for NUMBER operations.
counted() {
    local side=$1 name=$2 number=$3
    shift 3
    local profile=$out/profiles/$name.$side
    rm -f "$profile"*
    # One worker: which thread takes a task does not depend on the time.
    TOKIO_WORKER_THREADS=1 start "$work/log" \
        valgrind --quiet --tool=callgrind --callgrind-out-file="$profile" "$work/server-$side"
    # The counters are written and set to zero before the first operation and after the last one.
    "$work/load" "$@" --calls "$number" --mark "callgrind_control --dump $pid" --url "$url" \
        >"$work/generator" 2>&1 || {
        cat "$work/generator" "$work/log.errors" >&2
        exit 1
    }
    stop
    mv "$profile.2" "$profile"
    rm "$profile".*
    total=$(sed -n 's/^totals: //p' "$profile")
}

# instructions NAME NUMBER ARGUMENTS...: counts the instructions of an operation three times.
instructions() {
    local name=$1 number=$2
    shift 2
    for _ in 1 2 3; do
        for side in base head; do
            counted $side "$name" "$number" "$@"
            add "$name.$side" $((total / number))
        done
    done
    say "$name: base $(xargs <"$work/$name.base"), head $(xargs <"$work/$name.head")"
}

part_instructions() {
    command -v valgrind >/dev/null || {
        say "valgrind is missing; install the package valgrind"
        exit 1
    }
    mkdir -p "$out/profiles"
    instructions echo 4000 rpc-echo
    instructions increment 2000 increment
    instructions broadcast 200 broadcast --connections 100
    instructions connect 200 connections --class nap
    instructions wake 200 wake --class nap --hold 4
    instructions wake-read 100 wake --class nap --method read --hold 4
    table "instructions of the server for one operation"
    row "echo" echo
    row "increment" increment
    row "broadcast to 101 connections" broadcast
    row "first connect, with an initial state" connect
    row "wake by a message, and sleep" wake
    row "the same, which reads the state" wake-read
}

# ---- Times

# load SIDE ARGUMENTS...: runs the generator; report has its figures as JSON.
load() {
    local side=$1
    shift
    taskset -c "${GENERATOR_CORE:-1}" "$work/load" "$@" --url "$url" --server-pid "$pid" >"$work/generator" || {
        cat "$work/generator" "$work/log.errors" >&2
        exit 1
    }
    report=$(tail -n 1 "$work/generator")
}

# keep SIDE NAME FIGURE: adds a figure of the last report to the samples of NAME.
keep() {
    local number
    number=$(sed -n "s/.*\"$3\":\([0-9.]*\).*/\1/p" <<<"$report")
    add "$2.$1" "${number:?no $3 in $report}"
}

# one SIDE: all scenarios, for one of the servers.
one() {
    start "$work/log" taskset -c "${SERVER_CORE:-0}" "$work/server-$1"
    load "$1" rpc-echo --seconds "$seconds"
    keep "$1" echo cpu_per_call
    load "$1" latency --seconds "$seconds"
    keep "$1" latency p50
    load "$1" increment --prefix one --in-flight 1 --seconds "$seconds"
    keep "$1" increment-one cpu_per_call
    keep "$1" increment-one-p50 p50
    load "$1" increment --prefix count --seconds "$seconds"
    keep "$1" increment cpu_per_call
    keep "$1" increment-p50 p50
    load "$1" broadcast --prefix cast --connections 1000 --seconds "$seconds"
    keep "$1" broadcast cpu_per_delivery
    load "$1" connections --class nap --prefix new --connections 2000 --agents 2000
    keep "$1" connect cpu_per_connect
    load "$1" connections --class plain --prefix plain --connections 2000 --agents 2000
    keep "$1" connect-plain cpu_per_connect
    local method
    for method in echo read write; do
        load "$1" wake --class nap --prefix "wake-$method" --method "$method" --agents 1000 --hold 3
        keep "$1" "wake-$method" p50
        keep "$1" "wake-$method-many" cpu_per_wake
    done
    stop
}

part_times() {
    local round
    ulimit -n 20000
    for round in $(seq "$rounds"); do
        say "round $round of $rounds"
        # The one that was second is first in the next round.
        if ((round % 2)); then
            one base
            one head
        else
            one head
            one base
        fi
    done
    table "times of the server, medians of $rounds rounds"
    row "RPC echo, 16 × 4 × 8: CPU a call" echo µs
    row "one in flight: p50" latency µs
    row "durable increments, 16 × 4 × 1: CPU a call" increment-one µs
    row "the same: p50" increment-one-p50 µs
    row "durable increments, 16 × 4 × 8: CPU a call" increment µs
    row "the same: p50" increment-p50 µs
    row "broadcast to 1,001 connections: CPU a delivery" broadcast µs
    row "first connect with an initial state: CPU" connect µs
    row "first connect that stores nothing: CPU" connect-plain µs
    row "wake by a message: p50" wake-echo µs
    row "the same, 32 at a time: CPU" wake-echo-many µs
    row "wake that reads the state: p50" wake-read µs
    row "the same, 32 at a time: CPU" wake-read-many µs
    row "wake with a durable write: p50" wake-write µs
    row "the same, 32 at a time: CPU" wake-write-many µs
}

# ---- Compile times

# program SIDE COMMIT: writes a program with a small agent, and one with ten agents of thirty callables.
program() {
    local folder=$work/program-$1 agent method
    sources "$2"
    mkdir -p "$folder/src/bin"
    cp "$source/Cargo.lock" "$folder/"
    cat >"$folder/Cargo.toml" <<END
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
agents = { path = "$source" }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
END
    cat >"$folder/src/bin/small.rs" <<'END'
use agents::prelude::*;

#[agent]
#[derive(Default)]
struct Greeter;

#[agent]
impl Greeter {
    #[callable]
    fn hello(&self, name: String) -> String {
        format!("Hello, {name}")
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    Agents::new().register::<Greeter>().run().await
}
END
    {
        printf 'use agents::prelude::*;\n'
        for agent in $(seq 10); do
            cat <<END

#[wire]
#[derive(Clone, Default)]
struct Item$agent {
    id: u64,
    name: String,
    tags: Vec<String>,
    next: Option<Box<Item$agent>>,
}

#[wire]
#[derive(Clone)]
enum Change$agent {
    Added { item: Item$agent },
    Renamed { id: u64, name: String },
    Cleared,
}

#[wire]
#[derive(Clone, Default)]
struct State$agent {
    items: Vec<Item$agent>,
    count: u64,
}

#[agent(state = State$agent)]
#[derive(Default)]
struct Agent$agent;

#[agent]
impl Agent$agent {
END
            for method in $(seq 10); do
                cat <<END
    #[callable]
    fn find_$method(&self, cx: &View<Self>, id: u64, name: Option<String>) -> Result<Vec<Item$agent>> {
        let matches = |item: &Item$agent| item.id == id || name.as_ref() == Some(&item.name);
        Ok(cx.state()?.items.iter().filter(|item| matches(item)).cloned().collect())
    }

    #[callable]
    fn add_$method(&self, cx: &Context<Self>, item: Item$agent) -> Result<u64> {
        cx.update_state(|state| {
            state.items.push(item);
            state.count += 1;
            state.count
        })
    }

    #[callable]
    async fn apply_$method(&self, change: Change$agent, times: u32) -> Vec<Change$agent> {
        vec![change; times as usize]
    }

END
            done
            printf '}\n'
        done
        printf '\n#[tokio::main]\nasync fn main() -> Result<()> {\n    Agents::new()\n'
        for agent in $(seq 10); do printf '        .register::<Agent%s>()\n' "$agent"; done
        printf '        .run()\n        .await\n}\n'
    } >"$folder/src/bin/large.rs"
}

# compile SIDE NAME BINARY: builds a program; adds the CPU time and the time that passed.
compile() {
    local passed user system TIMEFORMAT='%R %U %S'
    touch "$work/program-$1/src/bin/$3.rs"
    {
        time CARGO_TARGET_DIR="$work/target-$1" cargo build --quiet \
            --manifest-path "$work/program-$1/Cargo.toml" --bin "$3" >"$work/cargo" 2>&1
    } 2>"$work/times" || {
        cat "$work/cargo" >&2
        exit 1
    }
    read -r passed user system <"$work/times"
    add "$2-cpu.$1" "$(awk -v a="$user" -v b="$system" 'BEGIN { print a + b }')"
    add "$2.$1" "$passed"
}

part_compile() {
    program base "$base"
    program head "$head"
    for side in base head; do
        say "$side: a small program with all its dependencies"
        compile $side cold small
        compile $side warm-up large
    done
    for _ in 1 2 3; do
        compile base large large
        compile head large large
    done
    table "debug builds"
    row "small program and all dependencies, once: CPU" cold-cpu s
    row "the same: time" cold s
    row "300 callables, the program alone: CPU" large-cpu s
    row "the same: time" large s
}

for part in "${parts[@]}"; do
    case $part in
        instructions | times | compile) ;;
        *) usage 2 >&2 ;;
    esac
done
if [[ " ${parts[*]} " == *" instructions "* || " ${parts[*]} " == *" times "* ]]; then build; fi
for part in "${parts[@]}"; do "part_$part"; done
