#!/bin/sh
# `headroom submit` on a real Slurm (slurm_cluster.sh). Of 24 elements one is killed without a word, one is sent back to the queue,
# one runs out of time; in the end there is the database of a local sweep, to the bit.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
. tests/long/sweep.sh
. tests/long/slurm_cluster.sh

# Until nothing is in the queue any more.
drain() {
    while [ "$(squeue -h | wc -l)" != 0 ]; do sleep 1; done
}

# 24 trainings that wait for nobody, the first three of which take long, and 7 that start from others.
array_of_24() { # folder
    mkdir -p "$1"
    cat >"$1/small.yaml" <<'END'
workload: small
data: {source: topic, n_train: 2000, n_test: 200, length: 16}
model: {layers: 2, dim: 16, heads: 4}
train: {epochs: 6, batch: 16}
profile: {seeds: 1, again: 1, repeats: 20, blocks: 4}
seeds: [1, 2, 3, 4, 5, 6, 7]
arms:
  - {arm: heads-4, policy: fixed, heads: 4}
  - {arm: heads-1, policy: fixed, heads: 1}
  - {arm: budget, policy: budgetformer, cost: 0.1}
  - {arm: pruned, policy: michel, base: heads-4, heads: 2, recovery: 2}
END
    sed -e 's/^workload: small/workload: slow/' -e '/arm: [hp]/d' -e 's/epochs: 6/epochs: 150/' \
        -e 's/^seeds:.*/seeds: [1, 2, 3]/' -e 's/seeds: 1,/seeds: 0,/' "$1/small.yaml" >"$1/slow.yaml"
}

# Stops the training that an element runs, once its second epoch is over: it is in the middle of a
# later one then, whatever this machine does meanwhile. False if there was none to be stopped.
halt() { # element
    rounds=0
    while [ $rounds -lt 600 ]; do
        rounds=$((rounds + 1))
        for process in /proc/[0-9]*; do
            grep -qsz "^SLURM_ARRAY_TASK_ID=$1\$" "$process/environ" || continue
            grep -qsz '^trial$' "$process/cmdline" || continue
            grep -qs '^epoch 2/' "$(readlink "$process/fd/2")" || continue
            kill -s STOP "${process#/proc/}"
            return 0
        done
        sleep 0.2
    done
    return 1
}

# Every process of an element at once: none of them has a last word.
kill_all() { # element
    all=
    for process in /proc/[0-9]*; do
        ! grep -qsz "^SLURM_ARRAY_TASK_ID=$1\$" "$process/environ" || all="$all ${process#/proc/}"
    done
    # shellcheck disable=SC2086 # words
    kill -s KILL $all
}

a_cluster_does_what_a_sweep_does() {
    array_of_24 "$scratch/local" && array_of_24 "$scratch/jobs"
    start_slurm
    cd "$scratch/jobs" || return
    headroom submit slow.yaml small.yaml --db r.db >said
    cat said
    job=$(sed -n 's/.*submitted 24 of 24 elements as job \([0-9]*\): 1-24$/\1/p' said)
    [ -n "$job" ]
    headroom submit slow.yaml small.yaml --db r.db | grep 'nothing to submit: all that is left is in '
    for element in 1 2 3; do halt $element; done
    headroom status --db r.db >stands
    grep -Eq '^2 +slow/.* RUNNING' stands
    kill_all 1
    scontrol requeue "${job}_2"
    scontrol update "JobId=${job}_3" TimeLimit=1
    drain
    headroom status --db r.db >stands
    cat stands
    grep -q ': 22 of 24 elements done, in ' stands
    # What is in no queue any more is known where there are accounts.
    if [ "$accounts" ]; then
        grep -Eq '^1 .* (FAILED|NODE_FAIL)' stands
        grep -Eq '^3 .* TIMEOUT' stands
    fi
    # The last job has merged what there was.
    [ "$(sqlite3 r.db "SELECT count(*) FROM trial WHERE kind = 'train' AND status = 'ok'")" = 29 ]
    headroom submit slow.yaml small.yaml --db r.db >said
    cat said
    grep -q 'submitted 2 of 24 elements as job [0-9]*: 1,3$' said
    drain
    headroom submit slow.yaml small.yaml --db r.db | grep 'nothing to submit: every trial is ok$'
    grep -v '^/' slurm-*/end.log | grep -B 3 -A 12 '^workload'
    # Who was told to end went on from where it stood; who was killed began again.
    grep '^goes on after' logs/*.log
    [ "$(grep -l '^goes on after' logs/*.log | wc -l)" = 2 ]
    (cd ../local && headroom sweep slow.yaml small.yaml --db r.db --jobs 2 >/dev/null 2>said)
    results ../local && results .
    cmp ../local/results results
}

# The cluster says that it has cards; what computes there is another matter.
a_training_on_a_card_is_given_one() {
    array_of_24 "$scratch/jobs"
    start_slurm
    cd "$scratch/jobs" || return
    headroom submit small.yaml --db r.db --device cuda --seeds 1 --sbatch=--hold --no-profile >said
    cat said
    job=$(sed -n 's/.* as job \([0-9]*\): .*/\1/p' said)
    scontrol show job "${job}_1" >shown
    cat shown
    grep -Eq 'TresPerNode=gres[:/]gpu[:=]1|TresPerNode=gpu:1' shown
    squeue -h -o %A | sort -u | xargs scontrol release # the array, and the job behind it
    drain
    headroom status --db r.db
}

behaviours a_cluster_does_what_a_sweep_does a_training_on_a_card_is_given_one
