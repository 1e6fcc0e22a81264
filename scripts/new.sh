#!/usr/bin/env bash
# Makes a new program from a template, as `cargo generate` does.
#
#   scripts/new.sh ../my-app            a program with a page in one file: templates/app
#   scripts/new.sh ../my-app --react    the same list with a page in React and TypeScript: templates/app-react
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  printf '%s\n' "$*" >&2
  exit 2
}

folder=${1:-}
template=app
case "${2:-}" in
  "") ;;
  --react) template=app-react ;;
  *) fail "there is no option $2; the only one is --react" ;;
esac
[ -n "$folder" ] || fail "where to? scripts/new.sh ../my-app [--react]"
[ ! -e "$folder" ] || fail "$folder is there already"
name=$(basename "$folder")
[[ $name =~ ^[a-z][a-z0-9_-]*$ ]] || fail "the name $name is not a name for a package: use small letters, digits, - and _"

mkdir -p "$(dirname "$folder")"
cp -R "$root/templates/$template" "$folder"
rm -rf "$folder/cargo-generate.toml" "$folder/target" "$folder/data" "$folder/web/node_modules" "$folder/web/dist" "$folder/web/src/agents"
find "$folder" -type f -print0 | while IFS= read -r -d '' file; do
  text=$(cat "$file" && printf x)
  text=${text%x}
  text=${text//'{{project-name}}'/$name}
  printf '%s' "${text//'{{agents}}'/$root}" >"$file"
done
printf 'made %s from the template %s\n\n  cd %s && cargo run\n' "$folder" "$template" "$folder"
