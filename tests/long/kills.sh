#!/bin/sh
# A sweep that is killed again and again, itself or its trials, at random moments, and resumed: in the
# end it holds what an undisturbed one holds, to the bit, and no file besides. KILLS says how often
# (default 200); whenever a sweep is complete it is compared and another one begins.
. tests/build/tap.sh
. tests/long/sweep.sh

# A process of the sweep, or the sweep, at some moment.
kill_something() { # sweep
    sleep "0.$(printf %03d "$(random 700)")"
    # shellcheck disable=SC2046 # words
    set -- "$1" $(cat "/proc/$1/task/$1/children" 2>/dev/null)
    shift "$(random $#)"
    case $(random 8) in
    0) kill -s TERM "$1" ;;
    *) kill -s KILL "$1" ;;
    esac 2>/dev/null && kills=$((kills + 1))
}

# Until the sweep is complete.
kill_and_resume() { # folder
    status=1
    resumed=0
    while [ $status != 0 ]; do
        resumed=$((resumed + 1))
        [ $resumed -lt 1000 ] || { cat "$1/said" && return 1; }
        run_sweep "$1" &
        sweep=$!
        while kill -0 $sweep 2>/dev/null && [ "$kills" -lt "${KILLS:-200}" ]; do
            kill_something $sweep || :
        done
        wait $sweep && status=0 || status=$?
    done
}

killed_sweeps_lose_nothing() {
    kills=0 sweeps=0
    small_sweep "$scratch/plain"
    run_sweep "$scratch/plain"
    while [ "$kills" -lt "${KILLS:-200}" ]; do
        rm -rf "$scratch/killed" && small_sweep "$scratch/killed"
        kill_and_resume "$scratch/killed"
        same_as "$scratch/plain" "$scratch/killed"
        sweeps=$((sweeps + 1))
    done
    echo "# $kills kills in $sweeps sweeps"
}

behaviours killed_sweeps_lose_nothing
