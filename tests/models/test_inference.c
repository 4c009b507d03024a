/*
 * Proofs that inference is the trained model and that skipped heads are really skipped: equality
 * with the training forward pass, integer equality of executed and closed-form FLOPs, the
 * dimensions at the BLAS seam, NaN-poisoned heads that only other inputs chose, and slabs nobody
 * chose taken away with mprotect.
 */
#include "tests/models/small_model.h"
#include "models/inference.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Heads chosen by single tokens: all run head 0 at gate 1, fewer and fewer the others. */
static void choose_by_token(const struct gate_call *call, float *a) {
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++) {
            float over = call->x[r * call->config->dim + h] - 0.6f * (float)(h - 1);
            a[r * call->heads + h] = h == 0 ? 1.0f : over > 0.0f ? over : 0.0f;
        }
}

static const struct policy_ops by_token = {
    .name = "by-token (test)",
    .options = {"test", NULL, 0},
    .unit = GATE_PER_TOKEN,
    .gates_train = choose_by_token,
    .decide = choose_by_token,
};

/* A model with its inference over the standard small batch. */
struct fixture {
    struct model_config config;
    struct parameters *p;
    struct inference *inf;
    struct small_batch data;
};

static void set_up(struct fixture *f, const struct model_config *config, uint64_t seed) {
    struct error error;
    f->config = *config;
    f->p = small_parameters(config, seed);
    assert_true(inference_new(f->p, &small_limits, &f->inf, &error));
    small_batch_fill(&f->data, seed);
}

static void tear_down(struct fixture *f) {
    inference_free(f->inf);
    parameters_free(f->p);
}

static const struct policy_ops *policy_of(const char *name) {
    return strcmp(name, by_token.name) == 0 ? &by_token : policy_find(name);
}

static struct model_config config_of(const char *policy, const char *options) {
    return small_config(policy_of(policy), options, 2, 16, 4);
}

static double loss_of(const struct fixture *f) {
    double loss = 0;
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        const float *row = inference_logits(f->inf) + b * SMALL_CLASSES;
        double sum = 0;
        for (int c = 0; c < SMALL_CLASSES; c++) sum += exp((double)row[c]);
        loss += log(sum) - (double)row[f->data.labels[b]];
    }
    return loss / SMALL_SAMPLES;
}

/* Gates of inference, held against the training pass through the loss of the same weights. */
static void inference_equals_the_training_forward_pass(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"fixed", "{\"heads\":4}"},
        {"fixed", "{\"heads\":[1,3]}"},
        {"none", "{}"},
        {"bag-of-words", "{}"},
        {"bag-of-bigrams", "{\"buckets\":5}"},
        {"by-token (test)", "{}"},
        {"moh", "{\"shared\":1,\"routed\":2}"},
        {"moh-pool", "{\"shared\":1,\"routed\":1}"},
        {"drophead", "{\"p\":0}"},
        {"wide", "{\"heads\":2}"},
        {"budgetformer", "{\"hard_from\":0}"},
        {"budgetformer", "{\"hard_from\":0,\"estimator\":\"gumbel\"}"},
        {"budgetformer", "{\"hard_from\":0,\"global_budget\":true}"},
        {"budgetformer", "{\"hard_from\":0,\"budget\":0.4,\"cost\":0}"},
        /* trained as raw, where no head is left out */
        {"budgetformer-paper", "{\"budget\":0.9,\"mode\":\"raw\"}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config config = config_of(cases[i][0], cases[i][1]);
        if (i % 2 == 0) config = small_pairs(config);
        struct fixture f;
        struct trainer *trainer = NULL;
        struct error error;
        set_up(&f, &config, 21 + i);
        assert_true(trainer_new(f.p, &small_limits, 1, &trainer, &error));
        struct policy_step step = {.progress = 0.9, .noise = rng_stream(1, RNG_NOISE)};
        double trained = trainer_loss(trainer, &f.data.batch, &step);
        inference_run(f.inf, &f.data.batch, NULL, NULL);
        if (fabs(trained - loss_of(&f)) > 1e-5 * (1 + fabs(trained)))
            fail_msg("%s: training %.8f, inference %.8f", cases[i][0], trained, loss_of(&f));
        trainer_free(trainer);
        tear_down(&f);
    }
}

/* The closed form for the heads that the last run says it executed. */
static struct flops formula_of(const struct fixture *f) {
    const struct model_config *c = &f->config;
    struct flops flops = {{0}};
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        int n = f->data.offsets[b + 1] - f->data.offsets[b];
        for (int l = 0; l < c->layers; l++) {
            struct heads_used used = inference_heads_used(f->inf, l, b);
            flops_add_layer(c, l, n, used.run, used.token_heads, used.token_heads_gated, &flops);
        }
        flops_add_ends(c, n, &flops);
    }
    return flops;
}

static void executed_flops_equal_the_closed_form(void **state) {
    (void)state;
    static const char *const policies[][2] = {
        {"fixed", "{\"heads\":2}"},
        {"random", "{\"heads\":1}"},
        {"random", "{\"heads\":3}"},
        {"budgetformer", "{\"initial_budget\":0.4}"},
        {"budgetformer", "{\"initial_budget\":0.99}"},
        {"budgetformer", "{\"global_budget\":true}"},
        {"budgetformer", "{\"budget\":0.5,\"cost\":0}"},
        {"budgetformer", "{\"scores\":\"random\"}"},
        {"budgetformer", "{\"scores\":\"random-at-test\"}"},
        {"budgetformer-paper", "{\"scores\":\"random\",\"budget\":0.5}"},
        {"budgetformer-paper", "{\"scores\":\"random\",\"global_budget\":true}"},
        {"budgetformer-paper", "{\"mode\":\"mass\"}"},
        {"budgetformer-paper", "{\"mode\":\"raw\"}"},
        {"by-token (test)", "{}"},
        {"moh", "{\"shared\":1,\"routed\":1}"},
        {"moh-pool", "{\"shared\":1,\"routed\":1}"},
        {"drophead", "{}"},
        {"wide", "{\"heads\":1}"},
        {"none", "{}"},
        {"bag-of-words", "{}"},
        {"bag-of-bigrams", "{\"buckets\":5}"}};
    struct rng rng = rng_stream(99, RNG_GENERATOR);
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        for (uint64_t trial = 0; trial < 6; trial++) {
            int layers = 1 + (int)rng_below(&rng, trial, 0, 3);
            int heads = 3 + (int)rng_below(&rng, trial, 1, 4);
            int dim = heads * (1 + (int)rng_below(&rng, trial, 2, 7));
            struct model_config config =
                small_config(policy_of(policies[i][0]), policies[i][1], layers, dim, heads);
            if (trial % 2 == 0) config = small_pairs(config);
            struct fixture f;
            struct work work = {0};
            set_up(&f, &config, trial);
            inference_run(f.inf, &f.data.batch, &work, NULL);
            struct flops formula = formula_of(&f);
            for (int c = 0; c < FLOP_COMPONENTS; c++)
                if (work.flops.count[c] != formula.count[c])
                    fail_msg("%s, D=%d H=%d: %s executed %llu, formula %llu", policies[i][0], dim,
                             heads, flops_component_name((enum flop_component)c),
                             (unsigned long long)work.flops.count[c],
                             (unsigned long long)formula.count[c]);
            tear_down(&f);
        }
}

/* Sums of m n k at the seam, per component. */
struct seam {
    uint64_t flops[FLOP_COMPONENTS];
    int least_n[FLOP_COMPONENTS], most_n[FLOP_COMPONENTS];
};

static void observe(void *context, enum flop_component component, int m, int n, int k) {
    struct seam *seam = context;
    seam->flops[component] += 2 * (uint64_t)m * (uint64_t)n * (uint64_t)k;
    if (seam->least_n[component] == 0 || n < seam->least_n[component]) seam->least_n[component] = n;
    if (n > seam->most_n[component]) seam->most_n[component] = n;
}

static void products_at_the_seam_have_the_formula_s_dimensions(void **state) {
    (void)state;
    static const char *const policies[][2] = {{"fixed", "{\"heads\":4}"},
                                              {"random", "{\"heads\":2}"}};
    for (int i = 0; i < 2; i++) {
        struct model_config config = config_of(policies[i][0], policies[i][1]);
        struct fixture f;
        struct seam seam = {{0}, {0}, {0}};
        struct work work = {.observe = observe, .context = &seam};
        set_up(&f, &config, 3);
        inference_run(f.inf, &f.data.batch, &work, NULL);
        struct flops formula = formula_of(&f);
        static const enum flop_component products[] = {FLOP_QKV, FLOP_SCORES, FLOP_AV, FLOP_OUTPUT,
                                                       FLOP_FFN};
        for (size_t c = 0; c < sizeof products / sizeof *products; c++)
            assert_int_equal(seam.flops[products[c]], formula.count[products[c]]);
        /* All chosen: one wide product of 3 H d_h columns. Some: 3 d_h columns, head by head. */
        int d = config.head_dim, columns = i == 0 ? 3 * 4 * d : 3 * d;
        assert_int_equal(seam.least_n[FLOP_QKV], columns);
        assert_int_equal(seam.most_n[FLOP_QKV], columns);
        tear_down(&f);
    }
}

/* Poisons one head of layer 0 at a time: an input any of whose tokens chose it turns to NaN, the
 * others keep every bit. */
static void check_poisoned_heads(const char *policy, const char *options) {
    struct model_config config = small_config(policy_of(policy), options, 1, 16, 4);
    struct fixture f;
    set_up(&f, &config, 12);
    inference_run(f.inf, &f.data.batch, NULL, NULL);
    float before[SMALL_SAMPLES * SMALL_CLASSES];
    memcpy(before, inference_logits(f.inf), sizeof before);
    int victims = 0, spared = 0, heads = config.heads.value[0];
    for (int h = 0; h < heads; h++) {
        size_t slab = (size_t)(3 * config.head_dim * config.dim);
        float *weights = f.p->layer[0].qkv_weight + (size_t)h * slab, kept = weights[0];
        weights[0] = NAN;
        inference_run(f.inf, &f.data.batch, NULL, NULL);
        for (int b = 0; b < SMALL_SAMPLES; b++) {
            const float *now = inference_logits(f.inf) + b * SMALL_CLASSES;
            if (inference_head_ran(f.inf, 0, h, b)) {
                assert_true(isnan(now[0]));
                victims++;
            } else {
                assert_memory_equal(now, before + b * SMALL_CLASSES, SMALL_CLASSES * sizeof(float));
                spared++;
            }
        }
        weights[0] = kept;
    }
    assert_true(victims > 0 && spared > 0);
    tear_down(&f);
}

static void poisoned_head_of_another_input_changes_no_bit(void **state) {
    (void)state;
    check_poisoned_heads("random", "{\"heads\":2}");
    check_poisoned_heads(by_token.name, "{}");
    check_poisoned_heads("budgetformer", "{\"budget\":0.5,\"cost\":0}");
    check_poisoned_heads("budgetformer", "{\"scores\":\"random\",\"initial_budget\":0.4}");
    check_poisoned_heads("budgetformer-paper", "{\"budget\":0.5,\"mode\":\"raw\"}");
    check_poisoned_heads("moh", "{\"shared\":1,\"routed\":1}");
    check_poisoned_heads("moh-pool", "{\"shared\":1,\"routed\":1}");
}

/* Heads 0 and 1 of input 3 chosen by all its tokens, head 2 by its first token, head 3 by none; the
 * others choose nothing. What is counted is what those tokens need, and nobody else's K and V. */
static void tokens_pay_for_the_heads_they_chose(void **state) {
    (void)state;
    struct model_config config = small_config(&by_token, "{}", 1, 16, 4);
    struct fixture f;
    struct work work = {0};
    set_up(&f, &config, 4);
    static float gates[SMALL_TOKENS * 4];
    const float *given[1] = {gates};
    int b = 3, first = f.data.offsets[b], n = f.data.offsets[b + 1] - first;
    memset(gates, 0, sizeof gates);
    for (int i = 0; i < n; i++) {
        gates[(first + i) * 4] = 1.0f;
        gates[(first + i) * 4 + 1] = 0.5f;
    }
    gates[first * 4 + 2] = 2.0f;
    inference_run(f.inf, &f.data.batch, &work, given);
    uint64_t pairs = 2 * (uint64_t)n + 1, keys = 3 * (uint64_t)n, d = 4, dim = 16;
    assert_int_equal(work.flops.count[FLOP_QKV], 2 * dim * d * (pairs + 2 * keys));
    assert_int_equal(work.flops.count[FLOP_SCORES], 2 * pairs * (uint64_t)n * d);
    assert_int_equal(work.flops.count[FLOP_OUTPUT], 2 * pairs * d * dim);
    assert_int_equal(work.flops.count[FLOP_GATE_MULTIPLY], ((uint64_t)n + 1) * d);
    struct heads_used used = inference_heads_used(f.inf, 0, b);
    assert_int_equal(used.run, 3);
    assert_int_equal(used.token_heads, pairs);
    assert_int_equal(used.token_heads_gated, n + 1);
    assert_int_equal(inference_heads_run(f.inf, 0, 0), 0);
    assert_true(inference_head_ran(f.inf, 0, 2, b) && !inference_head_ran(f.inf, 0, 3, b));
    tear_down(&f);
}

/* Heads 0 and 3 are chosen by nobody and taken away; `decisions`, the same row for everyone,
 * chooses 1 and 2. */
static void check_missing_slabs(const struct policy_ops *policy, const float *decision, int width) {
    /* d_h = 16, D = 64: 3 d_h D floats are 3 pages and d_h D floats one, so each head's slab can be
     * taken away alone. */
    struct model_config config = small_config(policy, "{}", 1, 64, 4);
    struct fixture f;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), slab = 3 * 16 * 64 * sizeof(float);
    size_t block = 16 * 64 * sizeof(float);
    static float decisions[SMALL_TOKENS * 5];
    if (page > block) {
        print_message("pages of %zu bytes are larger than a head's block of W_O\n", page);
        skip();
    }
    set_up(&f, &config, 2);
    struct layer_parameters *layer = &f.p->layer[0];
    for (int row = 0; row < SMALL_TOKENS; row++)
        memcpy(decisions + row * width, decision, (size_t)width * sizeof *decisions);
    const float *given[1] = {decisions};
    inference_run(f.inf, &f.data.batch, NULL, given);
    float before[SMALL_SAMPLES * SMALL_CLASSES];
    memcpy(before, inference_logits(f.inf), sizeof before);
    for (size_t h = 0; h < 4; h += 3) {
        assert_int_equal(mprotect((char *)layer->qkv_weight + h * slab, slab, PROT_NONE), 0);
        assert_int_equal(mprotect((char *)layer->o_weight + h * block, block, PROT_NONE), 0);
    }
    inference_run(f.inf, &f.data.batch, NULL, given); /* faults if a skipped head is read */
    assert_memory_equal(before, inference_logits(f.inf), sizeof before);
    tear_down(&f);
}

static void slabs_nobody_chose_are_never_read(void **state) {
    (void)state;
    check_missing_slabs(policy_find("budgetformer"), (float[]){0.5f, -1, 3, 2, -2}, 5);
    check_missing_slabs(policy_find("moh-pool"), (float[]){0, 0.7f, 1, 0}, 4);
    check_missing_slabs(policy_find("moh"), (float[]){0, 0.7f, 1, 0}, 4);
}

/* Weights that make a method choose all heads at gate 1. */
static void choose_all(struct parameters *p, const char *policy) {
    for (int l = 0; l < 2; l++) {
        if (strncmp(policy, "budgetformer", 12) == 0) {
            float *bias = p->layer[l].policy[3]; /* budget.2.bias; NULL: s is 1 by its options */
            if (bias) bias[0] = 50.0f;
        } else if (strcmp(policy, "drophead") != 0)
            memset(p->layer[l].policy[0], 0, (4 + 2) * 16 * sizeof(float)); /* MoH's router */
    }
}

static void all_heads_at_gate_one_are_plain_attention(void **state) {
    (void)state;
    static const char *const policies[][2] = {
        {"budgetformer", "{}"},
        {"budgetformer", "{\"budget\":1,\"cost\":0}"},
        {"budgetformer", "{\"budget\":1,\"cost\":0,\"scores\":\"random\"}"},
        {"budgetformer-paper", "{\"budget\":1}"},
        {"moh", "{}"}, /* 2 of 2 shared, 2 of 2 */
        {"moh-pool", "{}"},
        {"drophead", "{}"}};
    struct model_config plain = config_of("fixed", "{\"heads\":4}");
    for (size_t k = 0; k < sizeof policies / sizeof *policies; k++) {
        struct model_config gated = config_of(policies[k][0], policies[k][1]);
        struct fixture a, b;
        set_up(&a, &gated, 6);
        set_up(&b, &plain, 6);
        choose_all(a.p, policies[k][0]);
        for (int i = 0; i < b.p->n_tensors; i++) /* the tensors both models have */
            for (int j = 0; j < a.p->n_tensors; j++)
                if (strcmp(b.p->tensors[i].name, a.p->tensors[j].name) == 0)
                    memcpy((float *)(void *)b.p->arena.base + b.p->tensors[i].offset,
                           (float *)(void *)a.p->arena.base + a.p->tensors[j].offset,
                           a.p->tensors[j].count * sizeof(float));
        struct work work[2] = {{.bytes = 0}, {.bytes = 0}};
        inference_run(a.inf, &a.data.batch, &work[0], NULL);
        inference_run(b.inf, &a.data.batch, &work[1], NULL);
        assert_memory_equal(inference_logits(a.inf), inference_logits(b.inf),
                            SMALL_SAMPLES * SMALL_CLASSES * sizeof(float));
        assert_int_equal(flops_total(&work[0].flops) - work[0].flops.count[FLOP_GATE],
                         flops_total(&work[1].flops));
        tear_down(&a);
        tear_down(&b);
    }
}

/* Each input alone, against the same input among others: logits to 1e-5, the same heads. */
static void results_do_not_depend_on_batch_mates(void **state) {
    (void)state;
    static const char *const policies[][2] = {{"fixed", "{\"heads\":3}"},
                                              {"random", "{\"heads\":2}"},
                                              {"by-token (test)", "{}"},
                                              {"moh", "{\"shared\":1,\"routed\":1}"},
                                              {"moh-pool", "{\"shared\":1,\"routed\":1}"},
                                              {"budgetformer", "{\"global_budget\":true}"},
                                              {"budgetformer", "{\"scores\":\"random\"}"},
                                              {"budgetformer-paper", "{\"mode\":\"mass\"}"},
                                              {"budgetformer", "{\"initial_budget\":0.5}"}};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct model_config config = config_of(policies[i][0], policies[i][1]);
        struct fixture f;
        set_up(&f, &config, 30 + i);
        inference_run(f.inf, &f.data.batch, NULL, NULL);
        float together[SMALL_SAMPLES * SMALL_CLASSES];
        int run[SMALL_SAMPLES];
        memcpy(together, inference_logits(f.inf), sizeof together);
        for (int b = 0; b < SMALL_SAMPLES; b++) run[b] = inference_heads_run(f.inf, 1, b);
        for (int b = 0; b < SMALL_SAMPLES; b++) {
            int32_t first = f.data.offsets[b], n = f.data.offsets[b + 1] - first;
            int32_t offsets[2] = {0, n};
            struct batch one = {
                1, n, f.data.tokens + first, offsets, f.data.labels + b, f.data.ids + b};
            inference_run(f.inf, &one, NULL, NULL);
            assert_int_equal(inference_heads_run(f.inf, 1, 0), run[b]);
            for (int c = 0; c < SMALL_CLASSES; c++) {
                float alone = inference_logits(f.inf)[c], mixed = together[b * SMALL_CLASSES + c];
                assert_true(fabsf(alone - mixed) <= 1e-5f * (1 + fabsf(mixed)));
            }
        }
        tear_down(&f);
    }
}

/* A batch of several chunks: every result lies where that input's results belong. */
static void check_large_batch(const char *policy, const char *options) {
    enum { SAMPLES = 7, LENGTH = 300, TOKENS = SAMPLES * LENGTH };
    static int32_t tokens[TOKENS];
    int32_t offsets[SAMPLES + 1], labels[SAMPLES] = {0}, ids[SAMPLES];
    static const struct trainer_limits limits = {SAMPLES, TOKENS, LENGTH};
    struct rng rng = rng_stream(5, RNG_GENERATOR);
    struct model_config c = small_config(policy_of(policy), options, 2, 16, 4);
    c.max_len = LENGTH;
    struct parameters *p = small_parameters(&c, 3);
    struct inference *together = NULL, *alone = NULL;
    struct error error;
    for (int i = 0; i < TOKENS; i++)
        tokens[i] = (int32_t)rng_below(&rng, 0, (uint64_t)i, SMALL_VOCAB);
    for (int i = 0; i <= SAMPLES; i++) offsets[i] = i * LENGTH;
    for (int i = 0; i < SAMPLES; i++) ids[i] = i;
    assert_true(limits.tokens > 2 * BATCH_CHUNK_TOKENS);
    assert_true(inference_new(p, &limits, &together, &error));
    assert_true(inference_new(p, &limits, &alone, &error));
    struct batch all = {SAMPLES, TOKENS, tokens, offsets, labels, ids};
    struct work work = {0}, work_alone = {0};
    inference_run(together, &all, &work, NULL);
    for (int i = 0; i < SAMPLES; i++) {
        int32_t own[2];
        struct batch one = batch_chunk(&all, i, 1, own);
        inference_run(alone, &one, &work_alone, NULL);
        for (int k = 0; k < SMALL_CLASSES; k++)
            assert_true(fabsf(inference_logits(alone)[k] -
                              inference_logits(together)[i * SMALL_CLASSES + k]) < 1e-5f);
        for (int l = 0; l < 2; l++) {
            assert_int_equal(inference_heads_run(alone, l, 0), inference_heads_run(together, l, i));
            int row = c.policy->unit == GATE_PER_TOKEN ? i * LENGTH : i;
            row *= (int)policy_decision_floats(&c, l);
            assert_true(fabsf(inference_decisions(alone, l)[1] -
                              inference_decisions(together, l)[row + 1]) < 1e-5f);
        }
    }
    assert_memory_equal(&work.flops, &work_alone.flops, sizeof work.flops);
    /* Replayed decisions are taken chunk by chunk as well. */
    static float kept[2][TOKENS * 5], before[SAMPLES * SMALL_CLASSES];
    size_t rows = c.policy->unit == GATE_PER_TOKEN ? TOKENS : SAMPLES;
    for (int l = 0; l < 2; l++)
        memcpy(kept[l], inference_decisions(together, l),
               rows * policy_decision_floats(&c, l) * sizeof(float));
    memcpy(before, inference_logits(together), sizeof before);
    const float *given[2] = {kept[0], kept[1]};
    inference_run(together, &all, NULL, given);
    assert_memory_equal(before, inference_logits(together), sizeof before);
    inference_free(together);
    inference_free(alone);
    parameters_free(p);
}

static void inputs_of_a_large_batch_are_as_they_are_alone(void **state) {
    (void)state;
    check_large_batch("budgetformer", "{\"initial_budget\":0.5}");
    check_large_batch("budgetformer", "{\"initial_budget\":0.5,\"global_budget\":true}");
    check_large_batch(by_token.name, "{}");
    check_large_batch("moh", "{\"shared\":1,\"routed\":1}");
}

/* Bytes of the attention of inputs of `length` tokens in which heads are run one by one, without what
 * all ways have in common; gates NULL: of all heads at once. */
static uint64_t attention_bytes(const struct model_config *c, const float *gates, int samples,
                                int length) {
    struct work work = {0};
    int groups = gates ? c->heads.value[0] : 1, width = c->heads.value[0] / groups * c->head_dim;
    for (int h = 0; h < groups; h++) {
        int rows = 0;
        for (int b = 0; b < samples; b++) {
            float a = gates ? gates[b * groups + h] : 1.0f;
            if (a == 0.0f) continue;
            rows += length;
            work_move(&work, (a == 1.0f ? 4u : 6u) * (uint64_t)length * (uint64_t)width);
        }
        if (rows == 0) continue;
        work_product(&work, FLOP_QKV, rows, 3 * width, c->dim, false);
        work_move(&work, (2 * (uint64_t)rows + 1) * 3 * (uint64_t)width);
        work_product(&work, FLOP_OUTPUT, rows, c->dim, width, true);
    }
    return work.bytes;
}

/* A batch with enough tokens to run narrow heads on the rows where they lie: what is executed is the
 * closed form, nothing is moved but for it, and input 3 has the same bits whatever heads the others
 * run. */
static void a_mixed_batch_of_narrow_heads_computes_what_was_chosen(void **state) {
    (void)state;
    enum { SAMPLES = 12, LENGTH = 20, TOKENS = SAMPLES * LENGTH, KEPT = 3 };
    static int32_t tokens[TOKENS], offsets[SAMPLES + 1], labels[SAMPLES], ids[SAMPLES];
    static const struct trainer_limits limits = {SAMPLES, TOKENS, LENGTH};
    static float gates[2][SAMPLES * 4];
    const float *given[2] = {gates[0], gates[1]};
    float kept[SMALL_CLASSES] = {0};
    struct rng rng = rng_stream(8, RNG_GENERATOR);
    struct model_config c = small_config(policy_find("random"), "{\"heads\":2}", 2, 16, 4);
    c.max_len = LENGTH;
    struct parameters *p = small_parameters(&c, 3);
    struct inference *inf = NULL;
    struct error error;
    for (int i = 0; i < TOKENS; i++)
        tokens[i] = (int32_t)rng_below(&rng, 0, (uint64_t)i, SMALL_VOCAB);
    for (int i = 0; i <= SAMPLES; i++) offsets[i] = i * LENGTH;
    assert_true(inference_new(p, &limits, &inf, &error));
    struct batch batch = {SAMPLES, TOKENS, tokens, offsets, labels, ids};
    struct work all = {0};
    for (int i = 0; i < 2 * SAMPLES * 4; i++) gates[i / (SAMPLES * 4)][i % (SAMPLES * 4)] = 1.0f;
    inference_run(inf, &batch, &all, given);
    uint64_t others = all.bytes - 2 * attention_bytes(&c, NULL, SAMPLES, LENGTH);
    for (uint64_t variant = 0; variant < 4; variant++) {
        struct work work = {0};
        struct flops formula = {{0}};
        for (int i = 0; i < 2 * SAMPLES * 4; i++) {
            float *gate = &gates[i / (SAMPLES * 4)][i % (SAMPLES * 4)];
            uint64_t drawn = rng_below(&rng, 1 + variant, (uint64_t)i, 3);
            if (variant > 0 && i / 4 % SAMPLES == KEPT) continue;
            *gate = drawn == 0 ? 0.0f : drawn == 1 ? 0.5f : 1.0f;
        }
        inference_run(inf, &batch, &work, given);
        for (int b = 0; b < SAMPLES; b++) {
            for (int l = 0; l < 2; l++) {
                struct heads_used used = inference_heads_used(inf, l, b);
                flops_add_layer(&c, l, LENGTH, used.run, used.token_heads, used.token_heads_gated,
                                &formula);
            }
            flops_add_ends(&c, LENGTH, &formula);
        }
        assert_memory_equal(&work.flops, &formula, sizeof formula);
        for (int l = 0; l < 2; l++) work.bytes -= attention_bytes(&c, gates[l], SAMPLES, LENGTH);
        assert_int_equal(work.bytes, others);
        const float *now = inference_logits(inf) + KEPT * SMALL_CLASSES;
        if (variant == 0) memcpy(kept, now, sizeof kept);
        assert_memory_equal(now, kept, sizeof kept);
    }
    inference_free(inf);
    parameters_free(p);
}

static void decisions_can_be_replayed(void **state) {
    (void)state;
    struct model_config config = config_of("budgetformer", "{\"initial_budget\":0.5}");
    struct fixture f;
    set_up(&f, &config, 14);
    inference_run(f.inf, &f.data.batch, NULL, NULL);
    float logits[SMALL_SAMPLES * SMALL_CLASSES], kept[2][SMALL_SAMPLES * 5];
    memcpy(logits, inference_logits(f.inf), sizeof logits);
    for (int l = 0; l < 2; l++) memcpy(kept[l], inference_decisions(f.inf, l), sizeof kept[l]);
    const float *given[2] = {kept[0], kept[1]};
    inference_run(f.inf, &f.data.batch, NULL, given);
    assert_memory_equal(logits, inference_logits(f.inf), sizeof logits);
    for (int b = 0; b < SMALL_SAMPLES; b++) kept[1][b * 5] = 0.1f; /* s: one head of four */
    inference_run(f.inf, &f.data.batch, NULL, given);
    for (int b = 0; b < SMALL_SAMPLES; b++) assert_int_equal(inference_heads_run(f.inf, 1, b), 1);
    tear_down(&f);
}

static void random_sets_have_the_asked_size_and_differ(void **state) {
    (void)state;
    struct model_config config = config_of("random", "{\"heads\":3}");
    struct fixture f;
    set_up(&f, &config, 1);
    inference_run(f.inf, &f.data.batch, NULL, NULL);
    bool differ = false;
    for (int l = 0; l < 2; l++)
        for (int b = 0; b < SMALL_SAMPLES; b++) {
            assert_int_equal(inference_heads_run(f.inf, l, b), 3);
            differ |= memcmp(inference_gates(f.inf, l), inference_gates(f.inf, l) + b * 4,
                             4 * sizeof(float)) != 0;
        }
    assert_true(differ);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_equals_the_training_forward_pass),
        cmocka_unit_test(executed_flops_equal_the_closed_form),
        cmocka_unit_test(products_at_the_seam_have_the_formula_s_dimensions),
        cmocka_unit_test(poisoned_head_of_another_input_changes_no_bit),
        cmocka_unit_test(tokens_pay_for_the_heads_they_chose),
        cmocka_unit_test(slabs_nobody_chose_are_never_read),
        cmocka_unit_test(all_heads_at_gate_one_are_plain_attention),
        cmocka_unit_test(results_do_not_depend_on_batch_mates),
        cmocka_unit_test(inputs_of_a_large_batch_are_as_they_are_alone),
        cmocka_unit_test(a_mixed_batch_of_narrow_heads_computes_what_was_chosen),
        cmocka_unit_test(decisions_can_be_replayed),
        cmocka_unit_test(random_sets_have_the_asked_size_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
