#!/bin/sh
# From a workload file to its table on a card: a small sweep of a task that is learnt in two epochs, on the
# CPU and on the card in each precision.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/gpu/card.sh
scratch=${scratch:?}

# Two methods, three seeds, no data set; joules only where they are the question, as they take their time.
seeds=1-3
epochs=2
within= # what starts the program and ends it
sweep() { # database options...
    db=$1
    shift
    # shellcheck disable=SC2086 # words
    $within ./headroom sweep topic --set train.epochs=$epochs --set data.n_train=2000 --set data.n_test=1000 --seeds $seeds \
        --filter '/(fixed-8|budgetformer-0.1)/' --set profile.card_energy=off --no-ceiling --db "$db" "$@" >"$scratch/said" 2>&1 ||
        { cat "$scratch/said" && return 1; }
}

# Rows that end with 1 where the arm is as good as the CPU's: where the two 95% intervals over seeds meet.
accuracy_is_the_cpu_s_within_the_seeds_intervals() {
    needs_card
    sweep "$scratch/r.db"
    for precision in fp32 tf32 bf16; do sweep "$scratch/r.db" --device cuda --precision $precision; done
    cat >"$scratch/query.sql" <<'SQL'
SELECT card.workload, card.arm, card.n_seeds, round(100 * card.accuracy_mean, 2) AS accuracy_percent,
       round(100 * card.accuracy_ci95_low, 2) AS low, round(100 * card.accuracy_ci95_high, 2) AS high,
       round(100 * cpu.accuracy_mean, 2) AS cpu_percent, round(100 * cpu.accuracy_ci95_low, 2) AS cpu_low,
       round(100 * cpu.accuracy_ci95_high, 2) AS cpu_high,
       card.accuracy_ci95_low <= cpu.accuracy_ci95_high AND cpu.accuracy_ci95_low <= card.accuracy_ci95_high AS equal
FROM accuracy_vs_budget AS card JOIN accuracy_vs_budget AS cpu USING (arm)
WHERE card.workload <> 'topic' AND cpu.workload = 'topic' ORDER BY card.workload, card.arm
SQL
    ./headroom export "$scratch/query.sql" --db "$scratch/r.db" | tr -d "\r" >"$scratch/table"
    sed 's/^/#| /' "$scratch/table"
    [ "$(sed 1d "$scratch/table" | grep -c '^"topic\.cuda')" -ge 6 ]
    ! sed 1d "$scratch/table" | grep -v ',1$' || return 1
}

# Each checkpoint of the CPU's, with fixed heads and with learned ones, runs the same work wherever it is timed:
# FLOPs and heads are sums of whole numbers over the same inputs, so their means are equal to the bit.
one_checkpoint_has_a_profile_of_each_device() {
    needs_card
    seeds=1
    sweep "$scratch/r.db" --set 'profile.devices=[cpu, cuda]'
    cat >"$scratch/query.sql" <<'SQL'
SELECT cpu.arm, here.batch_size, here.executed_flops_per_input AS flops, there.executed_flops_per_input AS card_flops,
       here.mean_heads AS heads, there.mean_heads AS card_heads,
       here.executed_flops_per_input = there.executed_flops_per_input AND here.mean_heads = there.mean_heads AS equal
FROM trial AS cpu JOIN trial AS card ON card.base_trial_id = cpu.base_trial_id
JOIN profile AS here ON here.trial_id = cpu.id
JOIN profile AS there ON there.trial_id = card.id AND there.batch_size = here.batch_size
WHERE cpu.kind = 'profile' AND cpu.device = 'cpu' AND card.kind = 'profile' AND card.device = 'cuda'
ORDER BY cpu.arm, here.batch_size
SQL
    ./headroom export "$scratch/query.sql" --db "$scratch/r.db" | tr -d "\r" >"$scratch/table"
    sed 's/^/#| /' "$scratch/table"
    [ "$(sed 1d "$scratch/table" | cut -d , -f 1 | sort -u | wc -l)" = 2 ]
    ! sed 1d "$scratch/table" | grep -v ',1$' || return 1
}

# Joules are more than the card at rest would have used in that time, less a percent of noise, or there is a
# reason; memory by purpose is less than what the driver says of the process.
a_profile_says_what_the_card_spends_and_holds() {
    needs_card
    seeds=1
    sweep "$scratch/r.db" --device cuda --precision bf16 --set profile.card_energy=short --set profile.again=0
    cat >"$scratch/query.sql" <<'SQL'
SELECT arm, batch_size, 1e3 * joules_per_input AS mj, 1e3 * added_joules_per_input AS added_mj,
       1e3 * ci95_half_joules_per_input AS half95_mj, idle_watts, n_regions, reason,
       reason <> '' OR (n_regions = 3 AND idle_watts > 5 AND added_joules_per_input > -0.01 * joules_per_input) AS sound
FROM energy_by_batch WHERE domain = 'card' ORDER BY arm, batch_size
SQL
    ./headroom export "$scratch/query.sql" --db "$scratch/r.db" | tr -d "\r" >"$scratch/table"
    sed 's/^/#| /' "$scratch/table"
    [ "$(sed 1d "$scratch/table" | grep -c '^"')" = 4 ]
    ! sed 1d "$scratch/table" | grep -v ',1$' || return 1
    cat >"$scratch/query.sql" <<'SQL'
SELECT arm, sum(bytes) FILTER (WHERE what NOT LIKE '%(NVML)') AS by_purpose,
       max(bytes) FILTER (WHERE what LIKE '%whole process%') AS process,
       max(reason) AS reason,
       coalesce(sum(bytes) FILTER (WHERE what NOT LIKE '%(NVML)')
           < max(bytes) FILTER (WHERE what LIKE '%whole process%'), max(reason) <> '') AS sound
FROM memory_by_purpose WHERE kind = 'train' AND what LIKE 'device memory%' GROUP BY arm
SQL
    ./headroom export "$scratch/query.sql" --db "$scratch/r.db" | tr -d "\r" >"$scratch/table"
    sed 's/^/#| /' "$scratch/table"
    [ "$(sed 1d "$scratch/table" | grep -c '^"')" = 2 ]
    ! sed 1d "$scratch/table" | grep -v ',1$' || return 1
    # Watts and not milliwatts; or unknown.
    cat >"$scratch/query.sql" <<'SQL'
SELECT machine, watts, coalesce(watts BETWEEN 20 AND 3000, 1) AS sound
FROM (SELECT machine, json_extract(json, '$.card_power_limit_watts') AS watts FROM environment
      WHERE json_extract(json, '$.card') IS NOT NULL)
SQL
    ./headroom export "$scratch/query.sql" --db "$scratch/r.db" | tr -d "\r" >"$scratch/table"
    sed 's/^/#| /' "$scratch/table"
    [ "$(sed 1d "$scratch/table" | wc -l)" -ge 1 ]
    ! sed 1d "$scratch/table" | grep -v ',1$' || return 1
}

same_seed_same_card_same_bits() {
    needs_card
    for once in a b; do
        sweep "$scratch/$once.db" --device cuda --jobs 2
        ./headroom export accuracy_vs_budget --db "$scratch/$once.db" >"$scratch/$once"
    done
    [ "$(wc -l <"$scratch/a")" -ge 3 ]
    diff "$scratch/a" "$scratch/b"
}

# Stopped after ever more seconds, at last not at all, each time going on where it stood: weights, epochs and
# accuracies are those of trainings that nobody stopped.
a_stopped_training_goes_on_to_the_same_bits() {
    needs_card
    seeds=1
    epochs=1000
    for precision in fp32 bf16; do
        whole=$scratch/$precision/whole
        stopped=$scratch/$precision/stopped
        mkdir -p "$whole" "$stopped"
        sweep "$whole/r.db" --device cuda --precision $precision --no-profile
        stops=0
        for seconds in 5 6 7 8 600; do
            within="timeout -s TERM $seconds"
            sweep "$stopped/r.db" --device cuda --precision $precision --no-profile >"$scratch/talk" && break
            stops=$((stops + 1))
        done
        within=
        [ "$seconds" -lt 600 ] || cat "$scratch/talk"
        echo "#| $precision: stopped $stops times: $(grep -h '^goes on after' "$stopped"/logs/*.log | tr '\n' ';')"
        grep -q '^goes on after' "$stopped"/logs/*.log
        cat >"$scratch/query.sql" <<'SQL'
SELECT arm, epoch, step, train_loss, validation_loss, validation_accuracy, validation_mean_heads
FROM epoch JOIN trial ON trial.id = trial_id ORDER BY arm, epoch
SQL
        for folder in "$whole" "$stopped"; do
            ./headroom export "$scratch/query.sql" --db "$folder/r.db" >"$folder/learnt"
            ./headroom export accuracy_vs_budget --db "$folder/r.db" >>"$folder/learnt"
            (cd "$folder" && sha256sum checkpoints/*) >>"$folder/learnt"
        done
        [ "$(wc -l <"$whole/learnt")" -ge 2006 ] # 1,000 epochs of two arms, two headers, two arms, two checkpoints
        diff "$whole/learnt" "$stopped/learnt"
    done
}

# Eight trainings; the log of each says which card it saw.
trials_spread_over_all_cards() {
    needs_card
    n=$(nvidia-smi -L | grep -c '^GPU ')
    [ "$n" -gt 1 ] || skip 'there is one card here'
    seeds=1-4
    sweep "$scratch/r.db" --device cuda --no-profile
    cat "$scratch"/logs/*.log | grep -o 'CUDA_VISIBLE_DEVICES=.*' | sort | uniq -c >"$scratch/used"
    sed 's/^/#| trainings by card: /' "$scratch/used"
    [ "$(wc -l <"$scratch/used")" = "$n" ]
}

behaviours accuracy_is_the_cpu_s_within_the_seeds_intervals one_checkpoint_has_a_profile_of_each_device \
    a_profile_says_what_the_card_spends_and_holds same_seed_same_card_same_bits \
    a_stopped_training_goes_on_to_the_same_bits trials_spread_over_all_cards
