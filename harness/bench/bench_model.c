/*
 * Made as a trial makes its model, on random tokens. Work is GEMM FLOPs of the closed form.
 */
#include "harness/bench/bench_model.h"
#include "models/base/json.h"
#include "models/flops.h"
#include "models/policies/registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Training goes through BATCHES of tokens, as in an epoch: rows of embeddings that a batch does not
 * read may have their step late, and one batch again and again would never ask for it. */
enum { VOCAB = 1000, CLASSES = 4, BATCHES = 64 };

static const struct optimizer_config adamw = {.learning_rate = 1e-3,
                                              .weight_decay = 0.01,
                                              .beta1 = 0.9,
                                              .beta2 = 0.999,
                                              .epsilon = 1e-8,
                                              .clip_norm = 1,
                                              .total_steps = 1000000};

static const struct bench_target full[] = {
    {{128, 32, 128}, 0.60, 0.65},
    {{256, 32, 128}, 0.65, 0.70},
    {{768, 16, 128}, 0.80, 0.85},
};
static const struct bench_target quick_only[] = {{{64, 4, 32}, (double)NAN, (double)NAN}};

const struct bench_target *bench_targets(bool quick, int *n) {
    *n = quick ? 1 : (int)(sizeof full / sizeof *full);
    return quick ? quick_only : full;
}

bool bench_shape_read(const char *text, struct bench_shape *s, struct error *error) {
    const struct {
        int *value, least, most;
    } parts[] = {{&s->dim, BENCH_HEADS, 8192}, {&s->batch, 1, 4096}, {&s->length, 1, 65536}};
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        char *end;
        long value = strtol(at, &end, 10); /* the largest of all where digits are too many */
        if (end == at || value < parts[i].least || value > parts[i].most ||
            *end != (i < 2 ? ',' : '\0'))
            return error_set(error, "--shape is DIM,BATCH,LENGTH, like 128,32,128, not '%s'", text);
        *parts[i].value = (int)value;
        at = end + 1;
    }
    return true;
}

static bool configure(const struct bench_shape *shape, const struct bench_kind *kind,
                      struct model_config *config, struct error *error) {
    struct node *options = NULL;
    options_default(&model_options, config);
    config->layers = BENCH_LAYERS;
    config->dim = shape->dim;
    config->base_heads = BENCH_HEADS;
    config->vocab = kind->vocab;
    config->classes = CLASSES;
    config->max_len = shape->length;
    config->dropout = kind->dropout;
    config->policy = policy_find(kind->policy);
    options_default(&config->policy->options, config->policy_options);
    bool ok = json_parse(kind->options, strlen(kind->options), "bench", &options, error) &&
              options_bind(&config->policy->options, options, NULL, config->policy_options, error);
    node_free(options);
    return ok && model_resolve_full(config, error);
}

/* Random tokens; labels and ids that differ. */
static bool fill_batch(struct bench_model *m, struct error *error) {
    int samples = m->shape.batch, tokens = samples * m->shape.length;
    struct rng rng = rng_stream(1, RNG_GENERATOR);
    m->tokens = calloc((size_t)tokens * BATCHES, sizeof *m->tokens);
    m->offsets = calloc((size_t)samples + 1, sizeof *m->offsets);
    m->labels = calloc((size_t)samples, sizeof *m->labels);
    m->ids = calloc((size_t)samples, sizeof *m->ids);
    if (!m->tokens || !m->offsets || !m->labels || !m->ids)
        return error_set(error, "out of memory for the bench");
    uint32_t vocab = (uint32_t)m->config.vocab;
    for (size_t i = 0; i < (size_t)tokens * BATCHES; i++)
        m->tokens[i] = (int32_t)rng_below(&rng, 0, i, vocab);
    for (int i = 0; i <= samples; i++) m->offsets[i] = i * m->shape.length;
    for (int i = 0; i < samples; i++) {
        m->labels[i] = i % CLASSES;
        m->ids[i] = i;
    }
    m->batch = (struct batch){samples, tokens, m->tokens, m->offsets, m->labels, m->ids};
    m->single = m->batch;
    m->single.n_samples = 1;
    m->single.n_tokens = m->shape.length;
    return true;
}

bool bench_model_new_on(const struct device *d, const struct bench_shape *shape,
                        const struct bench_kind *kind, bool trained, struct bench_model *m,
                        struct error *error) {
    struct trainer_limits limits = {shape->batch, shape->batch * shape->length, shape->length};
    *m = (struct bench_model){.device = d, .shape = *shape};
    if (!configure(shape, kind, &m->config, error) || !fill_batch(m, error) ||
        !parameters_new(&m->config, "parameters", &m->parameters, error))
        return false;
    parameters_initialise(m->parameters, 1);
    if (!inference_new_on(d, m->parameters, &limits, &m->inference, error)) return false;
    if (!trained) return true;
    if (!trainer_new_on(d, m->parameters, &limits, 1, &m->trainer, error)) return false;
    trainer_load(m->trainer);
    return optimizer_new_on(d, trainer_parameters(m->trainer), &adamw, &m->optimizer, error);
}

bool bench_model_new(const struct bench_shape *shape, const char *policy, bool trained,
                     struct bench_model *m, struct error *error) {
    struct model_config defaults;
    options_default(&model_options, &defaults);
    const struct bench_kind kind = {policy, "{}", VOCAB, defaults.dropout};
    return bench_model_new_on(device_cpu(), shape, &kind, trained, m, error);
}

void bench_model_free(struct bench_model *m) {
    inference_free(m->inference);
    optimizer_free(m->optimizer);
    trainer_free(m->trainer);
    parameters_free(m->parameters);
    free(m->tokens);
    free(m->offsets);
    free(m->labels);
    free(m->ids);
}

double bench_model_gemm_flops(const struct bench_model *m) {
    struct flops one = flops_dense(&m->config, m->shape.length);
    return (double)flops_gemm(&one);
}

void bench_model_train(void *model) {
    struct bench_model *m = model;
    struct policy_step step = {.progress = 0.5, .step = m->step++};
    struct batch batch = m->batch;
    batch.tokens += step.step % BATCHES * (size_t)batch.n_tokens;
    trainer_begin(m->trainer, &batch, &step);
    phase_enter(m->phases, PHASE_OPTIMISER);
    optimizer_step(m->optimizer, trainer_parameters(m->trainer), trainer_gradients(m->trainer));
    trainer_end(m->trainer, &step);
}

void bench_model_infer(void *model) {
    struct bench_model *m = model;
    struct work work = {.phases = m->phases};
    inference_run(m->inference, &m->batch, m->phases ? &work : NULL, NULL);
}

void bench_model_infer_one(void *model) {
    struct bench_model *m = model;
    inference_run(m->inference, &m->single, NULL, NULL);
}

void bench_model_set_phases(struct bench_model *m, const struct phases *phases) {
    m->phases = phases;
    if (m->trainer) trainer_set_phases(m->trainer, phases);
}
