#!/usr/bin/env bash
# Installs the requirements of an example, builds the example and its page, and starts it.
#
#   scripts/example.sh chat                     http://127.0.0.1:8787
#   scripts/example.sh chat --addr 0.0.0.0:80   options of the program
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

if [ "$#" = 0 ]; then
  say "which one? $(find examples -mindepth 2 -maxdepth 2 -name main.rs -printf '%h\n' | xargs -n 1 basename | sort | tr '\n' ' ')"
  exit 2
fi
example=$1
shift
need_rust
need_node
options=(--locked --example "$example")
# Signed tokens bring in some forty crates of cryptography, which only this example needs.
[ "$example" != dashboard ] || options+=(--features jwt)

if [ ! -d "${CARGO_TARGET_DIR:-target}/debug/build" ]; then
  say "building $example: the first build compiles some 160 crates, which takes a minute or two on two cores"
else
  say "building $example"
fi
started=$SECONDS
cargo build "${options[@]}"
say "built in $((SECONDS - started)) s, starting $example"
exec cargo run --quiet "${options[@]}" -- "$@"
