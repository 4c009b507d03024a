#!/bin/sh
# What skipped heads save on a card, against numbers worked out by hand from tests/plots/card.sql: beside other
# devices and precisions, under other conditions, and where something was not measured.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

# Made once. Nothing is lost with it: it need not reach the disk.
folder=$(mktemp -d)
trap 'rm -rf "$scratch" "$folder"' EXIT
cat results/tables.sql results/views.sql tests/plots/card.sql | sqlite3 -cmd "PRAGMA synchronous = OFF" "$folder/r.db"

fresh() { cp "$folder/r.db" "$scratch"; }

made() { fresh && look; }

ask() { sqlite3 "$scratch/r.db" "$1"; }

is() { # answer, query
    said=$(ask "$2")
    test "$said" = "$1" || { printf '%s\nis not\n%s\n' "$said" "$1" && return 1; }
}

# What the view says now, as a table: planning it takes longer than an answer.
look() { ask "DROP TABLE IF EXISTS saving; CREATE TABLE saving AS SELECT * FROM saving_by_batch"; }

# One arm on the card in bf16, at batch 1 unless something else is said, as the view was when last looked at.
of() { # arm quantity
    echo "FROM saving WHERE workload = 'long.cuda-bf16' AND device = 'cuda-bf16' AND batch_size = ${3:-1}
        AND arm = '$1' AND quantity = '$2'"
}

what_an_input_takes_stands_beside_all_heads() {
    made
    # All heads: 1440, 1480 and 1520 us by seed, two 1110, 1120 and 1130. Half of the intervals: 4.3027 standard
    # deviations over the root of 3, of 40 us and of three ratios.
    is '1480.0|99.4|3|1.0' "SELECT round(1e6 * value, 3), round(1e6 * (value_ci95_high - value), 1), n_seeds, ratio
        $(of fixed-8 seconds)"
    is '1120.0|0.757|0.0341|3' "SELECT round(1e6 * value, 3), round(ratio, 4), round(ratio_ci95_high - ratio, 4), n_ratios
        $(of fixed-2 seconds)"
    # A batch of 256: a sixteenth of it for each, a row of its own.
    is '70.0|0.757' "SELECT round(1e6 * value, 3), round(ratio, 4) $(of fixed-2 seconds 256)"
    is '2.0|700.0|0.7' "SELECT mean_heads, value / 1e6, ratio $(of fixed-2 flops)"
    is '1148.0' "SELECT round(1e3 * value, 3) $(of fixed-8 joules)" # 1000 mJ and 0.1 for a microsecond
    is '1000.0' "SELECT round(1e3 * value, 3) $(of fixed-8 added_joules)"
    is '0.7' "SELECT round(ratio, 6) $(of fixed-2 added_joules)"
    is '2100000.0|0.7' "SELECT value, ratio $(of fixed-2 dram_bytes)"
}

devices_and_precisions_change_nothing_of_each_other() {
    made
    is '5|3' "SELECT count(DISTINCT arm), count(DISTINCT device) FROM saving WHERE quantity = 'seconds'"
    is '78400.0|0.757' "SELECT round(1e6 * value, 3), round(ratio, 4) FROM saving WHERE device = 'cuda'
        AND workload = 'long.cuda-bf16' AND batch_size = 1 AND arm = 'fixed-2' AND quantity = 'seconds'"
    is 'added_joules flops joules seconds' "SELECT group_concat(quantity, ' ') FROM (SELECT DISTINCT quantity
        FROM saving WHERE device = 'cpu' ORDER BY 1)" # the memory of the card is none of the CPU's
    of_the_card="SELECT * FROM saving WHERE device = 'cuda-bf16' ORDER BY 1, 2, 4, 7"
    ask "$of_the_card" >"$scratch/beside"
    ask "UPDATE trial SET current = 0 WHERE id >= 7000"
    look
    ask "$of_the_card" | diff "$scratch/beside" -
}

a_ratio_needs_all_heads_under_the_same_conditions() {
    made
    ask "INSERT INTO environment (id, hash, host, machine, json, seen_at) SELECT 51, 'other', host, machine,
             json_set(json, '$.card', 'ANOTHER CARD'), '' FROM environment WHERE id = 50;
         UPDATE trial SET environment_id = 51 WHERE kind = 'profile' AND arm = 'fixed-2' AND seed = 1"
    look
    is '3|2' "SELECT n_seeds, n_ratios $(of fixed-2 seconds)"
    is '3' "SELECT n_ratios $(of fixed-2 flops)" # which every machine executes
    ask "UPDATE trial SET environment_id = 51 WHERE kind = 'profile' AND arm = 'fixed-2'"
    look
    is '3|0|' "SELECT n_seeds, n_ratios, ratio $(of fixed-2 dram_bytes)"
    ask "UPDATE trial SET environment_id = NULL WHERE kind = 'profile'"
    look
    is '0' "SELECT n_ratios $(of fixed-2 seconds)" # what is not known is not the same
}

clocks_of_the_moment_are_no_condition_but_what_a_card_may_draw_is() {
    for changed in card_sm_mhz:3 card_memory_mhz:3 card_sm_most_mhz:2 card_power_limit_watts:2 card_ecc:2; do
        fresh
        ask "INSERT INTO environment (id, hash, host, machine, json, seen_at) SELECT 51, 'other', host, machine,
                 json_set(json, '$.${changed%:*}', 1), '' FROM environment WHERE id = 50;
             UPDATE trial SET environment_id = 51 WHERE kind = 'profile' AND arm = 'fixed-2' AND seed = 1"
        look
        is "${changed#*:}" "SELECT n_ratios $(of fixed-2 joules)" || { echo "$changed" && return 1; }
    done
}

doubtful_times_and_halves_of_a_count_are_left_out() {
    made
    ask "INSERT INTO warning (trial_id, text, at) SELECT id, 'doubtful', '' FROM trial WHERE seed = 1 AND kind = 'profile'"
    look
    is '2' "SELECT n_seeds $(of fixed-2 seconds)"
    is '2' "SELECT n_seeds $(of fixed-2 joules)"
    is '3' "SELECT n_seeds $(of fixed-2 dram_bytes)"
    ask "UPDATE counter SET value_per_input = NULL, status = 'unavailable', reason = 'busy'
         WHERE role = 'gpu_dram_write_bytes'"
    look
    is '' "SELECT n_seeds $(of fixed-2 dram_bytes)"
}

the_host_of_a_card_executes_none_of_its_flops() {
    fresh
    rates="FROM counter_rates WHERE workload = 'long.cuda-bf16' AND arm = 'fixed-8' AND seed = 1 AND batch_size = 1"
    # 7e5 FLOPs of tensor cores and 1e5 multiply-adds, each two, of a million; ten FLOPs in a cycle.
    is '2.0|10.0|0.9' "SELECT instructions_per_cycle, flops_per_cycle, fp_operations_per_flop $rates
        AND device = 'cuda-bf16' AND source = 'card'"
    is '3.0|||' "SELECT instructions_per_cycle, flops_per_cycle, flops_per_instruction, executed_flops_per_input $rates
        AND device = 'cuda-bf16' AND source = 'host'"
    is '3.0|100000.0' "SELECT instructions_per_cycle, flops_per_cycle $rates AND device = 'cpu' AND source = 'measured'"
    is '5' "SELECT count(*) $rates"
}

the_question_has_a_table_or_a_sentence() {
    fresh
    answer() { sqlite3 "$scratch/r.db" <results/queries/gpu_saving.sql >"$scratch/page"; }
    answer
    grep -Eq '^long.cuda-bf16 +cuda-bf16 +1 +fixed-8 +3 +90.0 ± 2.5 +8.0 +1 ± 0 +1480 ± 99 +1148 ± 9.9 +1000 ± 0 +3 ± 0 *$' \
        "$scratch/page" || { cat "$scratch/page" && return 1; }
    grep -Eq '^long.cuda-bf16 +cuda-bf16 +1 +fixed-2 +3 +2.0 +0.700 ± 0.000 +0.757 ± 0.034 ' "$scratch/page"
    ! grep -E ' cpu |no (model|energy|bytes)' "$scratch/page" || return 1
    ask "UPDATE trial SET current = 0 WHERE seed > 1"
    answer
    ! grep '±' "$scratch/page" || return 1
    ask "UPDATE energy SET joules_per_input = NULL, reason = 'no NVML here' WHERE domain = 'card'"
    answer
    grep -qx 'no energy on cuda-bf16: no NVML here' "$scratch/page"
    ask "UPDATE trial SET current = 0 WHERE device = 'cuda' AND kind = 'profile'"
    answer
    test "$(cat "$scratch/page")" = 'no model was profiled on a card: run ./headroom sweep --tag evidence, or any workload with --device cuda'
}

minutes_of_a_card_stand_beside_hours_of_a_core() {
    fresh
    hours() { sqlite3 "$scratch/r.db" <results/queries/devices.sql >"$scratch/page" && grep '^long' "$scratch/page"; }
    ! hours || return 1
    # 750 million FLOPs in 3 s of two trainings on a core; 3.6e12 in a minute of a card.
    ask "UPDATE trial SET config = json_object('data', json_object('train_file', 'reviews')), train_flops = 36e11,
             train_seconds = 60 WHERE kind = 'train' AND workload_id = 50;
         INSERT INTO workload (id, name, summary, granularity, file) VALUES (60, 'steps', '', '', '');
         INSERT INTO trial (kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, status,
                            planned_at, train_flops, train_seconds)
         SELECT 'train', key, 60, arm, policy, 8, 2, dim, seed, config, 'ok', '', 250e6 * seed, seed FROM trial
         WHERE kind = 'train' AND workload_id = 50 AND arm = 'fixed-8' AND seed < 3"
    hours
    grep -Eqx 'long.cuda-bf16 +fixed-8 +3 +1.0 +4.0 +240.0 +3.0 *' "$scratch/page"
    ask "UPDATE trial SET dim = 32 WHERE workload_id = 60" # of another width it says nothing
    ! hours || return 1
}

behaviours what_an_input_takes_stands_beside_all_heads devices_and_precisions_change_nothing_of_each_other \
    a_ratio_needs_all_heads_under_the_same_conditions \
    clocks_of_the_moment_are_no_condition_but_what_a_card_may_draw_is doubtful_times_and_halves_of_a_count_are_left_out \
    minutes_of_a_card_stand_beside_hours_of_a_core the_host_of_a_card_executes_none_of_its_flops the_question_has_a_table_or_a_sentence
