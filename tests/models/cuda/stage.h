/*
 * One stage of a pass run on random arrays on two devices: a stage function asks for its arrays,
 * calls its entry and returns; what came out is held against what the CPU's entry made of the same
 * numbers, and against what the device itself makes of them a second time, bit for bit. Results are
 * NaN before.
 */
#ifndef HEADROOM_TESTS_STAGE_H
#define HEADROOM_TESTS_STAGE_H

#include "tests/models/small_model.h"
#include "tests/models/tested_devices.h"

/* What a stage runs on. Width of a layer, heads * head_dim, and dim are apart here: no stage but
 * products knows both. */
struct shape {
    int dim, heads, head_dim, classes, vocab;
    int n_samples, lengths[6];
    bool quick; /* taken with HEADROOM_QUICK too, and where tested_shortly */
};

static const struct shape shapes[] = {
    {7, 3, 5, 2, 11, 5, {3, 1, 17, 8, 5}, true}, /* nothing divides by 4 */
    {768, 8, 96, 150, 300, 3, {64, 1, 33}, false},
    {20, 2, 1, 3, 40, 1, {513}, false},
    {130, 1, 768, 5, 9, 2, {1, 40}, true},
    {64, 4, 16, 10, 50, 5, {512, 513, 2, 100, 1}, false}, /* several chunks of dropout's masks */
    {48, 2, 64, 31, 1000, 4, {130, 127, 128, 129}, true},
    {33, 7, 33, 32, 64, 1, {1}, true},
    {40, 3, 24, 4, 20, 4, {65, 7, 200, 16}, true}, /* widths between those of kernels */
    {12, 2, 120, 2, 9, 3, {96, 1, 33}, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, STAGE_ARRAYS_MAX = 24 };

/* IN is read; OUT is NaN before; ADDED is random before and a result; SPENT is read, and
 * overwritten by what nobody needs. */
enum role { IN, OUT, ADDED, SPENT };

struct stage_array {
    const char *name;
    enum role role;
    enum element element;
    size_t n;
    void *at;
    float *value; /* of results, after the stage */
};

struct stage {
    const struct device *d;
    bool rounded; /* operands are given as numbers of bfloat16, so that no device rounds them */
    const struct shape *shape;
    struct model_config config;
    struct batch batch;
    int32_t *tokens, *offsets, *labels, *ids;
    struct device_chunk chunk;
    struct stage_array array[STAGE_ARRAYS_MAX];
    int n_arrays;
};

typedef void stage_function(struct stage *s);

static inline size_t stage_size(const struct device *d, enum element element) {
    return element == OPERANDS ? d->operand_size : sizeof(float);
}

/* n random numbers of variance 1, the same for the n-th array of every run of a stage. Sums of
 * bytes of a linear congruence: they are many, and need not be good. */
static inline void stage_draw(const struct stage *s, enum element element, size_t n, float *out) {
    uint64_t word = 0x9E3779B97F4A7C15u * (uint64_t)(s->n_arrays + 1);
    for (size_t i = 0; i < n; i++) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        int sum = (int)(word >> 56) + (int)(word >> 48 & 255) + (int)(word >> 40 & 255) - 382;
        float value = ((float)sum + (float)(word >> 32 & 255) / 256.0f) / 128.0f;
        out[i] = s->rounded && element != NUMBERS ? far_rounded(value, 16) : value;
    }
}

static inline void stage_upload(const struct device *d, enum element element, void *to,
                                const float *from, size_t n) {
    if (stage_size(d, element) == sizeof(float)) {
        d->ops->upload(d, to, from, n * sizeof *from);
        return;
    }
    uint16_t *narrow = malloc((n + 1) * sizeof *narrow);
    assert_non_null(narrow);
    for (size_t i = 0; i < n; i++) narrow[i] = far_narrowed(from[i]);
    d->ops->upload(d, to, narrow, n * sizeof *narrow);
    d->ops->wait(d);
    free(narrow);
}

static inline void stage_download(const struct device *d, enum element element, float *to,
                                  const void *from, size_t n) {
    if (stage_size(d, element) == sizeof(float)) {
        d->ops->download(d, to, from, n * sizeof *to);
        return;
    }
    uint16_t *narrow = malloc((n + 1) * sizeof *narrow);
    assert_non_null(narrow);
    d->ops->download(d, narrow, from, n * sizeof *narrow);
    for (size_t i = 0; i < n; i++) to[i] = far_widened(narrow[i]);
    free(narrow);
}

/* An array of the stage with the given numbers, or random ones, in device memory. */
static inline void *stage_array_of(struct stage *s, const char *name, enum role role,
                                   enum element element, size_t n, const float *given) {
    struct error error;
    struct stage_array *array = &s->array[s->n_arrays];
    float *value = malloc((n + 1) * sizeof *value);
    assert_true(s->n_arrays < STAGE_ARRAYS_MAX && value);
    *array = (struct stage_array){name, role, element, n, NULL, value};
    if (given)
        memcpy(value, given, n * sizeof *value);
    else if (role == OUT)
        for (size_t i = 0; i < n; i++) value[i] = NAN;
    else
        stage_draw(s, element, n, value);
    s->n_arrays++;
    if (!s->d->ops->allocate(s->d, n * stage_size(s->d, element), &array->at, &error))
        fail_msg("%s: %s", name, error.text);
    stage_upload(s->d, element, array->at, value, n);
    return array->at;
}

static inline void *stage_array(struct stage *s, const char *name, enum role role,
                                enum element element, size_t n) {
    return stage_array_of(s, name, role, element, n, NULL);
}

/* Parameters that products multiply by. */
static inline const float *stage_weights(struct stage *s, const char *name, size_t n) {
    struct error error;
    const float *at = stage_array(s, name, IN, WEIGHTS, n);
    if (!s->d->ops->weights_new(s->d, at, n, &error)) fail_msg("%s: %s", name, error.text);
    s->d->ops->weights_load(s->d, at);
    return at;
}

static inline size_t stage_tokens(const struct stage *s, int width) {
    return (size_t)s->batch.n_tokens * (size_t)width;
}

static inline size_t stage_samples(const struct stage *s, int width) {
    return (size_t)s->batch.n_samples * (size_t)width;
}

static inline void stage_fill_batch(struct stage *s) {
    const struct shape *shape = s->shape;
    struct rng rng = rng_stream(7, RNG_GENERATOR);
    int n = 0, longest = 0;
    for (int i = 0; i < shape->n_samples; i++) {
        n += shape->lengths[i];
        longest = shape->lengths[i] > longest ? shape->lengths[i] : longest;
    }
    size_t samples = (size_t)shape->n_samples;
    s->tokens = calloc((size_t)n + 1, sizeof *s->tokens);
    s->offsets = calloc(samples + 1, sizeof *s->offsets);
    s->labels = calloc(samples + 1, sizeof *s->labels);
    s->ids = calloc(samples + 1, sizeof *s->ids);
    assert_true(s->tokens && s->offsets && s->labels && s->ids);
    for (int i = 0; i < n; i++)
        s->tokens[i] = (int32_t)rng_below(&rng, 0, (uint64_t)i, (uint32_t)shape->vocab);
    for (int i = 0; i < shape->n_samples; i++) {
        s->offsets[i + 1] = s->offsets[i] + shape->lengths[i];
        s->labels[i] = (int32_t)rng_below(&rng, 1, (uint64_t)i, (uint32_t)shape->classes);
        s->ids[i] = 5 * i + 2;
    }
    s->batch = (struct batch){shape->n_samples, n, s->tokens, s->offsets, s->labels, s->ids};
    s->config.max_len = longest;
    s->config.layers = 1;
    s->config.dim = shape->dim;
    s->config.base_heads = shape->heads;
    s->config.head_dim = shape->head_dim;
    s->config.heads.n = 1;
    s->config.heads.value[0] = shape->heads;
    s->config.ffn = 2 * shape->dim;
    s->config.vocab = shape->vocab;
    s->config.classes = shape->classes;
    s->config.separator = 3;
    s->config.bigrams = 13;
    s->config.positions = s->config.final_norm = true;
    s->config.norm_eps = 1e-5;
    s->config.policy = policy_find("fixed");
}

static inline void stage_begin(struct stage *s, const struct device *d, bool rounded,
                               const struct shape *shape) {
    struct error error;
    *s = (struct stage){.d = d, .rounded = rounded, .shape = shape};
    stage_fill_batch(s);
    if (!d->ops->chunk_new(d, &s->config, s->batch.n_samples, s->batch.n_tokens, s->config.max_len,
                           &s->chunk, &error))
        fail_msg("%s", error.text);
    s->chunk.batch = s->batch;
    s->chunk.number = 0;
    s->chunk.chunk_tokens = batch_chunk_tokens(s->batch.n_tokens, s->config.max_len);
    s->chunk.drops = true;
    d->ops->chunk_put(d, &s->chunk);
}

/* Takes the results and gives all memory of the device back. */
static inline void stage_take(struct stage *s) {
    if (s->d->ops->add_sums) s->d->ops->add_sums(s->d);
    for (int i = 0; i < s->n_arrays; i++) {
        struct stage_array *a = &s->array[i];
        stage_download(s->d, a->element, a->value, a->at, a->n);
        if (a->element == WEIGHTS) s->d->ops->weights_free(s->d, a->at);
        s->d->ops->release(s->d, a->at, a->n * stage_size(s->d, a->element));
    }
    s->d->ops->chunk_free(s->d, &s->chunk);
    tested_ok(s->d);
}

static inline void stage_end(struct stage *s) {
    for (int i = 0; i < s->n_arrays; i++) free(s->array[i].value);
    free(s->tokens);
    free(s->offsets);
    free(s->labels);
    free(s->ids);
}

static inline void stage_run(struct stage *s, const struct device *d, bool rounded,
                             const struct shape *shape, stage_function *function) {
    stage_begin(s, d, rounded, shape);
    function(s);
    stage_take(s);
}

/* Fails, naming stage, shape and array, unless the device agrees with the CPU and with itself. */
static inline void stage_check(const struct tested_device *tested, const struct device *d,
                               const struct shape *shape, const char *name,
                               stage_function *function) {
    bool rounded = tested->precision != PRECISION_FP32;
    struct stage cpu, first, second;
    stage_run(&cpu, device_cpu(), rounded, shape, function);
    stage_run(&first, d, rounded, shape, function);
    stage_run(&second, d, rounded, shape, function);
    for (int i = 0; i < cpu.n_arrays; i++) {
        const struct stage_array *want = &cpu.array[i], *got = &first.array[i];
        size_t bytes = want->n * sizeof(float);
        if (want->role == SPENT) continue;
        double error = relative_error(got->value, want->value, want->n);
        if (!(error <= (want->role == IN ? 0 : tested->stage)))
            fail_msg("%s: %s, dim %d, %d heads of %d: %s is off by %.2g of its norm", tested->name,
                     name, shape->dim, shape->heads, shape->head_dim, want->name, error);
        if (memcmp(got->value, second.array[i].value, bytes) != 0)
            fail_msg("%s: %s, dim %d: %s has other bits the second time", tested->name, name,
                     shape->dim, want->name);
    }
    stage_end(&cpu);
    stage_end(&first);
    stage_end(&second);
}

#endif
