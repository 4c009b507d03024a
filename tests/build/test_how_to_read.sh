#!/bin/sh
# results/how_to_read_the_numbers.md: every query runs on a database, has the columns that are quoted, and, where the
# tables it asks are published, gives what is quoted to the byte; every column of the main views is explained there.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
page=results/how_to_read_the_numbers.md

# Each query with the answer below it, as the files N.sql and N.txt.
take_apart() {
    awk -v folder="$scratch" '
        /^```sql$/                  { inside = "sql"; name = folder "/" ++n; next }
        /^```$/ && inside == "sql"  { inside = "between"; next }
        /^```$/ && inside == "between" { inside = "txt"; next }
        /^```/                      { inside = ""; next }
        inside == "sql" || inside == "txt" { print >(name "." inside) }' "$page"
    test "$(find "$scratch" -name '*.sql' | wc -l)" -ge 10
    for query in "$scratch"/*.sql; do test -s "${query%.sql}.txt" || { cat "$query" && return 1; }; done
}

database() {
    cat results/tables.sql results/views.sql tests/plots/fixture.sql | sqlite3 "$scratch/f.db" >/dev/null
}

# The published tables, under the names of their views. A field that is empty there is NULL again: '' would read as 0.
published() {
    sqlite3 -cmd '.mode csv' -cmd '.import results/published/accuracy_vs_budget.csv accuracy_vs_budget' \
        -cmd '.import results/published/claims.csv claim' \
        -cmd '.import results/published/granularity_heads_needed.csv heads_needed' \
        -cmd '.import results/published/methods.csv methods_by_arm' \
        -cmd '.import results/published/latency_vs_flops.csv latency_vs_flops' -cmd '.mode list' "$scratch/p.db" "
        SELECT printf('UPDATE %s SET %s = NULL WHERE %s = %Q;', t.name, c.name, c.name, '')
        FROM sqlite_schema AS t, pragma_table_info(t.name) AS c" >"$scratch/nulls"
    test -s "$scratch/nulls"
    sqlite3 -bail "$scratch/p.db" <"$scratch/nulls"
}

every_query_of_a_published_table_gives_the_quoted_answer() {
    take_apart
    published
    n=0
    for query in "$scratch"/*.sql; do
        grep -qE 'FROM (accuracy_vs_budget|claim|heads_needed|methods_by_arm|latency_vs_flops) ' "$query" || continue
        sqlite3 -cmd '.mode column' -cmd '.headers on' -cmd '.width 0' "$scratch/p.db" <"$query" | sed 's/ *$//' |
            diff "${query%.sql}.txt" -
        n=$((n + 1))
    done
    test $n -eq 6
}

# What the machine decides has the same columns, at least.
every_query_has_the_quoted_columns() {
    take_apart
    database
    for query in "$scratch"/*.sql; do
        { echo 'CREATE TEMP VIEW asked AS' && cat "$query" && echo "SELECT name FROM pragma_table_info('asked');"; } |
            sqlite3 -bail "$scratch/f.db" >"$scratch/columns"
        sed -n 1p "${query%.sql}.txt" | tr -s ' ' '\n' | diff - "$scratch/columns"
    done
}

# The main views are those of the report for browsers; ..._ci95_low and ..._ci95_high are one rule.
every_column_of_the_main_views_is_explained() {
    database
    grep -o '{"[a-z_]*",' harness/report/views.c | tr -d '{",' >"$scratch/views"
    test "$(wc -l <"$scratch/views")" -ge 30
    while read -r view; do echo "SELECT name FROM pragma_table_info('$view');"; done <"$scratch/views" |
        sqlite3 "$scratch/f.db" | sed 's/\(.\)_ci95_\(low\|high\)$/\1.../' | sort -u >"$scratch/columns"
    # shellcheck disable=SC2016 # backquotes of Markdown
    sed -n '/^## The columns/,$p' "$page" | grep -o '`[^`]*`' | tr -d '`' | sort -u >"$scratch/explained"
    grep -v '\.\.\.$' "$scratch/columns" | comm -23 - "$scratch/explained" >"$scratch/missing"
    test ! -s "$scratch/missing" || { cat "$scratch/missing" && return 1; }
}

behaviours every_query_of_a_published_table_gives_the_quoted_answer every_query_has_the_quoted_columns \
    every_column_of_the_main_views_is_explained
