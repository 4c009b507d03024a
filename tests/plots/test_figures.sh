#!/bin/sh
# The figures, drawn from made-up results: complete, the same bytes every time, drawn again only where
# something changed, and a sentence instead of a picture where there is nothing to draw. What a file
# from a stranger can do with its names and views is in test_hostile_database.sh.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

# One transaction, since a file is synchronised after each.
run_sql() { # file sql-file...
    file=$1
    shift
    { echo 'BEGIN;' && cat "$@" && echo '; COMMIT;'; } | sqlite3 -bail "$file" >"$scratch/sqlite.log"
}

database() { # file name-of-what-it-starts-from [sql-file...]
    file=$1
    cp "$drawn/$2.db" "$file"
    shift 2
    [ $# -eq 0 ] || run_sql "$file" "$@"
}

draw_all() { # database folder [argument...]
    db=$1
    out=$2
    shift 2
    ./headroom plot --db "$db" --out "$out" "$@"
}

# What can be read in the SVG is not drawn three times.
draw() { draw_all "$@" --format svg; }

# Made and drawn once for several behaviours; drawing twice is one of them.
drawn=$(mktemp -d)
trap 'rm -rf "$scratch" "$drawn"' EXIT
run_sql "$drawn/empty.db" results/tables.sql results/views.sql
database "$drawn/fixture.db" empty tests/plots/fixture.sql
database "$drawn/it's a.db" empty tests/plots/fixture.sql tests/plots/inside.sql
draw_all "$drawn/it's a.db" "$drawn/the figures" >"$drawn/said"
figures=$drawn/'the figures'

a_database_gives_every_figure_in_every_format() {
    for figure in overview accuracy_vs_budget accuracy_vs_flops latency_vs_flops budget_by_layer budget_by_difficulty \
        budget_by_class head_usage training ablations memory energy methods roofline granularity counters phases; do
        test -e "$figures/$figure.svg"
        grep -qx "$figure: drawn\(, 2 pages\)*" "$drawn/said"
    done
    test -n "$(find "$figures" -name '*-2.svg')"
    for picture in "$figures"/*.svg; do # every page
        page=${picture%.svg}
        grep -q '</svg>' "$page.svg"
        head -c 4 "$page.png" | grep -q PNG
        test "$(tail -c 4 "$page.png" | od -An -tx1 | tr -d ' ')" = ae426082 # of IEND, the last
        head -c 5 "$page.pdf" | grep -q '%PDF-'
        tail -n 1 "$page.pdf" | grep -q '%%EOF'
    done
}

# The streams of a PDF, inflated: Cairo 1.18 writes sizes and dates into one. Each but the last, which says where in the
# file everything is. Before the stream stands what makes it one of gzip's, which then misses the sum at its end.
inflated() { # pdf
    LC_ALL=C grep -abo '^stream$' "$1" | sed '$d' | while IFS=: read -r at _; do
        { printf '\037\213\010\000\000\000\000\000\000\377' && tail -c "+$((at + 10))" "$1"; } | gzip -dc 2>/dev/null || :
    done
}

# 72 points for 96 pixels.
a_pdf_is_as_wide_as_its_svg() {
    for figure in overview training memory; do
        sed -n 's/^ width="\([0-9]*\)" height=.*/\1/p' "$figures/$figure.svg" >"$scratch/size"
        { cat "$figures/$figure.pdf" && inflated "$figures/$figure.pdf"; } |
            LC_ALL=C sed -n 's/.*\/MediaBox \[ 0 0 \([0-9.]*\) .*/\1/p' >>"$scratch/size"
        tr '\n' ' ' <"$scratch/size" | awk '{ exit !(NF == 2 && ($1 * 0.75 - $2) ^ 2 <= 1) }'
    done
}

# What is written in a picture, its lines joined.
texts() { # picture
    sed -n 's/.*<text[^>]*>\(.*\)<\/text>.*/\1/p' "$1" | tr '\n' ' ' | sed 's/  */ /g'
}

figures_say_n_error_bars_and_machine() {
    texts "$figures/accuracy_vs_budget.svg" | grep -q '(n = 3) .* 95% t-interval'
    texts "$figures/latency_vs_flops.svg" | grep -q '20 forward passes of one trained model per arm (n = 1 seed)'
    texts "$figures/latency_vs_flops.svg" | grep -q 'median absolute deviation within that run'
    texts "$figures/roofline.svg" | grep -q 'n = 1 per arm'
    texts "$figures/granularity.svg" | grep -q '95% interval over seeds (n = 3)'
    # Only where marks have numbers does the legend explain them.
    grep -l 'number: cost weight' "$figures"/*.svg | sed 's|.*/||' | tr '\n' ' ' | grep -qx \
        'accuracy_vs_budget.svg accuracy_vs_flops.svg latency_vs_flops.svg '
    grep -q '>budgetformer<' "$figures/counters.svg"
    echo 'UPDATE trial SET cost_weight = NULL' >"$scratch/tuned.sql"
    database "$scratch/a.db" fixture "$scratch/tuned.sql"
    draw "$scratch/a.db" "$scratch/out" accuracy_vs_budget latency_vs_flops
    test "$(cat "$scratch/out"/*.svg | grep -c '>budgetformer<')" -eq 2
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
    database "$scratch/a.db" fixture "$scratch/again.sql"
    draw "$scratch/a.db" "$scratch" latency_vs_flops
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
    database "$scratch/a.db" fixture "$scratch/hardware.sql"
    draw "$scratch/a.db" "$scratch" counters cycles
    grep -q 'offsets, batch 1, measured' "$scratch/counters.svg"
    grep -q 'offsets, batch 1, simulated' "$scratch/counters-2.svg"
    grep -q 'offsets, batch 32, measured' "$scratch/cycles.svg"
    ! grep -q simulated "$scratch/cycles.svg" || return 1
    sqlite3 "$scratch/a.db" "UPDATE counter SET status = 'multiplexed' WHERE status = 'counted'"
    draw "$scratch/a.db" "$scratch" cycles
    grep -q 'offsets, batch 32, multiplexed' "$scratch/cycles.svg"
}

what_was_not_counted_says_why_and_its_old_picture_goes() {
    grep -qx 'cycles: not drawn: no cycles were counted: this virtual machine shows no PMU' "$drawn/said"
    ! ls "$figures/cycles"* "$figures/data/cycles"* 2>/dev/null || return 1
    with_hardware_counters >"$scratch/hardware.sql"
    database "$scratch/a.db" fixture "$scratch/hardware.sql"
    draw "$scratch/a.db" "$scratch" counters
    texts "$scratch/counters.svg" | grep -q 'not counted: nobody counts them'
    test -e "$scratch/counters.svg"
    sqlite3 "$scratch/a.db" "UPDATE counter SET value_per_input = NULL, status = 'unavailable',
        reason = 'valgrind is not in PATH'; DELETE FROM counter WHERE scope = 'thread'"
    draw "$scratch/a.db" "$scratch" counters >"$scratch/said"
    grep -qx 'counters: not drawn: no instructions were counted: valgrind is not in PATH' "$scratch/said"
    ! ls "$scratch/counters"* 2>/dev/null || return 1
}

every_phase_has_its_share_of_the_time() {
    for phase in embedding norm gate gather qkv map output ffn pool classifier; do
        grep -q ">$phase<" "$figures/phases.svg"
    done
    texts "$figures/phases.svg" | grep -q 'n = 1 per arm) .* which takes .* of the time'
    ! grep -q '>transfer<' "$figures/phases.svg" || return 1 # nothing ran on a card
    for arm in fixed-1 budgetformer-0.1 random-2 none bag-of-words; do
        test "$(grep -c ">$arm<" "$figures/phases.svg")" -eq 2 # both batch sizes
    done
    database "$scratch/a.db" fixture
    # The made-up map takes the less of the time the fewer heads run; everything else gains.
    test "$(sqlite3 "$scratch/a.db" "SELECT group_concat(arm, ' ') FROM (SELECT arm FROM phase_by_budget
        WHERE phase = 'map' AND policy = 'fixed' AND batch_size = 1 ORDER BY time_share)")" = \
        'fixed-1 fixed-2 fixed-4 fixed-8'
}

profiles_on_a_card_have_panels_that_say_so() {
    database "$scratch/a.db" fixture
    sqlite3 "$scratch/a.db" "UPDATE trial SET device = 'cuda' WHERE kind <> 'train' AND workload_id = 2;
        UPDATE phase SET phase = 'transfer' WHERE phase = 'pool' AND profile_id IN
            (SELECT p.id FROM profile p JOIN trial t ON t.id = p.trial_id WHERE t.device = 'cuda');
        UPDATE environment SET json = json_set(json, '$.card', 'TEST CARD')"
    draw "$scratch/a.db" "$scratch" phases latency_vs_flops >"$scratch/said"
    test "$(grep -cx '[a-z_]*: drawn' "$scratch/said")" -eq 2
    for figure in phases latency_vs_flops; do
        grep -q 'batch 1, cuda' "$scratch/$figure.svg" ||
            { echo "$figure names no card" && return 1; }
    done
    grep -q '>transfer<' "$scratch/phases.svg"
    test "$(grep -c 'rgb(240, 228,  66)' "$scratch/phases.svg")" -gt 10 # bars in the colour of the legend
}

what_heads_save_on_a_card_is_of_one_device_in_a_panel() {
    grep -qx 'gpu_saving: not drawn: no model was profiled on a card: run ./headroom sweep --tag evidence' "$drawn/said"
    database "$scratch/a.db" empty tests/plots/card.sql
    draw "$scratch/a.db" "$scratch/out" gpu_saving counters >"$scratch/said"
    grep -qx 'gpu_saving: drawn, 2 pages' "$scratch/said" # two workloads and devices, three batch sizes
    texts "$scratch/out/gpu_saving.svg" >"$scratch/texts"
    grep -q 'long.cuda-bf16, batch 1: 1.48 ms, 1148 mJ ' "$scratch/texts"
    grep -q 'long.cuda-bf16, batch 256: 92.5 µs' "$scratch/texts"
    grep -q 'long.cuda-bf16, batch 1, cuda: 104 ms, 80.36 J ' "$scratch/texts"
    grep -q 'n = 3 seeds.* 95% t-interval over seeds.* Machine: TEST DATA' "$scratch/texts"
    ! grep -q 'No energy\|No bytes' "$scratch/texts" || return 1
    # A mark for each of four quantities, five arms and six panels, and one of each kind in the legend.
    test "$(marks 6 "$scratch/out/gpu_saving.svg")" -eq $((4 * 3 * 6 + 1))
    test "$(marks 11 "$scratch/out/gpu_saving.svg")" -eq $((4 * 1 * 6 + 1))
    test "$(marks 1 "$scratch/out/gpu_saving.svg")" -eq $((4 * 1 * 6 + 1))
    # Of the card, of its host and of a CPU, in two precisions: every panel in one piece.
    for source in 'cuda, card' 'cuda-bf16, card' 'cuda, host' 'cuda-bf16, host' measured; do
        test "$(cat "$scratch/out"/counters*.svg | grep -o ">long.cuda-bf16, batch 1, $source<" | sort -u | wc -l)" -eq 1
    done
    grep -qx 'counters: drawn, 15 pages' "$scratch/said"
    # Without energy the others are drawn, and the caption says why.
    sqlite3 "$scratch/a.db" "UPDATE energy SET joules_per_input = NULL, reason = 'no NVML here' WHERE domain = 'card'"
    draw "$scratch/a.db" "$scratch/out" gpu_saving
    texts "$scratch/out/gpu_saving.svg" | grep -q 'No energy: no NVML here'
    test "$(marks 6 "$scratch/out/gpu_saving.svg")" -eq $((3 * 3 * 6 + 1))
    # One seed has no bars.
    sqlite3 "$scratch/a.db" "UPDATE trial SET current = 0 WHERE seed > 1"
    draw "$scratch/a.db" "$scratch/out" gpu_saving
    texts "$scratch/out/gpu_saving.svg" | grep -q 'one trained model per arm (n = 1 seed)'
}

methods_are_sorted_by_accuracy() {
    sqlite3 "$drawn/it's a.db" "SELECT arm FROM methods_by_arm WHERE workload = 'mixed'
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
    database "$scratch/a.db" fixture "$scratch/many.sql"
    draw "$scratch/a.db" "$scratch" methods budget_by_layer
    for i in 1 8 16; do
        grep -q "fixed-4-number-$i<" "$scratch/methods.svg"
        grep -q ">budgetformer-0.1-number-$i<" "$scratch/methods.svg"
        grep -q ">budgetformer-0.1-number-$i<" "$scratch/budget_by_layer.svg"
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
    database "$scratch/a.db" fixture
    sqlite3 "$scratch/a.db" 'DELETE FROM ceiling' # no roof, no figure
    draw "$scratch/a.db" "$scratch" roofline | grep -qx 'roofline: not drawn: no data yet'
}

marks() { # of a type that the figure draws, with those in the legend
    grep -c "#gpPt$1' transform" "$2"
}

# Ten models at two batch sizes. Two with a warning leave 132 phases, of which 32 have more than 35 GFLOP/s.
doubtful_times_are_left_out_and_counted() {
    database "$scratch/a.db" fixture
    if grep -l 'Left out' "$figures/latency_vs_flops.svg" "$figures/phases.svg" "$figures/roofline.svg"; then return 1; fi
    if grep -l 'too low' "$figures/roofline.svg"; then return 1; fi
    warn() {
        sqlite3 "$scratch/a.db" "INSERT INTO warning (trial_id, text, at)
            SELECT id, 'disturbed', '' FROM trial WHERE kind = 'profile' AND arm GLOB '$1'"
    }
    warn none
    warn fixed-2
    sqlite3 "$scratch/a.db" 'UPDATE ceiling SET sgemm_flops_per_second = 3.5e10'
    draw "$scratch/a.db" "$scratch" latency_vs_flops phases roofline
    texts "$scratch/latency_vs_flops.svg" |
        grep -q 'Left out: 4 of 20 times, timed with a warning. Machine'
    texts "$scratch/phases.svg" | grep -q 'Left out: 4 of 20 profiles, timed with a warning. Machine'
    texts "$scratch/roofline.svg" | grep -q '32 of 132 phases stand above the flat part: it is too low,'
    texts "$scratch/roofline.svg" | grep -q 'Left out: 4 of 20 profiles, timed with a warning. Machine'
    test "$(grep -c '^[^#].*fixed-2' "$scratch/data/latency_vs_flops.dat" "$scratch/data/phases.dat" |
        grep -vc ':0$')" -eq 0
    warn '*'
    draw "$scratch/a.db" "$scratch" latency_vs_flops phases roofline >"$scratch/said"
    diff - "$scratch/said" <<'SAID'
latency_vs_flops: not drawn: none of 20 times has a ratio: timed with a warning
phases: not drawn: all of 20 profiles have a warning
roofline: not drawn: all of 20 profiles have a warning
SAID
    database "$scratch/card.db" empty tests/plots/card.sql
    sqlite3 "$scratch/card.db" "INSERT INTO warning (trial_id, text, at) SELECT id, 'disturbed', '' FROM trial
        WHERE kind = 'profile' AND arm = 'fixed-2'"
    n=$(sqlite3 "$scratch/card.db" "SELECT count(*) || ' of ' || (SELECT count(*) FROM current_profile
        WHERE device <> 'cpu') FROM current_profile WHERE device <> 'cpu' AND arm = 'fixed-2'")
    draw "$scratch/card.db" "$scratch" gpu_saving
    texts "$scratch/gpu_saving.svg" | grep -q "Left out: $n profiles' times and joules, with a warning."
}

heads_needed_are_filled_where_known_and_open_where_not() {
    # 100 test inputs resolve nothing, but that every other number of fixed heads loses far more than 1
    # point on offsets. Each of two workloads is in two panels for each of two families; the legend has an
    # entry for each workload and for each meaning. On topic no attention is as good: it is left out.
    test "$(marks 6 "$figures/granularity.svg")" -eq $((2 * 1 + 2 + 1))
    test "$(marks 5 "$figures/granularity.svg")" -eq $((2 * 3 + 1))
    ! grep -q '>topic<' "$figures/granularity.svg" || return 1
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
    database "$scratch/a.db" fixture "$scratch/corpus.sql"
    draw "$scratch/a.db" "$scratch" granularity
    figure=$scratch/granularity.svg
    grep -q 'news &amp; &quot;views&quot;\|news &amp; "views"' "$figure"
    test "$(grep -c 'topic\|offsets\|mixed' "$figure")" -eq 0
    # Two workloads with 4 fixed heads, one with BudgetFormer's 5.2, in two panels each; and the legend.
    test "$(marks 6 "$figure")" -eq 8
    test "$(marks 5 "$figure")" -eq 1
    test "$(marks 1 "$figure")" -eq 3 # crosses: no budget of the other is within
}

a_skipped_workload_says_why() {
    texts "$figures/accuracy_vs_budget.svg" | grep -q 'skipped: data/trec/train_5500.label is absent: run make data'
}

# A PDF says when it was drawn; in a stream, whose length and place change with it, so that these are left out.
undated() { # pdf
    if grep -aq /CreationDate "$1"; then cat "$1"; else inflated "$1"; fi | LC_ALL=C sed 's|/CreationDate (D:[0-9]*|/CreationDate (D:|'
}

# What the formats have of it is the same text of gnuplot's: one figure shows that the other two change nothing either.
the_same_database_gives_the_same_bytes() {
    draw "$drawn/it's a.db" "$scratch/again"
    draw_all "$drawn/it's a.db" "$scratch/again" overview
    undated "$figures/overview.pdf" >"$scratch/first.pdf"
    undated "$scratch/again/overview.pdf" | cmp "$scratch/first.pdf" -
    test "$(wc -c <"$scratch/first.pdf")" -gt 10000
    cmp "$figures/overview.png" "$scratch/again/overview.png"
    test "$(find "$scratch/again" -name '*.svg' | wc -l)" -eq "$(find "$figures" -name '*.svg' | wc -l)"
    for picture in "$scratch/again"/*.svg; do cmp "$figures/$(basename "$picture")" "$picture"; done
    for data in "$scratch/again"/data/*.dat; do cmp "$figures/data/$(basename "$data")" "$data"; done
}

an_empty_database_draws_nothing_and_says_so() {
    database "$scratch/a.db" empty
    draw "$scratch/a.db" "$scratch" >"$scratch/said"
    test "$(grep -c ': not drawn: ' "$scratch/said")" -eq "$(wc -l <"$scratch/said")"
    test "$(wc -l <"$scratch/said")" -eq "$(find plots -name '*.gp' | wc -l)"
    ! ls "$scratch"/*.svg "$scratch"/*.png "$scratch"/*.pdf 2>/dev/null || return 1
}

one_seed_and_one_arm_are_drawn() {
    cat >"$scratch/one.sql" <<'SQL'
UPDATE trial SET current = 0 WHERE seed > 0 OR arm <> 'budgetformer-0.1' OR workload_id > 2;
UPDATE workload SET granularity = '-';
SQL
    database "$scratch/a.db" fixture "$scratch/one.sql"
    draw "$scratch/a.db" "$scratch"
    grep -q 'topic (4 classes)' "$scratch/accuracy_vs_budget.svg"
}

a_database_or_figure_that_is_not_there_is_an_error_and_draws_nothing() {
    echo hello >"$scratch/a.db"
    ! draw "$scratch/a.db" "$scratch/out" 2>"$scratch/talk" || return 1
    grep -q 'not a readable database' "$scratch/talk"
    ! draw "$scratch/absent.db" "$scratch/out" 2>"$scratch/talk" || return 1
    grep -q 'headroom sweep' "$scratch/talk"
    ! draw "$drawn/it's a.db" "$scratch/out" overveiw 2>"$scratch/talk" || return 1
    grep -q "no figure 'overveiw', did you mean 'overview'?" "$scratch/talk"
    ! draw "$drawn/it's a.db" "$scratch/out" --workload offset 2>"$scratch/talk" || return 1
    grep -q "holds no workload 'offset', did you mean 'offsets'?" "$scratch/talk"
    ! draw "$drawn/it's a.db" "$scratch/out" --filter '^nobody/' 2>"$scratch/talk" || return 1
    grep -q 'no workload/arm matches --filter ^nobody/' "$scratch/talk"
    ! draw "$drawn/it's a.db" "$scratch/out" --filter '(' 2>"$scratch/talk" || return 1
    grep -q "'(' is no regular expression" "$scratch/talk"
    test ! -e "$scratch/out"
}

workloads_and_arms_can_be_chosen() {
    draw "$drawn/it's a.db" "$scratch" accuracy_vs_budget methods --workload offsets --filter '/fixed-[248]$'
    for figure in accuracy_vs_budget methods; do
        grep -q '>offsets' "$scratch/$figure.svg"
        ! grep -q '>topic\|>mixed\|budgetformer\|>random' "$scratch/$figure.svg" || return 1
    done
    test "$(grep -c '>fixed-[1248]<' "$scratch/methods.svg")" -eq 3
}

# Where the sizes of classes are known, and as good as some arm is.
a_constant_answer_is_a_dotted_line() {
    draw "$drawn/it's a.db" "$scratch" accuracy_vs_budget --workload offsets
    before=$(grep -c "stroke-dasharray='1.0,2.0'" "$scratch/accuracy_vs_budget.svg" || true)
    cat >"$scratch/classes.sql" <<'SQL'
UPDATE trial SET data_sha256 = 'd' WHERE workload_id = (SELECT id FROM workload WHERE name = 'offsets');
INSERT INTO class SELECT 'd', 0, 'often', 900, 90, CAST(1000 * avg(accuracy_mean) AS INTEGER)
FROM accuracy_vs_budget WHERE workload = 'offsets' AND policy = 'fixed';
INSERT INTO class SELECT 'd', 1, 'seldom', 100, 10, 1000 - n_test FROM class;
SQL
    database "$scratch/a.db" fixture "$scratch/classes.sql"
    draw "$scratch/a.db" "$scratch" accuracy_vs_budget --workload offsets
    test "$(grep -c "stroke-dasharray='1.0,2.0'" "$scratch/accuracy_vs_budget.svg")" -eq $((before + 1))
    texts "$scratch/accuracy_vs_budget.svg" | grep -q 'Dotted: the most frequent class'
}

pictures_in() { # folder
    find "$1" -maxdepth 1 -type f | sed 's|.*/||' | LC_ALL=C sort
}

only_what_changed_is_drawn_again() {
    cp "$drawn/it's a.db" "$scratch/a.db"
    mkdir "$scratch/home"
    cp -r "$root/headroom" "$root/plots" "$scratch/home" # a program with scripts of its own
    again() { "$scratch/home/headroom" plot accuracy_vs_budget methods --db "$scratch/a.db" --out "$scratch/out" "$@" | tr '\n' ' '; }
    test "$(again)" = 'accuracy_vs_budget: drawn methods: drawn '
    test "$(again)" = 'accuracy_vs_budget: unchanged methods: unchanged '
    rm "$scratch/out/methods.pdf"
    test "$(again --format svg)" = 'accuracy_vs_budget: unchanged methods: unchanged '
    test "$(again)" = 'accuracy_vs_budget: unchanged methods: drawn '
    sqlite3 "$scratch/a.db" "UPDATE workload SET granularity = 'changed'" # which is only in titles of the one
    test "$(again --format svg)" = 'accuracy_vs_budget: drawn methods: unchanged '
    sed -i 's/Methods: accuracy/Everything/' "$scratch/home/plots/methods.gp"
    test "$(again --format svg)" = 'accuracy_vs_budget: unchanged methods: drawn '
    grep -q '>Everything' "$scratch/out/methods.svg"
    echo >>"$scratch/home/plots/style.gnuplot"
    touch "$scratch/out/methods-mine.pdf"
    test "$(again --format svg)" = 'accuracy_vs_budget: drawn methods: drawn '
    # The others would be pictures of what the SVG shows no more.
    pictures_in "$scratch/out" | tr '\n' ' ' | grep -qx 'accuracy_vs_budget.svg methods-mine.pdf methods.svg '
}

a_figure_that_fails_keeps_its_old_picture_and_is_drawn_next_time() {
    mkdir "$scratch/home"
    cp -r "$root/headroom" "$root/plots" "$scratch/home"
    again() { "$scratch/home/headroom" plot methods --db "$drawn/it's a.db" --out "$scratch/out" --format svg; }
    again
    cp "$scratch/out/methods.svg" "$scratch/old.svg"
    sed -i 's/^load "page.gnuplot"/load "no such script"/' "$scratch/home/plots/methods.gp"
    ! again 2>"$scratch/talk" || return 1
    grep -q 'could not draw methods.gp' "$scratch/talk"
    grep -q 'no such script' "$scratch/talk"
    cmp "$scratch/old.svg" "$scratch/out/methods.svg"
    cp "$root/plots/methods.gp" "$scratch/home/plots"
    again | grep -qx 'methods: drawn'
    test -z "$(find "$scratch/out" -name '.?*' -o -name '*.part')"
}

a_figure_that_fails_stops_no_other() {
    mkdir "$scratch/home"
    cp -r "$root/headroom" "$root/plots" "$scratch/home"
    again() {
        "$scratch/home/headroom" plot phases methods granularity overview --db "$drawn/it's a.db" --out "$scratch/out" \
            --format svg
    }
    echo 'load "no such script"' >"$scratch/home/plots/methods.gp"
    echo 'SELECT no_such_column' >"$scratch/home/plots/granularity.sql"
    ! again >"$scratch/said" 2>"$scratch/talk" || return 1
    sed 's/failed: .*/failed/' "$scratch/said" | tr '\n' ' ' | grep -qx \
        'phases: drawn methods: failed granularity: failed overview: drawn '
    grep -q '^granularity: failed: .*no such column: no_such_column' "$scratch/said"
    grep -q 'could not draw methods.gp' "$scratch/talk" # the first
    ! again >"$scratch/said" 2>"$scratch/talk" || return 1
    test "$(grep -c ': unchanged' "$scratch/said")" -eq 2
}

# A gnuplot that draws overview; for methods it writes down its process and hangs until it is killed.
hanging_gnuplot() {
    mkdir "$scratch/bin"
    fake_program "$scratch/bin/gnuplot" "case \"\$*\" in
        *methods.gp*) echo \$\$ >>'$scratch/hangs' && exec sleep 1000 ;;
        esac
        exec '$(command -v gnuplot)' \"\$@\""
}

is_gone() { # process, or waits to be buried
    ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

after_a_kill_what_was_drawn_stays_drawn_and_no_gnuplot_lives() {
    hanging_gnuplot
    mkfifo "$scratch/said"
    PATH=$scratch/bin:$PATH ./headroom plot overview methods --db "$drawn/it's a.db" --out "$scratch/out" --format svg \
        >"$scratch/said" &
    read -r line <"$scratch/said" # told before the end
    test "$line" = 'overview: drawn'
    until test -s "$scratch/hangs"; do sleep 0.1; done
    kill -KILL $!
    wait $! 2>/dev/null || true
    while read -r hangs; do
        for _ in $(seq 6000); do ! is_gone "$hangs" || break; sleep 0.1; done
        is_gone "$hangs" || { xargs kill <"$scratch/hangs" && return 1; }
    done <"$scratch/hangs"
    draw "$drawn/it's a.db" "$scratch/out" overview methods | tr '\n' ' ' | grep -qx 'overview: unchanged methods: drawn '
    cmp "$figures/methods.svg" "$scratch/out/methods.svg"
    test -z "$(find "$scratch/out" -name '*.part')"
}

two_at_once_take_turns() {
    cp "$drawn/it's a.db" "$scratch/a.db"
    draw "$scratch/a.db" "$scratch/out" overview methods overview >"$scratch/first" &
    draw "$scratch/a.db" "$scratch/out" methods overview --workload offsets >"$scratch/second"
    wait $!
    test "$(sort "$scratch/first" | tr '\n' ' ')" = 'methods: drawn overview: drawn '
    test "$(sort "$scratch/second" | tr '\n' ' ')" = 'methods: drawn overview: drawn '
    draw "$scratch/a.db" "$scratch/out" overview methods
    cmp "$figures/overview.svg" "$scratch/out/overview.svg"
    cmp "$figures/methods.svg" "$scratch/out/methods.svg"
}

a_gnuplot_that_fails_without_a_word_is_an_error_that_says_how() {
    mkdir "$scratch/bin"
    fake_program "$scratch/bin/gnuplot" 'exit 3'
    ! PATH=$scratch/bin:$PATH draw "$drawn/it's a.db" "$scratch/out" overview 2>"$scratch/talk" || return 1
    grep -q 'cannot run gnuplot (it said nothing and ended with status 3): install it' "$scratch/talk"
    # shellcheck disable=SC2016 # its own
    fake_program "$scratch/bin/gnuplot" 'test "$1" = --version || kill -KILL $$'
    ! PATH=$scratch/bin:$PATH draw "$drawn/it's a.db" "$scratch/out" overview 2>"$scratch/talk" || return 1
    grep -q 'could not draw overview.gp' "$scratch/talk"
    grep -q 'it was killed by signal 9, Killed' "$scratch/talk"
}

a_new_figure_is_two_files_and_a_mistake_in_one_is_shown() {
    mkdir "$scratch/home"
    cp -r "$root/headroom" "$root/plots" "$scratch/home"
    cat >"$scratch/home/plots/lengths.sql" <<'SQL'
-- Mean length of the inputs.
SELECT n_classes, mean_length_tokens, workload, workload AS series, 'all' AS panel FROM data_set;
SQL
    cat >"$scratch/home/plots/lengths.gp" <<'GP'
title_text = "Lengths"
caption = "Tokens."
load "page.gnuplot"
t = 1
heading = text_panel[1]
load "panel.gnuplot"
set xrange [0 : 1 + highest_n_classes]
set yrange [0 : 1 + highest_mean_length_tokens]
plot for [b = first_block[1] : last_block[1]] data index b using n_classes:mean_length_tokens @mark_drawn
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry @entry_drawn title legend_text[e]
GP
    again() { "$scratch/home/headroom" plot lengths --db "$drawn/it's a.db" --out "$scratch/out" --format svg; }
    again
    grep -q '>topic<' "$scratch/out/lengths.svg"
    grep -q '^# Mean length of the inputs' "$scratch/out/data/lengths.dat"
    sed -i 's/data_set/no_such_view/' "$scratch/home/plots/lengths.sql"
    ! again 2>"$scratch/talk" || return 1
    grep -q 'lengths.sql: .*no such table: no_such_view' "$scratch/talk"
    echo 'SELECT 1 AS "two words", 1 AS series, 1 AS panel' >"$scratch/home/plots/lengths.sql"
    ! again 2>"$scratch/talk" || return 1
    grep -q "lengths.sql: the column 'two words' needs a name" "$scratch/talk"
}

# Fourteen workloads: at most six panels on a page, and no page of a larger database stays behind.
many_workloads_are_pages_of_six() {
    echo 'CREATE TEMP TABLE wanted AS SELECT 10 AS workloads, 3 AS seeds;' >"$scratch/wanted.sql"
    database "$scratch/a.db" empty tests/plots/fixture.sql "$scratch/wanted.sql" tests/plots/many.sql
    draw "$scratch/a.db" "$scratch/out" accuracy_vs_budget overview >"$scratch/said"
    grep -qx 'accuracy_vs_budget: drawn, 3 pages' "$scratch/said"
    pictures_in "$scratch/out" >"$scratch/found"
    printf '%s.svg\n' accuracy_vs_budget-2 accuracy_vs_budget-3 accuracy_vs_budget overview | diff - "$scratch/found"
    for page in '' -2 -3; do
        grep -o '>[a-z0-9-]* (synthetic, [24] classes)<\|>trec-coarse' "$scratch/out/accuracy_vs_budget$page.svg"
    done >"$scratch/panels"
    test "$(wc -l <"$scratch/panels")" -eq 14
    test "$(sort -u "$scratch/panels" | wc -l)" -eq 14
    grep -q '(2 of 3)<' "$scratch/out/accuracy_vs_budget-2.svg"
    test "$(grep -c '>[0-9]*  made-up-[0-9]*<' "$scratch/out/overview.svg")" -eq 10
    touch "$scratch/out/accuracy_vs_budget-2.png" "$scratch/out/accuracy_vs_budget-3.pdf" # as if in every format
    draw_all "$drawn/it's a.db" "$scratch/out" accuracy_vs_budget
    pictures_in "$scratch/out" >"$scratch/found"
    printf '%s\n' accuracy_vs_budget.pdf accuracy_vs_budget.png accuracy_vs_budget.svg overview.svg |
        diff - "$scratch/found"
    test -z "$(find "$scratch/out/data" -name '*-[234].*')"
}

# Where a line of text ends, at 7 pixels for a letter, which is what DejaVu Sans takes in the
# mean: every line of every caption is inside the picture.
captions_are_whole() {
    for figure in "$figures"/*.svg; do
        awk '!width && / width="[0-9]/ { split($0, size, "\""); width = size[2] }
             /text-anchor="start"/ { split($0, at, /[(,]/) }
             /<text>/ { gsub(/.*<text>|<\/text>.*|&[a-z]*;/, ""); if (at[2] == 30 && at[2] + 7 * length($0) > width) exit 1 }' \
            "$figure" || { echo "$figure" && return 1; }
    done
    texts "$figures/latency_vs_flops.svg" | grep -q 'Bars: median absolute deviation within that run. Machine'
}

text_is_wrapped_at_its_measured_width() {
    cat >"$scratch/wrap.gp" <<'GP'
svg = 1; n_panels = 1; n_entries = 0
load "style.gnuplot"
text = "iiii iiii iiii WWWW WWWW WWWW\nnew averyveryverylongword end"
room = 60
load "wrap.gnuplot"
print wrapped
print n_lines
GP
    (cd plots && gnuplot -d "$scratch/wrap.gp") >"$scratch/found" 2>&1
    printf '%s\n' 'iiii iiii' iiii WWWW WWWW WWWW new averyveryverylongword end 8 | diff - "$scratch/found"
}

data_files_can_be_read_by_other_tools() {
    # 30 arms of 3 seeds: a row for each mean, and one for each seed.
    grep -q '^# head_budget	accuracy	accuracy_low' "$figures/data/accuracy_vs_budget.dat"
    awk -F '\t' '/^#/ { next } NF && NF != 14 { exit 1 } NF && $2 != "NaN" { means++ } NF && $5 != "NaN" { seeds++ }
                 NF && $2 != "NaN" && $10 == "offsets" && $11 == "fixed-8" { found = $2 }
                 END { exit !(means == 30 && seeds == 90 && found > 90 && found < 95) }' "$figures/data/accuracy_vs_budget.dat"
}

# How many rows of a figure's data have a number in a column, of one workload.
n_rows_with() { # figure column workload
    awk -F '\t' -v wanted="$2" -v workload="$3" '
        /^#/ { for (i = 1; i <= NF; i++) { sub("^# ", "", $i); if ($i == wanted) own = i; if ($i == "workload") at = i } next }
        NF && $own != "NaN" && $at == workload { n++ }
        END { print n + 0 }' "$scratch/data/$1.dat"
}

ten_seeds_have_no_dots() {
    echo 'CREATE TEMP TABLE wanted AS SELECT 1 AS workloads, 12 AS seeds;' >"$scratch/wanted.sql"
    database "$scratch/a.db" empty tests/plots/fixture.sql "$scratch/wanted.sql" tests/plots/many.sql
    draw "$scratch/a.db" "$scratch" accuracy_vs_budget accuracy_vs_flops methods
    for figure in accuracy_vs_budget accuracy_vs_flops methods; do
        test "$(n_rows_with $figure seed_accuracy offsets)" -eq 30
        test "$(n_rows_with $figure accuracy made-up-01)" -eq 10
        test "$(n_rows_with $figure seed_accuracy made-up-01)" -eq 0
    done
    sqlite3 "$scratch/a.db" 'UPDATE trial SET current = 0 WHERE seed > 8'
    draw "$scratch/a.db" "$scratch" accuracy_vs_budget accuracy_vs_flops methods
    for figure in accuracy_vs_budget accuracy_vs_flops methods; do
        test "$(n_rows_with $figure seed_accuracy made-up-01)" -eq 90
    done
}

two_seeds_have_a_dot_each_and_one_has_none() {
    dots() { n_rows_with accuracy_vs_budget seed_accuracy "$1"; } # workload
    echo "UPDATE trial SET current = 0 WHERE seed > CASE workload_id WHEN 1 THEN 0 ELSE 1 END" >"$scratch/fewer.sql"
    database "$scratch/a.db" fixture "$scratch/fewer.sql"
    draw "$scratch/a.db" "$scratch" accuracy_vs_budget
    test "$(dots topic)" -eq 0
    test "$(dots offsets)" -eq 20
}

# An input costs 5 kFLOP and 0.7 more for each head that runs, gates free: see the arms of fixture.sql.
no_arm_of_the_front_is_beaten_for_as_few_flops() {
    cat >"$scratch/front.sql" <<'SQL'
UPDATE evaluation SET accuracy = (SELECT column2 FROM trial t
    JOIN (VALUES ('bag-of-words', 0.4), ('none', 0.5), ('random-2', 0.5), ('fixed-1', 0.6), ('fixed-2', 0.7),
                 ('fixed-4', 0.65), ('fixed-8', 0.75), ('budgetformer-0.1', 0.8), ('budgetformer-0.03', 0.7),
                 ('budgetformer-0', 0.9)) ON column1 = t.arm WHERE t.id = trial_id);
SQL
    database "$scratch/a.db" fixture "$scratch/front.sql"
    draw "$scratch/a.db" "$scratch" accuracy_vs_flops --workload offsets
    awk -F '\t' 'NF && $6 != "NaN" && !/^#/ { printf "%g %g %s %s\n", $1, $6, $9, $11 }' "$scratch/data/accuracy_vs_flops.dat" \
        >"$scratch/front"
    diff - "$scratch/front" <<'FRONT'
5 50 kFLOP none
5.7 60 kFLOP fixed-1
6.4 70 kFLOP fixed-2
8.64 80 kFLOP budgetformer-0.1
10.53 90 kFLOP budgetformer-0
FRONT
    # Seeds agree, so that their interval has no width; all arms are drawn, the front or not.
    test "$(awk -F '\t' 'NF && !/^#/ && $2 != "NaN" && ($3 - $2) ^ 2 < 1e-9 && ($4 - $2) ^ 2 < 1e-9' \
        "$scratch/data/accuracy_vs_flops.dat" | wc -l)" -eq 10
    texts "$scratch/accuracy_vs_flops.svg" | grep -q 'executed kFLOP of an input'
    texts "$scratch/accuracy_vs_flops.svg" | grep -q 'no other mean is as accurate for as few FLOPs'
    sqlite3 "$scratch/a.db" 'UPDATE evaluation SET executed_flops = 1000 * executed_flops'
    draw "$scratch/a.db" "$scratch" accuracy_vs_flops --workload offsets
    texts "$scratch/accuracy_vs_flops.svg" | grep -q 'executed MFLOP of an input'
}

# Columns of a figure's data, by name, a line for each row.
columns() { # figure column...
    figure=$1
    shift
    awk -F '\t' -v wanted="$*" '
        /^#/ { for (i = 1; i <= NF; i++) { sub("^# ", "", $i); at[$i] = i } next }
        NF { n = split(wanted, name, " "); for (i = 1; i <= n; i++) printf "%s%s", $at[name[i]], i < n ? "|" : "\n" }
    ' "$figures/data/$figure.dat"
}

# Inputs of difficulty d run (d - 3) / 2 heads more than the mean in either layer, and in seeds that are odd or even with
# them another half: 6.5, 7 and 6.5 of 8 for the easiest at cost 0.
budgets_by_difficulty_and_class_have_intervals_and_seeds() {
    columns budget_by_difficulty arm difficulty heads heads_low heads_high seed_heads >"$scratch/rows"
    awk -F '|' '$1 == "budgetformer-0" && $2 == 1 && $3 != "NaN" { mean = $3; low = $4; high = $5 }
         $1 == "budgetformer-0" && $2 == 1 && $3 == "NaN" { seeds = seeds " " $6 }
         END { half = 4.3027 * sqrt(1 / 12) / sqrt(3) # of 6.5, 7, 6.5
               exit !(seeds == " 6.5 6.5 7.0" && (mean - 20 / 3) ^ 2 < 1e-6 && (mean - low - half) ^ 2 < 1e-6 \
                      && (high - mean - half) ^ 2 < 1e-6) }' "$scratch/rows"
    cut -d '|' -f 5 "$scratch/rows" | awk '$1 != "NaN" && $1 > 8 { exit 1 }'
    test "$(cut -d '|' -f 2 "$scratch/rows" | sort -u | tr '\n' ' ')" = '1 2 3 4 '
    texts "$figures/budget_by_difficulty.svg" | grep -q 'mixed' # and no workload of one difficulty
    ! texts "$figures/budget_by_difficulty.svg" | grep -q 'offsets\|topic' || return 1
    # Of two classes that of odd numbers has the harder inputs, and stands above.
    columns budget_by_class workload arm place name heads | grep '^mixed|budgetformer-0|.*[0-9]$' >"$scratch/rows"
    printf '%s\n' 'mixed|budgetformer-0|0|1|7.66666666666667' 'mixed|budgetformer-0|1|0|7.16666666666667' |
        diff - "$scratch/rows"
}

many_classes_are_those_with_the_most_and_the_fewest_heads() {
    cat >"$scratch/classes.sql" <<'SQL'
UPDATE prediction SET label = input, heads_run = 60 - input, heads_per_layer = '[1,1]' WHERE input < 40;
DELETE FROM prediction WHERE input >= 40;
SQL
    database "$scratch/a.db" fixture "$scratch/classes.sql"
    draw "$scratch/a.db" "$scratch" budget_by_class --workload topic
    texts "$scratch/budget_by_class.svg" | grep -q 'topic: 30 of 40 classes'
    figures=$scratch
    test "$(columns budget_by_class place name | sort -u | wc -l)" -eq 30
    columns budget_by_class place name | sort -u | grep -qx '14|14'
    columns budget_by_class place name | sort -u | grep -qx '15|25'
}

# Head 0 of seed 0 runs for all inputs in the first layer; head 3 for 60% in the second.
a_heat_map_has_a_cell_for_every_head_and_for_every_class() {
    columns head_usage arm workload series label cell_x percent >"$scratch/rows"
    grep -qx 'budgetformer-0|mixed|heads|seed 0, layer 1|0|100.0' "$scratch/rows"
    grep -qx 'budgetformer-0|mixed|heads|seed 0, layer 2|3|60.0' "$scratch/rows"
    grep -qx 'budgetformer-0|mixed|heads|seed 1, layer 2|3|70.0' "$scratch/rows"
    test "$(grep -c '|heads|' "$scratch/rows")" -eq $((3 * 3 * 3 * 2 * 8)) # arms, workloads, seeds, layers, heads
    # Class 1 runs 7.6667 of 8 heads in the mean of both layers, of an odd number one more in the first.
    test "$(awk -F '|' '$1 == "budgetformer-0" && $2 == "mixed" && $3 == "classes" && $4 == 1 { sum += $6 }
        END { printf "%.3f", sum / 200 * 8 }' "$scratch/rows")" = 7.667
    test "$(grep -c '|classes|' "$scratch/rows")" -eq $((3 * 3 * 2 * 2)) # arms, workloads, classes, layers
    # By class, of 50 inputs each: of the 60 of head 3 in the second layer all of class 0 and 10 of class 1.
    columns head_usage arm workload series title cell_y cell_x percent >"$scratch/class_rows"
    grep -qx 'budgetformer-0|mixed|class 0|0 (50)|1|3|100.0' "$scratch/class_rows"
    grep -qx 'budgetformer-0|mixed|class 1|1 (50)|1|3|20.0' "$scratch/class_rows"
    test "$(grep -c '|class [01]|' "$scratch/rows")" -eq $((2 * 3 * 3 * 3 * 2 * 8)) # classes, and as above
    # The number is written in its cell.
    test "$(grep -c '>100<' "$figures/head_usage.svg")" -ge 18
}

heads_of_a_class_that_were_not_stored_are_not_drawn() {
    ! texts "$figures/head_usage.svg" | grep -q 'did not store' || return 1
    echo 'DELETE FROM class_head_usage WHERE evaluation_id % 2 = 0' >"$scratch/old.sql"
    database "$scratch/a.db" "it's a" "$scratch/old.sql"
    draw "$scratch/a.db" "$scratch" head_usage --workload mixed
    texts "$scratch/head_usage.svg" | grep -q 'These models were trained by a Headroom that did not store which'
    ! texts "$scratch/head_usage.svg" | grep -q '(50)' || return 1
}

heads_of_many_classes_are_those_of_the_most_frequent() {
    cat >"$scratch/classes.sql" <<'SQL'
UPDATE prediction SET label = input / 10;
UPDATE prediction SET label = 7 WHERE input BETWEEN 20 AND 24;
DELETE FROM class_head_usage;
INSERT INTO class_head_usage SELECT evaluation_id, i, layer, head, i FROM head_usage
JOIN (SELECT DISTINCT input AS i FROM prediction WHERE input < 10) WHERE n_inputs < 100;
SQL
    database "$scratch/a.db" "it's a" "$scratch/classes.sql"
    draw "$scratch/a.db" "$scratch" head_usage --workload mixed
    texts "$scratch/head_usage.svg" | grep -q 'mixed, budgetformer-0: 3 of 10 classes'
    figures=$scratch
    columns head_usage title | grep '(' | sort -u | tr '\n' ' ' | grep -qx '0 (10) 1 (10) 7 (15) '
}

# From inside.sql: halving losses, in seed s 0.01 s more; 2 falls to 0.2 over half of the steps.
training_is_drawn_step_by_step() {
    columns training workload arm step train_loss validation_loss accuracy s entropy temperature |
        grep '^offsets|' >"$scratch/rows"
    awk -F '|' 'function is(a, b) { return (a - b) ^ 2 < 1e-9 }
         $2 == "budgetformer-0" { n++; t = 2 * 0.1 ^ (n < 2 ? n / 2 : 1)
             if (!is($3, 25 * n) || !is($4, 1.6 / 2 ^ n + 0.01) || !is($5, 2 / 2 ^ n) || !is($6, 50 + 10 * n) \
                 || !is($7, 110 - 20 * n) || !is($8, 120 - 20 * n) || !is($9, t)) bad = 1 }
         $2 == "fixed-8" { m++; if ($7 != "NaN" || $9 != "NaN") bad = 1 }
         $2 !~ /^budgetformer|^fixed-8$/ { bad = 1 } # the others learn nothing about heads
         END { exit bad || n != 4 || m != 4 }' "$scratch/rows"
    texts "$figures/training.svg" | grep -q 'budget s asked for, % .*score entropy, % .*temperature'
    database "$scratch/a.db" "it's a"
    sqlite3 "$scratch/a.db" "UPDATE trial SET config = '{}'; UPDATE epoch SET train_score_entropy = NULL"
    draw "$scratch/a.db" "$scratch" training
    texts "$scratch/training.svg" | grep -q 'budget s asked for'
    ! texts "$scratch/training.svg" | grep -q 'score entropy, %\|[0-9] temperature' || return 1
}

# budgetformer-0.1 with other noise and another cost than any is compared with the arm of its cost, which differs in
# noise alone; a control with the arm whose decisions it replaces.
a_part_that_is_changed_is_compared_with_the_nearest_arm() {
    cat >"$scratch/parts.sql" <<'SQL'
UPDATE trial SET config = json_object('policy_options', json_object('cost', cost_weight, 'noise', 0.3))
WHERE policy = 'budgetformer';
UPDATE trial SET config = json_object('policy_options', json_object('cost', 0.1, 'noise', 0.0)), arm = 'no-noise'
WHERE arm = 'budgetformer-0.03';
SQL
    cat >"$scratch/compared.sql" <<'SQL'
INSERT INTO comparison -- TEST DATA: arm_a minus arm_b is 3 points, 1 to 5
SELECT a.workload_id, a.arm, b.arm, a.evaluations, b.evaluations, 2, 3, 100, 'crossed', 3,
       1, 1, 2, 0.5, 1, 1, 99, 0.5, 2, 2, 4, 0.5, 0.01, 0.01, 0.1, 1
FROM current_arm a JOIN current_arm b ON b.workload_id = a.workload_id AND b.arm > a.arm;
SQL
    database "$scratch/a.db" fixture "$scratch/parts.sql" "$scratch/compared.sql"
    draw "$scratch/a.db" "$scratch" ablations --workload offsets
    figures=$scratch
    columns ablations panel changed points low high sign reference_heads >"$scratch/rows"
    # no-noise comes after budgetformer-0.1, and what is in brackets behind what it is of.
    diff - "$scratch/rows" <<'ROWS'
offsets, budgetformer-0|shuffled|-3.0|-5.0|-1.0|-1|7.9
offsets, budgetformer-0|static|-3.0|-5.0|-1.0|-1|7.9
offsets, budgetformer-0.1|noise 0.0|-3.0|-5.0|-1.0|-1|5.2
offsets, budgetformer-0.1|shuffled|-3.0|-5.0|-1.0|-1|5.2
offsets, budgetformer-0.1|static|-3.0|-5.0|-1.0|-1|5.2
offsets, no-noise|shuffled|-3.0|-5.0|-1.0|-1|6.9
offsets, no-noise|static|-3.0|-5.0|-1.0|-1|6.9
ROWS
    sqlite3 "$scratch/a.db" "UPDATE trial SET current = 0 WHERE policy = 'budgetformer'"
    draw "$scratch/a.db" "$scratch" ablations | grep -qx 'ablations: not drawn: no arm here is another with a part changed'
}

# 1 + 1 + 2 MiB and one for each of 8 heads; 20 were held, 16 predicted.
memory_is_stacked_by_purpose_beside_its_peak() {
    columns memory workload arm place series part begin_mib end_mib predicted_mib | grep '^offsets|fixed-8' >"$scratch/rows"
    diff - "$scratch/rows" <<'ROWS'
offsets|fixed-8|0|parts|activations|0.0|8.0|NaN
offsets|fixed-8|0|parts|gradients|8.0|9.0|NaN
offsets|fixed-8|0|parts|optimiser|9.0|11.0|NaN
offsets|fixed-8|0|parts|parameters|11.0|12.0|NaN
offsets|fixed-8|0|peak|peak|0.0|20.0|16.0
ROWS
    database "$scratch/a.db" "it's a"
    sqlite3 "$scratch/a.db" "UPDATE memory SET bytes = NULL, reason = 'no /proc here'"
    draw "$scratch/a.db" "$scratch" memory | grep -qx 'memory: not drawn: no memory was measured: no /proc here'
}

# 1 + 2 x 8 mJ for all heads, half of it at rest; without it a line says why.
energy_is_drawn_where_it_was_measured() {
    columns energy arm panel energy unit added | grep '^fixed-8' >"$scratch/rows"
    printf 'fixed-8|offsets, batch %d, socket|17.0|mJ|8.5\n' 1 32 | diff - "$scratch/rows"
    database "$scratch/a.db" "it's a"
    sqlite3 "$scratch/a.db" "UPDATE energy SET joules_per_input = 1000 * joules_per_input"
    draw "$scratch/a.db" "$scratch" energy
    texts "$scratch/energy.svg" | grep -q ' J per input'
    sqlite3 "$scratch/a.db" "UPDATE energy SET joules_per_input = NULL, reason = 'no powercap here'"
    draw "$scratch/a.db" "$scratch" energy | grep -qx 'energy: not drawn: no energy was measured: no powercap here'
    sqlite3 "$scratch/a.db" "DELETE FROM energy"
    draw "$scratch/a.db" "$scratch" energy | grep -qx 'energy: not drawn: no data yet'
}

# 17 mJ in a millisecond at 20 W of rest: 3 less than rest. That is noise, and 0 would be another number.
energy_below_what_rest_takes_is_drawn_below_0() {
    database "$scratch/a.db" "it's a"
    sqlite3 "$scratch/a.db" "UPDATE energy SET idle_watts = 20"
    draw "$scratch/a.db" "$scratch" energy
    figures=$scratch
    columns energy arm energy unit added | grep '^fixed-8' | sort -u | grep -qx 'fixed-8|17.0|mJ|-3.0'
    texts "$scratch/energy.svg" | grep -q -- '-10'
}

# Of 20 profiles two have a warning and two no energy, which no warning left out.
only_profiles_with_energy_are_left_out_of_it() {
    database "$scratch/a.db" "it's a"
    sqlite3 "$scratch/a.db" "INSERT INTO warning (trial_id, text, at) -- TEST DATA
        SELECT DISTINCT trial_id, 'disturbed', '' FROM current_profile WHERE arm = 'fixed-8';
        UPDATE energy SET joules_per_input = NULL, reason = 'no powercap here'
        WHERE profile_id IN (SELECT id FROM current_profile WHERE arm = 'none')"
    draw "$scratch/a.db" "$scratch" energy
    texts "$scratch/energy.svg" | grep -q 'Left out: 2 of 18 profiles with energy, with a warning'
}

# Shares and ratios: one hundred is all of them, in every figure.
shares_are_in_percent() {
    for column in 'accuracy_vs_budget head_budget' 'latency_vs_flops flops_ratio' 'latency_vs_flops time_ratio' \
        'overview flops_ratio' 'methods flops_share' 'budget_by_layer until' 'counters flops_ratio' \
        'counters instructions_ratio' 'phases end_percent'; do
        awk -F '\t' -v wanted="${column#* }" '
            /^#/ { for (i = 1; i <= NF; i++) { sub("^# ", "", $i); if ($i == wanted) own = i } next }
            NF && $own != "NaN" && $own > most { most = $own }
            END { exit !(most > 99.5 && most < 100.5) }' "$figures/data/${column% *}.dat" || { echo "$column" && return 1; }
    done
    for figure in "$figures"/*.svg; do
        if texts "$figure" | grep '/ all heads\|over all heads'; then return 1; fi
    done
}

# Whoever draws may have settings of their own.
settings_of_the_user_change_nothing() {
    mkdir "$scratch/home"
    echo "system('touch $scratch/ran')" >"$scratch/home/.gnuplot"
    echo ".shell touch $scratch/ran" >"$scratch/home/.sqliterc"
    HOME=$scratch/home CDPATH=$scratch GNUTERM=dumb GNUPLOT_LIB=$scratch LC_ALL=de_DE.UTF-8 \
        draw "$drawn/it's a.db" "$scratch/out" overview
    test ! -e "$scratch/ran"
    cmp "$figures/overview.svg" "$scratch/out/overview.svg"
}

it_works_from_any_folder_and_through_a_link() {
    ln -s "$root/headroom" "$scratch/linked"
    cp "$drawn/it's a.db" "$scratch/results.db"
    cd "$scratch"
    ./linked plot overview --db results.db --format svg
    cmp "$figures/overview.svg" figures/overview.svg
}

# The others are answered in harness/store/test_view_cost.c, which leaves out what only the sqlite3 tool reads.
questions_of_certain_workloads_answer_and_the_tool_takes_all_settings() {
    cat >"$scratch/compared.sql" <<'SQL'
INSERT INTO comparison -- TEST DATA
SELECT a.workload_id, a.arm, b.arm, a.evaluations, b.evaluations, 2, 3, 100, 'crossed', 1,
       1, 1, 2, 0.5, 1, 1, 99, 0.5, 2, 2, 4, 0.5, 0.01, 0.01, 0.1, 1
FROM current_arm a JOIN current_arm b ON b.workload_id = a.workload_id AND b.arm > a.arm;
UPDATE workload SET name = 'signatures-offsets' WHERE name = 'offsets'; -- queries ask for these names
UPDATE workload SET name = 'mixed-card' WHERE name = 'mixed';
SQL
    database "$scratch/a.db" fixture "$scratch/compared.sql"
    for query in gate cards paper_says_we_see trial_failures; do
        sqlite3 -bail "$scratch/a.db" <results/queries/$query.sql >"$scratch/answer" 2>"$scratch/talk"
        test -s "$scratch/answer"
        test ! -s "$scratch/talk"
    done
    for query in results/queries/*.sql; do
        { sed -n '/^\./p' "$query" && echo 'SELECT 1;'; } | sqlite3 -bail "$scratch/a.db" >"$scratch/answer" 2>"$scratch/talk"
        test -s "$scratch/answer"
        test ! -s "$scratch/talk"
    done
}

cards_have_a_row_each_in_one_order() {
    cat >"$scratch/cards.sql" <<'SQL'
INSERT INTO comparison -- TEST DATA: arm_a minus arm_b is -1 but for the workload of id 3, by 8 points
SELECT a.workload_id, a.arm, b.arm, a.evaluations, b.evaluations, 2, 3, 100, 'crossed',
       CASE a.workload_id WHEN 3 THEN -8 ELSE -1 END,
       1, 1, 2, 0.5, 1, 1, 99, 0.5, 2, 2, 4, 0.5, 0.01, 0.01, 0.1, 1
FROM current_arm a JOIN current_arm b ON b.workload_id = a.workload_id AND b.arm > a.arm;
UPDATE workload SET name = name || '-card' WHERE name IN ('topic', 'mixed');
SQL
    database "$scratch/a.db" fixture "$scratch/cards.sql"
    draw "$scratch/a.db" "$scratch/out" cards
    texts "$scratch/out/cards.svg" | grep -q 'attention adds .*more than one head adds'
    sed '/^#/d; /^$/d' "$scratch/out/data/cards.dat" | cut -f 1-4,6 >"$scratch/rows"
    # bag-of-words minus fixed-8, and fixed-1 minus fixed-8: all heads are better by 8 and by 1.
    printf '%s\n' '8.0 6.0 10.0 1 mixed' '1.0 -1.0 3.0 0 topic' '8.0 6.0 10.0 1 mixed' '1.0 -1.0 3.0 0 topic' |
        tr ' ' '\t' | cmp - "$scratch/rows"
    sqlite3 "$scratch/a.db" <results/queries/cards.sql >"$scratch/answer"
    grep -q '^| mixed .*| +8.0 (+6.0 to +10.0) .*| ±1.00 .*| ±2.00 .*| not with 3 seeds |$' "$scratch/answer"
    grep -q '^| topic .*| none .*| no  *|$' "$scratch/answer"
}

a_share_of_a_saving_needs_a_saving() {
    database "$scratch/a.db" fixture
    sqlite3 "$scratch/a.db" <results/queries/saving.sql >"$scratch/answer"
    awk '$1 == "offsets" { n[$7 < 0.9 && NF == 10 || $7 >= 0.9 && NF == 9]++ }
         END { exit !(n[1] == 20 && n[0] == 0) }' "$scratch/answer"
}

without_several_difficulties_the_query_says_so() {
    database "$scratch/a.db" fixture
    query=results/queries/budget_follows_difficulty.sql
    test -z "$(sqlite3 "$scratch/a.db" <$query | grep 'no workload')"
    sqlite3 "$scratch/a.db" 'UPDATE prediction SET difficulty = 1'
    test "$(sqlite3 "$scratch/a.db" <$query)" = \
        'no workload with several difficulties here: run ./headroom sweep workloads/mixed.yaml'
}

the_gate_says_whether_words_alone_are_at_chance() {
    database "$scratch/a.db" fixture
    sqlite3 "$scratch/a.db" <results/queries/gate.sql | grep -q 'bag-of-words .* 50\.00 .*at chance *$'
    # The same for all seeds, but within the luck of 100 inputs, which is 9.8 points.
    cat >"$scratch/luck.sql" <<'SQL'
UPDATE evaluation SET accuracy = 0.45 + trial_id / 100000.0
WHERE trial_id IN (SELECT id FROM trial WHERE arm = 'bag-of-words');
SQL
    database "$scratch/a.db" fixture "$scratch/luck.sql"
    sqlite3 "$scratch/a.db" <results/queries/gate.sql | grep -q 'bag-of-words .* at chance *$'
    cat >"$scratch/better.sql" <<'SQL'
UPDATE evaluation SET accuracy = 0.7 + trial_id / 10000.0
WHERE trial_id IN (SELECT id FROM trial WHERE arm = 'bag-of-words');
SQL
    database "$scratch/a.db" fixture "$scratch/better.sql"
    sqlite3 "$scratch/a.db" <results/queries/gate.sql | grep -q 'bag-of-words .*does not hold'
}

simulated_counts_never_enter_a_measured_rate() {
    database "$scratch/a.db" fixture
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
    database "$scratch/a.db" fixture
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
SELECT e.id, i, i % 2, 0, i % 4 + 1, 24, 8, '[4,4]', NULL, NULL, NULL FROM evaluation e JOIN n;
SQL
    database "$scratch/a.db" fixture "$scratch/many.sql"
    test "$(sqlite3 "$scratch/a.db" 'SELECT count(*) FROM prediction')" -gt 200000
    # A guard against a plan that joins everything with everything, not a measurement; of processor time, which
    # load does not change.
    # shellcheck disable=SC3045 # dash, bash and busybox have it
    ulimit -t 20
    sqlite3 "$scratch/a.db" 'SELECT * FROM budget_by_difficulty' >"$scratch/answer"
    test -s "$scratch/answer"
    sqlite3 "$scratch/a.db" 'SELECT * FROM budget_trend' >"$scratch/answer"
    test -s "$scratch/answer"
    ./headroom report --db "$scratch/a.db" >"$scratch/answer" 2>/dev/null
    grep -q '^heads per layer needed' "$scratch/answer"
}

behaviours a_database_gives_every_figure_in_every_format a_pdf_is_as_wide_as_its_svg figures_say_n_error_bars_and_machine \
    two_profiles_of_one_model_are_a_band simulated_and_measured_counts_have_panels_of_their_own \
    what_was_not_counted_says_why_and_its_old_picture_goes every_phase_has_its_share_of_the_time \
    profiles_on_a_card_have_panels_that_say_so \
    what_heads_save_on_a_card_is_of_one_device_in_a_panel methods_are_sorted_by_accuracy \
    fifty_tuned_arms_are_drawn_with_their_names \
    a_roofline_shows_the_ceilings_and_every_phase_that_computes \
    doubtful_times_are_left_out_and_counted heads_needed_are_filled_where_known_and_open_where_not \
    workloads_on_the_same_texts_are_one_line a_skipped_workload_says_why \
    the_same_database_gives_the_same_bytes an_empty_database_draws_nothing_and_says_so \
    one_seed_and_one_arm_are_drawn \
    a_database_or_figure_that_is_not_there_is_an_error_and_draws_nothing \
    workloads_and_arms_can_be_chosen a_constant_answer_is_a_dotted_line only_what_changed_is_drawn_again \
    a_figure_that_fails_keeps_its_old_picture_and_is_drawn_next_time \
    a_figure_that_fails_stops_no_other after_a_kill_what_was_drawn_stays_drawn_and_no_gnuplot_lives \
    two_at_once_take_turns a_gnuplot_that_fails_without_a_word_is_an_error_that_says_how \
    a_new_figure_is_two_files_and_a_mistake_in_one_is_shown many_workloads_are_pages_of_six \
    captions_are_whole text_is_wrapped_at_its_measured_width \
    budgets_by_difficulty_and_class_have_intervals_and_seeds \
    many_classes_are_those_with_the_most_and_the_fewest_heads \
    a_heat_map_has_a_cell_for_every_head_and_for_every_class heads_of_a_class_that_were_not_stored_are_not_drawn \
    heads_of_many_classes_are_those_of_the_most_frequent training_is_drawn_step_by_step \
    a_part_that_is_changed_is_compared_with_the_nearest_arm memory_is_stacked_by_purpose_beside_its_peak \
    energy_is_drawn_where_it_was_measured energy_below_what_rest_takes_is_drawn_below_0 \
    only_profiles_with_energy_are_left_out_of_it \
    no_arm_of_the_front_is_beaten_for_as_few_flops shares_are_in_percent ten_seeds_have_no_dots \
    data_files_can_be_read_by_other_tools two_seeds_have_a_dot_each_and_one_has_none \
    settings_of_the_user_change_nothing \
    it_works_from_any_folder_and_through_a_link questions_of_certain_workloads_answer_and_the_tool_takes_all_settings \
    cards_have_a_row_each_in_one_order \
    a_share_of_a_saving_needs_a_saving without_several_difficulties_the_query_says_so \
    the_gate_says_whether_words_alone_are_at_chance simulated_counts_never_enter_a_measured_rate \
    instructions_beside_flops_or_a_sentence_why_not views_over_200000_predictions_answer_at_once
