#!/bin/sh
# A database that another program keeps locked: who has a result waits for it, says for whom, and leaves the
# result where nothing can lose it. Waited for is what the program says, however long that takes.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
tiny=$root/tests/harness/cli/tiny.yaml
started=
trap 'kill -KILL $started 2>/dev/null; rm -rf "$scratch"' EXIT

# Somebody begins to write, and thinks about it until `release`.
hold() { # database
    mkfifo "$scratch/words"
    sqlite3 "$1" <"$scratch/words" &
    holder=$!
    exec 9>"$scratch/words"
    printf '.timeout 60000\nBEGIN IMMEDIATE;\n' >&9
    while sqlite3 "$1" 'BEGIN IMMEDIATE' 2>/dev/null; do sleep 0.05; done
}

release() {
    printf 'COMMIT;\n.quit\n' >&9
    exec 9>&-
    wait "$holder"
    rm "$scratch/words"
}

# Waits until a command succeeds, while the process lives that it is about.
until_told() { # pid command...
    pid=$1
    shift
    until "$@" >/dev/null 2>&1; do kill -0 "$pid" && sleep 0.05 || return 1; done
}

is_running() {
    [ "$(sqlite3 r.db "SELECT status FROM trial WHERE id = $id")" = running ]
}

# Between two of its own writes, which are short.
stop_where_it_holds_no_lock() {
    kill -STOP "$started"
    until sqlite3 r.db 'BEGIN IMMEDIATE' 2>/dev/null; do
        kill -CONT "$started" && sleep 0.05 && kill -STOP "$started"
    done
}

result_that_cannot_be_stored_is_kept_and_the_next_sweep_stores_it() {
    cd "$scratch" || return 1
    sweep() { "$root/headroom" sweep "$tiny" --set train.epochs=300 --filter "$1" --db r.db >table 2>talk.txt; }
    sweep 'heads-1/1$' # and plans the other
    id=$(sqlite3 r.db "SELECT id FROM trial WHERE arm = 'heads-2' AND seed = 1")
    "$root/headroom" trial "$id" --db r.db >table 2>talk.txt &
    started=$!
    until_told "$started" is_running
    stop_where_it_holds_no_lock
    hold r.db
    kill -CONT "$started"
    until_told "$started" grep 'the result is kept in pending/' talk.txt
    grep -q "^waiting for process $holder (sqlite3), which keeps r.db locked" talk.txt
    kill -KILL "$started"
    release
    # Whoever takes the results elsewhere hears that one is missing.
    ! "$root/headroom" merge all.db r.db >said 2>&1 || return 1
    grep -q 'r.db: 1 more result waits in the folder pending/' said
    sweep 'heads-2/1$'
    grep -q 'stored what 1 trial had found and could not store' talk.txt
    # It was not trained again.
    [ "$(sqlite3 r.db "SELECT status, pid FROM trial WHERE id = $id")" = "ok|$started" ]
    ! ls pending/*.db 2>/dev/null || return 1
}

sweep_waits_for_its_database_and_says_for_whom() {
    cd "$scratch" || return 1
    "$root/headroom" sweep "$tiny" --filter 'heads-2/1$' --db r.db >table 2>&1
    hold r.db
    "$root/headroom" sweep "$tiny" --filter 'heads-1/1$' --db r.db >table 2>talk.txt 9>&- &
    started=$!
    until_told "$started" grep "waiting for process $holder (sqlite3), which keeps the database locked" talk.txt
    release
    wait "$started"
    [ "$(sqlite3 r.db "SELECT count(*) FROM trial WHERE status = 'ok'")" = 2 ]
}

behaviours result_that_cannot_be_stored_is_kept_and_the_next_sweep_stores_it \
    sweep_waits_for_its_database_and_says_for_whom
