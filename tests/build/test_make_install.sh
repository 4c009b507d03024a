#!/bin/sh
# `make install` of the program that was built, into a folder of its own, and that program run from
# another. Everything that it reads must come from the installation: the sources are still there, but no
# path leads to them.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
unset PREFIX DESTDIR HEADROOM_DATA
scratch=${scratch:?}
root=${root:?}

# Installs, and goes where nothing else is; `headroom` is a link, as a user's ~/bin may hold one.
install_and_go_elsewhere() { # arguments of make
    make -s install "$@" >"$scratch/said" 2>&1 || { cat "$scratch/said" && return 1; }
    mkdir -p "$scratch/links" "$scratch/elsewhere"
    PATH=$scratch/links:$PATH
    cd "$scratch/elsewhere" || return 1
}

the_installed_program_runs_from_any_folder() {
    install_and_go_elsewhere PREFIX="$scratch/a b/prefix"
    grep -qx "installed: $scratch/a b/prefix/bin/headroom" "$scratch/said"
    ln -s "$scratch/a b/prefix/bin/headroom" "$scratch/links/headroom"
    headroom list workloads | grep -q '^offsets '
    headroom validate offsets | grep -q "^$scratch/a b/prefix/share/headroom/workloads/offsets.yaml: ok"
    # A file that extends another of the installation, and trials, which are processes of their own.
    headroom show imdb-768 >imdb.yaml
    headroom sweep topic --filter 'fixed-1/1$' --set train.epochs=1 --set data.n_train=200 --set model.dim=16 \
        --set profile.repeats=20 --set profile.blocks=1 --set profile.again=0 --no-ceiling --db r.db >table 2>talk.txt || { cat talk.txt && return 1; }
    headroom export gate.sql --format md --db r.db >answer.md # as the README says
    test -s answer.md
    command -v gnuplot >/dev/null || skip 'gnuplot is not here: the figures were not drawn'
    headroom plot accuracy_vs_budget --db r.db >drawn
    test -s figures/accuracy_vs_budget.svg
}

an_installation_may_be_staged_and_moved() {
    install_and_go_elsewhere PREFIX=/usr DESTDIR="$scratch/stage"
    mv "$scratch/stage" "$scratch/moved"
    ln -s "$scratch/moved/usr/bin/headroom" "$scratch/links/headroom"
    headroom validate topic | grep -q "^$scratch/moved/usr/share/headroom/workloads/topic.yaml: ok"
}

# A study keeps its own workloads, and its own questions under the names of ours.
what_is_here_comes_before_what_is_installed() {
    install_and_go_elsewhere PREFIX="$scratch/prefix"
    ln -s "$scratch/prefix/bin/headroom" "$scratch/links/headroom"
    mkdir workloads
    headroom show topic >mine.yaml 2>&1 || true
    grep -q "'topic' is neither a file nor the name of one here or in workloads/" mine.yaml
    cat "$root/results/tables.sql" "$root/results/views.sql" | sqlite3 r.db >/dev/null
    echo 'SELECT 42 AS mine' >gate.sql
    [ "$(headroom export gate.sql --db r.db | tr -d '\r' | tr '\n' ' ')" = '"mine" 42 ' ]
}

uninstall_leaves_what_others_put_there() {
    install_and_go_elsewhere PREFIX="$scratch/prefix"
    echo other >"$scratch/prefix/bin/other"
    make -s -C "$root" uninstall PREFIX="$scratch/prefix" >/dev/null
    [ "$(find "$scratch/prefix" -type f)" = "$scratch/prefix/bin/other" ]
}

behaviours the_installed_program_runs_from_any_folder an_installation_may_be_staged_and_moved \
    what_is_here_comes_before_what_is_installed uninstall_leaves_what_others_put_there
