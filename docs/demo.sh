#!/usr/bin/env bash
# A tour of the command line, on a server that is empty. `cargo xtask demo` plays it and draws docs/images/cli.svg;
# by hand: URL=… EMAIL=… PASSWORD=… bash docs/demo.sh
set -euo pipefail

# Shows a command as it is typed, then runs it.
run() {
    printf '\n\e[1;32m$\e[0m %s\n' "$1"
    eval "$1"
}

mkdir -p photos/2026 && head -c 3000000 /dev/urandom > photos/2026/harbour.jpg && head -c 900000 /dev/urandom > photos/sky.jpg
echo "First words" > plan.md

run "bitvault login $URL --email $EMAIL --password-stdin <<< \"\$PASSWORD\""
run 'bitvault mkdir /projects && bitvault put -r photos /projects/ && bitvault put plan.md /projects/'
run 'bitvault tree /projects'
echo "First words, then more" > plan.md
run 'bitvault put plan.md /projects/ && bitvault versions /projects/plan.md'
run 'bitvault metadata /projects/plan.md --tag draft --set client="Ada & Co"'
run 'bitvault cp -r /projects/photos /pictures && bitvault ls -l --sort modified /'
run 'bitvault search harbor'
run 'bitvault link create /pictures --expires 7d --max-downloads 10'
run 'bitvault rm /projects/plan.md && bitvault trash'
run 'bitvault restore /projects/plan.md && bitvault usage'
run 'bitvault ls --json /projects | head -c 160'
