/*
 * What a card executes is what the formula says: FMAs of a forward pass in fp32 and operations of
 * its tensor cores in tf32 and bf16, counted by the hardware, against the FLOPs of its products and
 * of its attention map, to the integer. Beside these a pass has what our kernels and the ends of
 * cuBLAS's do. How much that is, is the compiler's choice; its form is the kernels':
 *
 *     LayerNorm    rows (a dim + b)          a for a number, b for the lanes of a row
 *     GELU         a rows cols               where no number is so far below 0 that exp overflows
 *     pool         a dim / 4                 of an input: one over its length
 *     attention    2 q k w + a q k / 4       of a head and an input: exp of four scores, by 8 lanes
 *                  + b n + c blocks          whose outputs are divided; scale, for 64 queries
 *     product      m n (k + a)               a: scaling a result, or adding it to one
 *
 * with q, k, w = n queries and keys and the width of a head, filled up to tiles of 16 x 32 and of
 * the next width that there is a kernel of, and m, n, k filled up to tiles of cuBLAS's. The
 * coefficients are counted at some sizes, must be whole numbers, and predict the pass at others. At
 * even sizes nothing is filled up.
 */
#include "harness/measure/card_counters.h"
#include "models/flops.h"
#include "models/inference.h"
#include "tests/models/small_model.h"

#include <stdlib.h>

enum { PART = 112 << 20, BYTES = 3 * PART };

/* A card that counts, and zeros to compute with. */
struct counting_card {
    const struct device *d;
    struct card_counters *counters;
    char *memory;
};

/* Skips where there is no card, or the role is not counted, and says why. */
static void card_open(struct counting_card *card, enum precision precision,
                      enum card_role_id role) {
    struct error error = {0};
    void *memory = NULL;
    struct counter_result result;
    *card = (struct counting_card){0};
    if (!device_open("cuda", precision, &card->d, &error)) {
        if (device_cards() > 0) fail_msg("%s", error.text);
        print_message("SKIP: %s\n", error.text);
        skip();
    }
    if (!card_counters_open(card->d, &card->counters, &error)) fail_msg("%s", error.text);
    card_counters_result(card->counters, role, 1, 1, &result);
    if (!result.available) {
        card_counters_close(card->counters);
        device_close(card->d);
        print_message("SKIP: %s: %s\n", result.role, result.reason);
        skip();
    }
    if (!card->d->ops->allocate(card->d, BYTES, &memory, &error)) fail_msg("%s", error.text);
    card->memory = memory;
    card->d->ops->clear(card->d, memory, BYTES);
}

static void card_close(struct counting_card *card) {
    struct error error;
    if (!card->d->ops->ok(card->d, &error)) fail_msg("%s", error.text);
    card_counters_close(card->counters);
    card->d->ops->release(card->d, card->memory, BYTES);
    device_close(card->d);
}

/* What `work` counts, in its second run: the first loads kernels. */
static int64_t count(const struct counting_card *card, enum card_role_id role,
                     void (*work)(const struct counting_card *card, const void *what),
                     const void *what) {
    struct counter_result result;
    work(card, what);
    card->d->ops->wait(card->d);
    card_counters_start(card->counters, (int)role);
    work(card, what);
    card->d->ops->wait(card->d);
    card_counters_stop(card->counters, (int)role);
    card_counters_result(card->counters, role, 1, 1, &result);
    if (!result.available) fail_msg("%s", result.reason);
    return (int64_t)result.value;
}

/* ---- batches of equal lengths ---- */

struct equal_batch {
    int32_t *numbers;
    struct batch batch;
};

static struct equal_batch equal_batch(int samples, int length, int classes) {
    int tokens = samples * length;
    struct equal_batch b = {.numbers = calloc((size_t)(tokens + 3 * samples + 1), 4)};
    assert_non_null(b.numbers);
    int32_t *offset = b.numbers + tokens, *label = offset + samples + 1, *id = label + samples;
    for (int i = 0; i < tokens; i++) b.numbers[i] = i * 7 % SMALL_VOCAB;
    for (int i = 0; i <= samples; i++) offset[i] = i * length;
    for (int i = 0; i < samples; i++) label[i] = i % classes;
    for (int i = 0; i < samples; i++) id[i] = i;
    b.batch = (struct batch){samples, tokens, b.numbers, offset, label, id};
    return b;
}

/* ---- single stages ---- */

struct size {
    int rows, cols;
};

static void run_norm(const struct counting_card *card, const void *what) {
    const struct size *s = what;
    float *x = (float *)(void *)card->memory;
    struct device_norm norm = {.weight = x, .bias = x, .eps = 1e-5, .y = card->memory + PART};
    card->d->ops->norm(card->d, s->rows, s->cols, x, &norm);
}

struct product_size {
    int m, n, k;
    bool adds;  /* as the ends of sublayers do */
    bool plain; /* the weights are not transposed, as those of the output */
};

static void multiply(const struct counting_card *card, const struct product_size *s, bool gelu) {
    struct device_product p = {
        .m = s->m,
        .n = s->n,
        .k = s->k,
        .a = {card->memory, s->k, false, OPERANDS},
        .b = {card->memory + PART, s->plain ? s->n : s->k, !s->plain, OPERANDS},
        .c = card->memory + 2 * PART,
        .ldc = s->n,
        .c_element = s->adds ? NUMBERS : OPERANDS,
        .adds = s->adds,
        .bias = gelu ? (float *)(void *)card->memory : NULL,
        .epilogue = gelu ? GELU : NO_EPILOGUE,
        .pre = card->memory + 2 * PART};
    card->d->ops->multiply(card->d, 1, &p);
}

static void run_product(const struct counting_card *card, const void *what) {
    multiply(card, what, false);
}

static void run_product_and_gelu(const struct counting_card *card, const void *what) {
    multiply(card, what, true);
}

struct chunk_stage {
    struct device_attention attention;
    struct device_chunk *chunk;
};

static void run_map(const struct counting_card *card, const void *what) {
    const struct chunk_stage *s = what;
    card->d->ops->attend(card->d, s->chunk, &s->attention);
}

static void run_pool(const struct counting_card *card, const void *what) {
    const struct chunk_stage *s = what;
    card->d->ops->pool(card->d, s->chunk, false, s->attention.heads * s->attention.head_dim,
                       card->memory, OPERANDS, (float *)(void *)(card->memory + PART));
}

static int64_t count_stage(const struct counting_card *card, enum card_role_id role,
                           void (*work)(const struct counting_card *card, const void *what),
                           int samples, int length, int heads, int head_dim) {
    struct model_config c =
        small_config(policy_find("fixed"), "{\"heads\":1}", 1, heads * head_dim, heads);
    struct equal_batch b = equal_batch(samples, length, c.classes);
    struct device_chunk chunk = {0};
    struct error error;
    struct chunk_stage s = {.attention = {.heads = heads,
                                          .head_dim = head_dim,
                                          .qkv = card->memory,
                                          .context = card->memory + 2 * PART},
                            .chunk = &chunk};
    if (!card->d->ops->chunk_new(card->d, &c, samples, samples * length, length, &chunk, &error))
        fail_msg("%s", error.text);
    chunk.batch = b.batch;
    chunk.chunk_tokens = samples * length;
    card->d->ops->chunk_put(card->d, &chunk);
    int64_t found = count(card, role, work, &s);
    card->d->ops->chunk_free(card->d, &chunk);
    free(b.numbers);
    return found;
}

/* ---- coefficients ---- */

/* What our kernels add to a pass in fp32. */
struct extras {
    int64_t norm_number, norm_row, gelu, four_pooled, four_scores, query, block;
};

/* part / whole, which must be a whole number. */
static int64_t whole(const char *what, int64_t part, int64_t of) {
    if (part % of != 0 || part < 0)
        fail_msg("%s: %lld is no multiple of %lld", what, (long long)part, (long long)of);
    return part / of;
}

static void expect(const char *what, int64_t found, int64_t expected) {
    print_message("%s: counted %lld, formula %lld\n", what, (long long)found, (long long)expected);
    if (found != expected)
        fail_msg("%s: counted %lld, and the formula has %lld", what, (long long)found,
                 (long long)expected);
}

static int64_t up(int64_t n, int to) {
    return (n + to - 1) / to * to;
}

static void find_norm(const struct counting_card *card, struct extras *e) {
    int64_t narrow = count(card, CARD_FMA, run_norm, &(struct size){256, 128});
    int64_t wide = count(card, CARD_FMA, run_norm, &(struct size){256, 384});
    e->norm_number = whole("LayerNorm's number", wide - narrow, 256 * 256);
    e->norm_row = whole("LayerNorm's row", narrow - e->norm_number * 256 * 128, 256);
    expect("LayerNorm", count(card, CARD_FMA, run_norm, &(struct size){1000, 512}),
           1000 * (e->norm_number * 512 + e->norm_row));
}

/* In fp32 GELU comes after its product, which is the same as without. */
static int64_t count_gelu(const struct counting_card *card, int rows, int cols) {
    struct product_size s = {.m = rows, .n = cols, .k = 128};
    int64_t product = count(card, CARD_FMA, run_product, &s);
    return count(card, CARD_FMA, run_product_and_gelu, &s) - product;
}

static void find_gelu(const struct counting_card *card, struct extras *e) {
    e->gelu = whole("GELU's number", count_gelu(card, 256, 128), 256 * 128);
    expect("GELU", count_gelu(card, 1000, 512), 1000 * 512 * e->gelu);
}

static void find_pool(const struct counting_card *card, struct extras *e) {
    int64_t found = count_stage(card, CARD_FMA, run_pool, 8, 64, 2, 64);
    e->four_pooled = whole("four pooled numbers", found, 8 * 128 / 4);
    expect("pool", count_stage(card, CARD_FMA, run_pool, 16, 128, 4, 64),
           16 * 256 / 4 * e->four_pooled);
}

/* Of a head and an input; the kernels' widths are 4, 8, 16, 32, 64, 96 and 128. */
static int64_t map_fmas(const struct extras *e, int n, int head_dim) {
    static const int widths[] = {4, 8, 16, 32, 64, 96, 128};
    int64_t qk = up(n, 16) * up(n, 32), width = 0;
    for (int i = 0; width < head_dim; i++) width = widths[i];
    return 2 * qk * width + e->four_scores * qk / 4 + e->query * n + e->block * up(n, 64) / 64;
}

static void find_map(const struct counting_card *card, struct extras *e) {
    enum { D = 64 };
    int64_t rest[3]; /* of 32, 64 and 192: what is not the products */
    static const int n[3] = {32, 64, 192};
    for (int i = 0; i < 3; i++)
        rest[i] = count_stage(card, CARD_FMA, run_map, 1, n[i], 1, D) - 2LL * n[i] * n[i] * D;
    e->four_scores = whole("four scores", rest[2] - 3 * rest[1], (192 * 192 - 3 * 64 * 64) / 4);
    for (int i = 0; i < 3; i++) rest[i] -= e->four_scores * n[i] * n[i] / 4;
    e->query = whole("a query", rest[1] - rest[0], 32);
    e->block = rest[0] - 32 * e->query;
    assert_true(e->block >= 0);
    expect("attention, 3 inputs of 256, 4 heads of 128",
           count_stage(card, CARD_FMA, run_map, 3, 256, 4, 128), 12 * map_fmas(e, 256, 128));
    expect("attention, 7 inputs of 100, 4 heads of 50",
           count_stage(card, CARD_FMA, run_map, 7, 100, 4, 50), 28 * map_fmas(e, 100, 50));
}

static struct extras find_extras(const struct counting_card *card) {
    struct extras e;
    find_norm(card, &e);
    find_gelu(card, &e);
    find_pool(card, &e);
    find_map(card, &e);
    print_message("FMAs: LayerNorm %lld a number and %lld a row, GELU %lld a number, %lld four "
                  "pooled numbers, attention %lld four scores, %lld a query, %lld 64 queries\n",
                  (long long)e.norm_number, (long long)e.norm_row, (long long)e.gelu,
                  (long long)e.four_pooled, (long long)e.four_scores, (long long)e.query,
                  (long long)e.block);
    return e;
}

/* ---- products ---- */

/* A tile that makes a product's count of its size, and what the end of its kernel adds for each
 * result; of several the one whose shorter side is longest. False: none does. `per`: 1 of an FMA, 2
 * of an operation. */
static bool tile_of(int64_t found, int per, const struct product_size *s, int tile[3], int *end) {
    static const int sides[] = {256, 192, 128, 64, 32, 16, 8, 1}, steps[] = {64, 32, 16, 8, 4, 1};
    enum { SIDES = sizeof sides / sizeof *sides, STEPS = sizeof steps / sizeof *steps };
    for (*end = 0; *end < (per == 1 ? 2 : 1); ++*end)
        for (int shorter = 0; shorter < SIDES; shorter++)
            for (int i = 0; i < 2 * (shorter + 1) * STEPS; i++) {
                int longer = i / 2 / STEPS, step = steps[i / 2 % STEPS];
                int m = sides[i % 2 ? shorter : longer], n = sides[i % 2 ? longer : shorter];
                int64_t results = up(s->m, m) * up(s->n, n);
                if (results * (per * up(s->k, step) + *end) != found) continue;
                memcpy(tile, (int[3]){m, n, step}, 3 * sizeof *tile);
                return true;
            }
    return false;
}

/* Counts a product alone; its tile must explain the count. */
static int64_t count_product(const struct counting_card *card, enum card_role_id role,
                             const struct product_size *s) {
    int tile[3] = {1, 1, 1}, end = 0, per = role == CARD_FMA ? 1 : 2;
    int64_t found = count(card, role, run_product, s);
    if (!tile_of(found, per, s, tile, &end))
        fail_msg("a product of %d x %d x %d counts %lld, and no tile explains it", s->m, s->n, s->k,
                 (long long)found);
    print_message("product of %d x %d x %d: %lld = %d x (%lld x %lld x %lld)%s, whole tiles of "
                  "%d x %d x %d\n",
                  s->m, s->n, s->k, (long long)found, per, (long long)up(s->m, tile[0]),
                  (long long)up(s->n, tile[1]), (long long)up(s->k, tile[2]),
                  end ? ", and one for each result" : "", tile[0], tile[1], tile[2]);
    return found;
}

/* ---- passes ---- */

/* Products that a pass books, m n k each: of operands, of the classifier, whose factors are float32
 * in every precision, and of maps. */
struct booked {
    int64_t gemm, classifier, map;
};

static void book(void *context, enum flop_component component, int m, int n, int k) {
    struct booked *b = context;
    bool is_map = component == FLOP_SCORES || component == FLOP_AV;
    *(is_map                         ? &b->map
      : component == FLOP_CLASSIFIER ? &b->classifier
                                     : &b->gemm) += (int64_t)m * n * k;
}

struct pass {
    struct inference *inference;
    const struct batch *batch;
};

static void run_pass(const struct counting_card *card, const void *what) {
    const struct pass *pass = what;
    (void)card;
    inference_run(pass->inference, pass->batch, NULL, NULL);
}

/* A model with `run` of its heads, and a batch for it. */
struct shape {
    int run, layers, dim, heads, ffn, samples, length, classes;
};

/* Counts a pass of a model of this shape, and what it books. */
static int64_t count_pass(const struct counting_card *card, enum card_role_id role,
                          const struct shape *s, struct booked *booked) {
    char options[32];
    struct trainer_limits limits = {s->samples, s->samples * s->length, s->length};
    struct equal_batch b = equal_batch(s->samples, s->length, s->classes);
    struct pass pass = {.batch = &b.batch};
    struct work work = {.observe = book, .context = booked};
    struct parameters *p = NULL;
    struct error error;
    snprintf(options, sizeof options, "{\"heads\":%d}", s->run);
    struct model_config c =
        small_config(policy_find("fixed"), options, s->layers, s->dim, s->heads);
    c.ffn = s->ffn;
    c.classes = s->classes;
    c.max_len = s->length;
    c.init_std = 0.02; /* no number overflows in GELU */
    if (!parameters_new(&c, "parameters", &p, &error)) fail_msg("%s", error.text);
    parameters_initialise(p, 3);
    if (!inference_new_on(card->d, p, &limits, &pass.inference, &error)) fail_msg("%s", error.text);
    inference_set_repeats(pass.inference, false);
    *booked = (struct booked){0};
    inference_run(pass.inference, &b.batch, &work, NULL);
    const uint64_t *flops = work.flops.count; /* as they are stored with every result */
    assert_int_equal(flops[FLOP_QKV] + flops[FLOP_SCORES] + flops[FLOP_AV] + flops[FLOP_OUTPUT] +
                         flops[FLOP_FFN] + flops[FLOP_CLASSIFIER],
                     2 * (booked->gemm + booked->classifier + booked->map));
    int64_t found = count(card, role, run_pass, &pass);
    inference_free(pass.inference);
    parameters_free(p);
    free(b.numbers);
    return found;
}

/* Nothing is filled up: inputs of 128 or 256 tokens, heads of 64 or 128, all else multiples of 64.
 * Then an awkward one: 7 inputs of 100 tokens, heads of 50. */
static const struct shape even[] = {
    {4, 1, 256, 4, 1024, 128, 128, 128},
    {2, 2, 256, 4, 1024, 128, 128, 128},
    {4, 1, 512, 4, 1024, 64, 256, 128},
};
static const struct shape awkward = {4, 1, 200, 4, 520, 7, 100, 7};
enum { EVEN = sizeof even / sizeof *even };

/* All products of a pass but the classifier's, each counted alone. */
static int64_t count_products(const struct counting_card *card, enum card_role_id role,
                              const struct shape *s) {
    int tokens = s->samples * s->length, width = s->run * s->dim / s->heads;
    const struct product_size of_layer[] = {{tokens, 3 * width, s->dim, false, false},
                                            {tokens, s->dim, width, true, true},
                                            {tokens, s->ffn, s->dim, false, false},
                                            {tokens, s->dim, s->ffn, true, false}};
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) sum += count_product(card, role, &of_layer[i]);
    return sum * s->layers;
}

/* The pass is its products, each counted alone and explained by its tile, and what our kernels do
 * by formula. */
static void fmas_of(const struct counting_card *card, const struct extras *e, const struct shape *s,
                    bool is_even) {
    struct booked b;
    int64_t found = count_pass(card, CARD_FMA, s, &b);
    int64_t tokens = (int64_t)s->samples * s->length, layers = s->layers;
    int64_t products = count_products(card, CARD_FMA, s);
    const struct product_size last = {s->samples, s->classes, s->dim, false, false};
    products += count_product(card, CARD_FMA, &last);
    int64_t map = layers * s->run * s->samples * map_fmas(e, s->length, s->dim / s->heads);
    int64_t norm = (2 * layers + 1) * tokens * (e->norm_number * s->dim + e->norm_row);
    int64_t gelu = layers * e->gelu * tokens * s->ffn;
    int64_t pool = e->four_pooled * s->samples * s->dim / 4;
    print_message("%d of %d heads of %d: FLOPs of products and map, halved %lld; products %lld, "
                  "attention %lld, LayerNorm %lld, GELU %lld, pool %lld\n",
                  s->run, s->heads, s->dim / s->heads, (long long)(b.gemm + b.classifier + b.map),
                  (long long)products, (long long)map, (long long)norm, (long long)gelu,
                  (long long)pool);
    expect("FMAs of a pass", found, products + map + norm + gelu + pool);
    if (!is_even) return;
    int64_t results = layers * tokens * (3 * s->run * s->dim / s->heads + 2 * s->dim + s->ffn) +
                      s->samples * s->classes;
    assert_in_range(products - b.gemm - b.classifier, 0, results);
    assert_int_equal(layers * s->run * s->samples * 2 * s->length * s->length * (s->dim / s->heads),
                     b.map);
}

static void fmas_of_a_pass_in_fp32_are_its_products_its_map_and_named_extras(void **state) {
    (void)state;
    struct counting_card card;
    card_open(&card, PRECISION_FP32, CARD_FMA);
    struct extras e = find_extras(&card);
    for (int i = 0; i < EVEN; i++) fmas_of(&card, &e, &even[i], true);
    fmas_of(&card, &e, &awkward, false);
    card_close(&card);
}

/* Attention is on tensor cores in bf16 alone, and there only of heads of multiples of 8. */
static void tensor_operations(enum precision precision) {
    struct counting_card card;
    struct booked b;
    card_open(&card, precision, CARD_TENSOR_OPERATIONS);
    for (int i = 0; i < EVEN; i++) {
        int64_t found = count_pass(&card, CARD_TENSOR_OPERATIONS, &even[i], &b);
        int64_t map = precision == PRECISION_BF16 ? b.map : 0;
        expect("operations of tensor cores", found, 2 * (b.gemm + map));
    }
    int64_t found = count_pass(&card, CARD_TENSOR_OPERATIONS, &awkward, &b);
    print_message("an awkward size: FLOPs of products %lld\n", (long long)(2 * b.gemm));
    expect("operations of tensor cores, filled up", found,
           count_products(&card, CARD_TENSOR_OPERATIONS, &awkward));
    card_close(&card);
}

static void tensor_operations_of_a_pass_in_tf32_are_its_products(void **state) {
    (void)state;
    tensor_operations(PRECISION_TF32);
}

static void tensor_operations_of_a_pass_in_bf16_are_its_products_and_its_map(void **state) {
    (void)state;
    tensor_operations(PRECISION_BF16);
}

static void a_pass_in_fp32_has_no_tensor_operations(void **state) {
    (void)state;
    struct counting_card card;
    struct booked b;
    card_open(&card, PRECISION_FP32, CARD_TENSOR_OPERATIONS);
    expect("operations of tensor cores", count_pass(&card, CARD_TENSOR_OPERATIONS, &even[0], &b),
           0);
    card_close(&card);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fmas_of_a_pass_in_fp32_are_its_products_its_map_and_named_extras),
        cmocka_unit_test(a_pass_in_fp32_has_no_tensor_operations),
        cmocka_unit_test(tensor_operations_of_a_pass_in_tf32_are_its_products),
        cmocka_unit_test(tensor_operations_of_a_pass_in_bf16_are_its_products_and_its_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
