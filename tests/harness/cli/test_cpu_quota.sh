#!/bin/sh
# Under a quota of processor time, times carry a warning that names it. Needs a control group of its
# own: root, and a tree that takes one.
. tests/build/tap.sh
scratch=${scratch:?}
group=headroom-test-$$
trap 'rmdir /sys/fs/cgroup/*/$group /sys/fs/cgroup/$group 2>/dev/null; rm -rf "$scratch"' EXIT

# Prints the folder of a group that may run for a tenth of a core.
new_group() {
    for tree in /sys/fs/cgroup/cpu /sys/fs/cgroup; do
        [ -w "$tree/cgroup.procs" ] || continue
        mkdir "$tree/$group" || continue
        echo "$tree/$group"
        echo 10000 >"$tree/$group/cpu.cfs_quota_us" || echo '10000 100000' >"$tree/$group/cpu.max"
        return
    done
}

times_under_a_quota_have_a_warning_that_names_it() {
    folder=$(new_group 2>/dev/null) || skip 'no control group with a quota can be made here'
    [ -n "$folder" ] || skip 'control groups need root'
    db=$scratch/r.db
    # A block of .04 s: a period pays for .01 of it, however busy the machine is and often it is taken.
    set -- tests/harness/cli/tiny.yaml --db "$db" --filter heads-2/1 --no-ceiling --set profile.seeds=1 \
        --set 'profile.batch_sizes=[32]' --set profile.repeats=20 --set profile.blocks=1 --set profile.again=0 --set model.dim=64 \
        --set data.length=12
    ./headroom sweep "$@" --no-profile >"$scratch/talk" 2>&1 || true
    ( # what joins the group stays in it
        sh -c 'echo $PPID' >"$folder/cgroup.procs"
        ./headroom doctor --db "$db" >"$scratch/doctor"
        ./headroom sweep "$@" >"$scratch/talk" 2>&1 || true
    )
    grep -q '^  CPU quota: 0.10 cores' "$scratch/doctor"
    sqlite3 "$db" 'SELECT text FROM warning' >"$scratch/warnings"
    grep -q '^throttled in [0-9]* of [0-9]* periods by a CPU quota of 0.10 cores$' "$scratch/warnings"
    COLUMNS=1000 ./headroom report --verbose --db "$db" >"$scratch/report"
    grep -q 'NOISY MACHINE.*throttled in .*: raise that and profile again$' "$scratch/report"
    ! grep 'NOISY MACHINE.*stop other work' "$scratch/report"
}

behaviours times_under_a_quota_have_a_warning_that_names_it
