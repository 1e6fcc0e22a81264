#!/usr/bin/env bash
# Runs the Autobahn test suite against the WebSockets of the server, and fails unless every case passes.
#
#   scripts/autobahn.sh               all cases
#   scripts/autobahn.sh '6.*' 7.7.1   the named ones
#
# The report is in target/autobahn/report. Cases about compression are left out: the server does not offer
# compression.
# The suite needs Python 2.7. PYTHON2 names the program; without it, python2.7 or one of pyenv is used.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
out="$CARGO_TARGET_DIR/autobahn"
mkdir -p "$out"

python() {
  local found
  for found in "${PYTHON2:-}" python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
    [ -n "$found" ] && "$found" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null || continue
    echo "$found"
    return
  done
  return 1
}

if ! python2=$(python); then
  if command -v pyenv >/dev/null; then
    say "Python 2.7 is missing: pyenv builds it"
    pyenv install --skip-existing 2.7.18
    python2=$(python)
  else
    say "the suite needs Python 2.7: name it in PYTHON2, or install pyenv"
    exit 1
  fi
fi
export PYTHONUSERBASE="$out/python"
wstest="$PYTHONUSERBASE/bin/wstest"
[ -x "$wstest" ] || "$python2" -m pip install --quiet --user --no-warn-script-location --disable-pip-version-check \
  autobahntestsuite==25.10.1

cargo build --quiet --locked -p agents-tests --bin conformance
data=$(mktemp -d)
"$CARGO_TARGET_DIR/debug/conformance" serve --addr 127.0.0.1:0 --data "$data/data" >"$data/out" 2>"$out/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 100); do
  addr=$(sed -n 's|^listening on http://||p' "$data/out")
  [ -z "$addr" ] || break
  kill -0 "$server"
  sleep 0.1
done

cases=("$@")
[ "$#" -gt 0 ] || cases=('*')
list=$(printf '"%s", ' "${cases[@]}")
cat >"$out/spec.json" <<SPEC
{
  "outdir": "$out/report",
  "servers": [{ "agent": "agents", "url": "ws://$addr/agents/echo/autobahn" }],
  "cases": [${list%, }],
  "exclude-cases": ["12.*", "13.*"],
  "exclude-agent-cases": {}
}
SPEC
rm -rf "$out/report"
"$wstest" --mode fuzzingclient --spec "$out/spec.json" >"$out/suite.log" 2>&1 || {
  tail -n 20 "$out/suite.log"
  exit 1
}
python3 - "$out/report/index.json" <<'REPORT'
import collections, json, sys

cases = json.load(open(sys.argv[1]))["agents"]
# INFORMATIONAL has no right answer. NON-STRICT is also correct: messages before a violation may be answered
# or not.
good = {"OK", "INFORMATIONAL", "NON-STRICT"}
bad = [(name, case) for name, case in cases.items() if {case["behavior"], case["behaviorClose"]} - good]
for name, case in bad:
    print(name, case["behavior"], "close:", case["behaviorClose"], case["remoteCloseCode"])
print(", ".join(f"{count} {kind}" for kind, count in collections.Counter(case["behavior"] for case in cases.values()).items()))
print(f"{len(cases)} cases, {len(bad)} failed")
sys.exit(bool(bad) or not cases)
REPORT
