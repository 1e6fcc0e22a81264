# Functions that the scripts share. The scripts read this file; it is not run by itself.

say() { printf '==> %s\n' "$*"; }

# Runs its arguments as root, or reports that this is not possible.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 90
  fi
}

install() {
  command -v apt-get >/dev/null || return 90
  as_root true || return 90
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need PROGRAM PACKAGE...: installs the packages if the program is missing.
need() {
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  say "$program is missing: installing $*"
  install "$@" || {
    say "$program is needed; install the packages $* and start again"
    return 1
  }
}

need_rust() {
  need cargo cargo
  need cc gcc libc6-dev
}

need_node() {
  need node nodejs npm
  need npm npm
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || {
    say "Node.js $(node --version) is too old: 20 or newer is needed"
    return 1
  }
}
