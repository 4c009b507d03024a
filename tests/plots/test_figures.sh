#!/bin/sh
# The figures, drawn from made-up results: complete, the same bytes every time, and a sentence
# instead of an error where there is nothing to draw.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
unset db out format

database() { # file sql-file...
    rm -f "$1"
    file=$1
    shift
    cat results/tables.sql results/views.sql "$@" | sqlite3 "$file" >"$scratch/sqlite.log"
}

# Drawn once for several behaviours; drawing twice is one of them.
drawn=$(mktemp -d)
trap 'rm -rf "$scratch" "$drawn"' EXIT
database "$drawn/it's a.db" tests/plots/fixture.sql
plots/draw.sh "$drawn/it's a.db" "$drawn/the figures"
figures=$drawn/'the figures'

a_database_gives_every_figure_as_svg_and_png() {
    for figure in accuracy_vs_budget latency_vs_flops budget_by_layer methods roofline granularity counters phases cycles; do
        grep -q '</svg>' "$figures/$figure.svg"
        head -c 4 "$figures/$figure.png" | grep -q PNG
    done
}

figures_say_n_error_bars_and_machine() {
    grep -q 'n = 3' "$figures/accuracy_vs_budget.svg"
    grep -q '95% t-interval' "$figures/accuracy_vs_budget.svg"
    grep -q '20 forward passes of one trained model per arm (n = 1 seed)' "$figures/latency_vs_flops.svg"
    grep -q 'median absolute deviation within that run' "$figures/latency_vs_flops.svg"
    grep -q 'n = 1 per arm' "$figures/roofline.svg"
    grep -q '95% interval over seeds (n = 3)' "$figures/granularity.svg"
    for figure in "$figures"/*.svg; do grep -q 'TEST DATA, not a measurement' "$figure"; done
}

two_profiles_of_one_model_are_a_band() {
    test "$(grep -c 'Grey band' "$figures/latency_vs_flops.svg")" -eq 0
    cat >"$scratch/again.sql" <<'SQL'
INSERT INTO trial (id, kind, key, base_trial_id, workload_id, arm, policy, base_heads, layers, dim, seed, config,
                   status, planned_at, environment_id)
SELECT 9999, 'again', 'again', base_trial_id, workload_id, arm, policy, 8, 2, 64, seed, '{}', 'ok', planned_at, 1
FROM trial WHERE kind = 'profile' AND arm = 'fixed-8';
INSERT INTO profile (id, trial_id, batch_size, warmup_passes, inputs_per_sample)
SELECT 9000 + p.id, 9999, batch_size, 5, 1 FROM profile p JOIN trial t ON t.id = trial_id
WHERE arm = 'fixed-8' AND kind = 'profile';
INSERT INTO profile_sample (profile_id, sample, latency_ns, block)
SELECT 9000 + profile_id, sample, latency_ns * (1.02 + block / 100.0), block
FROM profile_sample WHERE 9000 + profile_id IN (SELECT id FROM profile);
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/again.sql"
    plots/draw.sh "$scratch/a.db" "$scratch" latency_vs_flops
    grep -q 'Grey band' "$scratch/latency_vs_flops.svg"
    # One polygon of the band's colour in each of the two panels.
    test "$(grep -ci "E8E8E8\|rgb(232, *232, *232)" "$scratch/latency_vs_flops.svg")" -ge 2
}

# Three instructions and 6 FLOPs in a cycle, a miss every 100 instructions, 1.02 operations a FLOP.
with_hardware_counters() {
    cat <<'SQL'
DELETE FROM counter WHERE role = 'cycles';
INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, pass, repeats)
SELECT id, r.column1, 'made up', r.column2 * executed_flops_per_input, 'counted', '', 'thread', 0, 20
FROM profile JOIN (VALUES ('cycles', 1 / 6.0), ('instructions', 0.5), ('l1d_misses', 0.005),
                          ('fp_operations', 1.02)) r
UNION ALL SELECT id, 'llc_misses', '', NULL, 'unavailable', 'nobody counts them', 'thread', NULL, 0 FROM profile;
SQL
}

simulated_and_measured_counts_have_panels_of_their_own() {
    grep -q 'offsets, batch 1, simulated' "$figures/counters.svg"
    ! grep -q ', measured<' "$figures/counters.svg" || return 1
    with_hardware_counters >"$scratch/hardware.sql"
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/hardware.sql"
    plots/draw.sh "$scratch/a.db" "$scratch" counters cycles
    grep -q 'offsets, batch 1, simulated' "$scratch/counters.svg"
    grep -q 'offsets, batch 1, measured' "$scratch/counters.svg"
    grep -q 'offsets, batch 32, measured' "$scratch/cycles.svg"
    ! grep -q simulated "$scratch/cycles.svg" || return 1
    sqlite3 "$scratch/a.db" "UPDATE counter SET status = 'multiplexed' WHERE status = 'counted'"
    plots/draw.sh "$scratch/a.db" "$scratch" cycles
    grep -q 'offsets, batch 32, multiplexed' "$scratch/cycles.svg"
}

what_was_not_counted_says_why_in_the_picture() {
    grep -q 'no cycles were counted: this virtual machine shows no PMU' "$figures/cycles.svg"
    with_hardware_counters >"$scratch/hardware.sql"
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/hardware.sql"
    plots/draw.sh "$scratch/a.db" "$scratch" counters
    grep -q 'not counted: nobody counts them' "$scratch/counters.svg"
    sqlite3 "$scratch/a.db" "UPDATE counter SET value_per_input = NULL, status = 'unavailable',
        reason = 'valgrind is not in PATH'; DELETE FROM counter WHERE scope = 'thread'"
    plots/draw.sh "$scratch/a.db" "$scratch" counters
    grep -q 'no instructions were counted: valgrind is not in PATH' "$scratch/counters.svg"
}

every_phase_has_its_share_of_the_time() {
    for phase in embedding norm gate gather qkv map output ffn pool classifier; do
        grep -q ">$phase<" "$figures/phases.svg"
    done
    grep -q 'n = 1 per arm' "$figures/phases.svg"
    grep -q 'which takes .* of the time' "$figures/phases.svg"
    database "$scratch/a.db" tests/plots/fixture.sql
    # The made-up map takes the less of the time the fewer heads run; everything else gains.
    test "$(sqlite3 "$scratch/a.db" "SELECT group_concat(arm, ' ') FROM (SELECT arm FROM phase_by_budget
        WHERE phase = 'map' AND policy = 'fixed' AND batch_size = 1 ORDER BY time_share)")" = \
        'fixed-1 fixed-2 fixed-4 fixed-8'
}

methods_are_sorted_by_accuracy() {
    sqlite3 "$drawn/it's a.db" "SELECT arm FROM methods WHERE workload = 'mixed'
        AND instr(policy, '/') = 0 ORDER BY accuracy DESC, executed_flops, arm" >"$scratch/wanted"
    test "$(wc -l <"$scratch/wanted")" -eq 10
    # The first block is that of mixed; a name stands in a line of its own.
    tr '<>' '\n' <"$figures/methods.svg" | grep -Fxf "$scratch/wanted" | head -n 10 >"$scratch/found"
    diff "$scratch/wanted" "$scratch/found"
}

fifty_tuned_arms_are_drawn_with_their_names() {
    cat >"$scratch/many.sql" <<'SQL'
CREATE TEMP TABLE more AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)
SELECT i * 1000 + t.id AS id, t.id AS old, arm || '-number-' || i AS arm, i FROM n
JOIN trial t WHERE t.kind = 'train' AND t.status = 'ok' AND t.workload_id = 2
    AND t.arm IN ('fixed-4', 'budgetformer-0.1', 'none');
INSERT INTO trial (id, kind, key, workload_id, arm, policy, cost_weight, base_heads, layers, dim, seed, config,
                   status, planned_at, train_flops)
SELECT m.id, t.kind, t.key || m.i, t.workload_id, m.arm, t.policy, t.cost_weight, t.base_heads, t.layers, t.dim,
       t.seed, t.config, t.status, t.planned_at, 1000 FROM more m JOIN trial t ON t.id = m.old;
INSERT INTO evaluation (trial_id, weights, split, control, n_inputs, layers, heads, accuracy, loss, mean_heads,
                        mean_s, executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,
                        flops_by_component, seconds)
SELECT m.id, weights, split, control, n_inputs, layers, heads, accuracy, loss, mean_heads, mean_s, executed_flops,
       executed_gemm_flops, executed_map_flops, active_flops, dense_flops, flops_by_component, seconds
FROM more m JOIN evaluation e ON e.trial_id = m.old;
INSERT INTO layer_budget SELECT n.id, layer, k, b.n_inputs FROM more m JOIN evaluation e ON e.trial_id = m.old
JOIN layer_budget b ON b.evaluation_id = e.id
JOIN evaluation n ON n.trial_id = m.id AND (n.weights, n.split, n.control) = (e.weights, e.split, e.control);
INSERT INTO tuning SELECT id, 0, '{}', 0.5, 1, 1, 1, 1, 1, '' FROM more;
INSERT INTO tuning SELECT id, 1, '{}', 0.5, 1, 1, 1, 1, 0, '' FROM more;
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/many.sql"
    plots/draw.sh "$scratch/a.db" "$scratch" methods budget_by_layer
    for i in 1 8 16; do
        grep -q "fixed-4-number-$i<" "$scratch/methods.svg"
        grep -q "budgetformer-0.1-num" "$scratch/budget_by_layer.svg"
    done
    grep -q '>offsets<' "$scratch/methods.svg" # the workload that tunes its arms, and no other
    ! grep -q '>topic<' "$scratch/methods.svg"
}

a_roofline_shows_the_ceilings_and_every_phase_that_computes() {
    grep -q '>100 GFLOP/s<' "$figures/roofline.svg"
    grep -q '>20 GB/s<' "$figures/roofline.svg"
    for phase in embedding norm gate qkv map output ffn pool classifier; do
        grep -q ">$phase<" "$figures/roofline.svg"
    done
    database "$scratch/a.db" tests/plots/fixture.sql
    sqlite3 "$scratch/a.db" 'DELETE FROM ceiling' # no roof, no figure
    plots/draw.sh "$scratch/a.db" "$scratch" roofline
    grep -q 'no data yet' "$scratch/roofline.svg"
}

marks() { # of a type that the figure draws, with those in the legend
    grep -c "#gpPt$1' transform" "$2"
}

heads_needed_are_filled_where_known_and_open_where_not() {
    # 100 test inputs resolve nothing, but that every other number of fixed heads loses far more than 1
    # point on offsets. Each of three workloads is in two panels for each of two families; the legend
    # has an entry for each workload and for each meaning.
    test "$(marks 6 "$figures/granularity.svg")" -eq $((2 * 1 + 3 + 1))
    test "$(marks 5 "$figures/granularity.svg")" -eq $((2 * 5 + 1))
}

workloads_on_the_same_texts_are_one_line() {
    # 4,000 inputs are enough: arms below 4 heads lose 4 points, the others nothing.
    cat >"$scratch/corpus.sql" <<'SQL'
UPDATE workload SET corpus = 'news & "views"', n_classes = CASE name WHEN 'topic' THEN 4 ELSE 20 END
WHERE name IN ('topic', 'offsets');
UPDATE evaluation SET accuracy = 0.9 - CASE WHEN mean_heads >= 4 THEN 0 ELSE 0.04 END + trial_id % 3 / 3000.0;
DELETE FROM prediction;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3999)
INSERT INTO prediction (evaluation_id, input, label, predicted, length_tokens, heads_run, heads_per_layer)
SELECT e.id, i, 0, i < 4000 * (1 - accuracy), 24, 8, '[4,4]' FROM evaluation e JOIN trial t ON t.id = trial_id
JOIN n WHERE control = 'none' AND workload_id < 3;
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/corpus.sql"
    plots/draw.sh "$scratch/a.db" "$scratch" granularity
    figure=$scratch/granularity.svg
    grep -q 'news &amp; &quot;views&quot;\|news &amp; "views"' "$figure"
    test "$(grep -c 'topic\|offsets\|mixed' "$figure")" -eq 0
    # Two workloads with 4 fixed heads, one with BudgetFormer's 5.2, in two panels each; and the legend.
    test "$(marks 6 "$figure")" -eq 8
    test "$(marks 5 "$figure")" -eq 1
    test "$(marks 1 "$figure")" -eq 3 # crosses: no budget of the other is within
}

a_skipped_workload_says_why() {
    grep -q 'skipped: data/trec/train_5500.label' "$figures/accuracy_vs_budget.svg"
}

the_same_database_gives_the_same_bytes() {
    plots/draw.sh "$drawn/it's a.db" "$scratch/again"
    diff -r "$figures" "$scratch/again"
}

an_empty_database_draws_no_data_yet() {
    database "$scratch/a.db"
    plots/draw.sh "$scratch/a.db" "$scratch"
    for figure in "$scratch"/*.svg; do grep -q 'no data yet' "$figure"; done
}

one_seed_one_arm_and_odd_names_are_drawn() {
    cat >"$scratch/odd.sql" <<'SQL'
UPDATE trial SET current = 0 WHERE seed > 0 OR arm <> 'budgetformer-0.1' OR workload_id > 2;
UPDATE trial SET arm = 'an' || char(10) || 'arm''s "name"' || char(9) || '{x}$(id)`id`';
UPDATE workload SET granularity = '-', name = name || char(10) || ' <&> "$HOME" ''%s\n'' `id`';
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/odd.sql"
    plots/draw.sh "$scratch/a.db" "$scratch"
    grep -q '&lt;&amp;.* (4 classes)' "$scratch/accuracy_vs_budget.svg"
}

text_from_the_database_is_never_run() {
    cat >"$scratch/evil.sql" <<SQL
UPDATE trial SET reason = 'run \`touch $scratch/ran\` "\$(touch $scratch/ran)" \\' WHERE status = 'skipped';
UPDATE trial SET policy = 'fixed''; \`touch $scratch/ran\`' WHERE arm = 'fixed-2';
SQL
    grep -q '`touch' "$scratch/evil.sql"
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/evil.sql"
    plots/draw.sh "$scratch/a.db" "$scratch"
    grep -q 'touch' "$scratch/accuracy_vs_budget.svg"
    ! test -e "$scratch/ran"
}

a_database_or_figure_that_is_not_there_is_an_error_and_draws_nothing() {
    echo hello >"$scratch/a.db"
    status=0
    plots/draw.sh "$scratch/a.db" "$scratch/out" 2>"$scratch/talk" || status=$?
    test "$status" -eq 1
    grep -q 'not a results database' "$scratch/talk"
    status=0
    plots/draw.sh "$scratch/absent.db" "$scratch/out" 2>"$scratch/talk" || status=$?
    test "$status" -eq 1
    grep -q 'make sweep' "$scratch/talk"
    test ! -e "$scratch/out/accuracy_vs_budget.svg"
    status=0
    plots/draw.sh "$drawn/it's a.db" "$scratch/out" no-such 2>"$scratch/talk" || status=$?
    test "$status" -eq 1
    grep -q "no figure 'no-such'" "$scratch/talk"
}

every_stored_query_runs_and_answers() {
    database "$scratch/a.db" tests/plots/fixture.sql
    for query in results/queries/*.sql; do
        sqlite3 -bail "$scratch/a.db" <"$query" >"$scratch/answer" 2>"$scratch/talk"
        test -s "$scratch/answer"
        test ! -s "$scratch/talk"
    done
}

a_share_of_a_saving_needs_a_saving() {
    database "$scratch/a.db" tests/plots/fixture.sql
    sqlite3 "$scratch/a.db" <results/queries/saving.sql >"$scratch/answer"
    awk '$1 == "offsets" { n[$6 < 0.9 && NF == 8 || $6 >= 0.9 && NF == 7]++ }
         END { exit !(n[1] == 20 && n[0] == 0) }' "$scratch/answer"
}

without_several_difficulties_the_query_says_so() {
    database "$scratch/a.db" tests/plots/fixture.sql
    query=results/queries/budget_follows_difficulty.sql
    test -z "$(sqlite3 "$scratch/a.db" <$query | grep 'no workload')"
    sqlite3 "$scratch/a.db" 'UPDATE prediction SET difficulty = 1'
    test "$(sqlite3 "$scratch/a.db" <$query)" = \
        'no workload with several difficulties here: run ./headroom sweep workloads/mixed.yaml'
}

the_gate_says_whether_words_alone_are_at_chance() {
    database "$scratch/a.db" tests/plots/fixture.sql
    sqlite3 "$scratch/a.db" <results/queries/gate.sql | grep -q 'bag-of-words .* 50\.00 .*at chance *$'
    # The same for all seeds, but within the luck of 100 inputs, which is 9.8 points.
    cat >"$scratch/luck.sql" <<'SQL'
UPDATE evaluation SET accuracy = 0.45 + trial_id / 100000.0
WHERE trial_id IN (SELECT id FROM trial WHERE arm = 'bag-of-words');
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/luck.sql"
    sqlite3 "$scratch/a.db" <results/queries/gate.sql | grep -q 'bag-of-words .* at chance *$'
    cat >"$scratch/better.sql" <<'SQL'
UPDATE evaluation SET accuracy = 0.7 + trial_id / 10000.0
WHERE trial_id IN (SELECT id FROM trial WHERE arm = 'bag-of-words');
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/better.sql"
    sqlite3 "$scratch/a.db" <results/queries/gate.sql | grep -q 'bag-of-words .*does not hold'
}

simulated_counts_never_enter_a_measured_rate() {
    database "$scratch/a.db" tests/plots/fixture.sql
    rates="SELECT DISTINCT source, instructions_per_cycle, round(flops_per_instruction, 6),
        round(l1d_misses_per_1000_instructions, 6), round(fp_operations_per_flop, 6)
        FROM counter_rates ORDER BY source"
    test "$(sqlite3 "$scratch/a.db" "$rates")" = 'measured||||
simulated||2.0|10.0|'
    # With hardware counters beside them: 3 instructions per cycle, 4 FLOPs in each, 1.5 operations a FLOP.
    sqlite3 "$scratch/a.db" "
        UPDATE counter SET status = 'counted', event = 'x', reason = '', value_per_input = 1e6
        WHERE role = 'cycles';
        INSERT INTO counter (profile_id, role, event, value_per_input, status, reason, scope, repeats)
        SELECT profile_id, 'instructions', 'x', 3e6, 'counted', '', 'thread', 1 FROM counter
        WHERE role = 'cycles'
        UNION ALL SELECT profile_id, 'fp_operations', 'x', 18e6, 'counted', '', 'thread', 1 FROM counter
        WHERE role = 'cycles';
        UPDATE profile SET executed_flops_per_input = 12e6"
    test "$(sqlite3 "$scratch/a.db" "$rates")" = 'measured|3.0|4.0||1.5
simulated||2.0|10.0|'
    test "$(sqlite3 "$scratch/a.db" "SELECT DISTINCT source, flops_per_cycle FROM counter_rates
        ORDER BY source")" = 'measured|12.0
simulated|'
}

instructions_beside_flops_or_a_sentence_why_not() {
    database "$scratch/a.db" tests/plots/fixture.sql
    query=results/queries/instructions_vs_budget.sql
    # The simulator of the made-up results counts half an instruction for every FLOP.
    sqlite3 "$scratch/a.db" <$query >"$scratch/answer"
    grep -q '^offsets .* simulated .* fixed-1 .* 1\.0 *$' "$scratch/answer"
    ! grep -q 'measured\|no instructions' "$scratch/answer" || return 1
    sqlite3 "$scratch/a.db" "UPDATE counter SET value_per_input = NULL, status = 'unavailable',
        reason = 'valgrind is not installed' WHERE scope = 'simulator'"
    test "$(sqlite3 "$scratch/a.db" <$query)" = 'no instructions were counted: valgrind is not installed'
}

views_over_200000_predictions_answer_at_once() {
    cat >"$scratch/many.sql" <<'SQL'
WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
INSERT INTO prediction
SELECT e.id, i, i % 2, 0, i % 4 + 1, 24, 8, '[4,4]', NULL FROM evaluation e JOIN n;
SQL
    database "$scratch/a.db" tests/plots/fixture.sql "$scratch/many.sql"
    test "$(sqlite3 "$scratch/a.db" 'SELECT count(*) FROM prediction')" -gt 200000
    # A guard against a plan that joins everything with everything, not a measurement.
    timeout 20 sqlite3 "$scratch/a.db" 'SELECT * FROM budget_by_difficulty' >"$scratch/answer"
    test -s "$scratch/answer"
    timeout 20 sqlite3 "$scratch/a.db" 'SELECT * FROM budget_trend' >"$scratch/answer"
    test -s "$scratch/answer"
    timeout 20 sqlite3 "$scratch/a.db" 'SELECT * FROM heads_needed' >"$scratch/answer"
    test -s "$scratch/answer"
}

behaviours text_from_the_database_is_never_run a_database_gives_every_figure_as_svg_and_png \
    two_profiles_of_one_model_are_a_band figures_say_n_error_bars_and_machine \
    a_roofline_shows_the_ceilings_and_every_phase_that_computes \
    heads_needed_are_filled_where_known_and_open_where_not workloads_on_the_same_texts_are_one_line \
    a_skipped_workload_says_why the_same_database_gives_the_same_bytes \
    an_empty_database_draws_no_data_yet one_seed_one_arm_and_odd_names_are_drawn \
    a_database_or_figure_that_is_not_there_is_an_error_and_draws_nothing every_stored_query_runs_and_answers \
    a_share_of_a_saving_needs_a_saving without_several_difficulties_the_query_says_so \
    the_gate_says_whether_words_alone_are_at_chance \
    methods_are_sorted_by_accuracy simulated_and_measured_counts_have_panels_of_their_own what_was_not_counted_says_why_in_the_picture \
    every_phase_has_its_share_of_the_time \
    fifty_tuned_arms_are_drawn_with_their_names \
    simulated_counts_never_enter_a_measured_rate instructions_beside_flops_or_a_sentence_why_not \
    views_over_200000_predictions_answer_at_once
