#!/bin/sh
# A test of the tests: a bug planted in a copy of the sources must make a named test fail, and without
# a bug the copy must pass. The text that a bug replaces has to stand in its file exactly once: a
# planted bug that no longer reaches the code is an error here and cannot rot. Only the source with
# the bug is compiled, at -O1, and linked ahead of the archive, whose own copy it replaces.
#
# To add one: a function and its name at the end. A bug that survives is a missing test.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
house=$scratch.house # the copy, and objects of the tests: kept from one bug to the next
trap 'rm -rf "$scratch" "$house"' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP

compile() { # source object, below the house
    (cd "$house" && ${CC:-cc} "@$root/build/flags" -O1 -g0 -w -c "$1" -o "$2")
}

# Runs a test of the copy with the named sources in place of the archive's; what it says is in
# $scratch/said.
run_test() { # test source...
    test=$1
    objects=
    shift
    for source; do
        object=$scratch/$(echo "$source" | tr / _).o
        [ -e "$object" ] || compile "$source" "$object"
        objects="$objects $object"
    done
    object=$house/$(echo "$test" | tr / _).o
    [ -e "$object" ] || compile "tests/$test.c" "$object"
    # shellcheck disable=SC2086 # a list
    ${CC:-cc} "@$root/build/flags" $objects "$object" build/headroom.a -lcmocka @build/libraries \
        -o "$scratch/test"
    timeout 60 "$scratch/test" >"$scratch/said" 2>&1 || true
}

# Writes into the house the source with `text`, which must stand in it once, replaced by `bug`.
plant() { # source text bug
    awk -v text="$2" -v bug="$3" '
        at = index($0, text) { n++; $0 = substr($0, 1, at - 1) bug substr($0, at + length(text)) }
        { print }
        END { if (n != 1) { print FILENAME ": \"" text "\" stands there " n + 0 " times" >"/dev/stderr"; exit 1 } }
    ' "$1" >"$house/$1" 2>"$scratch/said" || { cat "$scratch/said" && return 1; }
}

# Plants one bug; passes if the named behaviour of the test fails for it. A bug in a header is compiled
# with a source that includes it.
is_caught() { # file text bug test behaviour [source]
    [ -z "${listing:-}" ] || { echo "${6:-$1} $4 $5" && return; }
    plant "$1" "$2" "$3" || return 1
    run_test "$4" "${6:-$1}"
    cp "$1" "$house/$1"
    grep -q "^not ok [0-9]* - $5\$" "$scratch/said" && return
    tail -n 20 "$scratch/said"
    echo "'$3' in $1 is not caught by $5 of $4"
    return 1
}

# Every source that is to have a bug, linked as with one, and every behaviour that is to fail.
without_a_bug_every_test_passes() {
    listing=1
    for bug in $bugs; do $bug; done >"$scratch/list"
    listing=
    # shellcheck disable=SC2013 # words
    for test in $(cut -d' ' -f2 "$scratch/list" | sort -u); do
        # shellcheck disable=SC2046 # a list
        run_test "$test" $(cut -d' ' -f1 "$scratch/list" | sort -u)
        sed -n "s,^[^ ]* $test ,,p" "$scratch/list" | while read -r behaviour; do
            grep -q "^ok [0-9]* - $behaviour\$" "$scratch/said" ||
                { cat "$scratch/said" && echo "$test has no passing $behaviour" && return 1; }
        done
    done
}

text_that_is_not_there_once_is_an_error() {
    ! plant models/cpu/attention.c 'no such text' '' >"$scratch/talk" || return 1
    grep -q 'attention.c: "no such text" stands there 0 times' "$scratch/talk"
    ! plant models/cpu/attention.c 'head->scores' '' >"$scratch/talk" || return 1
    grep -q 'stands there [1-9][0-9]* times' "$scratch/talk"
    cp models/cpu/attention.c "$house/models/cpu"
}

bug_that_changes_nothing_is_not_caught() {
    ! is_caught models/cpu/attention.c '(dp[j] - delta)' '(dp[j] + -delta)' models/test_gradients fixed_heads \
        >"$scratch/talk" || return 1
    grep -q 'is not caught by fixed_heads' "$scratch/talk"
}

# ---- the bugs ----

sign_in_attention_backward() {
    is_caught models/cpu/attention.c '(dp[j] - delta)' '(dp[j] + delta)' \
        models/test_gradients fixed_heads
}

scale_left_out_of_attention_backward() {
    is_caught models/cpu/attention.c 'dp[j] = scale * p[j]' 'dp[j] = p[j]' \
        models/test_gradients fixed_heads
}

term_dropped_from_layernorm_backward() {
    is_caught models/cpu/layernorm.c 'weight[i] - sum - xhat' 'weight[i] - xhat' \
        models/test_gradients fixed_heads
}

mean_without_its_1_over_n() {
    is_caught models/cpu/layernorm.c 'out[i] *= scale' 'out[i] *= 1.0f + 0.0f * scale' \
        models/cpu/test_kernels pool_is_the_mean_over_each_sample
}

sign_of_the_budget_s_gradient() {
    is_caught models/policies/budgetformer_gate.h 'return heads * mean;' 'return -heads * mean;' \
        models/test_gradients budgetformer_with_noise_and_cost models/policies/budgetformer.c
}

one_head_too_few() {
    is_caught models/policies/budgetformer_row.h 'ceil(s * heads' 'floor(s * heads' \
        models/policies/test_budgetformer inference_runs_the_ceiling_of_the_budget \
        models/policies/budgetformer_shared.c
}

gate_multiplied_twice() {
    is_caught models/cpu/heads.c 'out[c] = a * in[c]' 'out[c] = a * a * in[c]' \
        parity/test_parity budgetformer-soft
}

gate_left_out_of_the_gradient() {
    is_caught models/cpu/heads.c 'grad[c] *= a;' 'grad[c] *= 1.0f + 0.0f * a;' \
        models/test_gradients budgetformer_with_noise_and_cost
}

noise_that_depends_on_batch_mates() {
    is_caught models/policies/budgetformer_shared.c 'budget_counter(call->ids[r], h)))' \
        'budget_counter(r, h)))' \
        models/policies/test_policies gates_do_not_depend_on_batch_mates
}

head_that_nobody_chose_is_run() {
    is_caught models/inference_heads.c 'if (!by_token && gates[(size_t)b * heads] != 0.0f) {' \
        'if (!by_token && gates[(size_t)b * heads] >= 0.0f) {' \
        models/test_inference poisoned_head_of_another_input_changes_no_bit
}

flops_of_softmax_off_by_one() {
    is_caught models/flops.c 'c[FLOP_SOFTMAX] += 5 *' 'c[FLOP_SOFTMAX] += 4 *' \
        models/test_flops a_layer_costs_what_the_rules_say
}

flops_that_a_stage_forgets() {
    is_caught models/inference.c 'work_add(work, FLOP_NORM, 5 *' 'work_add(work, FLOP_NORM, 4 *' \
        models/test_inference executed_flops_equal_the_closed_form
}

factor_k_left_out_of_a_router() {
    is_caught models/policies/moh_router.c '(double)mix[1] * o->routed * (double)routed[j]' \
        '(double)mix[1] * (double)routed[j]' \
        parity/test_parity moh
}

weight_decay_of_the_wrong_sign() {
    is_caught models/optimizer.c '1.0 - own * c->weight_decay' '1.0 + own * c->weight_decay' \
        models/test_optimizer updates_equal_the_reference
}

masks_of_one_chunk_for_a_whole_batch() {
    is_caught models/trainer_memory.c 't->chunk.chunk_tokens = cpu_chunk;' \
        't->chunk.chunk_tokens = t->chunk_tokens;' \
        models/cuda/test_cuda_engine 'far device: passes_agree_with_the_cpu'
}

values_that_an_inference_does_not_take_up() {
    is_caught models/inference_memory.c 'device_parameters_load(inf->device, inf->p);' '(void)inf;' \
        models/cuda/test_cuda_heads 'far device: heads_of_others_are_not_read'
}

bugs='sign_in_attention_backward scale_left_out_of_attention_backward
    term_dropped_from_layernorm_backward mean_without_its_1_over_n sign_of_the_budget_s_gradient
    one_head_too_few gate_multiplied_twice gate_left_out_of_the_gradient
    noise_that_depends_on_batch_mates head_that_nobody_chose_is_run flops_of_softmax_off_by_one
    flops_that_a_stage_forgets factor_k_left_out_of_a_router weight_decay_of_the_wrong_sign
    masks_of_one_chunk_for_a_whole_batch values_that_an_inference_does_not_take_up'

mkdir -p "$house" && cp -r models tests "$house"
# shellcheck disable=SC2086 # a list
behaviours without_a_bug_every_test_passes text_that_is_not_there_once_is_an_error \
    bug_that_changes_nothing_is_not_caught $bugs
