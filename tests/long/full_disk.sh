#!/bin/sh
# The disk becomes full in the middle of a sweep: nothing that was finished is lost, the message says
# what to do, and when that is done the same command goes on. The disk is a small one in memory, which
# anybody may mount who may have a namespace of their own.
. tests/build/tap.sh
. tests/long/sweep.sh

# In that namespace: everything is in $1/disk.
fill_the_disk_in_the_middle() { # folder
    mount -t tmpfs -o size=24m none "$1/disk"
    small_sweep "$1/disk"
    run_sweep "$1/disk" &
    sweep=$!
    until [ "$(sqlite3 -readonly "$1/disk/r.db" "SELECT count(*) FROM trial WHERE status = 'ok'" 2>&1)" -ge 3 ] 2>/dev/null
    do sleep 0.02; done
    dd if=/dev/zero of="$1/disk/filler" bs=64k 2>/dev/null || :
    status=0
    wait $sweep || status=$?
    tail -n 1 "$1/disk/said" >"$1/closing"
    echo "# status $status: $(cat "$1/closing")"
    [ $status = 1 ] && grep -q 'free some space' "$1/disk/said"
    sqlite3 -readonly "$1/disk/r.db" 'PRAGMA quick_check' | grep -qx ok
    sqlite3 -readonly "$1/disk/r.db" "SELECT key FROM trial WHERE status = 'ok' ORDER BY key" >"$1/finished"
    [ "$(wc -l <"$1/finished")" -ge 3 ]
    # Still full: it is said before anything runs.
    status=0
    run_sweep "$1/disk" || status=$?
    echo "# status $status: $(tail -n 1 "$1/disk/said")"
    [ $status = 1 ] && tail -n 1 "$1/disk/said" | grep -q 'free some space'
    ! grep '^\[' "$1/disk/said" || return 1
    rm "$1/disk/filler"
    run_sweep "$1/disk"
    grep -c '^\[.*\] ok ' "$1/disk/said" >"$1/rest"
    cp -r "$1/disk" "$1/full"
}

a_full_disk_loses_nothing_that_was_finished() {
    unshare -rm true 2>/dev/null || skip 'nobody but root may mount a disk here (unshare -rm)'
    mkdir "$scratch/disk"
    small_sweep "$scratch/plain"
    run_sweep "$scratch/plain"
    unshare -rm "$0" inside "$scratch"
    same_as "$scratch/plain" "$scratch/full"
    # What was finished before did not run again.
    [ "$(($(wc -l <"$scratch/finished") + $(cat "$scratch/rest")))" = \
        "$(sqlite3 "$scratch/full/r.db" 'SELECT count(*) FROM trial')" ]
}

if [ "${1:-}" = inside ]; then
    set -e
    fill_the_disk_in_the_middle "$2"
else
    behaviours a_full_disk_loses_nothing_that_was_finished
fi
