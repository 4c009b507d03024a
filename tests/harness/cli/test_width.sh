#!/bin/sh
# What people read fits the page: no line of a table, a list or a help is wider than COLUMNS or the terminal
# says, however many workloads there are and however long their names. In a pipe, where neither says anything,
# tables and helps have 80 columns and lines that are told one by one stay whole; and what is for programs is
# never cut. What was done to fit is in tests/harness/table.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
export COLUMNS=80 HEADROOM_CACHE=

made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
long=a-workload-whose-name-says-all-that-there-is-to-say-of-it
{
    cat results/tables.sql results/views.sql
    echo 'CREATE TEMP TABLE size AS SELECT 6 AS n;'
    cat tests/harness/store/many.sql
    cat <<SQL
UPDATE workload SET name = '$long-' || id WHERE id < 4;
UPDATE trial SET arm = 'budget-that-is-learned-for-every-input-0.03' WHERE arm = 'budget';
UPDATE trial SET status = 'failed', reason = 'a reason of as many words as somebody who wants to know it has to be told'
    WHERE kind = 'train' AND seed = 2 AND arm = 'words';
INSERT INTO warning (trial_id, at, text) VALUES (1, '2000-01-01T00:00:00Z',
    'throttled in 12 of 100 periods while times were taken, which makes all of them longer than they are');
SQL
} | sqlite3 -bail "$made/r.db" >"$made/sqlite.log"
cat results/tables.sql results/views.sql | sqlite3 -bail "$made/empty.db" >"$made/sqlite.log"

# Runs it and looks at the widest line of what it writes to stdout.
at_most() { # columns command...
    most=$1
    shift
    "$@" >"$scratch/written" 2>"$scratch/said" || { cat "$scratch/said" && return 1; }
    test -s "$scratch/written"
    widest=$(LC_ALL=C.UTF-8 wc -L <"$scratch/written")
    [ "$widest" -le "$most" ] || {
        echo "$*: $widest columns" && LC_ALL=C.UTF-8 grep -E ".{$((most + 1))}" "$scratch/written"
        return 1
    }
}

results_fit() {
    at_most 80 ./headroom report --db "$made/r.db"
    grep -q 'time ratios within .* of 1 mean nothing .*(--verbose' "$scratch/written" ||
        grep -q 'noise of times:' "$scratch/written"
    grep -q 'left out for want of room: .*tried.* (--verbose)' "$scratch/written"
    at_most 80 ./headroom status --db "$made/r.db"
    at_most 80 ./headroom list trials --db "$made/r.db"
    at_most 80 ./headroom export --list --db "$made/r.db"
    at_most 80 ./headroom compare fixed-8 budget-that-is-learned-for-every-input-0.03 --db "$made/r.db"
}

what_there_is_to_choose_from_fits() {
    for what in workloads options policies; do at_most 80 ./headroom list $what; done
    at_most 80 ./headroom validate
    at_most 80 ./headroom version
    at_most 80 ./headroom plot --db "$made/empty.db" --out "$scratch/figures"
    at_most 80 ./headroom data workloads/topic.yaml
    at_most 80 ./headroom data workloads/topic.yaml workloads/offsets.yaml
    sed "s/^workload: .*/workload: $long/" workloads/topic.yaml >"$scratch/long.yaml"
    at_most 80 ./headroom data "$scratch/long.yaml"
    at_most 80 ./headroom sweep "$scratch/long.yaml" --dry-run --db "$scratch/no.db"
    ./headroom doctor >"$scratch/all" 2>&1 || :
    LC_ALL=C.UTF-8 test "$(wc -L <"$scratch/all")" -le 80
}

# A tiny model, trained and looked at in every way. The table of bench is looked at
# where it is made (bench_prints_and_stores_one_table.cli).
what_is_measured_fits() {
    ./headroom sweep tests/harness/cli/tiny.yaml --filter heads-2/1 --jobs 1 --db "$scratch/t.db" >"$scratch/written"
    test "$(LC_ALL=C.UTF-8 wc -L <"$scratch/written")" -le 80
    set -- "$scratch"/checkpoints/*.safetensors
    sed "s/{seeds: 0}/{batch_sizes: [1, 4], repeats: 30}/; s/^workload: .*/workload: $long/" \
        tests/harness/cli/tiny.yaml >"$scratch/long.yaml"
    at_most 80 ./headroom evaluate "$1" --workload "$scratch/long.yaml"
    tr '\n' ' ' <"$scratch/written" | tr -s ' ' | grep -q '(if what was not chosen and the choice were free) executed'
    at_most 80 ./headroom count "$1" --workload "$scratch/long.yaml"
    at_most 80 ./headroom show "$scratch/long.yaml"
    awk 'BEGIN { print "label,text"; for (i = 0; i < 40; i++) print "c" i % 4 ",a text of some words: number " i }' \
        >"$scratch/$long.csv"
    (cd "$scratch" && "$root/headroom" new mine --from "$long.csv" 2>said)
    test "$(LC_ALL=C.UTF-8 wc -L <"$scratch/said")" -le 80
    at_most 80 ./headroom doctor --verify
    at_most 80 ./headroom bench --device cpu --quick --shape 8,1,2
    at_most 80 ./headroom bench --device cpu --quick --shape 8,1,2 --saving
}

every_help_fits() {
    at_most 80 ./headroom help
    ./headroom help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' | while read -r command; do
        at_most 80 ./headroom "$command" --help
    done
}

# Without the commas of a list, which its last number has not: what is last depends on what is told of.
numbers() {
    tr -s ' ' '\n' | sed 's/,$//' | grep -x '[-+±]*[0-9.,%]*[0-9][0-9.,%]*' | sort -u
}

# Also where lines are wrapped and columns follow in another block, all there was is there.
no_number_is_cut() {
    ./headroom report --db "$made/r.db" --verbose | numbers >"$scratch/wide"
    ./headroom report --db "$made/r.db" | numbers >"$scratch/narrow"
    test "$(wc -l <"$scratch/narrow")" -gt 20
    test -z "$(comm -13 "$scratch/wide" "$scratch/narrow")"
    ./headroom list trials --db "$made/r.db" | grep -c '^[0-9][0-9]* ' >"$scratch/n"
    test "$(cat "$scratch/n")" -eq "$(sqlite3 "$made/r.db" 'SELECT count(*) FROM trial WHERE current = 1')"
}

columns_and_the_terminal_say_how_wide() {
    COLUMNS=120 at_most 120 ./headroom report --db "$made/r.db"
    test "$(LC_ALL=C.UTF-8 wc -L <"$scratch/written")" -gt 80
    at_most 100000 ./headroom report --verbose --db "$made/r.db"
    test "$(LC_ALL=C.UTF-8 wc -L <"$scratch/written")" -gt 120
    if grep -q 'left out for want' "$scratch/written"; then return 1; fi
    command -v script >/dev/null || skip 'script is not here: apt-get install bsdutils'
    unset COLUMNS
    script -qec "stty cols 100; ./headroom report --db '$made/r.db' 2>/dev/null" /dev/null </dev/null | tr -d '\r' >"$scratch/typed"
    widest=$(LC_ALL=C.UTF-8 wc -L <"$scratch/typed")
    test "$widest" -gt 80 && test "$widest" -le 100
}

# As grep and logs want it: no line of a list is broken, no table wider than on a usual terminal.
in_a_pipe_lines_are_whole_and_tables_fit() {
    unset COLUMNS
    ./headroom report --db "$made/r.db" >"$scratch/report"
    sed '/^data: /,$d' "$scratch/report" >"$scratch/tables"
    test "$(wc -l <"$scratch/tables")" -gt 20
    test "$(LC_ALL=C.UTF-8 wc -L <"$scratch/tables")" -le 80
    grep -q "^$long-1: .*throttled in 12 of 100 periods .* longer than they are (train trial 1)$" "$scratch/report"
    ./headroom plot --db "$made/empty.db" --out "$scratch/figures" | grep -q '^budget_by_difficulty: not drawn: .*run ./headroom sweep .*$'
    ./headroom list options | grep -q '^  vocab_limit .*words'
    at_most 80 ./headroom report --help
}

what_is_for_programs_is_never_cut() {
    for format in csv json md; do
        ./headroom report --db "$made/r.db" --format $format >"$scratch/eighty"
        COLUMNS=40 ./headroom report --db "$made/r.db" --format $format | cmp - "$scratch/eighty"
        grep -q "$long-1" "$scratch/eighty"
    done
    grep -q '| tried |' "$scratch/eighty"
}

behaviours results_fit what_there_is_to_choose_from_fits what_is_measured_fits every_help_fits no_number_is_cut \
    columns_and_the_terminal_say_how_wide in_a_pipe_lines_are_whole_and_tables_fit what_is_for_programs_is_never_cut
