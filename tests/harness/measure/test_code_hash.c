/*
 * The hash of the code behind a result: what has one, and what is told apart. Which files it is of
 * is the Makefile's business and tested in tests/build/test_code_hash.sh.
 */
#include "harness/measure/code_hash.h"
#include "models/base/json.h"
#include "models/policies/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void every_policy_has_a_hash_of_its_own_and_another_for_profiles(void **state) {
    (void)state;
    char hash[64][2][CODE_HASH_SIZE], unknown[CODE_HASH_SIZE];
    code_hash("no such policy", false, false, unknown);
    assert_in_range(policy_registry_size, 2, 64);
    for (int i = 0; i < policy_registry_size; i++) {
        for (int profile = 0; profile < 2; profile++) {
            code_hash(policy_registry[i]->name, profile, false, hash[i][profile]);
            assert_int_equal(strspn(hash[i][profile], "0123456789abcdef"), 64);
            /* Else the Makefile did not find the policy's file by its name. */
            assert_string_not_equal(hash[i][profile], unknown);
        }
        assert_string_not_equal(hash[i][0], hash[i][1]);
        for (int j = 0; j < i; j++) assert_string_not_equal(hash[i][0], hash[j][0]);
    }
}

static void the_same_code_has_the_same_hash(void **state) {
    (void)state;
    char first[CODE_HASH_SIZE], second[CODE_HASH_SIZE];
    code_hash("fixed", true, false, first);
    code_hash("fixed", true, false, second);
    assert_string_equal(first, second);
}

/* What only a card runs makes no result of the CPU old, so it is in other hashes. */
static void a_card_has_hashes_of_its_own(void **state) {
    (void)state;
    char cpu[CODE_HASH_SIZE], card[CODE_HASH_SIZE], profile[CODE_HASH_SIZE];
    code_hash("fixed", false, false, cpu);
    code_hash("fixed", false, true, card);
    code_hash("fixed", true, true, profile);
    assert_string_not_equal(cpu, card);
    assert_string_not_equal(card, profile);
}

static void all_policies_are_written_as_json(void **state) {
    (void)state;
    struct text json = {0};
    struct node *root;
    struct error error;
    int n = 0;
    code_hash_write_json(&json);
    assert_false(json.failed);
    if (!json_parse(json.data, json.size, "code", &root, &error)) fail_msg("%s", error.text);
    for (const struct node *one = root->first; one; one = one->next, n++) {
        const char *name = node_find(one, "policy")->text;
        char hash[CODE_HASH_SIZE];
        assert_string_equal(name, policy_registry[n]->name);
        static const char *const keys[] = {"train", "profile", "train_card", "profile_card"};
        for (int what = 0; what < 4; what++) {
            code_hash(name, what & 1, what & 2, hash);
            assert_string_equal(node_find(one, keys[what])->text, hash);
        }
    }
    assert_int_equal(n, policy_registry_size);
    node_free(root);
    text_free(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_has_a_hash_of_its_own_and_another_for_profiles),
        cmocka_unit_test(the_same_code_has_the_same_hash),
        cmocka_unit_test(a_card_has_hashes_of_its_own),
        cmocka_unit_test(all_policies_are_written_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
