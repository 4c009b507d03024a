#!/bin/sh
# What a database of 100,000 trials costs those who ask it, and what a sweep of 2,000 tiny trials adds to their
# work. Times are printed, as seconds of the processor; that they grow with the trials and not faster, and the
# peak of memory, are asserted. TRIALS says how many (default 100000).
. tests/build/tap.sh
unset HEADROOM_DATA
export HEADROOM_CACHE='' OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# shellcheck disable=SC2154 # root and scratch: of tap.sh
PATH=$root:$PATH
[ -x /usr/bin/time ] || { echo 1..0 "# SKIP no /usr/bin/time: apt-get install time" && exit 0; }

# Workload files of ten arms and 25 seeds, of which one is profiled, planned by the program and given made-up
# results by SQL: 261 trials each.
make_database() { # folder, files
    mkdir -p "$1"
    for i in $(seq -w "$2"); do
        cat >"$1/w$i.yaml" <<END
workload: w$i
tier: default
data: {source: topic, n_train: 100, n_test: 10, length: 16}
model: {layers: 2, dim: 64, heads: 8}
train: {epochs: 3, batch: 16}
seeds: [$(seq -s , 25)]
arms:
  - {arm: heads-8, policy: fixed, heads: 8}
  - {arm: heads-4, policy: fixed, heads: 4}
  - {arm: heads-2, policy: fixed, heads: 2}
  - {arm: heads-1, policy: fixed, heads: 1}
  - {arm: words, policy: bag-of-words}
  - {arm: cost-0.03, policy: budgetformer, cost: 0.03}
  - {arm: cost-0.1, policy: budgetformer, cost: 0.1}
  - {arm: cost-0.3, policy: budgetformer, cost: 0.3}
  - {arm: cost-1, policy: budgetformer, cost: 1}
  - {arm: matched, policy: fixed-matched, base: cost-0.1}
END
    done
    # A database that is there keeps the plan; nothing is trained, and no profile has a checkpoint to start from.
    : >"$1/r.db"
    (cd "$1" && headroom sweep ./w*.yaml --db r.db --no-train >planned 2>&1) || :
    { echo 'BEGIN;' && cat tests/long/many_trials.sql && echo 'COMMIT;'; } | sqlite3 -bail "$1/r.db"
}

# Runs a command in a folder and leaves the seconds of its processor and its peak in kB in FOLDER/NAME.cost.
measure() { # folder name command...
    (cd "$1" && name=$2 && shift 2 && /usr/bin/time -o "$name.cost" -f '%U %S %M' "$@" >"$name.out" 2>&1) ||
        { tail -n 3 "$1/$2.out" && return 1; }
    awk -v what="$1 $2" '{ printf "# %s: %.1f s of the processor, peak %d MB\n", what, $1 + $2, $3 / 1000 }' "$1/$2.cost"
}

# Ten times the trials may take less than twenty times the work, and the larger of both no more than this memory.
grows_as_the_trials() { # name, MB
    cat "few/$1.cost" "many/$1.cost" | awk -v name="$1" -v most="$2" '
        NR == 1 { few = $1 + $2 } END { if ($1 + $2 < 20 * few && $3 / 1000 < most) exit
        printf "%s: %.1f s and then %.1f s, %d MB\n", name, few, $1 + $2, $3 / 1000; exit 1 }'
}

many_trials_are_planned_listed_reported_drawn_and_merged() {
    files=$((${TRIALS:-100000} / 261 + 1))
    make_database "$scratch/many" $files
    make_database "$scratch/few" $((files / 10 + 1))
    cd "$scratch"
    echo "# $(sqlite3 many/r.db 'SELECT count(*) FROM trial') trials, $(($(wc -c <many/r.db) / 1000000)) MB"
    for folder in few many; do
        measure $folder list headroom list trials --db r.db
        measure $folder status headroom status --db r.db
        measure $folder report headroom report --db r.db
        measure $folder plot headroom plot --db r.db --format svg --out all
        first=$(cd $folder && set -- w*.yaml && echo "${1%.yaml}")
        measure $folder one headroom plot --db r.db --format svg --out one --workload "$first"
        # shellcheck disable=SC2046 # words
        measure $folder plan headroom sweep --dry-run --db r.db $(cd $folder && ls ./w*.yaml)
        measure $folder merge headroom merge into.db r.db
    done
    for what in list status plot one plan; do grows_as_the_trials $what 500; done
    grows_as_the_trials report 200
    [ "$files" -le 60 ] || grep "^Of $files workloads the first 60 by name are drawn: " many/plot.out
    grows_as_the_trials merge 300
}

a_tiny_trial_takes_little_beside_its_work() {
    cd "$scratch"
    for i in $(seq -w 20); do
        cat >"t$i.yaml" <<END
workload: t$i
data: {source: topic, n_train: 40, n_test: 10, length: 8}
model: {layers: 1, dim: 8, heads: 2}
train: {epochs: 1, batch: 16}
seeds: [$(seq -s , 50)]
arms:
  - {arm: heads-2, policy: fixed, heads: 2}
  - {arm: heads-1, policy: fixed, heads: 1}
END
    done
    /usr/bin/time -o cost -f '%e %U %S' headroom sweep ./t*.yaml --db r.db --jobs 1 --no-profile >said 2>&1 ||
        { tail -n 3 said && return 1; }
    work=$(sqlite3 r.db "SELECT sum(train_seconds) + (SELECT sum(seconds) FROM evaluation) FROM trial WHERE status = 'ok'")
    [ "$(sqlite3 r.db "SELECT count(*) FROM trial WHERE status = 'ok'")" = 2000 ]
    awk -v work="$work" '{ cpu = ($2 + $3 - work) / 2; printf "# beyond its work a trial takes %.1f ms " \
        "of the processor, %.1f ms by the clock\n", cpu, ($1 - work) / 2; exit cpu >= 30 }' cost
}

behaviours many_trials_are_planned_listed_reported_drawn_and_merged a_tiny_trial_takes_little_beside_its_work
