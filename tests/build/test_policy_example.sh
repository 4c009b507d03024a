#!/bin/sh
# The examples of models/policies, taken from their pages: they compile with the build's flags without a
# warning, keep the promises of a policy, and are trained, profiled and listed by a program that differs
# from the real one by their lines in the registry. The second has a budget and a cost, and appears in
# report, figures and queries without another line.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
first=models/policies/a_new_policy.md
second=models/policies/a_gate_that_looks.md

block() { # page language: its first fenced block on the page
    awk -v want="\`\`\`$2" '$0 == want { inside = 1; next } inside && /^```/ { exit } inside' "$1"
}

# An example as an object, and a registry with its line in it.
compile_example() { # page variable
    block "$1" c >"$scratch/example.c"
    awk -v variable="$2" '/^const struct policy_ops \*const policy_registry/ {
             print "extern const struct policy_ops " variable ";"; inside = 1 }
         inside && /^};/ { print "    &" variable ","; inside = 0 }
         { print }' models/policies/registry.c >"$scratch/registry.c"
    for source in example registry; do
        ${CC:-cc} @build/flags -Werror -c "$scratch/$source.c" -o "$scratch/$source.o"
    done
}

# A program of one's own main and tests, with the example; as quickly compiled and linked as can be.
link() { # output object-or-source...
    output=$1
    shift
    ${CC:-cc} @build/flags -O1 -g0 -Wl,-S "$@" "$scratch/registry.o" "$scratch/example.o" build/headroom.a -lcmocka \
        @build/libraries -o "$output"
}

# The lines of an example without its opening comment and blank ones; formatted as the sources are.
has_fewer_lines_than() { # page lines
    block "$1" c | awk -v most="$2" '/^\/\*$/ { comment = 1 } !comment && NF { n++ } /\*\/$/ { comment = 0 }
                   length($0) > 100 { long = 1 }
                   END { print n " lines"; exit !(n > 20 && n < most && !long) }'
}

keeps_its_promises() { # test
    for test in "$1" test_policies; do # the second goes through the whole registry
        link "$scratch/$test" "tests/models/policies/$test.c"
        CMOCKA_MESSAGE_OUTPUT=TAP "$scratch/$test" >"$scratch/said" 2>&1 || { cat "$scratch/said" && return 1; }
        grep -q '^ok 4 - ' "$scratch/said"
    done
}

sweep() { # page
    link "$scratch/headroom" build/harness/cli/main.o
    block "$1" yaml >"$scratch/file.yaml"
    "$scratch/headroom" validate "$scratch/file.yaml"
    "$scratch/headroom" sweep "$scratch/file.yaml" --no-ceiling --db "$scratch/r.db" --jobs 1 >"$scratch/said" 2>&1 ||
        { cat "$scratch/said" && return 1; }
}

example_has_under_60_lines_of_code() {
    has_fewer_lines_than $first 60
}

second_example_has_under_80_lines_of_code() {
    has_fewer_lines_than $second 80
}

example_compiles_without_a_warning() {
    compile_example $first policy_length_budget
    compile_example $second policy_priced_budget
}

example_keeps_the_promises_of_a_policy() {
    compile_example $first policy_length_budget
    keeps_its_promises example_policy
}

second_example_keeps_the_promises_of_a_policy() {
    compile_example $second policy_priced_budget
    keeps_its_promises example_gate
}

example_is_listed_trained_and_profiled() {
    compile_example $first policy_length_budget
    sweep $first
    COLUMNS=1000 "$scratch/headroom" list policies | grep -A 1 '^length-budget: ' | grep -q '^  full .* 32 .*tokens from which'
    # 12 of 16 tokens: 3 of 4 heads. The controls are there, and all of it is stored.
    sqlite3 "$scratch/r.db" "SELECT control, mean_heads, mean_s FROM evaluation JOIN trial ON trial.id = trial_id
        WHERE arm = 'by-length' AND weights = 'best' AND split = 'test' ORDER BY control" >"$scratch/stored"
    cat "$scratch/stored"
    grep -q '^none|3.0|0.75$' "$scratch/stored"
    grep -q '^static|3.0|0.625$' "$scratch/stored"
    [ "$(sqlite3 "$scratch/r.db" "SELECT count(*) FROM trial WHERE status = 'ok'")" = 5 ] # one profiled twice
    ! ./headroom list policies | grep length-budget
}

# What the SELECT of a figure or of a query says of the results.
asked() { # file
    sqlite3 "$scratch/r.db" <"$1" >"$scratch/asked"
}

second_example_appears_in_report_figures_and_queries() {
    compile_example $second policy_priced_budget
    sweep $second
    "$scratch/headroom" report --db "$scratch/r.db" >"$scratch/said"
    grep -q '^priced / priced-0.2 ' "$scratch/said"
    grep -q '^priced / priced-0.2 (static) ' "$scratch/said"
    grep -q '^priced: priced-0.2 minus all heads (all): ' "$scratch/said"
    grep -q '^priced: .* of 4 with priced-budget' "$scratch/said"
    ln -s "$root/plots" "$scratch/plots" # which lies beside the program
    "$scratch/headroom" plot overview accuracy_vs_budget granularity budget_by_layer methods --format svg \
        --db "$scratch/r.db" --out "$scratch/figures" >"$scratch/said"
    cat "$scratch/said"
    for figure in overview accuracy_vs_budget granularity; do
        grep -q '>priced-budget[ <]' "$scratch/figures/$figure.svg"
    done
    grep -q '>priced-budget (number: cost weight)<' "$scratch/figures/accuracy_vs_budget.svg"
    grep -q '>cost 0.2<' "$scratch/figures/budget_by_layer.svg"
    grep -q '>priced-0.2<' "$scratch/figures/methods.svg"
    for sql in plots/overview plots/granularity plots/budget_by_layer results/queries/heads_needed \
        results/queries/controls results/queries/budget_follows_difficulty results/queries/methods; do
        asked $sql.sql
        grep -q 'priced-0.2\|priced-budget' "$scratch/asked" || { echo "not in $sql.sql" && return 1; }
    done
    asked plots/accuracy_vs_budget.sql
    grep -q '|0.2|priced|priced-0.2|priced-budget|' "$scratch/asked" # the number beside its mark
    # It declares three things; fixed heads declare none.
    [ "$(sqlite3 "$scratch/r.db" "SELECT * FROM policy_declares WHERE policy = 'priced-budget'")" = 'priced-budget|1|1|1' ]
    [ "$(sqlite3 "$scratch/r.db" "SELECT * FROM policy_declares WHERE policy = 'fixed'")" = 'fixed|0|0|0' ]
}

# What a method declares is in the database; its name is for models/policies, workloads and people alone.
nothing_else_knows_a_budget_by_name() {
    # What a sweep has drawn is no source.
    find harness models plots results workloads -path results/figures -prune -o \
        \( -name '*.[ch]' -o -name '*.sql' -o -name '*.gp' -o -name '*.gnuplot' \) -print |
        grep -v '^models/policies/' >"$scratch/sources"
    test "$(wc -l <"$scratch/sources")" -gt 200
    ! xargs grep -in 'budgetformer' <"$scratch/sources" || return 1
}

behaviours nothing_else_knows_a_budget_by_name example_has_under_60_lines_of_code \
    second_example_has_under_80_lines_of_code example_compiles_without_a_warning \
    example_keeps_the_promises_of_a_policy second_example_keeps_the_promises_of_a_policy \
    example_is_listed_trained_and_profiled second_example_appears_in_report_figures_and_queries
