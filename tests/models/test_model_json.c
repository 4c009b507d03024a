/*
 * A model's shape as the JSON of its checkpoint: what is written comes back, a file from elsewhere
 * needs the documented keys alone, and whatever does not fit together is refused by name.
 */
#include "tests/models/small_model.h"
#include "models/model_json.h"

static struct model_config config_of(const char *policy, const char *options) {
    return small_config(policy_find(policy), options, 2, 16, 4);
}

static void model_json_comes_back_as_it_was(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"fixed", "{\"heads\":[2,0]}"}, {"budgetformer", "{\"cost\":0.125,\"hidden\":7}"},
        {"random", "{\"heads\":3}"},    {"none", "{}"},
        {"bag-of-words", "{}"},         {"bag-of-bigrams", "{\"buckets\":9}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config config = config_of(cases[i][0], cases[i][1]), back;
        struct text first = {0}, second = {0};
        struct error error;
        config.dropout = 0.1;
        config.norm_eps = 1e-7;
        config.separator = 2 * (int)i;
        model_write_json(&config, &first);
        if (!model_read_json(first.data, first.size, &back, &error)) fail_msg("%s", error.text);
        model_write_json(&back, &second);
        assert_string_equal(first.data, second.data);
        assert_ptr_equal(back.policy, config.policy);
        assert_int_equal(back.heads.n, config.heads.n);
        for (int l = 0; l < back.layers; l++)
            assert_int_equal(back.heads.value[l], config.heads.value[l]);
        assert_memory_equal(back.policy_options, config.policy_options, sizeof back.policy_options);
        assert_int_equal(back.head_dim, 4);
        assert_int_equal(back.positions, config.positions);
        assert_int_equal(back.final_norm, config.final_norm);
        assert_int_equal(back.bigrams, config.bigrams);
        assert_int_equal(back.separator, 2 * (int)i);
        assert_true(back.norm_eps == 1e-7 && back.dropout == 0.1 && back.init_std == 0.3);
        text_free(&first);
        text_free(&second);
    }
}

/* Replaces one part of a good text and expects the error to say `named`. */
static void model_json_errors_name_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *named;
    } cases[] = {
        {"\"gelu\":\"tanh\"", "\"gelu\":\"erf\"", "erf"},
        {"\"norm\":\"pre\"", "\"norm\":\"post\"", "post"},
        {"\"norm\":\"pre\",", "", "norm"},
        {"\"policy\":\"fixed\"", "\"policy\":\"fixd\"", "fixd"},
        {"\"policy\":\"fixed\",", "", "policy"},
        {"\"policy_options\"", "\"options\"", "policy_options"},
        {"\"heads\":[2,0]", "\"heads\":[2,0,1]", "3 entries"},
        {"\"heads\":[2,0]", "\"heads\":[5,0]", "5 heads"},
        {"\"heads\":[2,0]}", "\"head\":2}", "head"},
        {"\"policy_options\":{\"heads\":[2,0]}", "\"policy_options\":{}", "needs the key 'heads'"},
        {"\"dim\":16,", "", "dim"},
        {"\"dim\":16", "\"dim\":0", "dim"},
        {"\"dim\":16", "\"dim\":\"wide\"", "dim"},
        {"\"vocab\":11", "\"vocab\":11,\"voacb\":12", "voacb"},
        {"\"separator\":0", "\"separator\":11", "separator 11"},
        {"{", "[{", ""},
        {"}", "", ""},
    };
    struct model_config config = config_of("fixed", "{\"heads\":[2,0]}"), back;
    struct text good = {0};
    model_write_json(&config, &good);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bad[2048];
        struct error error = {{0}, {{0}, 0, 0}};
        const char *at = strstr(good.data, cases[i].from);
        if (!at) fail_msg("%s is not in %s", cases[i].from, good.data);
        snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - good.data), good.data, cases[i].to,
                 at + strlen(cases[i].from));
        if (model_read_json(bad, strlen(bad), &back, &error)) fail_msg("accepted: %s", bad);
        assert_true(error.text[0] != 0);
        if (!strstr(error.text, cases[i].named))
            fail_msg("'%s' does not name '%s'", error.text, cases[i].named);
    }
    text_free(&good);
}

/* A file written elsewhere has what models/checkpoint.md names; the rest is ours and has its usual
 * value. */
static void config_from_elsewhere_needs_only_the_documented_keys(void **state) {
    (void)state;
    static const char json[] =
        "{\"layers\":2,\"heads\":[2,0],\"dim\":16,\"head_dim\":4,\"ffn\":8,\"vocab\":11,"
        "\"max_len\":5,\"classes\":3,\"gelu\":\"tanh\",\"norm\":\"pre\",\"norm_eps\":1e-5,"
        "\"policy\":\"fixed\",\"policy_options\":{\"heads\":[2,0]}}";
    struct model_config c;
    struct error error;
    if (!model_read_json(json, strlen(json), &c, &error)) fail_msg("%s", error.text);
    assert_int_equal(c.base_heads, 4); /* as many as fit into dim */
    assert_true(c.positions && c.final_norm && c.dropout == 0 && c.separator == 0);
    assert_int_equal(c.heads.value[0], 2);
}

/* Else a router would write gates of heads that the layer does not have. */
static void layer_with_too_few_heads_for_its_policy_is_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"moh", "{\"shared\":2,\"routed\":1}"},
                                           {"random", "{\"heads\":3}"}};
    for (int i = 0; i < 2; i++)
        for (int last = 1; last <= 3; last++) {
            char json[512];
            struct model_config c;
            struct error error = {{0}, {{0}, 0, 0}};
            snprintf(json, sizeof json,
                     "{\"layers\":3,\"heads\":[4,0,%d],\"dim\":16,\"head_dim\":4,\"ffn\":8,"
                     "\"vocab\":11,\"max_len\":5,\"classes\":3,\"gelu\":\"tanh\",\"norm\":\"pre\","
                     "\"norm_eps\":1e-5,\"policy\":\"%s\",\"policy_options\":%s}",
                     last, cases[i][0], cases[i][1]);
            assert_int_equal(model_read_json(json, strlen(json), &c, &error), last == 3);
            if (last < 3) assert_non_null(strstr(error.text, "layer 2"));
        }
}

static void head_dimension_is_read_and_never_inferred(void **state) {
    (void)state;
    struct model_config config = config_of("fixed", "{\"heads\":[2,0]}"), back;
    struct error error;
    struct text json = {0};
    config.head_dim = 6; /* not dim / base_heads */
    model_write_json(&config, &json);
    assert_true(model_read_json(json.data, json.size, &back, &error));
    assert_int_equal(back.head_dim, 6);
    text_free(&json);
}

static void width_that_heads_do_not_divide_is_an_error(void **state) {
    (void)state;
    struct model_config config = config_of("none", "{}");
    struct error error;
    config.base_heads = 5;
    assert_false(model_resolve(&config, &error));
    assert_non_null(strstr(error.text, "16"));
    assert_non_null(strstr(error.text, "5"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model_json_comes_back_as_it_was),
        cmocka_unit_test(model_json_errors_name_what_is_wrong),
        cmocka_unit_test(config_from_elsewhere_needs_only_the_documented_keys),
        cmocka_unit_test(layer_with_too_few_heads_for_its_policy_is_refused),
        cmocka_unit_test(head_dimension_is_read_and_never_inferred),
        cmocka_unit_test(width_that_heads_do_not_divide_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
