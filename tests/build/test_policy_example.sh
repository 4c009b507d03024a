#!/bin/sh
# The example of models/policies/a_new_policy.md, taken from the page: it compiles with the build's flags
# without a warning, keeps the promises of a policy, and is trained, profiled and listed by a program
# that differs from the real one by its line in the registry.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
page=models/policies/a_new_policy.md

block() { # language: its first fenced block on the page
    awk -v want="\`\`\`$1" '$0 == want { inside = 1; next } inside && /^```/ { exit } inside' "$page"
}

# The example as an object, and a registry with its line in it.
compile_example() {
    block c >"$scratch/example.c"
    awk '/^const struct policy_ops \*const policy_registry/ {
             print "extern const struct policy_ops policy_length_budget;"; inside = 1 }
         inside && /^};/ { print "    &policy_length_budget,"; inside = 0 }
         { print }' models/policies/registry.c >"$scratch/registry.c"
    for source in example registry; do
        ${CC:-cc} @build/flags -Werror -c "$scratch/$source.c" -o "$scratch/$source.o"
    done
}

# A program of one's own main and tests, with the example.
link() { # output object-or-source...
    output=$1
    shift
    ${CC:-cc} @build/flags "$@" "$scratch/registry.o" "$scratch/example.o" build/headroom.a -lcmocka \
        @build/libraries -o "$output"
}

example_has_under_60_lines_of_code() {
    block c | awk '/^\/\*$/ { comment = 1 } !comment && NF { n++ } /\*\/$/ { comment = 0 }
                   END { print n " lines"; exit !(n > 20 && n < 60) }'
}

example_compiles_without_a_warning() {
    compile_example
}

example_keeps_the_promises_of_a_policy() {
    compile_example
    for test in example_policy test_policies; do # the second goes through the whole registry
        link "$scratch/$test" "tests/models/policies/$test.c"
        CMOCKA_MESSAGE_OUTPUT=TAP "$scratch/$test" >"$scratch/said" 2>&1 || { cat "$scratch/said" && return 1; }
        grep -q '^ok 4 - ' "$scratch/said"
    done
}

example_is_listed_trained_and_profiled() {
    compile_example
    link "$scratch/headroom" build/harness/cli/main.o
    "$scratch/headroom" list policies | grep -A 1 '^length-budget: ' | grep -q '^  full .* 32 .*tokens from which'
    block yaml >"$scratch/lengths.yaml"
    "$scratch/headroom" validate "$scratch/lengths.yaml"
    "$scratch/headroom" sweep "$scratch/lengths.yaml" --db "$scratch/r.db" --jobs 1 >"$scratch/said" 2>&1 ||
        { cat "$scratch/said" && return 1; }
    # 12 of 16 tokens: 3 of 4 heads. The controls are there, and all of it is stored.
    sqlite3 "$scratch/r.db" "SELECT control, mean_heads, mean_s FROM evaluation JOIN trial ON trial.id = trial_id
        WHERE arm = 'by-length' AND weights = 'best' AND split = 'test' ORDER BY control" >"$scratch/stored"
    cat "$scratch/stored"
    grep -q '^none|3.0|0.75$' "$scratch/stored"
    grep -q '^static|3.0|0.625$' "$scratch/stored"
    [ "$(sqlite3 "$scratch/r.db" "SELECT count(*) FROM trial WHERE status = 'ok'")" = 5 ] # one profiled twice
    ! ./headroom list policies | grep length-budget
}

# What a method declares is in the database; its name is for models/policies, workloads and people alone.
nothing_else_knows_a_budget_by_name() {
    find harness models plots results workloads -name '*.[ch]' -o -name '*.sql' -o -name '*.gp' -o -name '*.gnuplot' |
        grep -v '^models/policies/' >"$scratch/sources"
    test "$(wc -l <"$scratch/sources")" -gt 200
    ! xargs grep -in 'budgetformer' <"$scratch/sources" || return 1
}

behaviours nothing_else_knows_a_budget_by_name example_has_under_60_lines_of_code example_compiles_without_a_warning \
    example_keeps_the_promises_of_a_policy example_is_listed_trained_and_profiled
