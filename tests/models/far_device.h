/*
 * A device with memory of its own, for tests where there is no card. Its kernels are those of
 * device_cpu(), so what differs from the CPU's results is the doing of whoever carries the arrays:
 * trainer.c, inference.c, the optimiser.
 *
 * Addresses of its memory cannot be read: they lie in a range without access, and every call
 * translates those that it is given into the range beside it where the numbers are. So an array
 * that the host touches, and one of the host's that is passed for the device's, both end the test.
 * What is allocated is NaN, and is followed by bytes that must still be there when it is released.
 * Weights are multiplied by as they were when they were last loaded or stepped. Independent
 * products are done from the last to the first. It works on whole batches. In bfloat16 its operands
 * really have 2 bytes, and it keeps them.
 */
#ifndef HEADROOM_TESTS_FAR_DEVICE_H
#define HEADROOM_TESTS_FAR_DEVICE_H

#include "models/device.h"
#include "models/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FAR_WEIGHTS_MAX = 8, FAR_FENCE = 64, FAR_PACKS_FROM = 12 };
static const size_t far_bytes = (size_t)1 << 30; /* reserved; what is touched is paid for */

/* Weights by their address, and the values that products see. */
struct far_weights {
    const float *weights; /* NULL: the place is free */
    size_t n;
    float *seen;
};

struct far_state {
    struct far_device *self;
    char *address, *memory;
    size_t used;
    int live;     /* allocations */
    bool put_off; /* sums that add_sums has not been asked for */
    struct far_weights weights[FAR_WEIGHTS_MAX];
    /* Who hears of the dimensions of every product; NULL: nobody. */
    void (*observe)(void *context, int m, int n, int k);
    void *context;
};

struct far_device {
    struct device device; /* first */
    struct device_ops ops;
    struct far_state *state;
};

/* A chunk as it was when it was put. */
struct far_chunk {
    int samples, tokens, length; /* room for */
    struct batch batch;
    int32_t *token, *offset, *label, *id; /* storage of `batch` */
    int number, chunk_tokens;
    int32_t *far_ids;
};

static inline struct far_state *far_of(const struct device *d) {
    return ((const struct far_device *)(const void *)d)->state;
}

/* Where the numbers behind an address are. */
static inline void *far_near(const struct device *d, const void *address) {
    const struct far_state *f = far_of(d);
    const char *at = address;
    if (at < f->address || at >= f->address + f->used)
        fail_msg("an address that is not in the device's memory: %p", address);
    return f->memory + (at - f->address);
}

static inline float *far_floats(const struct device *d, const float *address) {
    return address ? far_near(d, address) : NULL;
}

/* ---- elements ---- */

static inline float far_bits_to_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounded to the nearest number with `dropped` bits of mantissa less, ties to even. */
static inline float far_rounded(float value, int dropped) {
    uint32_t bits, odd;
    memcpy(&bits, &value, sizeof bits);
    if (value != value) return value;
    odd = bits >> dropped & 1u;
    bits += (1u << (dropped - 1)) - 1u + odd;
    return far_bits_to_float(bits >> dropped << dropped);
}

/* As a product in that precision sees it. */
static inline float far_operand(enum precision precision, float value) {
    if (precision == PRECISION_FP32) return value;
    return far_rounded(value, precision == PRECISION_TF32 ? 13 : 16);
}

static inline bool far_is_narrow(const struct device *d, enum element element) {
    return element == OPERANDS && d->operand_size == 2;
}

static inline float far_widened(uint16_t narrow) {
    return far_bits_to_float((uint32_t)narrow << 16);
}

static inline uint16_t far_narrowed(float value) {
    uint32_t bits;
    value = far_rounded(value, 16);
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* n elements of the device as floats, which far_shut writes back. */
struct far_span {
    float *f;
    uint16_t *narrow; /* NULL: f is the device's memory */
    size_t n;
};

static inline struct far_span far_open(const struct device *d, const void *address, size_t n,
                                       enum element element) {
    struct far_span span = {NULL, NULL, n};
    if (!address) return span;
    span.f = far_near(d, address);
    if (!far_is_narrow(d, element)) return span;
    span.narrow = far_near(d, address);
    span.f = malloc((n + 1) * sizeof *span.f);
    assert_non_null(span.f);
    for (size_t i = 0; i < n; i++) span.f[i] = far_widened(span.narrow[i]);
    return span;
}

static inline void far_shut(struct far_span *span) {
    if (!span->narrow) return;
    for (size_t i = 0; i < span->n; i++) span->narrow[i] = far_narrowed(span->f[i]);
    free(span->f);
}

/* ---- memory ---- */

static inline bool far_allocate(const struct device *d, size_t bytes, void **out,
                                struct error *error) {
    struct far_state *f = far_of(d);
    if (bytes > far_bytes - f->used - FAR_FENCE)
        return error_set(error, "the far device has no %zu bytes left", bytes);
    *out = f->address + f->used;
    memset(f->memory + f->used, 0xff, bytes + FAR_FENCE); /* NaN in every format */
    f->used += (bytes + FAR_FENCE + 255) / 256 * 256;
    f->live++;
    return true;
}

static inline void far_release(const struct device *d, void *memory, size_t bytes) {
    if (!memory) return;
    unsigned char *near = far_near(d, memory);
    for (int i = 0; i < FAR_FENCE; i++)
        if (near[bytes + (size_t)i] != 0xff) fail_msg("written behind %zu bytes", bytes);
    memset(near, 0xff, bytes);
    far_of(d)->live--;
}

/* The whole of it must lie in what was allocated. */
static inline void *far_range(const struct device *d, const void *address, size_t bytes) {
    if (bytes) far_near(d, (const char *)address + bytes - 1);
    return bytes ? far_near(d, address) : NULL;
}

static inline void far_upload(const struct device *d, void *to, const void *from, size_t bytes) {
    if (bytes) memcpy(far_range(d, to, bytes), from, bytes);
}

static inline void far_download(const struct device *d, void *to, const void *from, size_t bytes) {
    if (bytes) memcpy(to, far_range(d, from, bytes), bytes);
}

static inline void far_copy(const struct device *d, void *to, const void *from, size_t bytes) {
    if (bytes) memmove(far_range(d, to, bytes), far_range(d, from, bytes), bytes);
}

static inline void far_clear(const struct device *d, void *memory, size_t bytes) {
    if (bytes) memset(far_range(d, memory, bytes), 0, bytes);
}

static inline void far_wait(const struct device *d) {
    (void)d;
}

static inline bool far_ok(const struct device *d, struct error *error) {
    (void)d;
    (void)error;
    return true;
}

static inline void far_close(const struct device *d) {
    struct far_state *f = far_of(d);
    if (f->live != 0) fail_msg("%d allocations were not released", f->live);
    for (int i = 0; i < FAR_WEIGHTS_MAX; i++) assert_null(f->weights[i].weights);
    munmap(f->address, far_bytes);
    munmap(f->memory, far_bytes);
    free(f->self);
    free(f);
}

/* ---- chunks ---- */

static inline bool far_chunk_new(const struct device *d, const struct model_config *config,
                                 int samples, int tokens, int length, struct device_chunk *out,
                                 struct error *error) {
    (void)config;
    struct far_chunk *own = calloc(1, sizeof *own);
    void *ids = NULL;
    assert_non_null(own);
    if (!far_allocate(d, ((size_t)samples + 1) * sizeof(int32_t), &ids, error)) {
        free(own);
        return false;
    }
    own->far_ids = ids;
    own->samples = samples;
    own->tokens = tokens;
    own->length = length;
    own->token = calloc((size_t)tokens + 1, sizeof *own->token);
    own->offset = calloc((size_t)samples + 2, sizeof *own->offset);
    own->label = calloc((size_t)samples + 1, sizeof *own->label);
    own->id = calloc((size_t)samples + 1, sizeof *own->id);
    assert_true(own->token && own->offset && own->label && own->id);
    *out = (struct device_chunk){.ids = own->far_ids, .own = own};
    return true;
}

static inline void far_chunk_put(const struct device *d, struct device_chunk *chunk) {
    struct far_chunk *own = chunk->own;
    const struct batch *b = &chunk->batch;
    size_t samples = (size_t)b->n_samples;
    assert_true(b->n_samples <= own->samples && b->n_tokens <= own->tokens);
    assert_int_equal(b->offsets[0], 0);
    assert_int_equal(b->offsets[samples], b->n_tokens);
    for (int i = 0; i < b->n_samples; i++)
        assert_in_range(b->offsets[i + 1] - b->offsets[i], 1, own->length);
    memcpy(own->token, b->tokens, (size_t)b->n_tokens * sizeof(int32_t));
    memcpy(own->offset, b->offsets, (samples + 1) * sizeof(int32_t));
    memcpy(own->label, b->labels, samples * sizeof(int32_t));
    memcpy(own->id, b->ids, samples * sizeof(int32_t));
    memcpy(far_near(d, own->far_ids), b->ids, samples * sizeof(int32_t));
    own->batch =
        (struct batch){b->n_samples, b->n_tokens, own->token, own->offset, own->label, own->id};
    own->number = chunk->number;
    own->chunk_tokens = chunk->chunk_tokens;
}

static inline void far_chunk_free(const struct device *d, struct device_chunk *chunk) {
    struct far_chunk *own = chunk->own;
    if (!own) return;
    far_release(d, own->far_ids, ((size_t)own->samples + 1) * sizeof(int32_t));
    free(own->token);
    free(own->offset);
    free(own->label);
    free(own->id);
    free(own);
    *chunk = (struct device_chunk){0};
}

static inline const struct batch *far_batch(const struct device_chunk *chunk) {
    return &((const struct far_chunk *)chunk->own)->batch;
}

/* The chunk for the CPU's entries. */
static inline struct device_chunk far_whole(const struct device_chunk *chunk) {
    const struct far_chunk *own = chunk->own;
    return (struct device_chunk){.batch = own->batch,
                                 .number = own->number,
                                 .chunk_tokens = own->chunk_tokens,
                                 .ids = own->id};
}

/* ---- weights ---- */

static inline void far_see(const struct device *d, const struct far_weights *w, size_t first,
                           size_t n) {
    const float *now = far_near(d, w->weights);
    for (size_t i = first; i < first + n; i++) w->seen[i] = far_operand(d->precision, now[i]);
}

static inline bool far_weights_new(const struct device *d, const float *weights, size_t n,
                                   struct error *error) {
    (void)error;
    struct far_weights *w = far_of(d)->weights;
    far_range(d, weights, n * sizeof *weights);
    while (w->weights) w++;
    assert_true(w < far_of(d)->weights + FAR_WEIGHTS_MAX);
    *w = (struct far_weights){weights, n, malloc(n * sizeof(float))};
    assert_non_null(w->seen);
    memset(w->seen, 0xff, n * sizeof(float));
    return true;
}

/* The weights that an address is in, NULL if it is in none. */
static inline struct far_weights *far_weights_at(const struct device *d, const float *address) {
    for (int i = 0; i < FAR_WEIGHTS_MAX; i++) {
        struct far_weights *w = &far_of(d)->weights[i];
        if (w->weights && address >= w->weights && address < w->weights + w->n) return w;
    }
    return NULL;
}

static inline void far_weights_load(const struct device *d, const float *weights) {
    struct far_weights *w = far_weights_at(d, weights);
    assert_true(w && w->weights == weights);
    far_see(d, w, 0, w->n);
}

static inline void far_weights_free(const struct device *d, const float *weights) {
    struct far_weights *w = weights ? far_weights_at(d, weights) : NULL;
    if (!w) return;
    free(w->seen);
    *w = (struct far_weights){NULL, 0, NULL};
}

/* ---- products ---- */

/* An operand that is read, as floats of the device's precision; free() it. */
static inline float *far_read(const struct device *d, const struct device_matrix *m, int rows,
                              int cols) {
    int lines = m->transposed ? cols : rows, width = m->transposed ? rows : cols;
    size_t n = (size_t)(lines - 1) * (size_t)m->ld + (size_t)width;
    float *out = malloc(n * sizeof *out);
    assert_non_null(out);
    if (m->element == WEIGHTS) {
        const struct far_weights *w = far_weights_at(d, m->data);
        if (!w) fail_msg("a product with weights that were not named");
        size_t first = (size_t)((const float *)m->data - w->weights);
        assert_true(first + n <= w->n);
        memcpy(out, w->seen + first, n * sizeof *out);
        return out;
    }
    struct far_span span = far_open(d, m->data, n, m->element);
    for (size_t i = 0; i < n; i++) out[i] = far_operand(d->precision, span.f[i]);
    if (span.narrow) free(span.f);
    return out;
}

static inline void far_multiply(const struct device *d, int n,
                                const struct device_product *product) {
    const struct device *cpu = device_cpu();
    const struct far_state *f = far_of(d);
    for (int i = n - 1; i >= 0; i--) {
        struct device_product p = product[i];
        if (p.m == 0 || p.n == 0) continue;
        if (f->observe) f->observe(f->context, p.m, p.n, p.k);
        float *a = far_read(d, &p.a, p.m, p.k), *b = far_read(d, &p.b, p.k, p.n);
        size_t area = (size_t)p.m * (size_t)p.n;
        bool in_place = p.pre == p.c;
        struct far_span pre = far_open(d, in_place ? NULL : p.pre, area, OPERANDS),
                        again = far_open(d, p.again, area, OPERANDS),
                        c = far_open(d, p.c, (size_t)(p.m - 1) * (size_t)p.ldc + (size_t)p.n,
                                     p.c_element);
        float *unwanted = p.epilogue == GELU_GRADIENT && !p.again ? malloc(area * sizeof *a) : NULL;
        p.a.data = a;
        p.b.data = b;
        p.c = c.f;
        p.bias = far_floats(d, p.bias);
        p.pre = in_place ? c.f : pre.f;
        p.again = unwanted ? unwanted : again.f;
        p.a.element = p.b.element = p.c_element = NUMBERS;
        cpu->ops->multiply(cpu, 1, &p);
        far_shut(&c);
        far_shut(&again);
        far_shut(&pre);
        free(unwanted);
        free(a);
        free(b);
    }
}

/* ---- policies ---- */

static inline const struct policy_device_form *far_no_form(const struct policy_ops *policy) {
    (void)policy;
    return NULL;
}

#include "tests/models/far_stages.h"
#include "tests/models/far_forms.h"

/* The table, with the form that it answers for each policy. */
static inline struct device_ops
far_ops(const struct policy_device_form *(*form)(const struct policy_ops *)) {
    return (struct device_ops){
        .allocate = far_allocate,
        .release = far_release,
        .upload = far_upload,
        .download = far_download,
        .copy = far_copy,
        .clear = far_clear,
        .wait = far_wait,
        .ok = far_ok,
        .close = far_close,
        .chunk_new = far_chunk_new,
        .chunk_put = far_chunk_put,
        .chunk_free = far_chunk_free,
        .weights_new = far_weights_new,
        .weights_load = far_weights_load,
        .weights_free = far_weights_free,
        .weights_pack = far_weights_pack,
        .multiply = far_multiply,
        .embed = far_embed,
        .norm = far_norm,
        .bias = far_bias,
        .attend = far_attend,
        .gate = far_gate,
        .residual = far_residual,
        .pool = far_pool,
        .loss = far_loss,
        .gather = far_gather,
        .head_bias = far_head_bias,
        .attend_heads = far_attend_heads,
        .scatter = far_scatter,
        .takes_chosen = far_takes_chosen,
        .chosen_qkv = far_chosen_qkv,
        .chosen_map = far_chosen_map,
        .chosen_output = far_chosen_output,
        .loss_gradient = far_loss_gradient,
        .bias_gradient = far_bias_gradient,
        .pool_gradient = far_pool_gradient,
        .residual_gradient = far_residual_gradient,
        .norm_again = far_norm_again,
        .norm_gradient = far_norm_gradient,
        .gate_gradient = far_gate_gradient,
        .attend_gradient = far_attend_gradient,
        .embed_gradient = far_embed_gradient,
        .add_sums = far_add_sums,
        .clear_tensors = far_clear_tensors,
        .square_sum = far_square_sum,
        .adamw = far_adamw,
        .adamw_late = far_adamw_late,
        .form = form,
    };
}

/* Ends the test if there is no memory; close it with ops->close. With `forms` the gates of every
 * policy are made in its memory, else on the host. */
static inline const struct device *far_device_open(enum precision precision, bool forms) {
    struct far_device *far = calloc(1, sizeof *far);
    struct far_state *f = calloc(1, sizeof *f);
    assert_true(far && f);
    far->state = f;
    f->self = far;
    far->ops = far_ops(forms ? far_form : far_no_form);
    far->device = (struct device){
        .ops = &far->ops,
        .precision = precision,
        .operand_size = precision == PRECISION_BF16 ? 2 : sizeof(float),
        .whole_batches = true,
        .keeps_operands = precision == PRECISION_BF16,
        .attention_scratch = device_cpu()->attention_scratch,
        .packs_from = FAR_PACKS_FROM,
    };
    f->address =
        mmap(NULL, far_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    f->memory = mmap(NULL, far_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(f->address != MAP_FAILED && f->memory != MAP_FAILED);
    return &far->device;
}

#endif
