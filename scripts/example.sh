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
exec cargo run --locked --example "$example" -- "$@"
