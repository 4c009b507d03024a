#!/bin/sh
# Figures of more workloads than anybody looks at: the first are drawn, every picture and a line on stderr say
# so, and whoever chooses others gets these, with the numbers that they have among all.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

# Drawn once for several behaviours.
drawn=$(mktemp -d)
trap 'rm -rf "$scratch" "$drawn"' EXIT
{ echo 'BEGIN;'
  cat results/tables.sql results/views.sql
  echo 'CREATE TEMP TABLE size AS SELECT 62 AS n;'
  cat tests/harness/store/many.sql
  echo 'COMMIT;'; } | sqlite3 "$drawn/r.db"

draw() { # folder [argument...]
    out=$1
    shift
    ./headroom plot --db "$drawn/r.db" --out "$drawn/$out" --format svg "$@" >"$drawn/$out.said" 2>"$drawn/$out.notes"
}
draw first accuracy_vs_budget cards overview training
# Of these the numbers and captions are looked at, as gnuplot gets them; 60 pages need not be drawn for that.
some='accuracy_vs_budget budget_by_layer energy memory methods roofline'
mkdir "$drawn/bin"
# shellcheck disable=SC2016 # its own
fake_program "$drawn/bin/gnuplot" 'test "$1" = --version || : >"$7"'
PATH=$drawn/bin:$PATH
# shellcheck disable=SC2086 # words
draw all $some --filter .
# shellcheck disable=SC2086 # words
draw one $some --workload w8

of_62_workloads_60_are_drawn_and_every_page_says_so() {
    printf '%s\n' 'accuracy_vs_budget: drawn, 10 pages' \
        'cards: not drawn: no card here: ./headroom card FILE makes one (among the workloads that are drawn)' \
        'overview: drawn, 3 pages' 'training: drawn, 20 pages' |
        cmp - "$drawn/first.said"
    echo 'Of 62 workloads the first 60 by name are drawn: --workload NAME draws another, --filter REGEX all that it finds.' |
        cmp - "$drawn/first.notes"
    test "$(grep -lE 'Of 62 workloads the first 60 by name' "$drawn/first"/*.svg | wc -l)" -eq 33
    test "$(grep -v '^#' "$drawn/first/data/overview.dat" | cut -f 6 | sort -u | grep -c .)" -eq 60
}

whoever_chooses_gets_as_many_as_that_is() {
    grep -qx 'accuracy_vs_budget: drawn, 11 pages' "$drawn/all.said"
    cat "$drawn/all.notes" "$drawn/one.notes" | cmp - /dev/null
    cat "$drawn/first"/data/*.gnuplot | grep -q 'workloads the first'
    test "$(cat "$drawn/all"/data/*.gnuplot "$drawn/one"/data/*.gnuplot | grep -c 'workloads the first')" -eq 0
    draw last accuracy_vs_budget --filter 'w8(\.cuda)?/budget \(static\)' # a control, which other figures show
    grep -qx 'accuracy_vs_budget: not drawn: nothing of it was chosen' "$drawn/last.said"
}

# The rows of a workload, less the last columns, which are of the whole figure in some.
rows() { # file
    grep -v '^#' "$1" | grep "$(printf '\tw8\t')" | cut -f 1-6
}

a_workload_has_the_numbers_that_it_has_among_all() {
    for figure in $some; do
        rows "$drawn/all/data/$figure.dat" >"$scratch/all"
        test -s "$scratch/all"
        rows "$drawn/one/data/$figure.dat" | cmp - "$scratch/all" || { echo "$figure" && return 1; }
    done
}

behaviours of_62_workloads_60_are_drawn_and_every_page_says_so whoever_chooses_gets_as_many_as_that_is \
    a_workload_has_the_numbers_that_it_has_among_all
