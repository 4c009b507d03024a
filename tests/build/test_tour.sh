#!/bin/sh
# README.md's first screen and its tour: the numbers are the published ones, every command is run here or says why not,
# and what is quoted has the shape of what a small sweep of the same workloads prints.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

# A page as one line, so that a sentence is found however its lines are broken.
flat() { tr '\n' ' ' <README.md | tr -s ' '; }

published() { # table SQL
    sqlite3 -cmd '.mode csv' -cmd ".import results/published/$1.csv t" -cmd '.mode list' :memory: "$2"
}

the_first_screen_has_a_figure_three_findings_and_two_commands() {
    sed -n 1,50p README.md >"$scratch/screen"
    test "$(grep -c '^!\[.*](results/published/.*\.svg)$' "$scratch/screen")" -eq 1
    test "$(grep -c '^- \*\*' "$scratch/screen")" -eq 3
    test "$(grep -c '^make \(sweep\|test\) ' "$scratch/screen")" -eq 2
    test "$(wc -l <README.md)" -le 260
}

# Each sentence is made anew of the published table.
the_findings_are_the_published_numbers() {
    {
        published cards "SELECT printf('Of %d tasks', count(*)) FROM t"
        published cards "SELECT 'on ' || CASE sum(attention_low_points > 0) WHEN 3 THEN 'three' END || ' and to be worse on '
            || CASE sum(attention_high_points + 0 < 0) WHEN 4 THEN 'four' END FROM t"
        published accuracy_vs_budget "SELECT printf('runs %.1f of 8 heads', mean_heads) FROM t
            WHERE workload = 'offsets' AND arm = 'budgetformer-0.1'"
        published claims "SELECT printf('loses %.1f points to running them all (95%% interval %.1f to %.1f, for other'
            || ' seeds and other test inputs; n = %d seeds; p = %s after Holm over %s such claims)', -difference_points,
            -ci95_high_points, -ci95_low_points, n_pairs, substr(printf('%.2f', p_holm), 2), CASE n_claims WHEN '9' THEN 'nine' END)
            FROM t WHERE workload = 'offsets' AND arm_a = 'budgetformer-0.1' AND arm_b = 'fixed-8'"
        published latency_vs_flops "SELECT printf(CASE batch_size WHEN '1'
            THEN 'Its %.2f of the FLOPs take %.2f of the time for a single input (%.2f to %.2f, over n = %d seeds'
            ELSE '%.0stake %.2f (%.2f to %.2f), which is ' || iif(1 - time_ratio < noise_floor + 0, 'noise', 'none') END,
            flops_ratio, time_ratio, time_ratio_ci95_low, time_ratio_ci95_high, n_ratios)
            FROM t WHERE workload = 'offsets' AND arm = 'budgetformer-0.1' ORDER BY batch_size + 0"
    } >"$scratch/sentences"
    test "$(wc -l <"$scratch/sentences")" -eq 6
    flat >"$scratch/flat"
    while read -r sentence; do
        grep -qF -e "$sentence" "$scratch/flat" || { echo "README.md does not say: $sentence" && return 1; }
    done <"$scratch/sentences"
}

# What README.md tells to type, but for comments and the lines that go on: of blocks without a language, of sh and console.
commands() {
    awk '/^```$/ && !inside { inside = 1; all = 1; next }
        /^```(sh)$/         { inside = 1; all = 1; next }
        /^```console$/      { inside = 1; all = 0; next }
        /^```/              { inside = !inside && 2; next }
        inside != 1         { next }
        all && /^(make|git|\.\/headroom|sqlite3|mkdir|sed|awk) /
        !all && sub(/^\$ /, "")' README.md | sed 's/  *#.*//'
}

every_command_is_run_by_a_test_or_says_why_not() {
    cat >"$scratch/known" <<'END'
git clone        not run: there is no address yet, and a test needs no network
make data        tests/build/test_fetch_data.sh, from a server of its own
make sweep       tests/build/test_make.sh, with a program in its place: it takes minutes
make test        this is it
make plots       test_readme.sh, as what follows
mkdir            test_readme.sh
awk              test_readme.sh
sed              test_readme.sh
sqlite3          test_readme.sh
./headroom new       test_readme.sh
./headroom validate  test_readme.sh
./headroom data      test_readme.sh
./headroom sweep     test_readme.sh
./headroom compare   below
model=results        below
./headroom predict   below
./headroom doctor    below
END
    commands >"$scratch/commands"
    test "$(wc -l <"$scratch/commands")" -ge 12
    while read -r command; do
        sed 's/   *.*//; s/ *$//' "$scratch/known" | grep -v '^$' | while read -r start; do
            case $command in "$start"*) echo known ;; esac
        done | grep -q known || { echo "not run by a test: $command" && return 1; }
    done <"$scratch/commands"
    for test in test_fetch_data.sh test_make.sh test_readme.sh; do test -e "tests/build/$test"; done
}

# Numbers, labels and heads as one sign each.
shape() { sed 's/[0-9][0-9.]*/0/g; s/\<[A-Z][A-Z]*\> 0/C 0/g; s/^\(  class  *\).*/\1C/; s/\(heads:\)\( 0\)*/\1/'; }

# The tour on models of the same workload that have hardly been trained.
the_tour_prints_what_is_quoted() {
    data=${HEADROOM_DATA:-$root/data}
    case $data in /*) ;; *) data=$root/$data ;; esac
    ls "$data"/trec/train_5500.label* >"$scratch/there" 2>&1 || skip 'set HEADROOM_DATA to a folder that has TREC: make data'
    export HEADROOM_DATA="$data"
    cd "$scratch"
    ln -s "$root/headroom" .
    ./headroom sweep trec-coarse --filter '/(fixed-8|budgetformer-0.1)/' --seeds 1,2 --no-profile --set train.epochs=1 \
        --set data.train_limit=300 >out 2>&1 || { cat out && return 1; }
    awk '/^```console$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$root/README.md" >console
    # The table that compare is quoted with: heading and first columns.
    grep '^| trec-coarse\|^| workload | measure' "$root/README.md" | cut -d '|' -f 2,3 >quoted
    test "$(wc -l <quoted)" -eq 4
    eval "$(sed -n 's/^\$ \(\.\/headroom compare .*\)/\1/p' console)" >compared
    grep -A 4 '^| workload | measure' compared | grep -v -- '---' | cut -d '|' -f 2,3 | diff quoted -
    # What predict says.
    eval "$(sed -n '/^\$ model=/,/")$/{s/^\$ //;p}' console)"
    test -e "${model:?}"
    eval "$(sed -n 's/^\$ \(\.\/headroom predict .*\)/\1/p' console)" | shape >said
    sed '1,/^\$ \.\/headroom predict/d; /^\$/,$d' console | shape | diff - said
    # What doctor says is the machine's; its headings are not.
    ./headroom doctor >said || true
    grep -qx 'Measured here' said && grep -qx 'Measured here' console
    grep -q '^  latency  *CLOCK_MONOTONIC' said && grep -q '^  latency  *CLOCK_MONOTONIC' console
}

behaviours the_first_screen_has_a_figure_three_findings_and_two_commands the_findings_are_the_published_numbers \
    every_command_is_run_by_a_test_or_says_why_not the_tour_prints_what_is_quoted
