/*
 * What a checkpoint promises to others: names and shapes as PyTorch users find them, a file that
 * brings back the same bits, and weights whose published meaning (a forward pass written from the
 * names alone, in double) is what the engine computes from its own head-major memory. Also the
 * birth of the weights.
 */
#include "tests/models/small_model.h"
#include "models/inference.h"
#include "tests/harness/scratch.h"

#include <math.h>
#include <stdlib.h>

static struct model_config config_of(const char *policy, const char *options) {
    return small_config(policy_find(policy), options, 2, 16, 4);
}

static struct tensor_view *views_of(const struct parameters *p, size_t *n) {
    *n = parameters_views(p, NULL);
    struct tensor_view *views = calloc(*n, sizeof *views);
    assert_non_null(views);
    assert_int_equal(parameters_views(p, views), *n);
    return views;
}

/* "name [shape]" of every tensor, in file order, against the table that is the file format. */
static void check_names(const char *policy, const char *options, const char *const *expected,
                        size_t n_expected) {
    struct model_config config = config_of(policy, options);
    struct parameters *p = small_parameters(&config, 1);
    size_t n;
    int64_t numbers = 0;
    struct tensor_view *views = views_of(p, &n);
    for (size_t i = 0; i < n; i++) {
        char line[160];
        const struct tensor_view *v = &views[i];
        if (v->rank == 1)
            snprintf(line, sizeof line, "%s [%d]", v->name, (int)v->shape[0]);
        else
            snprintf(line, sizeof line, "%s [%d, %d]", v->name, (int)v->shape[0], (int)v->shape[1]);
        assert_string_equal(line, i < n_expected ? expected[i] : "not declared");
        assert_int_equal(v->groups * v->rows, v->shape[0]);
        assert_int_equal(v->cols, v->rank == 1 ? 1 : v->shape[1]);
        numbers += v->groups * v->rows * v->cols;
    }
    assert_int_equal(n, n_expected);
    assert_int_equal(numbers, parameters_count(p));
    free(views);
    parameters_free(p);
}

/* V = 11, max_len = 17, D = 16, F = 32, C = 3; of 4 heads of dimension 4 two exist in layer 0. */
static void fixed_heads_have_the_documented_names_and_shapes(void **state) {
    (void)state;
    static const char *const expected[] = {
        "embed.token.weight [11, 16]",
        "embed.position.weight [17, 16]",
        "layers.0.ln1.weight [16]",
        "layers.0.ln1.bias [16]",
        "layers.0.attn.q.weight [8, 16]",
        "layers.0.attn.q.bias [8]",
        "layers.0.attn.k.weight [8, 16]",
        "layers.0.attn.k.bias [8]",
        "layers.0.attn.v.weight [8, 16]",
        "layers.0.attn.v.bias [8]",
        "layers.0.attn.o.weight [16, 8]",
        "layers.0.attn.o.bias [16]",
        "layers.0.ln2.weight [16]",
        "layers.0.ln2.bias [16]",
        "layers.0.ffn.up.weight [32, 16]",
        "layers.0.ffn.up.bias [32]",
        "layers.0.ffn.down.weight [16, 32]",
        "layers.0.ffn.down.bias [16]",
        /* no heads: no LN1, no attention */
        "layers.1.ln2.weight [16]",
        "layers.1.ln2.bias [16]",
        "layers.1.ffn.up.weight [32, 16]",
        "layers.1.ffn.up.bias [32]",
        "layers.1.ffn.down.weight [16, 32]",
        "layers.1.ffn.down.bias [16]",
        "final_ln.weight [16]",
        "final_ln.bias [16]",
        "classifier.weight [3, 16]",
        "classifier.bias [3]",
    };
    check_names("fixed", "{\"heads\":[2,0]}", expected, sizeof expected / sizeof *expected);
}

static void budgetformer_adds_its_gate_to_every_layer(void **state) {
    (void)state;
    static const char *const layer[] = {
        "ln1.weight [16]",
        "ln1.bias [16]",
        "attn.q.weight [16, 16]",
        "attn.q.bias [16]",
        "attn.k.weight [16, 16]",
        "attn.k.bias [16]",
        "attn.v.weight [16, 16]",
        "attn.v.bias [16]",
        "attn.o.weight [16, 16]",
        "attn.o.bias [16]",
        "policy.budget.0.weight [20, 16]",
        "policy.budget.0.bias [20]",
        "policy.budget.2.weight [1, 20]",
        "policy.budget.2.bias [1]",
        "policy.score.weight [4, 16]",
        "policy.score.bias [4]",
        "ln2.weight [16]",
        "ln2.bias [16]",
        "ffn.up.weight [32, 16]",
        "ffn.up.bias [32]",
        "ffn.down.weight [16, 32]",
        "ffn.down.bias [16]",
    };
    enum { LAYER = sizeof layer / sizeof *layer, ALL = 2 + 2 * LAYER + 4 };
    static const char *const ends[] = {
        "embed.token.weight [11, 16]", "embed.position.weight [17, 16]", "final_ln.weight [16]",
        "final_ln.bias [16]",          "classifier.weight [3, 16]",      "classifier.bias [3]"};
    char text[2 * LAYER][64];
    const char *expected[ALL] = {ends[0], ends[1]};
    for (int i = 0; i < 2 * LAYER; i++) {
        snprintf(text[i], sizeof text[i], "layers.%d.%s", i / LAYER, layer[i % LAYER]);
        expected[2 + i] = text[i];
    }
    for (int i = 0; i < 4; i++) expected[2 + 2 * LAYER + i] = ends[2 + i];
    check_names("budgetformer", "{\"hidden\":20}", expected, ALL);
}

static void models_without_attention_have_no_attention_tensors(void **state) {
    (void)state;
    static const char *const none[] = {
        "embed.token.weight [11, 16]",
        "embed.position.weight [17, 16]",
        "layers.0.ln2.weight [16]",
        "layers.0.ln2.bias [16]",
        "layers.0.ffn.up.weight [32, 16]",
        "layers.0.ffn.up.bias [32]",
        "layers.0.ffn.down.weight [16, 32]",
        "layers.0.ffn.down.bias [16]",
        "layers.1.ln2.weight [16]",
        "layers.1.ln2.bias [16]",
        "layers.1.ffn.up.weight [32, 16]",
        "layers.1.ffn.up.bias [32]",
        "layers.1.ffn.down.weight [16, 32]",
        "layers.1.ffn.down.bias [16]",
        "final_ln.weight [16]",
        "final_ln.bias [16]",
        "classifier.weight [3, 16]",
        "classifier.bias [3]",
    };
    static const char *const bag[] = {"embed.token.weight [11, 16]", "classifier.weight [3, 16]",
                                      "classifier.bias [3]"};
    check_names("none", "{}", none, sizeof none / sizeof *none);
    check_names("bag-of-words", "{}", bag, sizeof bag / sizeof *bag);
}

/* Writes and reads a checkpoint of each policy; the copy starts from other weights. */
static void checkpoint_brings_back_the_same_bits(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"fixed", "{\"heads\":[2,0]}"},
                                           {"budgetformer", "{}"},
                                           {"random", "{\"heads\":2}"},
                                           {"none", "{}"},
                                           {"bag-of-words", "{}"}};
    struct scratch scratch;
    struct small_batch data;
    struct error error;
    char path[160];
    assert_true(scratch_make(&scratch));
    scratch_path(&scratch, "model.safetensors", path, sizeof path);
    small_batch_fill(&data, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config config = config_of(cases[i][0], cases[i][1]);
        if (i % 2 == 0) config = small_pairs(config);
        struct parameters *p[2] = {small_parameters(&config, 1), small_parameters(&config, 2)};
        p[1]->seed = p[0]->seed; /* the trial's, not the file's */
        struct checkpoint *file = NULL;
        float logits[2][SMALL_SAMPLES * SMALL_CLASSES];
        size_t n;
        struct tensor_view *views = views_of(p[0], &n);
        if (!checkpoint_write(path, NULL, 0, views, n, &error)) fail_msg("%s", error.text);
        free(views);
        views = views_of(p[1], &n);
        if (!checkpoint_open(path, &file, &error) || !checkpoint_read(file, views, n, &error))
            fail_msg("%s: %s", cases[i][0], error.text);
        checkpoint_close(file);
        free(views);
        for (int k = 0; k < 2; k++) {
            struct inference *inf = NULL;
            assert_true(inference_new(p[k], &small_limits, &inf, &error));
            inference_run(inf, &data.batch, NULL, NULL);
            memcpy(logits[k], inference_logits(inf), sizeof logits[k]);
            inference_free(inf);
        }
        assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
        assert_memory_equal(p[0]->arena.base, p[1]->arena.base, p[0]->arena.used);
        parameters_free(p[0]);
        parameters_free(p[1]);
    }
    scratch_remove(&scratch);
}

/* Both models' values of every tensor they share; returns how many tensors that was. */
static int shared_tensors(const struct parameters *a, const struct parameters *b, bool *all_equal) {
    int shared = 0;
    *all_equal = true;
    for (int i = 0; i < a->n_tensors; i++)
        for (int j = 0; j < b->n_tensors; j++) {
            if (strcmp(a->tensors[i].name, b->tensors[j].name) != 0) continue;
            assert_int_equal(a->tensors[i].count, b->tensors[j].count);
            *all_equal &= memcmp((float *)(void *)a->arena.base + a->tensors[i].offset,
                                 (float *)(void *)b->arena.base + b->tensors[j].offset,
                                 a->tensors[i].count * sizeof(float)) == 0;
            shared++;
        }
    return shared;
}

/* Of pairs of texts a model learns one tensor more, and starts with the same weights elsewhere. */
static void pairs_add_a_segment_embedding_and_change_no_other_weight(void **state) {
    (void)state;
    struct model_config single = config_of("fixed", "{\"heads\":[2,0]}");
    struct model_config pairs = small_pairs(single), bag = config_of("bag-of-words", "{}");
    struct parameters *p[2];
    struct error error;
    bool equal;
    size_t n;
    assert_true(parameters_new(&single, "p", &p[0], &error));
    assert_true(parameters_new(&pairs, "p", &p[1], &error));
    for (int i = 0; i < 2; i++) parameters_initialise(p[i], 5);
    assert_null(p[0]->segment);
    assert_int_equal(shared_tensors(p[0], p[1], &equal), p[0]->n_tensors);
    assert_true(equal);
    struct tensor_view *views = views_of(p[1], &n);
    assert_int_equal(n, parameters_views(p[0], NULL) + 1);
    assert_string_equal(views[2].name, "embed.segment.weight");
    assert_true(views[2].rank == 2 && views[2].shape[0] == 2 && views[2].shape[1] == 16);
    assert_true(memcmp(p[1]->segment, p[1]->segment + 16, 16 * sizeof(float)) != 0);
    bag.separator = 7;
    assert_true(model_resolve(&bag, &error));
    assert_int_equal(bag.separator, 0); /* a mean knows no order */
    free(views);
    for (int i = 0; i < 2; i++) parameters_free(p[i]);
}

/* Element [row][col] of a named tensor as the file has it. */
static double element(const struct tensor_view *views, size_t n, const char *format, int layer,
                      int row, int col) {
    char name[96];
    /* cppcheck-suppress wrongPrintfScanfArgNum ; a tensor outside the layers ignores it */
    snprintf(name, sizeof name, format, layer);
    for (size_t i = 0; i < n; i++) {
        const struct tensor_view *v = &views[i];
        if (strcmp(v->name, name) != 0) continue;
        assert_true(row < v->shape[0] && col < v->cols);
        return (double)v->data[row / v->rows * v->group_stride + row % v->rows * v->row_stride +
                               col * v->col_stride];
    }
    fail_msg("no tensor %s", name);
    return 0;
}

static void head_h_owns_rows_and_one_slab(void **state) {
    (void)state;
    struct model_config config = config_of("fixed", "{\"heads\":[3,1]}");
    struct parameters *p = small_parameters(&config, 4);
    const struct layer_parameters *w = &p->layer[0];
    int d = config.head_dim, dim = config.dim;
    size_t n;
    struct tensor_view *views = views_of(p, &n);
    static const char *const weights[] = {"layers.%d.attn.q.weight", "layers.%d.attn.k.weight",
                                          "layers.%d.attn.v.weight"};
    static const char *const biases[] = {"layers.%d.attn.q.bias", "layers.%d.attn.k.bias",
                                         "layers.%d.attn.v.bias"};
    for (int h = 0; h < 3; h++)
        for (int r = 0; r < d; r++) {
            for (int which = 0; which < 3; which++) {
                int slab = (h * 3 + which) * d + r; /* W_Q, W_K, W_V of a head are one slab */
                assert_true(element(views, n, biases[which], 0, h * d + r, 0) ==
                            (double)w->qkv_bias[slab]);
                for (int c = 0; c < dim; c++)
                    assert_true(element(views, n, weights[which], 0, h * d + r, c) ==
                                (double)w->qkv_weight[slab * dim + c]);
            }
            for (int c = 0; c < dim; c++) /* W_O: [D, H d_h] in the file, [H d_h][D] here */
                assert_true(element(views, n, "layers.%d.attn.o.weight", 0, c, h * d + r) ==
                            (double)w->o_weight[(h * d + r) * dim + c]);
        }
    free(views);
    parameters_free(p);
}

/* The forward pass from names alone; D = 16, F = 32, at most 17 tokens. */
struct naive {
    const struct tensor_view *views;
    size_t n_views;
    const struct model_config *config;
    int n;
    double x[SMALL_LEN][16], norm[SMALL_LEN][16];
};

static void naive_norm(struct naive *f, const char *weight, const char *bias, int l) {
    for (int t = 0; t < f->n; t++) {
        double mean = 0, variance = 0;
        for (int c = 0; c < 16; c++) mean += f->x[t][c] / 16;
        for (int c = 0; c < 16; c++) variance += pow(f->x[t][c] - mean, 2) / 16;
        for (int c = 0; c < 16; c++)
            f->norm[t][c] = (f->x[t][c] - mean) / sqrt(variance + f->config->norm_eps) *
                                element(f->views, f->n_views, weight, l, c, 0) +
                            element(f->views, f->n_views, bias, l, c, 0);
    }
}

/* Row `row` of weight times in[cols], plus bias. */
static double naive_linear(const struct naive *f, const char *name, int l, int row, int cols,
                           const double *in) {
    char weight[96], bias[96];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    double sum = element(f->views, f->n_views, bias, l, row, 0);
    for (int c = 0; c < cols; c++) sum += element(f->views, f->n_views, weight, l, row, c) * in[c];
    return sum;
}

static void naive_attention(struct naive *f, int l, int heads) {
    int d = f->config->head_dim, n = f->n;
    double q[SMALL_LEN][16] = {{0}}, k[SMALL_LEN][16] = {{0}}, v[SMALL_LEN][16] = {{0}};
    double mixed[SMALL_LEN][16] = {{0}};
    naive_norm(f, "layers.%d.ln1.weight", "layers.%d.ln1.bias", l);
    for (int t = 0; t < n; t++)
        for (int r = 0; r < heads * d; r++) {
            q[t][r] = naive_linear(f, "layers.%d.attn.q", l, r, 16, f->norm[t]);
            k[t][r] = naive_linear(f, "layers.%d.attn.k", l, r, 16, f->norm[t]);
            v[t][r] = naive_linear(f, "layers.%d.attn.v", l, r, 16, f->norm[t]);
        }
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < n; i++) {
            double p[SMALL_LEN], sum = 0;
            for (int j = 0; j < n; j++) {
                double score = 0;
                for (int c = h * d; c < (h + 1) * d; c++) score += q[i][c] * k[j][c];
                sum += p[j] = exp(score / sqrt(d));
            }
            for (int j = 0; j < n; j++)
                for (int c = h * d; c < (h + 1) * d; c++) mixed[i][c] += p[j] / sum * v[j][c];
        }
    for (int t = 0; t < n; t++)
        for (int r = 0; r < 16; r++)
            f->x[t][r] += naive_linear(f, "layers.%d.attn.o", l, r, heads * d, mixed[t]);
}

static void naive_ffn(struct naive *f, int l) {
    naive_norm(f, "layers.%d.ln2.weight", "layers.%d.ln2.bias", l);
    for (int t = 0; t < f->n; t++) {
        double hidden[32];
        for (int r = 0; r < 32; r++) {
            double u = naive_linear(f, "layers.%d.ffn.up", l, r, 16, f->norm[t]);
            hidden[r] = 0.5 * u * (1 + tanh(sqrt(2 / acos(-1)) * (u + 0.044715 * u * u * u)));
        }
        for (int r = 0; r < 16; r++)
            f->x[t][r] += naive_linear(f, "layers.%d.ffn.down", l, r, 32, hidden);
    }
}

/* Token, position and, of pairs, segment: row 1 after the first separator. */
static void naive_embed(struct naive *f, const int32_t *tokens) {
    int segment = 0;
    for (int t = 0; t < f->n; t++) {
        for (int c = 0; c < 16; c++) {
            f->x[t][c] = element(f->views, f->n_views, "embed.token.weight", 0, tokens[t], c) +
                         element(f->views, f->n_views, "embed.position.weight", 0, t, c);
            if (f->config->separator)
                f->x[t][c] += element(f->views, f->n_views, "embed.segment.weight", 0, segment, c);
        }
        if (tokens[t] == f->config->separator) segment = 1;
    }
}

static void check_logits(struct model_config config) {
    struct parameters *p = small_parameters(&config, 7);
    struct inference *inf = NULL;
    struct small_batch data;
    struct error error;
    size_t n;
    struct tensor_view *views = views_of(p, &n);
    small_batch_fill(&data, 2);
    assert_true(inference_new(p, &small_limits, &inf, &error));
    inference_run(inf, &data.batch, NULL, NULL);
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        int first = data.offsets[b];
        struct naive f = {views, n, &config, data.offsets[b + 1] - first, {{0}}, {{0}}};
        double pooled[16] = {0};
        naive_embed(&f, data.tokens + first);
        naive_attention(&f, 0, 3);
        naive_ffn(&f, 0);
        naive_ffn(&f, 1);
        naive_norm(&f, "final_ln.weight", "final_ln.bias", 0);
        for (int t = 0; t < f.n; t++)
            for (int c = 0; c < 16; c++) pooled[c] += f.norm[t][c] / f.n;
        for (int r = 0; r < SMALL_CLASSES; r++) {
            double expected = naive_linear(&f, "classifier", 0, r, 16, pooled);
            double logit = (double)inference_logits(inf)[b * SMALL_CLASSES + r];
            if (!(fabs(logit - expected) < 2e-5 * (1 + fabs(expected))))
                fail_msg("input %d: logit %.8g, by name %.8g", b, logit, expected);
        }
    }
    inference_free(inf);
    free(views);
    parameters_free(p);
}

static void logits_follow_from_the_tensors_by_name(void **state) {
    (void)state;
    check_logits(config_of("fixed", "{\"heads\":[3,0]}"));
    check_logits(small_pairs(config_of("fixed", "{\"heads\":[3,0]}")));
}

/* The rows of pairs by the formula of models/checkpoint.md. */
static void a_bag_of_bigrams_adds_each_token_with_the_one_before(void **state) {
    (void)state;
    struct model_config config = config_of("bag-of-bigrams", "{\"buckets\":50}");
    struct parameters *p = small_parameters(&config, 7);
    struct inference *inf = NULL;
    struct small_batch data;
    struct error error;
    size_t n;
    struct tensor_view *views = views_of(p, &n);
    bool used[50] = {false};
    int n_used = 0;
    assert_string_equal(views[1].name, "embed.bigram.weight");
    assert_true(views[1].shape[0] == 50 && views[1].shape[1] == 16);
    small_batch_fill(&data, 2);
    assert_true(inference_new(p, &small_limits, &inf, &error));
    inference_run(inf, &data.batch, NULL, NULL);
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        int first = data.offsets[b], tokens = data.offsets[b + 1] - first;
        double pooled[16] = {0};
        for (int t = 0; t < tokens; t++) {
            int32_t token = data.tokens[first + t], before = t ? data.tokens[first + t - 1] : -1;
            uint64_t pair = ((uint64_t)before + 1) * 1000003 + (uint64_t)token;
            int row = (int)((pair * 0x9E3779B97F4A7C15u >> 32) % 50);
            n_used += !used[row];
            used[row] = true;
            for (int c = 0; c < 16; c++)
                pooled[c] += (element(views, n, "embed.token.weight", 0, token, c) +
                              element(views, n, "embed.bigram.weight", 0, row, c)) /
                             tokens;
        }
        struct naive f = {views, n, &config, tokens, {{0}}, {{0}}};
        for (int r = 0; r < SMALL_CLASSES; r++) {
            double expected = naive_linear(&f, "classifier", 0, r, 16, pooled);
            double logit = (double)inference_logits(inf)[b * SMALL_CLASSES + r];
            assert_true(fabs(logit - expected) < 2e-5 * (1 + fabs(expected)));
        }
    }
    assert_true(n_used > 15); /* pairs are spread over the table */
    inference_free(inf);
    free(views);
    parameters_free(p);
}

static void arms_of_one_seed_start_from_the_same_weights(void **state) {
    (void)state;
    struct model_config fixed = config_of("fixed", "{\"heads\":4}");
    struct model_config gated = config_of("budgetformer", "{}");
    struct parameters *p[3];
    struct error error;
    bool equal;
    assert_true(parameters_new(&fixed, "p", &p[0], &error));
    assert_true(parameters_new(&gated, "p", &p[1], &error));
    assert_true(parameters_new(&gated, "p", &p[2], &error));
    parameters_initialise(p[0], 5);
    parameters_initialise(p[1], 5);
    parameters_initialise(p[2], 6);
    assert_int_equal(shared_tensors(p[0], p[1], &equal), p[0]->n_tensors);
    assert_true(equal);
    shared_tensors(p[1], p[2], &equal);
    assert_false(equal);
    for (int i = 0; i < 3; i++) parameters_free(p[i]);
}

static void assert_spread(const float *x, int n, double std) {
    double sum = 0, square = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)x[i] / n;
        square += (double)x[i] * (double)x[i] / n;
    }
    assert_true(fabs(sum) < 5 * std / sqrt(n));
    assert_true(fabs(sqrt(square) - std) < 5 * std / sqrt(2 * n));
}

static void weights_are_born_as_their_table_says(void **state) {
    (void)state;
    struct model_config config = config_of("budgetformer", "{\"initial_budget\":0.3}");
    struct parameters *p;
    struct error error;
    config.embedding_std = 0.25;
    config.init_std = 0.125;
    config.vocab = 4000;
    config.ffn = 2000;
    assert_true(parameters_new(&config, "p", &p, &error));
    parameters_initialise(p, 1);
    assert_spread(p->token, 4000 * 16, 0.25);
    assert_spread(p->layer[1].down_weight, 2000 * 16, 0.125);
    for (int l = 0; l < 2; l++) {
        const struct layer_parameters *w = &p->layer[l];
        for (int i = 0; i < 16; i++) {
            assert_true(w->norm1_weight[i] == 1 && w->norm2_weight[i] == 1);
            assert_true(w->norm1_bias[i] == 0 && w->o_bias[i] == 0 && w->down_bias[i] == 0);
        }
        assert_true(fabs(1 / (1 + exp(-(double)w->policy[3][0])) - 0.3) < 1e-6);
    }
    /* Layers, and projections of one layer, are drawn apart. */
    assert_memory_not_equal(p->layer[0].up_weight, p->layer[1].up_weight, 64);
    assert_memory_not_equal(p->layer[0].qkv_weight, p->layer[0].up_weight, 64);
    parameters_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_heads_have_the_documented_names_and_shapes),
        cmocka_unit_test(budgetformer_adds_its_gate_to_every_layer),
        cmocka_unit_test(models_without_attention_have_no_attention_tensors),
        cmocka_unit_test(a_bag_of_bigrams_adds_each_token_with_the_one_before),
        cmocka_unit_test(checkpoint_brings_back_the_same_bits),
        cmocka_unit_test(pairs_add_a_segment_embedding_and_change_no_other_weight),
        cmocka_unit_test(head_h_owns_rows_and_one_slab),
        cmocka_unit_test(logits_follow_from_the_tensors_by_name),
        cmocka_unit_test(arms_of_one_seed_start_from_the_same_weights),
        cmocka_unit_test(weights_are_born_as_their_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
