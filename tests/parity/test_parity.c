/*
 * The engine against PyTorch: logits, loss and every gradient of a small model of each method.
 * `test_parity --write FOLDER` writes each case with the engine's results for compare.py, which
 * computes them again from the documents alone; a golden file is such a case with PyTorch's results
 * in their place, and holds the engine to them here, without Python. README.md has the layout.
 */
#include "models/inference.h"
#include "models/model_json.h"
#include "tests/models/small_model.h"

#include <math.h>
#include <stdlib.h>

enum {
    LAYERS = 2,
    DIM = 8,
    HEADS = 4,
    CLASSES = 3,
    LENGTH = 6,
    SAMPLES = 4,
    TOKENS = 14,
    VIEWS_MAX = 128,
    STEP = 5
};

/* A method, its options, where its schedules stand, and the separator of pairs or 0. */
struct parity_case {
    const char *name, *policy, *options;
    double progress;
    int separator;
};

/* Said here, so that what the method's defaults are today does not enter the golden files. */
#define PAPER_ENTROPY "\"entropy_start\":-0.01,\"entropy_end\":0.01"

static const struct parity_case cases[] = {
    {"fixed", "fixed", "{\"heads\":[4,1]}", 0.5, 0},
    {"pairs", "fixed", "{\"heads\":[4,1]}", 0.5, 6},
    {"budgetformer-soft", "budgetformer",
     "{\"hidden\":4,\"cost\":0.5,\"initial_budget\":0.92,\"entropy_start\":-0.5}", 0.5, 0},
    {"budgetformer-hard", "budgetformer",
     "{\"hidden\":4,\"cost\":0.5,\"initial_budget\":0.5,\"entropy_end\":0.5,\"noise_until\":1}",
     0.7, 0},
    {"budgetformer-ablated", "budgetformer",
     "{\"hidden\":4,\"cost\":0.5,\"cost_on\":\"executed\",\"global_budget\":true,\"initial_"
     "budget\":0.25}",
     0.55, 0},
    {"paper-plain", "budgetformer-paper",
     "{\"hidden\":4,\"cost\":0.5,\"initial_budget\":0.09,\"tau_end\":0.2," PAPER_ENTROPY "}", 0.5,
     0},
    {"paper-mass", "budgetformer-paper",
     "{\"hidden\":4,\"tau_end\":0.7," PAPER_ENTROPY ",\"mode\":\"mass\"}", 0.2, 0},
    {"paper-raw", "budgetformer-paper",
     "{\"hidden\":4,\"tau_end\":0.7," PAPER_ENTROPY ",\"mode\":\"raw\"}", 0.9, 0},
    {"moh", "moh", "{\"shared\":1,\"routed\":2,\"balance\":0.5}", 0.5, 0},
    {"moh-pool", "moh-pool", "{\"shared\":2,\"routed\":1,\"balance\":0.5}", 0.5, 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* What either side computes. Logits are those of inference; log_probability is that of the training
 * pass (soft gates, noise), of every class of every sample. */
struct result {
    float logits[SAMPLES][CLASSES], log_probability[SAMPLES][CLASSES];
    float loss, regulariser;     /* mean cross-entropy; the policy's own terms */
    struct parameters *gradient; /* of their sum */
};

/* A case with its numbers. Integers are kept as floats, as in the file. */
struct data {
    struct model_config config;
    struct parameters *p;
    float tokens[TOKENS], offsets[SAMPLES + 1], labels[SAMPLES], ids[SAMPLES];
    float noise[LAYERS][SAMPLES][HEADS]; /* N(0, 1), as the step draws it */
    struct result result;
};

static struct rng noise_stream(void) {
    return rng_stream(3, RNG_NOISE);
}

/* The noise of one step as methods that have some key it: by step and layer, by input and head. */
static void draw_noise(struct data *d) {
    struct rng rng = noise_stream();
    for (int l = 0; l < LAYERS; l++)
        for (int b = 0; b < SAMPLES; b++)
            for (int h = 0; h < HEADS; h++)
                d->noise[l][b][h] =
                    (float)rng_normal(&rng, (uint64_t)(STEP * MODEL_LAYERS_MAX + l),
                                      (uint64_t)d->ids[b] * OPTION_LIST_MAX + (uint64_t)h);
}

static void data_new(const struct parity_case *c, struct data *d) {
    static const int lengths[SAMPLES] = {3, 1, LENGTH, 4};
    struct rng rng = rng_stream(2, RNG_GENERATOR);
    struct error error;
    memset(d, 0, sizeof *d);
    d->config = small_config(policy_find(c->policy), c->options, LAYERS, DIM, HEADS);
    d->config.vocab = 7;
    d->config.max_len = LENGTH;
    d->config.ffn = DIM;
    d->config.init_std = 0.4;
    d->config.separator = c->separator;
    d->p = small_parameters(&d->config, 8);
    for (int b = 0, t = 0; b < SAMPLES; b++) {
        for (int i = 0; i < lengths[b]; i++, t++)
            d->tokens[t] = (float)rng_below(&rng, 1, (uint64_t)t, (uint32_t)d->config.vocab);
        d->offsets[b + 1] = (float)t;
        d->labels[b] = (float)(b % CLASSES);
        d->ids[b] = (float)(10 * b + 7);
    }
    draw_noise(d);
    assert_true(parameters_new(&d->config, "gradient", &d->result.gradient, &error));
}

static void data_free(struct data *d) {
    parameters_free(d->p);
    parameters_free(d->result.gradient);
}

/* ---- the file ---- */

static void add_view(struct tensor_view *views, size_t *n, const char *name, float *values,
                     int rows, int cols) {
    struct tensor_view *view = &views[(*n)++];
    *view = (struct tensor_view){.rank = cols ? 2 : 1,
                                 .shape = {rows, cols},
                                 .data = values,
                                 .groups = 1,
                                 .rows = rows,
                                 .cols = cols ? cols : 1,
                                 .row_stride = cols ? cols : 1,
                                 .col_stride = 1};
    snprintf(view->name, sizeof view->name, "%s", name);
}

/* Weights, then their gradients under "gradient.", then the batch and the other results. */
static size_t views_of(struct data *d, struct tensor_view views[VIEWS_MAX]) {
    size_t weights = parameters_views(d->p, NULL), n = 2 * weights;
    assert_true(n + 9 <= VIEWS_MAX);
    parameters_views(d->p, views);
    parameters_views(d->result.gradient, views + weights);
    for (size_t i = weights; i < n; i++) {
        char name[sizeof views[i].name];
        snprintf(name, sizeof name, "gradient.%.*s", (int)sizeof name - 10, views[i].name);
        memcpy(views[i].name, name, sizeof name);
    }
    struct result *r = &d->result;
    add_view(views, &n, "batch.tokens", d->tokens, TOKENS, 0);
    add_view(views, &n, "batch.offsets", d->offsets, SAMPLES + 1, 0);
    add_view(views, &n, "batch.labels", d->labels, SAMPLES, 0);
    add_view(views, &n, "noise", &d->noise[0][0][0], LAYERS * SAMPLES, HEADS);
    add_view(views, &n, "logits", &r->logits[0][0], SAMPLES, CLASSES);
    add_view(views, &n, "log_probability", &r->log_probability[0][0], SAMPLES, CLASSES);
    add_view(views, &n, "loss", &r->loss, 1, 0);
    add_view(views, &n, "regulariser", &r->regulariser, 1, 0);
    return n;
}

static void write_file(const char *path, const struct parity_case *c, struct data *d) {
    struct tensor_view views[VIEWS_MAX];
    struct text config = {0};
    struct error error;
    char progress[32];
    size_t n = views_of(d, views);
    snprintf(progress, sizeof progress, "%.17g", c->progress);
    model_write_json(&d->config, &config);
    struct metadata meta[] = {
        {"format", "headroom-parity-1"}, {"config", config.data}, {"progress", progress}};
    if (!checkpoint_write(path, meta, 3, views, n, &error)) fail_msg("%s", error.text);
    text_free(&config);
}

/* Reads a file of this very case over what `d` holds. */
static void read_file(const char *path, const struct parity_case *c, struct data *d) {
    struct tensor_view views[VIEWS_MAX];
    struct checkpoint *file;
    struct model_config config;
    struct text want = {0}, have = {0};
    struct error error;
    size_t n = views_of(d, views);
    if (!checkpoint_open(path, &file, &error)) fail_msg("%s", error.text);
    const char *json = checkpoint_metadata(file, "config");
    if (!model_read_json(json, strlen(json), &config, &error)) fail_msg("%s", error.text);
    /* Compared as text of now: options may have come, with defaults, since the file was made. */
    model_write_json(&d->config, &want);
    model_write_json(&config, &have);
    if (strcmp(want.data, have.data) != 0)
        fail_msg("%s is of another model: make parity-golden\n%s\n%s", path, have.data, want.data);
    assert_true(strtod(checkpoint_metadata(file, "progress"), NULL) == c->progress);
    if (!checkpoint_read(file, views, n, &error)) fail_msg("%s", error.text);
    checkpoint_close(file);
    text_free(&want);
    text_free(&have);
}

/* ---- the engine's results ---- */

static struct batch batch_of(const struct data *d, int32_t *numbers) {
    int32_t *tokens = numbers, *offsets = tokens + TOKENS, *labels = offsets + SAMPLES + 1,
            *ids = labels + SAMPLES;
    for (int i = 0; i < TOKENS; i++) tokens[i] = (int32_t)d->tokens[i];
    for (int i = 0; i <= SAMPLES; i++) offsets[i] = (int32_t)d->offsets[i];
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = (int32_t)d->labels[i];
        ids[i] = (int32_t)d->ids[i];
    }
    return (struct batch){SAMPLES, TOKENS, tokens, offsets, labels, ids};
}

/* log p of a class is minus the loss of the sample alone under that label. */
static void log_probabilities(struct trainer *trainer, const struct batch *batch, double progress,
                              struct result *out) {
    for (int b = 0; b < SAMPLES; b++)
        for (int32_t c = 0; c < CLASSES; c++) {
            int32_t offsets[2];
            struct batch one = batch_chunk(batch, b, 1, offsets);
            struct policy_step step = {.progress = progress, .step = STEP, .noise = noise_stream()};
            one.labels = &c;
            out->log_probability[b][c] = (float)-trainer_loss(trainer, &one, &step);
        }
}

/* Fills `out`, whose gradient is laid out already. */
static void compute(const struct parity_case *c, struct data *d, struct result *out) {
    int32_t numbers[TOKENS + 3 * SAMPLES + 1];
    struct batch batch = batch_of(d, numbers);
    struct trainer_limits limits = {SAMPLES, TOKENS, LENGTH};
    struct trainer *trainer = NULL;
    struct inference *inference = NULL;
    struct error error;
    if (!trainer_new(d->p, &limits, 1, &trainer, &error) ||
        !inference_new(d->p, &limits, &inference, &error))
        fail_msg("%s", error.text);
    log_probabilities(trainer, &batch, c->progress, out);
    struct policy_step step = {.progress = c->progress, .step = STEP, .noise = noise_stream()};
    out->loss = (float)trainer_step(trainer, &batch, &step);
    out->regulariser = (float)step.regulariser;
    memcpy(out->gradient->arena.base, trainer_gradients(trainer)->arena.base, d->p->arena.used);
    inference_run(inference, &batch, NULL, NULL);
    memcpy(out->logits, inference_logits(inference), sizeof out->logits);
    trainer_free(trainer);
    inference_free(inference);
}

/* ---- the tests ---- */

/* The larger of two numbers, or the one that is NaN, which fmax would pass over. (And gcc 12 for aarch64
 * crashes where it vectorises fmax of a converted float.) */
static double larger(double a, double b) {
    return a >= b || isnan(a) ? a : b;
}

/* Fails unless two arrays agree to 1e-4 of the largest number, or of `least` if that is more. */
static void assert_close(const char *what, const float *engine, const float *pytorch, size_t n,
                         double least) {
    double most = least, worst = 0;
    for (size_t i = 0; i < n; i++) {
        most = larger(most, fabs((double)pytorch[i]));
        worst = larger(worst, fabs((double)engine[i] - (double)pytorch[i]));
    }
    if (!(worst <= 1e-4 * most)) fail_msg("%s: %.3g off, of %.3g", what, worst, most);
}

static const float *floats_of(const struct parameters *p) {
    return (const float *)(const void *)p->arena.base;
}

static double largest(const struct parameters *p) {
    double most = 0;
    for (int i = 0; i < p->n_tensors; i++)
        for (size_t j = 0; j < p->tensors[i].count; j++)
            most = larger(most, fabs((double)floats_of(p)[p->tensors[i].offset + j]));
    return most;
}

/* Gradients that are zero by nature (keys' biases) are held to a thousandth of the largest. */
static void engine_agrees_with_golden_file(void **state) {
    const struct parity_case *c = *state;
    struct data own, golden;
    char path[128];
    snprintf(path, sizeof path, "tests/parity/golden/%s.safetensors", c->name);
    data_new(c, &own);
    data_new(c, &golden);
    read_file(path, c, &golden);
    assert_close("noise as drawn (make parity-golden)", own.noise[0][0], golden.noise[0][0],
                 LAYERS * SAMPLES * HEADS, 0);
    compute(c, &golden, &own.result);
    const struct result *left = &own.result, *right = &golden.result;
    assert_close("logits", left->logits[0], right->logits[0], SAMPLES * CLASSES, 0);
    assert_close("log probabilities", left->log_probability[0], right->log_probability[0],
                 SAMPLES * CLASSES, 0);
    assert_close("loss", &left->loss, &right->loss, 1, 0);
    assert_close("regulariser", &left->regulariser, &right->regulariser, 1, 1e-3);
    double least = 1e-3 * largest(right->gradient);
    assert_true(least > 0);
    for (int i = 0; i < golden.p->n_tensors; i++) {
        const struct tensor *row = &golden.p->tensors[i];
        assert_close(row->name, floats_of(left->gradient) + row->offset,
                     floats_of(right->gradient) + row->offset, row->count, least);
    }
    data_free(&own);
    data_free(&golden);
}

static void write_cases(const char *folder) {
    for (int i = 0; i < N_CASES; i++) {
        struct data data;
        char path[512];
        snprintf(path, sizeof path, "%s/%s.safetensors", folder, cases[i].name);
        data_new(&cases[i], &data);
        compute(&cases[i], &data, &data.result);
        write_file(path, &cases[i], &data);
        data_free(&data);
    }
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[N_CASES];
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        write_cases(argv[2]);
        return 0;
    }
    for (int i = 0; i < N_CASES; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, engine_agrees_with_golden_file, NULL, NULL,
                                       (void *)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
