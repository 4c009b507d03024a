#!/bin/sh
# What --memory does to a real trial, by a control group where this machine lets one be made and by a
# limit of the process elsewhere.
. tests/build/tap.sh
scratch=${scratch:?}

ended() { # how the trial did
    sqlite3 "$scratch/r.db" "SELECT $1 FROM trial WHERE status <> 'planned'"
}

# Two layers of 4096: 769 MiB of parameters, before their gradients and moments.
a_trial_that_needs_more_than_its_bound_is_out_of_memory() {
    not_with_address_sanitizer 'takes more memory'
    ./headroom sweep tests/harness/cli/tiny.yaml --filter heads-2 --seeds 1 --db "$scratch/r.db" \
        --set model.dim=4096 --set model.layers=2 --set model.ffn=4096 --memory 600M >"$scratch/talk" 2>&1 &
    sweep=$!
    ! wait $sweep || return 1
    [ "$(ended status)" = oom ]
    ended reason | grep -e '^out of memory of 0.6 GiB, signal 9' -e '^cannot reserve 769 MiB for parameters: '
    grep 'oom tiny/heads-2/1: ' "$scratch/talk"
    [ -z "$(find /sys/fs/cgroup -name "headroom-$sweep-*" -type d 2>/dev/null)" ]
}

one_that_needs_less_has_its_result() {
    not_with_address_sanitizer 'takes more memory'
    ./headroom sweep tests/harness/cli/tiny.yaml --filter heads-2 --seeds 1 --set profile.seeds=1 --no-ceiling \
        --db "$scratch/r.db" --memory 600M >"$scratch/talk" 2>&1
    [ "$(ended "group_concat(kind || ' ' || status)")" = 'train ok,profile ok,again ok' ]
}

behaviours a_trial_that_needs_more_than_its_bound_is_out_of_memory one_that_needs_less_has_its_result
