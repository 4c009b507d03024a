#!/bin/sh
# The examples of CONTRIBUTING.md, taken from the page: the reader is compiled with the build's flags, gets its
# lines in copies of the tables and reads a file; the view answers, and the figure is drawn of it. Those of
# policies have pages of their own (test_policy_example.sh).
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
page=$root/CONTRIBUTING.md

block() { # language number
    awk -v want="\`\`\`$1" -v n="$2" '$0 == want { seen++; inside = seen == n; next } /^```/ { inside = 0 } inside' "$page"
}

# A program of which everything but the reader is the one that was built.
program_with_the_reader() {
    data=$scratch/house/workloads/data
    mkdir -p "$data" && cp workloads/data/data_config.c workloads/data/data_config.h workloads/data/reader.c "$data"
    block c 1 >"$data/reader_fasttext.c"
    sed 's/reader_label_text(/reader_fasttext(/; /^\/\* Every line/,/error);/d; s/READER_PLAIN/READER_FASTTEXT/
        /^bool reader_class/,/error);/d' workloads/data/reader_plain.h >"$data/reader_fasttext.h"
    # Each line with a plus before the first line like the one below it, whatever else has been added there.
    for file in data_config.h reader.c; do
        block diff 1 | awk -v file="workloads/data/$file" '
            FNR == NR { if (/^---/) here = $2 == file; else if (here && /^\+/) plus = substr($0, 2)
                        else if (here) add[substr($0, 2)] = plus; next }
            $0 in add { print add[$0]; delete add[$0] }
            { print }
            END { for (line in add) { print file ": no line " line >"/dev/stderr"; exit 1 } }' - "$data/$file" >"$scratch/new"
        mv "$scratch/new" "$data/$file"
    done
    # What the page says in words: both lists are in the order of the enum.
    sed -i 's/|topic|/|fasttext|topic|/; s/"topic"/"fasttext", "topic"/
        s/TEXT = 1 <</TEXT = 1 << SOURCE_FASTTEXT | 1 <</' "$data/data_config.c"
    # Whoever knows the number of a source is compiled again, with the header that has one more.
    for source in $(grep -rl 'SOURCE_[A-Z]' workloads harness --include='*.c') workloads/data/reader_fasttext.c; do
        copy=$scratch/house/$source quick=
        [ -e "$copy" ] || { copy=$source && quick='-O0 -g0'; } # it compiles without a warning already
        # shellcheck disable=SC2086 # flags
        ${CC:-cc} -I"$scratch/house" @build/flags -Werror $quick -c "$copy" -o "$scratch/$(echo "$source" | tr / _).o" || return 1
    done
    ${CC:-cc} @build/flags -Wl,-S build/harness/cli/main.o "$scratch"/*.o build/headroom.a @build/libraries -o "$scratch/headroom"
}

the_reader_reads_and_refuses() {
    program_with_the_reader
    cd "$scratch" || return 1
    for class in sports politics; do
        for i in 1 2 3 4 5 6 7 8 9 10; do echo "__label__$class words $class $i"; done
    done >train.txt
    cat >f.yaml <<END
workload: f
data: {source: fasttext, train_file: $scratch/train.txt, test_share: 0.2}
model: {layers: 1, dim: 16, heads: 2}
train: {epochs: 1}
arms: [{arm: all, policy: fixed, heads: 2}]
END
    ./headroom data f.yaml >said 2>&1 || { cat said && return 1; }
    grep -q '^politics ' said && grep -q '^sports ' said
    echo '__label__sports __label__politics both' >>train.txt
    ! ./headroom data f.yaml >said 2>&1 || return 1
    grep -q 'train.txt:21: more than one label' said
    sed -i '$s/.*/no label/' train.txt
    ! ./headroom data f.yaml >said 2>&1 || return 1
    # shellcheck disable=SC2016 # a quote
    grep -q 'train.txt:21: expected `__label__NAME text`' said
}

with_the_view() {
    { cat results/tables.sql results/views.sql
      block sql 1
      echo 'CREATE TEMP TABLE size AS SELECT 4 AS n;'
      cat tests/harness/store/many.sql; } | sqlite3 "$scratch/r.db"
}

the_view_says_hours() {
    with_the_view
    # Twelve trainings of a second each, of four arms with three seeds.
    [ "$(sqlite3 "$scratch/r.db" "SELECT n_trainings, round(core_hours * 3600, 6) FROM training_hours LIMIT 1")" = '12|12.0' ]
    ./headroom export training_hours --db "$scratch/r.db" | grep -q '^"workload","n_trainings","core_hours"'
}

the_figure_is_drawn() {
    command -v gnuplot >/dev/null || skip 'gnuplot is not here: the figure was not drawn'
    with_the_view
    cp -R plots headroom "$scratch" # the program looks for figures beside itself
    block sql 2 >"$scratch/plots/training_hours.sql"
    block gnuplot 1 >"$scratch/plots/training_hours.gp"
    "$scratch/headroom" plot training_hours --db "$scratch/r.db" --out "$scratch/figures" >"$scratch/said" 2>&1 ||
        { cat "$scratch/said" && return 1; }
    cat "$scratch/said"
    grep -q '>trained models<' "$scratch/figures/training_hours.svg"
    grep -q '>w0<' "$scratch/figures/training_hours.svg"
    # Where no training says how long it took, nothing is drawn and nothing fails.
    sqlite3 "$scratch/r.db" 'UPDATE trial SET train_seconds = NULL'
    "$scratch/headroom" plot training_hours --db "$scratch/r.db" --out "$scratch/figures" >"$scratch/said" 2>&1
    grep -q 'training_hours: not drawn: no data yet' "$scratch/said"
}

# Every file and test that the page names is there.
what_is_named_is_there() {
    # shellcheck disable=SC2016 # backquotes of Markdown
    grep -oE '`[a-z_/.]+/[A-Za-z_.]+\.(c|h|sh|sql|txt|md)`' "$page" | tr -d '`' | grep -v 'fasttext\|NAME' | sort -u >"$scratch/named"
    test -s "$scratch/named"
    while read -r file; do test -e "$file" || { echo "no $file" && return 1; }; done <"$scratch/named"
    # shellcheck disable=SC2016 # backquotes of Markdown
    grep '^|' "$page" | grep -oE '`test_[a-z_]+`' | tr -d '`' | sort -u | while read -r test; do
        find tests -name "$test.c" | grep -q . || { echo "no $test" && return 1; }
    done
}

behaviours the_reader_reads_and_refuses the_view_says_hours the_figure_is_drawn what_is_named_is_there
