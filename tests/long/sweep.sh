# shellcheck shell=sh
# What the long tests share: a small sweep of every kind of trial, and its results as text without the
# times, so that two sweeps can be compared to the bit. Sourced after tests/build/tap.sh.
unset HEADROOM_DATA
export HEADROOM_CACHE=
# shellcheck disable=SC2154 # root and scratch: of tap.sh
PATH=$root:$PATH

# Trainings of a second or less: plain, tuned, from the weights of a base; and profiles in turns.
small_sweep() { # folder
    mkdir -p "$1"
    cat >"$1/small.yaml" <<'EOF'
workload: small
tier: default
data: {source: topic, n_train: 2000, n_test: 200, length: 16}
model: {layers: 2, dim: 16, heads: 4}
train: {epochs: 6, batch: 16}
profile: {seeds: 1, again: 1, repeats: 20, blocks: 4}
seeds: [1, 2]
arms:
  - {arm: heads-4, policy: fixed, heads: 4}
  - {arm: heads-1, policy: fixed, heads: 1}
  - {arm: budget, policy: budgetformer, cost: 0.1}
  - {arm: matched, policy: fixed-matched, base: budget}
EOF
    sed -e 's/^workload: small/workload: tuned/' -e '/^  - {arm/d' -e 's/again: 1/again: 0/' \
        -e 's/^seeds:.*/seeds: 1/' "$1/small.yaml" >"$1/tuned.yaml"
    cat >>"$1/tuned.yaml" <<'EOF'
  - {arm: heads-4, policy: fixed, heads: 4}
  - {arm: heads-2, policy: fixed, heads: 2}
tune: {learning_rate: [0.001, 0.01]}
EOF
}

# One sweep of it in that folder, with what it says in `said`; arguments of headroom sweep.
run_sweep() { # folder argument...
    (cd "$1" && shift && exec headroom sweep small.yaml tuned.yaml --db r.db --jobs 2 "$@" >/dev/null 2>said)
}

# Every result that is not a time, by names instead of numbers.
results() { # folder
    sqlite3 -readonly "$1/r.db" >"$1/results" <<'EOF'
.mode list
CREATE TEMP VIEW t AS SELECT trial.id, w.name || '/' || kind || '/' || arm || '/' || seed AS name, trial.*
    FROM trial JOIN workload w ON w.id = workload_id;
SELECT name, status, reason, key, current, parameters, steps, best_epoch, train_flops, checkpoint,
    data_sha256, n_train, n_validation, n_test, vocab FROM t ORDER BY name;
SELECT name, epoch, step, train_loss, train_regulariser, train_mean_s, validation_loss,
    validation_accuracy, validation_mean_heads, learning_rate
    FROM epoch JOIN t ON t.id = trial_id ORDER BY name, epoch;
SELECT name, candidate, settings, tuning.validation_accuracy, validation_loss, chosen, tuning.reason
    FROM tuning JOIN t ON t.id = trial_id ORDER BY name, candidate;
CREATE TEMP VIEW e AS SELECT e.*, name || '/' || weights || '/' || split || '/' || control AS what
    FROM evaluation e JOIN t ON t.id = e.trial_id;
SELECT what, n_inputs, accuracy, loss, mean_heads, mean_s, executed_flops, active_flops, dense_flops,
    flops_by_component FROM e ORDER BY what;
SELECT what, input, label, predicted, heads_run, heads_per_layer, prediction.mean_s
    FROM prediction JOIN e ON e.id = evaluation_id ORDER BY what, input;
SELECT what, layer, k, l.n_inputs FROM layer_budget l JOIN e ON e.id = evaluation_id ORDER BY 1, 2, 3;
SELECT what, layer, head, u.n_inputs FROM head_usage u JOIN e ON e.id = evaluation_id ORDER BY 1, 2, 3;
SELECT name, batch_size, mean_heads, p.mean_s, executed_flops_per_input, dense_flops_per_input,
    (SELECT count(*) FROM profile_sample s WHERE s.profile_id = p.id),
    (SELECT count(*) FROM counter c WHERE c.profile_id = p.id)
    FROM profile p JOIN t ON t.id = trial_id ORDER BY name, batch_size;
SELECT name, what FROM memory JOIN t ON t.id = trial_id ORDER BY name, what;
PRAGMA quick_check;
PRAGMA foreign_key_check;
EOF
    (cd "$1" && sha256sum checkpoints/*) >>"$1/results"
}

# The same results, every file that belongs to them, and none besides.
same_as() { # folder of the undisturbed sweep, folder
    results "$1" && results "$2"
    cmp "$1/results" "$2/results" || { diff "$1/results" "$2/results" | head -n 20; return 1; }
    (cd "$1" && find . | sort) >"$1.files"
    (cd "$2" && find . | sort) >"$2.files"
    diff "$1.files" "$2.files"
}

random() { # upper end: from 0 to below it
    echo $(($(od -An -N3 -tu4 /dev/urandom 2>/dev/null || echo $$) % $1))
}
