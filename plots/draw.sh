#!/bin/sh
# Draws every figure, or those that are named, as SVG and PNG, from a results database alone:
#
#   plots/draw.sh results/results.db results/figures
#   plots/draw.sh results/results.db results/figures counters
#
# Each plots/*.gp is one figure. It finds database, output file and format in the environment, so
# that a path may hold any character. A figure appears under its name only when it is complete.
set -eu
[ $# -ge 2 ] || { echo 'usage: plots/draw.sh DATABASE FOLDER [FIGURE...]' >&2; exit 2; }
[ -f "$1" ] || { echo "plots/draw.sh: no database '$1': run make sweep first" >&2; exit 1; }
mkdir -p "$2"
db=$(realpath "$1")
folder=$(realpath "$2")
shift 2
cd "$(dirname "$0")/.."
sqlite3 -readonly "$db" 'SELECT count(*) FROM trial_status' >/dev/null ||
    { echo "plots/draw.sh: '$db' is not a results database" >&2; exit 1; }

[ $# -gt 0 ] || set -- plots/*.gp
export db out format
for name; do
    name=$(basename "$name" .gp)
    figure=plots/$name.gp
    [ -f "$figure" ] || { echo "plots/draw.sh: no figure '$name': there is no $figure" >&2; exit 1; }
    for format in svg png; do
        out=$folder/.$name.$format
        talk=$(gnuplot "$figure" 2>&1) || status=$? && status=${status:-0}
        # gnuplot goes on after most of what it complains about: silence is the sign of success.
        if [ "$status" -ne 0 ] || [ -n "$talk" ]; then
            rm -f "$out"
            printf 'plots/draw.sh: %s failed:\n%s\n' "$figure" "$talk" >&2
            exit 1
        fi
        mv "$out" "$folder/$name.$format"
    done
done
