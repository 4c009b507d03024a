#!/bin/sh
# Devices and precisions are never averaged, paired or compared with each other: profiles on a card that
# come beside those of the CPU change no row of any view but by adding their own.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

# Profiles of the same checkpoints on a card, whose every number is another: TEST DATA as in many.sql. In
# bfloat16 also of those that a card trained.
on_card() { # precision
    cat <<SQL
CREATE TEMP TABLE copy AS SELECT id, 10000 * (1 + ('$1' = 'bf16')) + id AS new FROM trial
    WHERE kind <> 'train' AND (device = 'cpu' OR ('$1' = 'bf16' AND id < 10000));
CREATE TEMP TABLE part AS SELECT p.id, 10000 * (1 + ('$1' = 'bf16')) + p.id AS new, p.trial_id
    FROM profile p JOIN copy ON copy.id = p.trial_id;
INSERT INTO trial (id, kind, key, base_trial_id, workload_id, arm, policy, base_heads, layers, dim, seed, config,
                   status, planned_at, environment_id, device, precision)
SELECT new, kind, key || '$1', base_trial_id, workload_id, arm, policy, 8, 2, 64, seed, '{}', 'ok', '', 2,
       'cuda', '$1'
FROM trial JOIN copy USING (id);
INSERT INTO warning (trial_id, text, at) SELECT new, 'doubtful', '' FROM copy WHERE new % 7 = 0;
INSERT INTO profile (id, trial_id, batch_size, warmup_passes, inputs_per_sample, mean_heads,
                     executed_flops_per_input, marks_per_pass, mark_ns)
SELECT r.new, c.new, p.batch_size, 0, p.inputs_per_sample, 7, 7700, 5, 7
FROM profile p JOIN part r USING (id) JOIN copy c ON c.id = r.trial_id;
INSERT INTO profile_block SELECT new, block, started_s, 0.1, 9 FROM profile_block JOIN part ON id = profile_id;
INSERT INTO profile_sample SELECT new, sample, latency_ns / 7, block, 7700, 900 FROM profile_sample JOIN part
    ON id = profile_id;
INSERT INTO phase SELECT new, phase, 7, 0.7, 77, 3 FROM phase JOIN part ON id = profile_id;
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
SELECT new, role, 'made up', 7, 'counted', '', 'thread', 1 FROM counter JOIN part ON id = profile_id;
INSERT INTO energy SELECT new, domain, 7, 7, 0.7, 0.7, 7, 0.7, '' FROM energy JOIN part ON id = profile_id;
INSERT INTO memory SELECT new, 'arena 0', 7, '', 7, 7 FROM copy;
DROP TABLE temp.copy;
DROP TABLE temp.part;
SQL
}

# Two workloads, made once: what every view says before the card's come stands in tables of before.db, and what it
# says then in those of after.db.
made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
{
    echo 'BEGIN;'
    cat results/tables.sql results/views.sql
    echo "CREATE TEMP TABLE size AS SELECT 2 AS n;"
    cat tests/harness/store/many.sql
    echo "INSERT INTO memory SELECT id, 'arena 0', 4096, '', 4096, 0 FROM trial WHERE kind <> 'train';"
    echo 'COMMIT;'
} | sqlite3 "$made/r.db"

answers_of_every_view() { # database
    { echo "ATTACH '$1' AS answers;"
      sqlite3 "$made/r.db" "SELECT printf('CREATE TABLE answers.%s AS SELECT * FROM main.%s;', name, name)
          FROM sqlite_schema WHERE type = 'view'"; } | sqlite3 "$made/r.db"
}

answers_of_every_view "$made/before.db"
{
    echo "INSERT INTO environment (id, hash, host, machine, json, seen_at) VALUES (2, 'card', 'test', 'TEST DATA',
              json_object('card', 'TEST CARD', 'card_driver', '1', 'cuda', '13.0'), '');
          INSERT INTO ceiling VALUES (2, 1e12, 2e11, '');"
    on_card fp32
    on_card bf16
} | sqlite3 "$made/r.db"
answers_of_every_view "$made/after.db"

both_devices() { cp "$made/r.db" "$scratch"; }

ask() { sqlite3 "$scratch/r.db" "$1"; }

# Each with a count that has to be 0, of a query that names the view as %s.
no_view_has() { # query views...
    query=$1
    shift
    test $# -gt 20
    { echo "ATTACH '$made/after.db' AS after;"
      for view; do echo "SELECT '$view' WHERE ($(echo "$query" | sed "s/%s/$view/g")) <> 0;"; done; } |
        sqlite3 "$made/before.db" >"$scratch/wrong"
    test ! -s "$scratch/wrong" || { cat "$scratch/wrong" && return 1; }
}

no_row_of_the_cpu_changes() {
    # Those that count or list all that there is.
    # shellcheck disable=SC2046 # a list
    no_view_has 'SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM after.%s)' \
        $(sqlite3 "$made/before.db" "SELECT name FROM sqlite_schema WHERE name NOT IN ('workload_status', 'machine_by_kind')")
}

no_row_of_the_cpu_is_added() {
    # shellcheck disable=SC2046 # a list
    no_view_has "SELECT (SELECT count(*) FROM after.%s WHERE device = 'cpu')
        - (SELECT count(*) FROM main.%s WHERE device = 'cpu')" \
        $(sqlite3 "$made/before.db" "SELECT v.name FROM sqlite_schema v JOIN pragma_table_info(v.name) c
            ON c.name = 'device'")
}

a_card_has_rows_of_its_own() {
    both_devices
    for view in latency_by_seed latency_note latency_vs_flops latency_quantiles noise_floor timing_noise \
        phase_by_budget phase_cost roofline_by_phase energy_by_batch counter_by_batch counter_vs_budget \
        counter_rates instructions_vs_flops saving_by_seed saving_by_batch; do
        echo "SELECT device || ' in $view' FROM (SELECT 'cuda' AS device UNION SELECT 'cuda-bf16') d
            WHERE NOT EXISTS (SELECT 1 FROM $view v WHERE v.device = d.device);"
    done | sqlite3 "$made/after.db" >"$scratch/lacking"
    test ! -s "$scratch/lacking" || { cat "$scratch/lacking" && return 1; }
    # Its times relative to its own, and never in place of those of what trained the model.
    test "$(ask "SELECT count(*) FROM latency_vs_flops WHERE device <> 'cpu' AND arm = 'fixed-8'
        AND time_ratio <> 1")" -eq 0
    test "$(ask "SELECT group_concat(DISTINCT measure) FROM measure_by_arm
        WHERE measure GLOB 'latency*batch_1' ORDER BY 1")" = \
        latency_ns_batch_1,latency_ns_cuda_batch_1,latency_ns_cuda_bf16_batch_1
    test "$(ask "SELECT count(*) FROM profile_pair a JOIN profile p ON p.id = a.first JOIN trial t ON t.id = p.trial_id
        JOIN profile q ON q.id = a.second JOIN trial u ON u.id = q.trial_id
        WHERE t.device <> u.device OR t.precision <> u.precision")" -eq 0
    # Of another card there is no ratio.
    ratios="SELECT count(*) FROM latency_vs_flops WHERE device <> 'cpu' AND workload = 'w0' AND arm = 'words'
        AND time_ratio IS NOT NULL"
    ask "DELETE FROM warning"
    test "$(ask "$ratios")" -ge 1
    ask "INSERT INTO environment (id, hash, host, machine, json, seen_at) SELECT 3, 'other', host, machine,
             json_set(json, '$.card', 'ANOTHER CARD'), '' FROM environment WHERE id = 2;
         UPDATE trial SET environment_id = 3 WHERE id > 10000 AND arm = 'words'"
    test "$(ask "$ratios")" -eq 0
    # The ceiling is that of a core.
    test "$(ask "SELECT count(*) FROM roofline_by_phase WHERE device <> 'cpu' AND roof_flops_per_second
        IS NOT NULL")" -eq 0
}

# What figures say below: the card first, which is in a machine that may have run trials without it.
a_figure_s_machine_is_the_one_with_the_card() {
    both_devices
    machine() { sqlite3 "$scratch/r.db" <plots/page.sql | cut -d '|' -f 1; }
    ask "UPDATE environment SET machine = 'CPU, 2 cores'; DELETE FROM trial WHERE environment_id IS NULL"
    ask "UPDATE environment SET machine = 'TEST CARD in CPU, 2 cores' WHERE json_extract(json, '$.card') IS NOT NULL"
    test "$(ask "SELECT group_concat(DISTINCT card) FROM machine_by_kind")" = 'TEST CARD'
    test "$(machine)" = 'TEST CARD in CPU, 2 cores'
    ask "UPDATE environment SET machine = 'another one' WHERE id = 1"
    test "$(machine)" = 'TEST CARD in CPU, 2 cores and 1 more'
    ask "UPDATE trial SET environment_id = 1"
    test "$(machine)" = 'another one'
}

the_same_sweep_stands_side_by_side() {
    both_devices
    test "$(ask "SELECT count(*) FROM accuracy_by_device WHERE cpu_workload = 'w0' AND workload = 'w0.cuda'")" -eq 8
    ask "UPDATE evaluation SET accuracy = 0.5 + (SELECT seed FROM trial WHERE id = trial_id) / 20.0
             + (SELECT 0.01 * (device = 'cuda') + 0.01 * (device = 'cuda' AND seed = 2) FROM trial WHERE id = trial_id)"
    # 1, 1 and 2 points: a mean of 4/3, a standard deviation of 1 / sqrt(3).
    ask "SELECT round(difference_points, 6), round(ci95_high_points - difference_points, 4), n_seeds
         FROM accuracy_by_device WHERE arm = 'budget'" | grep -qxF '1.333333|1.4342|3'
    sqlite3 "$scratch/r.db" ".read results/queries/devices.sql" | grep -q '^w0.cuda  *budget  *3  *55.0 ± 12.4'
    # Of other data there is no difference, and of one seed no interval.
    ask "UPDATE trial SET data_sha256 = 'other' WHERE device = 'cuda' AND seed = 1"
    test "$(ask "SELECT n_seeds FROM accuracy_by_device WHERE arm = 'budget'")" -eq 2
    ask "UPDATE trial SET data_sha256 = 'other' WHERE device = 'cuda' AND seed = 2"
    ask "SELECT round(difference_points, 6), ci95_high_points, n_seeds FROM accuracy_by_device
         WHERE arm = 'budget'" | grep -qxF '1.0||1'
}

a_report_says_which_device_its_noise_is_of() {
    both_devices
    COLUMNS=1000 ./headroom report --verbose --db "$scratch/r.db" | sed -n 's/^w0: \(.*\)/\1/p' >"$scratch/said"
    for device in '' ' on cuda' ' on cuda-bf16'; do
        grep -q "^fixed-8 profiled twice$device differs by" "$scratch/said" || { cat "$scratch/said" && return 1; }
        # One line a device: what a marker costs on a card is another thing.
        test "$(grep -c "^phase markers make a pass$device [0-9]" "$scratch/said")" -eq 1 ||
            { cat "$scratch/said" && return 1; }
    done
    grep -q '^NOISY MACHINE on cuda: 9.0 other threads' "$scratch/said" || { cat "$scratch/said" && return 1; }
}

# What `headroom compare` says of the times of two arms.
times_of() { ./headroom compare "$1" "$2" --db "$scratch/r.db" | grep latency; }

times_that_are_compared_are_of_what_trained() {
    both_devices
    ask "DELETE FROM warning"
    times_of w0/words w0/budget >"$scratch/with"
    test "$(grep -c 'latency_batch_[0-9]' "$scratch/with")" -ge 2
    ask "UPDATE trial SET current = 0 WHERE kind <> 'train' AND device = 'cuda' AND id > 10000"
    times_of w0/words w0/budget >"$scratch/without"
    diff "$scratch/with" "$scratch/without" || return 1
    # Those of what trained on a card are of that card, and not compared with another's.
    ask "UPDATE environment SET json = json_set(json, '$.card', 'A CARD')"
    times_of w0.cuda/words w0.cuda/budget | grep -q 'latency_batch_1 ' || return 1
    ask "INSERT INTO environment (id, hash, host, machine, json, seen_at) SELECT 3, 'other', host, machine,
             json_set(json, '$.card', 'ANOTHER CARD'), '' FROM environment WHERE id = 1;
         UPDATE trial SET environment_id = 3 WHERE kind <> 'train' AND device = 'cuda' AND arm = 'words'"
    ! times_of w0.cuda/words w0.cuda/budget | grep 'latency_batch_1 .* is faster\|latency_batch_1 .*to [0-9]' ||
        return 1
}

a_merge_keeps_the_trials_of_every_device() {
    both_devices
    # Plans of one place in several databases: here that of the card, and there that of the CPU.
    count="SELECT device, precision, kind, status, count(*) FROM trial WHERE current = 1
        AND status IN ('ok', 'planned') GROUP BY 1, 2, 3, 4"
    ./headroom merge "$scratch/m.db" "$scratch/r.db" >"$scratch/said" 2>&1 || { cat "$scratch/said" && return 1; }
    ask "$count" >"$scratch/there"
    sqlite3 "$scratch/m.db" "$count" | diff "$scratch/there" - || return 1
    # A result takes the place of what was only planned, and of nothing on another device.
    sqlite3 "$scratch/m.db" "UPDATE trial SET status = 'planned' WHERE kind = 'profile'"
    ask "UPDATE trial SET status = 'planned', key = 'other' || key WHERE kind = 'profile' AND device = 'cpu'"
    ./headroom merge "$scratch/r.db" "$scratch/m.db" >"$scratch/said" 2>&1 || { cat "$scratch/said" && return 1; }
    ask "SELECT device, precision, count(*) FROM trial WHERE current = 1 AND kind = 'profile' GROUP BY 1, 2" \
        >"$scratch/now"
    awk -F'|' '$3 == "profile" { print $1 "|" $2 "|" $5 }' "$scratch/there" | diff - "$scratch/now"
}

there_is_one_current_trial_of_a_device_and_precision() {
    both_devices
    ! ask "UPDATE trial SET precision = 'fp32' WHERE device = 'cuda'" 2>/dev/null || return 1
    ! ask "UPDATE trial SET device = 'tpu'" 2>/dev/null || return 1
}

behaviours no_row_of_the_cpu_changes no_row_of_the_cpu_is_added a_card_has_rows_of_its_own \
    a_figure_s_machine_is_the_one_with_the_card \
    the_same_sweep_stands_side_by_side a_report_says_which_device_its_noise_is_of \
    times_that_are_compared_are_of_what_trained a_merge_keeps_the_trials_of_every_device \
    there_is_one_current_trial_of_a_device_and_precision
