#!/bin/sh
# Ready questions print what is not known as unknown: printf turns a NULL into a 0, which reads as a
# result. One seed leaves most intervals and p values unknown.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}

# Built once: behaviours start with an empty $scratch.
made=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
{
    printf 'workload: one-card\nsummary: one seed\ntier: default\n'
    printf 'data: {source: topic, n_train: 200, n_test: 40, length: 8}\n'
    printf 'model: {layers: 1, dim: 8, heads: 2}\ntrain: {epochs: 1, batch: 16}\n'
    printf 'arms:\n  - {arm: fixed-2, policy: fixed, heads: 2}\n  - {arm: none, policy: none}\n'
    printf '  - {arm: reading, policy: budgetformer}\nseeds: [1]\n'
} >"$made/one.yaml"
./headroom sweep "$made/one.yaml" --db "$made/one.db" --no-profile >"$made/talk" 2>&1 ||
    cat "$made/talk"

answers() { # name of the query, SQL to run before it
    cp "$made/one.db" "$scratch/one.db"
    { echo "$2"; cat "results/queries/$1.sql"; } | sqlite3 -bail "$scratch/one.db" >"$scratch/page"
}

a_card_without_intervals_has_none() {
    answers cards ''
    # There is no arm of one head; one seed has a difference but no interval.
    awk -F' *[|] *' 'NR == 3 && $7 == "-" && $9 ~ /^[+-][0-9.]+$/ && $10 == "-" &&
        $11 == "none" && $12 == "-" && $13 == "not known" { found = 1 } END { exit !found }' "$scratch/page"
    # Results of before class sizes were stored have no majority.
    answers cards 'DELETE FROM class;'
    awk -F' *[|] *' 'NR == 3 { exit $5 != "-" }' "$scratch/page"
}

a_p_value_that_is_not_known_is_no_zero() {
    answers controls ''
    awk 'NR == 1 { at = index($0, "p_holm") } NR > 2 && substr($0, at, 6) ~ /[^ ]/ { print; wrong = 1 }
         END { exit wrong || NR < 3 || !at }' "$scratch/page"
}

a_budget_outside_the_fixed_curve_has_no_points() {
    answers oracle ''
    grep -q 'outside the fixed curve' "$scratch/page"
    ! grep -E '0\.00 +outside the fixed curve' "$scratch/page"
}

one_seed_has_no_plus_minus() {
    answers paper_says_we_see "UPDATE workload SET name = 'signatures-offsets';"
    grep -q ' offsets  *[0-9.]*  ' "$scratch/page"
    ! grep ' ± 0\.0' "$scratch/page"
}

behaviours a_card_without_intervals_has_none a_p_value_that_is_not_known_is_no_zero \
    a_budget_outside_the_fixed_curve_has_no_points one_seed_has_no_plus_minus
