#!/bin/sh
# A folder from a stranger: results.db with checkpoints, logs, figures and pending results beside it, where
# every text, path, link and piece of the schema was made to do harm. Every command that reads a database is
# run on it. None may start a program, write or remove anything outside of that folder, follow a link out of
# it, or take weights that are not numbers for a result.
# shellcheck disable=SC2317 # behaviours are called by name
# shellcheck disable=SC2016 # commands in names are meant letter by letter
. tests/build/tap.sh
scratch=${scratch:?}
export HEADROOM_CACHE="" HEADROOM_DATA="$scratch/evil"
headroom=${HEADROOM:-$root/headroom}

# An honest one, made once: trainings, profiles, checkpoints, logs and figures.
honest=$(mktemp -d)
trap 'rm -rf "$scratch" "$honest"' EXIT
cat >"$honest/tiny.yaml" <<'YAML'
workload: tiny
data: {source: label-text, train_file: q, test_file: q}
model: {layers: 1, dim: 8, heads: 2}
train: {epochs: 1, batch: 16}
profile: {seeds: 1, repeats: 20, inputs: 8, again: 0}
arms: [{arm: heads-2, policy: fixed, heads: 2}, {arm: heads-1, policy: fixed, heads: 1}]
seeds: [1, 2]
YAML
for i in 1 2 3 4 5 6 7 8 9; do echo "A what is this $i" && echo "B who was that $i"; done >"$honest/q"
HEADROOM_DATA=$honest "$headroom" sweep "$honest/tiny.yaml" --no-ceiling --db "$honest/results.db" >"$honest.talk" 2>&1 ||
    cat "$honest.talk"
rm -f "$honest.talk"
sqlite3 "$honest/results.db" "INSERT INTO ceiling SELECT id, 4e10, 1e10, seen_at FROM environment"

# What is outside of the stranger's folder: a folder to work in, and one with what is dear to its owner.
start() {
    cp -r "$honest" "$scratch/evil"
    mkdir "$scratch/work" "$scratch/home"
    echo dear >"$scratch/home/file"
    cp "$honest/results.db" "$scratch/home/other.db"
    cd "$scratch/work" || return 1
    seen >"$scratch.seen"
}

# Everything outside, with the times of all that files held; and what was started anywhere has left a file.
seen() {
    find "$scratch" "$root/plots" -path "$scratch/evil/*" ! -name 'ran*' -o -type f -printf '%p %s %T@\n' -o -printf '%p %l\n'
}

nothing_ran() {
    find "$root" \( -name 'build*' -o -name .git -o -name policies \) -prune -o -name 'ran*' -print >"$scratch/evil/ran"
    test ! -s "$scratch/evil/ran"
    rm "$scratch/evil/ran"
}

sql() { sqlite3 "$scratch/evil/results.db" "$@"; }

control=$(printf '[\001-\010\013-\037\177]')

# A command may succeed or fail with a message, but end, within a minute of a core, and change nothing outside.
attack() {
    status=0
    # shellcheck disable=SC3045 # dash has this limit
    (ulimit -t 60; exec timeout 600 "$headroom" "$@") >"$scratch/evil/said" 2>&1 </dev/null || status=$?
    echo "$status: $*"
    test "$status" -le 1 || { cut -c 1-200 "$scratch/evil/said" && return 1; }
    test "$status" -eq 0 || test -s "$scratch/evil/said"
    seen | diff "$scratch.seen" -
    test "$1" != export || return 0 # what is exported is data
    LC_ALL=C grep "$control" "$scratch/evil/said" >"$scratch/evil/talk" || return 0
    cat -v "$scratch/evil/talk" | cut -c 1-200
    return 1
}

# All figures in one format, and in all formats some, of which two are drawn and one is not.
some_figures='overview methods accuracy_vs_budget budget_by_layer'
every_command() {
    db=$scratch/evil/results.db
    attack plot --db "$db" --out "$scratch/evil/drawn" --format svg
    # shellcheck disable=SC2086 # words
    attack plot $some_figures --db "$db"
    every_command_but_plot
}

every_command_but_plot() {
    db=$scratch/evil/results.db
    echo 'SELECT * FROM trial; SELECT * FROM accuracy_vs_budget; SELECT * FROM counter' >"$scratch/evil/q.sql"
    for format in md csv jsonl; do attack export trial --db "$db" --format $format; done
    attack export "$scratch/evil/q.sql" --statement 2 --db "$db"
    attack export --db "$db"
    attack report --db "$db"
    attack report --db "$db" --format json
    attack report --db "$db" --html "$scratch/evil/page.html"
    attack status --db "$db"
    attack list trials --db "$db"
    attack compare heads-2 heads-1 --db "$db"
    attack compare "$db" "$scratch/home/other.db"
    attack doctor --db "$db"
    attack merge "$scratch/evil/all.db" "$db" --checkpoints
    attack merge "$db" "$scratch/home/other.db"
    sql "UPDATE trial SET status = 'planned' WHERE id IN (1, 2, 5, 6)" 2>"$scratch/evil/talk" || true
    for id in 1 2 5 6; do attack trial $id --db "$db" --no-ceiling; done
    attack clean --dry-run --db "$db"
    attack sweep "$scratch/evil/tiny.yaml" --replace --dry-run --db "$db"
    attack sweep "$scratch/evil/tiny.yaml" --replace --no-ceiling --db "$db"
    for file in "$scratch"/evil/checkpoints/*; do
        attack evaluate "$file" --workload "$scratch/evil/tiny.yaml" --no-profile
        attack predict "$file" 'what is that'
    done
    attack clean --db "$db"
    nothing_ran
}

# Every eighth trial has one of the names, and the workload, of which all pages and figures are, that of a command.
texts_are_only_texts() {
    start
    i=0
    while IFS= read -r name; do
        i=$((i + 1))
        quoted=$(printf %s "$name" | sed "s/'/''/g")
        sql "UPDATE OR IGNORE trial SET arm = '$quoted', policy = '$quoted', reason = '$quoted', command = '$quoted',
            checkpoint = '$quoted' WHERE id % 8 = $i % 8;
            UPDATE OR IGNORE workload SET name = '$quoted' || char(27) || '[2J', corpus = '$quoted' WHERE $i <= 4;
            UPDATE OR IGNORE workload SET file = '$quoted'"
        sql "UPDATE OR IGNORE environment SET machine = '$quoted', json = '$quoted'" 2>/dev/null ||
            sql "UPDATE OR IGNORE environment SET machine = '$quoted'" 2>/dev/null || true
    done <<'NAMES'
../../home/file
$(touch ran)
`touch ran`
|touch ran
"; system("touch ran"); "
'; touch ran; '
<touch ran
/dev/zero
NAMES
    test "$i" -eq 8
    every_command
    sql "UPDATE workload SET name = '/dev/zero' WHERE id = 1"
    every_command_but_plot
}

bases_in_a_circle_are_followed_once() {
    start
    sql "UPDATE trial SET base_trial_id = id"
    attack list trials --db "$scratch/evil/results.db"
    attack report --db "$scratch/evil/results.db"
    nothing_ran
}

# One of its seeds is of another: whatever is asked of the arm has two answers, and the report an end.
an_arm_of_two_methods_is_reported() {
    start
    sql "UPDATE trial SET policy = 'moh' WHERE id = (SELECT min(id) FROM trial WHERE kind = 'train');
        UPDATE evaluation SET trained_accuracy = accuracy"
    attack report --db "$scratch/evil/results.db" --verbose
    test $status = 0
    nothing_ran
}

keys_lead_nowhere() {
    start
    sql "UPDATE trial SET key = '../../home/file' WHERE id = 1; UPDATE trial SET key = '../home/' || id, status = 'planned'
        WHERE id > 1; UPDATE trial SET checkpoint = '../home/file', checkpoint_sha256 = NULL"
    every_command_but_plot # figures know no keys
}

# Whatever a file can hold that runs when it is read or written.
a_schema_does_nothing_but_hold_rows() {
    start
    sql <<'SQL'
CREATE TRIGGER one AFTER UPDATE ON trial BEGIN SELECT writefile('ran', 'x'), load_extension('ran'), edit('x', 'touch ran'); END;
CREATE TRIGGER two AFTER INSERT ON trial BEGIN SELECT writefile('ran', 'x'); END;
CREATE TRIGGER three AFTER INSERT ON environment BEGIN SELECT load_extension('./ran'); END;
CREATE VIEW mine AS SELECT readfile('../home/file'), writefile('ran', 'x'), load_extension('ran');
DROP VIEW IF EXISTS accuracy_vs_budget;
CREATE VIEW accuracy_vs_budget AS SELECT 'forged' AS workload, writefile('ran', 'x') AS arm;
CREATE INDEX by_harm ON trial (length(arm || reason));
SQL
    every_command
    "$headroom" report --db "$scratch/evil/results.db" >"$scratch/evil/said" 2>&1 || true
    if grep forged "$scratch/evil/said"; then return 1; fi
    attack trial 1 --db "$scratch/evil/results.db"
    grep -q 'has triggers that are not Headroom' "$scratch/evil/said"
}

# With one of its own a stranger's file would have two results take each other's place.
a_unique_index_of_somebody_s_is_refused_by_who_writes() {
    start
    sql "CREATE UNIQUE INDEX one_of_each ON trial (id, arm)"
    "$headroom" report --db "$scratch/evil/results.db" >"$scratch/evil/said" 2>&1
    if "$headroom" trial 1 --db "$scratch/evil/results.db" >"$scratch/evil/said" 2>&1; then return 1; fi
    grep -q "has a unique index over its 'trial' that is not Headroom" "$scratch/evil/said"
}

# A pragma that makes SQLite believe a schema that was written by hand.
a_schema_written_by_hand_is_refused_or_harmless() {
    start
    sql ".dbconfig defensive off" "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CREATE TABLE trial', 'CREATE VIRTUAL TABLE trial USING fts5')
        WHERE name = 'trial'"
    every_command
    cp "$honest/results.db" "$scratch/evil/results.db"
    sql ".dbconfig defensive off" "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'trial'"
    every_command
}

# Files beside the database that are links and pipes.
# shellcheck disable=SC2046,SC2086 # words throughout
links_beside_it_are_not_followed() {
    for kind in link pipe; do
        rm -rf "${scratch:?}/evil" "${scratch:?}/home" "${scratch:?}/work"
        start
        cd "$scratch/evil" || return 1
        mkdir -p drawn/data figures/data
        sql "UPDATE trial SET status = 'planned', checkpoint = NULL WHERE kind = 'train'"
        put $kind ../../home/file $(sql "SELECT 'logs/' || substr(key, 1, 16) || '.log' FROM trial")
        attack sweep "$scratch/evil/tiny.yaml" --replace --db "$scratch/evil/results.db"
        put $kind ../../home/file $(sql "SELECT 'checkpoints/' || substr(key, 1, 16) || '.safetensors' FROM trial")
        mkdir -p pending # the sweep takes an empty one away
        put $kind ../../home/other.db $(sql "SELECT 'pending/' || key || '.db pending/' || key || '.db.draft' FROM trial")
        for figure in $some_figures; do
            for folder in drawn figures; do
                for end in svg png pdf; do
                    put $kind ../../home/file $folder/$figure.$end $folder/$figure.$end.part
                    put $kind ../../../home/file $folder/data/$figure.$end.part
                done
                for end in dat gnuplot drawn; do
                    put $kind ../../../home/file $folder/data/$figure.$end $folder/data/$figure.$end.part
                done
            done
        done
        cd "$scratch/work" || return 1
        every_command
    done
}

put() { # kind target path...
    [ "$1" = link ] || { shift 2 && rm -f "$@" && mkfifo "$@" && return; }
    target=$2
    shift 2
    for path; do ln -sf "$target" "$path"; done
}

# The hash in the row is that of the damaged file: only the numbers tell.
weights_that_are_no_numbers_are_no_result() {
    start
    for file in "$scratch"/evil/checkpoints/*; do
        size=$(stat -c %s "$file")
        printf '\000\000\300\177' | dd of="$file" bs=1 seek=$((size - 4)) conv=notrunc 2>"$scratch/evil/talk"
        sql "UPDATE trial SET checkpoint_sha256 = '$(sha256sum <"$file" | cut -d ' ' -f 1)'
            WHERE checkpoint = 'checkpoints/$(basename "$file")'"
    done
    before=$(sql "SELECT count(*) FROM trial WHERE status = 'ok' AND kind <> 'train'")
    test "$before" -gt 0
    sql "UPDATE trial SET status = 'planned' WHERE kind <> 'train'"
    attack sweep "$scratch/evil/tiny.yaml" --replace --no-ceiling --db "$scratch/evil/results.db"
    test "$(sql "SELECT count(*) FROM trial WHERE status = 'ok' AND kind <> 'train'")" -eq 0
    sql "SELECT reason FROM trial WHERE status = 'failed'" | grep -q 'is nan'
    for file in "$scratch"/evil/checkpoints/*; do
        attack evaluate "$file" --workload "$scratch/evil/tiny.yaml" --no-profile
        test "$status" -eq 1
        attack predict "$file" 'what is that'
        test "$status" -eq 1
    done
}

behaviours texts_are_only_texts keys_lead_nowhere bases_in_a_circle_are_followed_once \
    an_arm_of_two_methods_is_reported a_schema_does_nothing_but_hold_rows \
    a_unique_index_of_somebody_s_is_refused_by_who_writes a_schema_written_by_hand_is_refused_or_harmless \
    links_beside_it_are_not_followed weights_that_are_no_numbers_are_no_result
