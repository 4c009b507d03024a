#!/bin/sh
# Eight sweeps at once over one database.
. tests/build/tap.sh
. tests/long/sweep.sh

sweeps_at_once_share_their_trials() {
    small_sweep "$scratch/plain"
    small_sweep "$scratch/shared"
    run_sweep "$scratch/plain"
    cd "$scratch/shared"
    for i in 1 2 3 4 5 6 7 8; do
        (status=0
            headroom sweep small.yaml tuned.yaml --db r.db --jobs 2 >/dev/null 2>"said.$i" || status=$?
            echo $status >"status.$i") &
    done
    wait
    for i in 1 2 3 4 5 6 7 8; do
        echo "# sweep $i: status $(cat status.$i), $(tail -n 1 said.$i)"
        case $(cat status.$i) in
        0) ;;
        1) grep -q '^left .* is run by ' said.$i && tail -n 1 said.$i | grep -q 'left to other processes' ;;
        *) false ;;
        esac || { cat said.$i && return 1; }
    done
    # Nobody ran what another had: every trial has one attempt.
    cat logs/*.log | grep '^==== ' | cut -d , -f 1 | sort | uniq -d >twice
    [ ! -s twice ] || { cat twice && return 1; }
    rm said.* status.* twice
    run_sweep . # what a sweep left to another one that had ended by then, as a rule nothing
    same_as "$scratch/plain" "$scratch/shared"
}

behaviours sweeps_at_once_share_their_trials
