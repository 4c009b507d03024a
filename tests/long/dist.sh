#!/bin/sh
# `make dist`, and what it packed built, installed and run elsewhere: nothing that a build or a run needs is
# outside what is committed. Half a minute on a machine that has nothing else to do.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

what_is_packed_can_be_built_and_run() {
    [ -e .git ] || skip 'this is no checkout of git'
    git clone -q . "$scratch/clone"
    make -s -C "$scratch/clone" dist
    tar -C "$scratch" -xzf "$scratch"/clone/headroom-*.tar.gz
    cd "$scratch"/headroom-*/ || return 1
    make -s CUDA=0 build && make -s install PREFIX="$scratch/prefix"
    cd / && "$scratch/prefix/bin/headroom" version >"$scratch/said"
    cat "$scratch/said"
    grep -qx "commit    $(git -C "$scratch/clone" rev-parse --short HEAD), taken from an archive" "$scratch/said"
    "$scratch/prefix/bin/headroom" validate topic
}

behaviours what_is_packed_can_be_built_and_run
