#!/bin/sh
# What was found on all workloads at once, and how the page stays short where there are many. Nothing is drawn, as that
# takes long: the report says so and fails, and the page is there.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

database() { # sql-file...: r.db, and its page a.html
    cat results/tables.sql results/views.sql "$@" | sqlite3 -bail "$scratch/r.db" >"$scratch/sqlite.log"
    only_programs "$scratch/bin" sh
    if PATH=$scratch/bin "$root/headroom" report --db "$scratch/r.db" --html "$scratch/a.html" 2>"$scratch/said"; then return 1; fi
}

# How often, first of all: as often as the findings say so, each of which is a line.
an_overview_counts_what_the_findings_say() {
    database tests/plots/fixture.sql
    sed -n '/<section id="findings">/,/<\/section>/p' "$scratch/a.html" >"$scratch/lines"
    count() { grep -c "^<li>All heads ([^)]*) are $1" "$scratch/lines" || true; }
    n() { grep -c "^<li>All heads .* $1 ([^)]*)" "$scratch/lines"; }
    added=$(count '[0-9.]* points better than the best model without attention')
    grep -q "Attention is shown to add accuracy on $added of $(n 'the best model without attention') workloads\\." "$scratch/lines"
    grep -q "better than one head trained alone on $(count '[0-9.]* points better than one head') of $(n 'one head trained alone')\\." \
        "$scratch/lines"
    grep -q 'as good as all of them on [0-9] of [0-9] (trained with fewer)' "$scratch/lines"
    test "$added" -gt 0
    grep -q '<caption>By workload: differences in points of test accuracy, with 95% intervals</caption>' "$scratch/lines"
    # A row for each workload that has findings, and these below, open.
    test "$(grep -c '<tr><td>' "$scratch/lines")" -eq 3
    test "$(grep -c '<details class="folded" open><summary><h3>' "$scratch/lines")" -eq 3
    grep -q '<tr><td>offsets<td>+[0-9.]* ([-+0-9.]* to [-+0-9.]*)<td>+[0-9.]* ([-+0-9.]* to [-+0-9.]*)<td>trained with fewer: ' \
        "$scratch/lines"
}

findings_of_many_workloads_are_closed_and_so_are_long_lists_of_doubts() {
    echo 'CREATE TEMP TABLE wanted AS SELECT 2 AS workloads, 3 AS seeds;' >"$scratch/wanted.sql"
    echo "INSERT INTO warning (trial_id, at, text) SELECT id, '2000-01-01T00:00:00Z', 'warned ' || id FROM trial
        WHERE kind = 'profile' LIMIT 13;" >"$scratch/warned.sql"
    database tests/plots/fixture.sql "$scratch/wanted.sql" tests/plots/many.sql "$scratch/warned.sql"
    grep -q '<details class="folded"><summary><h3>made-up-02</h3> <span class="count">[0-9]* findings' "$scratch/a.html"
    grep -q '<details class="folded"><summary><h3>warnings: [^<]*</h3> <span class="count">1[0-9] lines' "$scratch/a.html"
    if grep -q '<details class="folded" open' "$scratch/a.html"; then return 1; fi
}

one_workload_alone_needs_no_overview() {
    echo "PRAGMA foreign_keys = OFF; DELETE FROM trial WHERE workload_id NOT IN (SELECT id FROM workload WHERE name = 'offsets')" >"$scratch/one.sql"
    database tests/plots/fixture.sql "$scratch/one.sql"
    grep -q '<li>All heads (fixed-8) are' "$scratch/a.html"
    if grep 'Attention is shown to add\|Findings by workload' "$scratch/a.html"; then return 1; fi
}

# Neither an arm without attention nor one of one head: no difference, which is not one of 0; and of two arms of one
# head the first is told, as one workload.
an_overview_says_nothing_of_what_was_not_measured() {
    echo "UPDATE trial SET current = 0 WHERE policy IN ('none', 'bag-of-words')
            AND workload_id = (SELECT id FROM workload WHERE name = 'mixed');
        UPDATE trial SET current = 0 WHERE arm = 'fixed-1'
            AND workload_id = (SELECT id FROM workload WHERE name = 'topic');
        UPDATE evaluation SET mean_heads = 1.0 WHERE trial_id IN (SELECT t.id FROM trial t
            JOIN workload w ON w.id = t.workload_id WHERE w.name = 'offsets' AND t.arm = 'fixed-2')" >"$scratch/less.sql"
    database tests/plots/fixture.sql "$scratch/less.sql"
    sed -n '/<section id="findings">/,/<\/section>/p' "$scratch/a.html" >"$scratch/lines"
    grep '^<tr><td>' "$scratch/lines"
    grep -q '^<tr><td>mixed<td>-<td>' "$scratch/lines"
    grep -q '^<tr><td>topic<td>[^<]*[0-9][^<]*<td>-<td>' "$scratch/lines"
    grep -Eq 'one head trained alone on [0-9] of 2\.' "$scratch/lines"
    if grep "^<tr>.*one seed" "$scratch/lines"; then return 1; fi
}

behaviours an_overview_counts_what_the_findings_say an_overview_says_nothing_of_what_was_not_measured findings_of_many_workloads_are_closed_and_so_are_long_lists_of_doubts \
    one_workload_alone_needs_no_overview
