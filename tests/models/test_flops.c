/*
 * The closed form of BFC-1 against numbers worked out by hand from its rules: one encoder layer at
 * D = 768, H = 8, F = 3072, component by component, and the shares of a layer that skipping heads
 * can save at all.
 */
#include "tests/models/small_model.h"
#include "models/flops.h"

#include <math.h>

/* The model of the paper (arXiv 2604.22583) with a gate of width 192, or with k fixed heads. */
static struct model_config large(const char *policy, const char *options) {
    struct model_config c = small_config(policy_find(policy), options, 1, 768, 8);
    c.ffn = 3072;
    return c;
}

static struct flops layer_of(const struct model_config *c, int n, int heads_run) {
    struct flops flops = {{0}};
    flops_add_layer(c, 0, n, heads_run, n * heads_run, 0, &flops);
    return flops;
}

static void a_layer_costs_what_the_rules_say(void **state) {
    (void)state;
    static const struct {
        int n, k;
        uint64_t projection, product, softmax, scale, attention_bias, ffn, ffn_bias, gelu, norm,
            residual, gate, total;
    } rows[] = {
        {128, 8, 150994944, 25165824, 655360, 131072, 393216, 1207959552, 491520, 3145728, 983040,
         196608, 406080, 1868673600},
        {128, 2, 37748736, 6291456, 163840, 32768, 172032, 1207959552, 491520, 3145728, 983040,
         196608, 406080, 1377129024},
        {33, 3, 14598144, 627264, 16335, 3267, 53856, 311427072, 126720, 811008, 253440, 50688,
         333120, 372722610},
        {512, 1, 75497472, 50331648, 1310720, 262144, 540672, 4831838208, 1966080, 12582912,
         3932160, 786432, 700992, 5256573504},
    };
    struct model_config c = large("budgetformer", "{\"hidden\":192}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct flops f = layer_of(&c, rows[i].n, rows[i].k);
        assert_int_equal(f.count[FLOP_QKV], 3 * rows[i].projection);
        assert_int_equal(f.count[FLOP_OUTPUT], rows[i].projection);
        assert_int_equal(f.count[FLOP_SCORES], rows[i].product);
        assert_int_equal(f.count[FLOP_AV], rows[i].product);
        assert_int_equal(f.count[FLOP_SOFTMAX], rows[i].softmax);
        assert_int_equal(f.count[FLOP_SCALE], rows[i].scale);
        assert_int_equal(f.count[FLOP_ATTENTION_BIAS], rows[i].attention_bias);
        assert_int_equal(f.count[FLOP_FFN], rows[i].ffn);
        assert_int_equal(f.count[FLOP_FFN_BIAS], rows[i].ffn_bias);
        assert_int_equal(f.count[FLOP_GELU], rows[i].gelu);
        assert_int_equal(f.count[FLOP_NORM], rows[i].norm);
        assert_int_equal(f.count[FLOP_RESIDUAL], rows[i].residual);
        assert_int_equal(f.count[FLOP_GATE], rows[i].gate);
        assert_int_equal(f.count[FLOP_GATE_MULTIPLY], 0);
        assert_int_equal(f.count[FLOP_POSITION] + f.count[FLOP_POOL] + f.count[FLOP_CLASSIFIER], 0);
        assert_int_equal(flops_total(&f), rows[i].total);
    }
}

static void default_gate_width_is_a_quarter_of_the_model(void **state) {
    (void)state;
    struct model_config asked = large("budgetformer", "{\"hidden\":192}");
    struct model_config derived = large("budgetformer", "{}");
    assert_int_equal(layer_of(&asked, 5, 1).count[FLOP_GATE],
                     layer_of(&derived, 5, 1).count[FLOP_GATE]);
}

/* Each component has its own number, so that no sum can take one twice or for another. */
static void sums_take_their_components(void **state) {
    (void)state;
    struct flops f;
    for (int c = 0; c < FLOP_COMPONENTS; c++) f.count[c] = (uint64_t)1 << (2 * c);
    assert_int_equal(flops_total(&f), (((uint64_t)1 << (2 * FLOP_COMPONENTS)) - 1) / 3);
    assert_int_equal(flops_map(&f), f.count[FLOP_SCORES] + f.count[FLOP_SCALE] +
                                        f.count[FLOP_SOFTMAX] + f.count[FLOP_AV]);
    assert_int_equal(flops_gemm(&f), f.count[FLOP_QKV] + f.count[FLOP_SCORES] + f.count[FLOP_AV] +
                                         f.count[FLOP_OUTPUT] + f.count[FLOP_FFN] +
                                         f.count[FLOP_CLASSIFIER]);
}

static void components_have_different_names(void **state) {
    (void)state;
    for (int i = 0; i < FLOP_COMPONENTS; i++) {
        assert_non_null(flops_component_name((enum flop_component)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(flops_component_name((enum flop_component)i),
                                    flops_component_name((enum flop_component)j));
    }
}

static void layers_ends_and_gates_add_up_to_the_dense_cost(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("budgetformer"), "{}", 3, 16, 4);
    uint64_t n = 9, dim = 16, classes = SMALL_CLASSES;
    struct flops sum = {{0}}, dense = flops_dense(&c, (int)n);
    for (int l = 0; l < 3; l++) flops_add_layer(&c, l, (int)n, 4, (int)n * 4, 0, &sum);
    uint64_t layers = flops_total(&sum);
    flops_add_ends(&c, (int)n, &sum);
    assert_int_equal(flops_total(&sum) - layers,
                     n * dim + 5 * n * dim + n * dim + 2 * dim * classes + classes);
    assert_memory_equal(&sum, &dense, sizeof sum);
    flops_add_layer(&c, 0, (int)n, 4, (int)n * 4, (int)n * 3, &sum); /* three gates are not 1 */
    assert_int_equal(sum.count[FLOP_GATE_MULTIPLY], n * 3 * 4);
}

static void policies_without_positions_or_layers_pay_for_neither(void **state) {
    (void)state;
    struct model_config bag = small_config(policy_find("bag-of-words"), "{}", 2, 16, 4);
    struct model_config none = small_config(policy_find("none"), "{}", 1, 16, 4);
    struct flops f = flops_dense(&bag, 9);
    assert_int_equal(flops_total(&f), 9 * 16 + 2 * 16 * SMALL_CLASSES + SMALL_CLASSES);
    struct model_config bigrams = small_config(policy_find("bag-of-bigrams"), "{}", 2, 16, 4);
    f = flops_dense(&bigrams, 9); /* one addition a number more */
    assert_int_equal(flops_total(&f), 2 * 9 * 16 + 2 * 16 * SMALL_CLASSES + SMALL_CLASSES);
    f = layer_of(&none, 9, 0);
    /* FFN alone, width 32: no LN1, no first residual, no gate, no b_O. */
    assert_int_equal(flops_total(&f), 4 * 9 * 16 * 32 + 9 * (32 + 16) + 8 * 9 * 32 + 6 * 9 * 16);
}

/* One addition a number more than the same model without. */
static void pairs_pay_for_their_segments(void **state) {
    (void)state;
    struct model_config single = small_config(policy_find("fixed"), "{\"heads\":2}", 2, 16, 4);
    struct model_config pairs = small_pairs(single);
    struct flops a = flops_dense(&single, 9), b = flops_dense(&pairs, 9);
    assert_int_equal(b.count[FLOP_POSITION], 2 * 9 * 16);
    assert_int_equal(flops_total(&b) - flops_total(&a), 9 * 16);
}

/* narrow-k costs what k active heads of eight cost, less the gate: the control at equal FLOPs. */
static void narrow_layer_equals_active_heads_without_the_gate(void **state) {
    (void)state;
    struct model_config gated = large("budgetformer", "{\"hidden\":192}");
    for (int k = 1; k <= 8; k++) {
        char options[32];
        snprintf(options, sizeof options, "{\"heads\":%d}", k);
        struct model_config narrow = large("fixed", options);
        struct flops a = layer_of(&gated, 77, k), b = flops_dense(&narrow, 77), ends = {{0}};
        flops_add_ends(&narrow, 77, &ends);
        assert_int_equal(flops_total(&a) - a.count[FLOP_GATE],
                         flops_total(&b) - flops_total(&ends));
    }
}

/* n = 10 tokens, D = 16, d_h = 4: K and V of two heads for all of them, queries of 13 pairs. */
static void heads_chosen_by_tokens_cost_queries_and_whole_keys(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("budgetformer"), "{}", 1, 16, 4);
    struct flops f = {{0}}, active = {{0}}, ffn = {{0}}, none = {{0}};
    flops_add_layer(&c, 0, 10, 2, 13, 5, &f);
    assert_int_equal(f.count[FLOP_QKV], 2 * 16 * 4 * (13 + 2 * 20));
    assert_int_equal(f.count[FLOP_SCORES], 2 * 13 * 10 * 4);
    assert_int_equal(f.count[FLOP_AV], 2 * 13 * 10 * 4);
    assert_int_equal(f.count[FLOP_SCALE], 13 * 10);
    assert_int_equal(f.count[FLOP_SOFTMAX], 5 * 13 * 10);
    assert_int_equal(f.count[FLOP_OUTPUT], 2 * 13 * 4 * 16);
    assert_int_equal(f.count[FLOP_ATTENTION_BIAS], 4 * (13 + 2 * 20) + 10 * 16);
    assert_int_equal(f.count[FLOP_GATE_MULTIPLY], 5 * 4);
    /* Active: K and V of the 13 pairs alone, no gate. Linear in the pairs. */
    flops_add_layer_active(&c, 0, 10, 13, &active);
    assert_int_equal(active.count[FLOP_QKV], 3 * 2 * 16 * 4 * 13);
    assert_int_equal(active.count[FLOP_ATTENTION_BIAS], 3 * 4 * 13 + 10 * 16);
    assert_int_equal(active.count[FLOP_SCORES], f.count[FLOP_SCORES]);
    assert_int_equal(active.count[FLOP_GATE] + active.count[FLOP_GATE_MULTIPLY], 0);
    flops_add_layer(&c, 0, 10, 0, 0, 0, &none);
    flops_add_layer_active(&c, 0, 10, 0, &ffn);
    assert_int_equal(flops_total(&none) - none.count[FLOP_GATE], flops_total(&ffn));
}

/* Where whole inputs choose, active and executed differ by the gate alone. */
static void active_cost_of_whole_inputs_is_the_executed_without_the_gate(void **state) {
    (void)state;
    struct model_config c = large("budgetformer", "{}");
    for (int k = 0; k <= 8; k += 4) {
        struct flops active = {{0}}, f = layer_of(&c, 33, k);
        flops_add_layer_active(&c, 0, 33, 33 * k, &active);
        assert_int_equal(flops_total(&active), flops_total(&f) - f.count[FLOP_GATE]);
        assert_true(f.count[FLOP_GATE] > 0);
    }
}

/* wide-k: products of plain attention whatever k is; only scale and softmax are per head. */
static void wide_heads_cost_the_products_of_all_heads(void **state) {
    (void)state;
    struct model_config plain = large("fixed", "{\"heads\":8}");
    struct flops all = flops_dense(&plain, 77);
    for (int k = 1; k <= 8; k *= 2) {
        char options[32];
        snprintf(options, sizeof options, "{\"heads\":%d}", k);
        struct model_config wide = large("wide", options);
        struct flops f = flops_dense(&wide, 77);
        assert_int_equal(flops_gemm(&f), flops_gemm(&all));
        assert_int_equal(8 * f.count[FLOP_SOFTMAX], (uint64_t)k * all.count[FLOP_SOFTMAX]);
        assert_int_equal(8 * f.count[FLOP_SCALE], (uint64_t)k * all.count[FLOP_SCALE]);
        assert_int_equal(flops_total(&all) - flops_total(&f), 6 * 77 * 77 * (uint64_t)(8 - k));
    }
}

/* D = 768, H = 8, N = 128: 2 N D (H + 2) for every token; N D + 2 D (H + 2) for an input. */
static void routers_are_charged(void **state) {
    (void)state;
    struct model_config token = large("moh", "{}"), input = large("moh-pool", "{}");
    struct model_config noise = large("drophead", "{}");
    assert_int_equal(layer_of(&token, 128, 4).count[FLOP_GATE], 1966080);
    assert_int_equal(layer_of(&input, 128, 4).count[FLOP_GATE], 98304 + 15360);
    assert_int_equal(layer_of(&noise, 128, 8).count[FLOP_GATE], 0);
}

/* Percentages of a full layer: the attention map, the four projections, the FFN with its GELU, and
 * all that a skipped head saves; FLOPs of four layers. */
static void shares_of_a_layer_are_the_known_ceilings(void **state) {
    (void)state;
    static const struct {
        int n;
        double map, projections, ffn, skippable, billions;
    } rows[] = {
        {32, 0.698, 33.006, 66.210, 33.720, 1.830},    {64, 1.387, 32.777, 65.751, 34.180, 3.685},
        {128, 2.736, 32.328, 64.851, 35.080, 7.473},   {256, 5.327, 31.467, 63.124, 36.809, 15.355},
        {512, 10.114, 29.876, 59.932, 40.005, 32.346},
    };
    struct model_config c = large("fixed", "{\"heads\":8}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct flops f = layer_of(&c, rows[i].n, 8), less = layer_of(&c, rows[i].n, 6);
        double total = (double)flops_total(&f), saved = total - (double)flops_total(&less);
        double projections = (double)(f.count[FLOP_QKV] + f.count[FLOP_OUTPUT]);
        double ffn = (double)(f.count[FLOP_FFN] + f.count[FLOP_FFN_BIAS] + f.count[FLOP_GELU]);
        assert_true(fabs(100 * (double)flops_map(&f) / total - rows[i].map) < 6e-4);
        assert_true(fabs(100 * projections / total - rows[i].projections) < 6e-4);
        assert_true(fabs(100 * ffn / total - rows[i].ffn) < 6e-4);
        assert_true(fabs(4e-9 * total - rows[i].billions) < 6e-4);
        /* Skipping is linear in k: two heads of eight save a quarter of the ceiling. */
        assert_true(fabs(4 * 100 * saved / total - rows[i].skippable) < 6e-4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_costs_what_the_rules_say),
        cmocka_unit_test(default_gate_width_is_a_quarter_of_the_model),
        cmocka_unit_test(sums_take_their_components),
        cmocka_unit_test(components_have_different_names),
        cmocka_unit_test(layers_ends_and_gates_add_up_to_the_dense_cost),
        cmocka_unit_test(policies_without_positions_or_layers_pay_for_neither),
        cmocka_unit_test(pairs_pay_for_their_segments),
        cmocka_unit_test(narrow_layer_equals_active_heads_without_the_gate),
        cmocka_unit_test(heads_chosen_by_tokens_cost_queries_and_whole_keys),
        cmocka_unit_test(active_cost_of_whole_inputs_is_the_executed_without_the_gate),
        cmocka_unit_test(wide_heads_cost_the_products_of_all_heads),
        cmocka_unit_test(routers_are_charged),
        cmocka_unit_test(shares_of_a_layer_are_the_known_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
