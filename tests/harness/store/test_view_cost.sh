#!/bin/sh
# Views and ready questions stay usable as results grow: twice the workloads may take about twice the
# work, never four times. Work is counted in steps of SQLite's virtual machine, which depend on neither
# the machine nor its load.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

# Built once: behaviours start with an empty $scratch.
databases=$(mktemp -d)
trap 'rm -rf "$scratch" "$databases"' EXIT
for n in 4 8; do
    { cat results/tables.sql results/views.sql
      echo "CREATE TEMP TABLE size AS SELECT $n AS n;"
      cat tests/harness/store/many.sql; } | sqlite3 "$databases/$n.db"
done

# Every view is asked once of either, in one process, because planning takes longer than most answers.
sqlite3 "$databases/4.db" "SELECT name FROM sqlite_schema WHERE type = 'view'" >"$databases/views"
for n in 4 8; do
    { echo '.stats vmstep'
      sed 's/.*/.print view &\nSELECT * FROM &;/' "$databases/views"; } | sqlite3 -readonly "$databases/$n.db" |
        awk '/^view / { name = $2; rows = 0; next } !/^VM-steps: / { rows++; next } name { print name, $2, rows; name = "" }' \
            >"$databases/$n.views"
done

steps() { # workloads, with the SQL on stdin
    { echo '.stats vmstep'; cat; } | sqlite3 -readonly "$databases/$1.db" |
        awk '/^VM-steps: / { sum += $2 } END { print sum + 0 }'
}

# A part of the work that grows with the square may be an eighth of it here: then it is a quarter at ten workloads.
expect_twice() { # name steps-of-4 steps-of-8
    awk -v name="$1" -v few="$2" -v many="$3" 'BEGIN {
        if (few >= 100 && many < 2.24 * few) exit
        printf "%s: %d steps for 4 workloads, %d for 8\n", name, few, many; exit 1 }'
}

every_view_has_rows_to_be_measured_by() {
    cut -d ' ' -f 1 "$databases/4.views" | diff "$databases/views" -
    if grep ' 0$' "$databases/4.views"; then return 1; fi
}

every_view_takes_twice_the_work_for_twice_the_workloads() {
    paste -d ' ' "$databases/4.views" "$databases/8.views" | grep -v '^t_quantile \|^timing_environment ' >"$scratch/both"
    test "$(wc -l <"$scratch/both")" -gt 20
    while read -r view few _ again many _; do
        test "$view" = "$again"
        expect_twice "$view" "$few" "$many"
    done <"$scratch/both"
}

every_ready_question_takes_twice_the_work_for_twice_the_workloads() {
    for query in results/queries/*.sql; do
        [ "$query" != results/queries/gate.sql ] || continue # asks for two workloads by name
        few=$(steps 4 <"$query")
        expect_twice "$query" "$few" "$(steps 8 <"$query")"
    done
}

behaviours every_view_has_rows_to_be_measured_by every_view_takes_twice_the_work_for_twice_the_workloads \
    every_ready_question_takes_twice_the_work_for_twice_the_workloads
