#!/bin/sh
# Merging under limits: in less memory than the source has bytes, and killed in the middle. A merge has 100 MB
# beside what the program needs to start (blas_start.c), of which 128 MB may be free, too.
# shellcheck disable=SC2317,SC3045 # behaviours are called by name; dash has these limits
. tests/build/tap.sh
scratch=${scratch:?}

# The more bytes a prediction has, the fewer of them make a large file.
database() { # file predictions arm [bytes]
    { echo 'PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;'
      cat results/tables.sql
      echo "INSERT INTO workload VALUES (1, 'w', 's', 'g', NULL, 2, 'f');
          INSERT INTO trial (id, kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, status,
              planned_at) VALUES (1, 'train', 'key of $3', 1, '$3', 'fixed', 8, 1, 8, 1, '{}', 'ok', 't');
          INSERT INTO evaluation (id, trial_id, weights, split, control, n_inputs, layers, heads, accuracy,
              executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops, flops_by_component)
              VALUES (1, 1, 'best', 'test', 'none', $2, 1, 8, 0.5, 1, 1, 1, 1, 1, '{}');
          WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2)
          INSERT INTO prediction SELECT 1, i, i % 2, i % 3 = 0, NULL, 10, 8, '[\"' || hex(zeroblob(${4:-65})) || '\"]', 0.5, 0.5, 0.5
              FROM n"; } | sqlite3 "$1" >"$scratch/said"
}

sum() { # database
    sqlite3 "$1" 'SELECT count(*), sum(input), sum(label), sum(predicted) FROM prediction;
        SELECT count(*), group_concat(arm) FROM trial'
}

memory_does_not_grow_with_what_is_merged() {
    not_with_address_sanitizer 'takes more memory'
    least=$( (ulimit -v 200000; ./headroom --version 2>&1) | sed -n 's/.*the least is //p')
    database "$scratch/big.db" 70000 large 1400
    test "$(wc -c <"$scratch/big.db")" -gt 190000000
    for again in 1 0; do # copied, and then compared
        (ulimit -t 300; ulimit -v $((least + 100000)); ./headroom merge "$scratch/out.db" "$scratch/big.db") >"$scratch/said"
        grep ": $again new result" "$scratch/said"
    done
    test "$(sum "$scratch/out.db")" = "$(sum "$scratch/big.db")"
}

# A signal that comes when the file is to grow beyond a size comes always in the middle.
a_merge_that_is_killed_leaves_the_database_as_it_was() {
    database "$scratch/out.db" 10 small
    database "$scratch/big.db" 50000 large
    sum "$scratch/out.db" >"$scratch/before"
    status=0
    (ulimit -f 4000; ./headroom merge "$scratch/out.db" "$scratch/big.db") || status=$?
    test $status -gt 128
    test -s "$scratch/out.db-journal"
    ./headroom list trials --db "$scratch/out.db" >"$scratch/said" 2>&1
    test "$(grep -c killed "$scratch/said")" = 0
    sum "$scratch/out.db" | diff "$scratch/before" -
    ./headroom merge "$scratch/out.db" "$scratch/big.db" >"$scratch/said"
    test "$(sqlite3 "$scratch/out.db" 'SELECT count(*) FROM prediction')" = 50010
}

behaviours memory_does_not_grow_with_what_is_merged a_merge_that_is_killed_leaves_the_database_as_it_was
