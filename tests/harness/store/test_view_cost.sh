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
for n in 10 20; do
    { cat results/tables.sql results/views.sql
      echo "CREATE TEMP TABLE size AS SELECT $n AS n;"
      cat tests/harness/store/many.sql; } | sqlite3 "$databases/$n.db"
done

steps() { # workloads, with the SQL on stdin
    { echo '.stats vmstep'; cat; } | sqlite3 -readonly "$databases/$1.db" |
        awk '/^VM-steps: / { sum += $2 } END { print sum + 0 }'
}

expect_twice() { # name steps-of-10 steps-of-20
    awk -v name="$1" -v few="$2" -v many="$3" 'BEGIN {
        if (few >= 100 && many < 2.5 * few) exit
        printf "%s: %d steps for 10 workloads, %d for 20\n", name, few, many; exit 1 }'
}

every_view_has_rows_to_be_measured_by() {
    for view in $(sqlite3 "$databases/10.db" "SELECT name FROM sqlite_schema WHERE type = 'view'"); do
        test "$(sqlite3 "$databases/10.db" "SELECT count(*) FROM $view")" -ge 1 || { echo "$view" && return 1; }
    done
}

every_view_takes_twice_the_work_for_twice_the_workloads() {
    for view in $(sqlite3 "$databases/10.db" "SELECT name FROM sqlite_schema
            WHERE type = 'view' AND name NOT IN ('t_quantile', 'timing_environment')"); do
        few=$(echo "SELECT * FROM $view;" | steps 10)
        expect_twice "$view" "$few" "$(echo "SELECT * FROM $view;" | steps 20)"
    done
}

every_ready_question_takes_twice_the_work_for_twice_the_workloads() {
    for query in results/queries/*.sql; do
        [ "$query" != results/queries/gate.sql ] || continue # asks for two workloads by name
        few=$(steps 10 <"$query")
        expect_twice "$query" "$few" "$(steps 20 <"$query")"
    done
}

behaviours every_view_has_rows_to_be_measured_by every_view_takes_twice_the_work_for_twice_the_workloads \
    every_ready_question_takes_twice_the_work_for_twice_the_workloads
