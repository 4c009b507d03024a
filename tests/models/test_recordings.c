/*
 * Passes that are done again, without a card: a far device on which a recording is the list of what
 * was asked of it. A replay does the pass at hand and holds its list against the recorded one, so a
 * recording that is taken for another pass ends the test. Results and what is booked are those of an
 * inference, or a training, that repeats nothing.
 */
#include "models/inference.h"
#include "models/inference_workspace.h"
#include "tests/models/far_device.h"
#include "models/trainer_private.h"
#include "tests/models/small_model.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 2, HEADS = 4, GATES = SMALL_SAMPLES * HEADS };

/* What was asked for, by a hash of its dimensions and addresses. */
struct list {
    uint64_t hash;
    int calls;
};

struct recording {
    struct list list;
    int mode;
    bool backward; /* of training */
};

/* The device, which has no place of its own for a test's. */
static struct {
    struct device_ops far;   /* as they are without recordings */
    struct inference *inf;   /* that runs */
    struct list list;        /* of the pass at hand */
    struct trainer *trainer; /* instead */
    struct policy_step step;
    char *memory; /* of the device before a pass of training, which adds, was recorded */
    bool is_recording, is_backward, fails, forgets;
    int live, replays;
} card;

static void note(uint64_t value) {
    card.list.hash = (card.list.hash ^ value) * UINT64_C(0x100000001b3);
    card.list.calls++;
}

static void noted_multiply(const struct device *d, int n, const struct device_product *product) {
    for (int i = 0; i < n; i++) {
        const struct device_product *p = &product[i];
        note((uint64_t)p->m << 42 | (uint64_t)p->n << 21 | (uint64_t)p->k);
        note((uint64_t)(uintptr_t)p->a.data);
        note((uint64_t)(uintptr_t)p->b.data);
        note((uint64_t)(uintptr_t)p->c);
    }
    card.far.multiply(d, n, product);
}

static void noted_attend(const struct device *d, const struct device_chunk *chunk,
                         const struct device_attention *attention) {
    for (int b = 0; b <= chunk->batch.n_samples; b++) note((uint64_t)chunk->batch.offsets[b]);
    note((uint64_t)attention->heads);
    card.far.attend(d, chunk, attention);
}

static void noted_chosen_qkv(const struct device *d, const struct device_chunk *chunk,
                             const struct device_chosen *chosen) {
    for (int b = 0; b <= chunk->batch.n_samples; b++) note((uint64_t)chunk->batch.offsets[b]);
    note((uint64_t)(uintptr_t)chosen->gates);
    card.far.chosen_qkv(d, chunk, chosen);
}

static void noted_upload(const struct device *d, void *to, const void *from, size_t bytes) {
    assert_false(card.is_recording);
    card.far.upload(d, to, from, bytes);
}

static void noted_download(const struct device *d, void *to, const void *from, size_t bytes) {
    assert_false(card.is_recording);
    card.far.download(d, to, from, bytes);
}

static void noted_loss_gradient(const struct device *d, const struct device_chunk *chunk,
                                int classes, float scale, float *probability) {
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    note(bits);
    card.is_backward = true;
    card.far.loss_gradient(d, chunk, classes, scale, probability);
}

static bool record(const struct device *d) {
    const struct far_state *f = far_of(d);
    assert_false(card.is_recording);
    card.is_recording = true;
    card.is_backward = false;
    if (card.trainer) {
        card.memory = malloc(f->used);
        assert_non_null(card.memory);
        memcpy(card.memory, f->memory, f->used);
    }
    card.list = (struct list){0};
    return true;
}

static void *recorded(const struct device *d) {
    const struct far_state *f = far_of(d);
    assert_true(card.is_recording);
    card.is_recording = false;
    if (card.trainer) memcpy(f->memory, card.memory, f->used);
    free(card.memory);
    card.memory = NULL;
    if (card.fails) return NULL;
    struct recording *r = malloc(sizeof *r);
    assert_non_null(r);
    *r = (struct recording){card.list, card.inf ? card.inf->mode : 0, card.is_backward};
    card.live++;
    return r;
}

static bool replay(const struct device *d, void *recording) {
    const struct recording *r = recording;
    (void)d;
    if (card.forgets) {
        card.forgets = false;
        return false;
    }
    card.list = (struct list){0};
    if (!card.trainer)
        inference_pass(card.inf, NULL);
    else if (r->backward)
        trainer_backward(card.trainer, &card.step);
    else
        trainer_forward(card.trainer, &card.step);
    assert_int_equal(card.list.calls, r->list.calls);
    assert_true(card.list.hash == r->list.hash);
    if (card.inf) assert_int_equal(card.inf->mode, r->mode);
    card.replays++;
    return true;
}

static void forget(const struct device *d, void *recording) {
    (void)d;
    if (recording) card.live--;
    free(recording);
}

static const struct device *recording_device(void) {
    const struct device *d = far_device_open(PRECISION_BF16, true);
    struct device_ops *ops = &far_of(d)->self->ops;
    memset(&card, 0, sizeof card);
    card.far = *ops;
    ops->multiply = noted_multiply;
    ops->attend = noted_attend;
    ops->chosen_qkv = noted_chosen_qkv;
    ops->loss_gradient = noted_loss_gradient;
    ops->upload = noted_upload;
    ops->download = noted_download;
    ops->record = record;
    ops->recorded = recorded;
    ops->replay = replay;
    ops->forget = forget;
    return d;
}

/* The same weights twice: in one that repeats passes, and in one that does not. */
struct pair {
    const struct device *d;
    struct parameters *p;
    struct inference *repeats, *plain;
    struct small_batch data;
};

static void pair_new(struct pair *pair, const char *policy, const char *options) {
    struct model_config config = small_config(policy_find(policy), options, LAYERS, 16, HEADS);
    struct error error;
    *pair = (struct pair){.d = recording_device(), .p = small_parameters(&config, 5)};
    small_batch_fill(&pair->data, 6);
    assert_true(inference_new_on(pair->d, pair->p, &small_limits, &pair->repeats, &error));
    assert_true(inference_new_on(pair->d, pair->p, &small_limits, &pair->plain, &error));
    inference_set_repeats(pair->plain, false);
}

static void pair_free(struct pair *pair) {
    inference_free(pair->repeats);
    inference_free(pair->plain);
    assert_int_equal(card.live, 0);
    parameters_free(pair->p);
    pair->d->ops->close(pair->d);
}

/* One run of each: the same results, and the same booked. */
static void run_both(struct pair *pair, const struct batch *batch, const float *const *given) {
    struct work repeated = {0}, plain = {0};
    card.inf = pair->repeats;
    inference_run(pair->repeats, batch, &repeated, given);
    inference_run(pair->plain, batch, &plain, given);
    assert_memory_equal(&repeated.flops, &plain.flops, sizeof plain.flops);
    assert_int_equal(repeated.bytes, plain.bytes);
    size_t samples = (size_t)batch->n_samples, row = SMALL_CLASSES * sizeof(float);
    assert_memory_equal(inference_logits(pair->repeats), inference_logits(pair->plain),
                        samples * row);
    for (int l = 0; l < LAYERS; l++)
        if (inference_gates(pair->plain, l))
            assert_memory_equal(inference_gates(pair->repeats, l), inference_gates(pair->plain, l),
                                samples * HEADS * sizeof(float));
}

static void a_pass_is_recorded_once_and_then_repeated(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"fixed", "{\"heads\":4}"},
                                           {"random", "{\"heads\":2}"},
                                           {"budgetformer", "{\"initial_budget\":0.5}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pair;
        pair_new(&pair, cases[i][0], cases[i][1]);
        for (int run = 0; run < 4; run++) run_both(&pair, &pair.data.batch, NULL);
        assert_int_equal(inference_recordings(pair.repeats), 1);
        assert_int_equal(card.replays, 3);
        pair_free(&pair);
    }
}

static void gates_on_the_host_are_not_recorded(void **state) {
    (void)state;
    struct pair pair;
    pair_new(&pair, "moh-pool", "{\"shared\":1,\"routed\":1}");
    for (int run = 0; run < 3; run++) run_both(&pair, &pair.data.batch, NULL);
    assert_int_equal(inference_recordings(pair.repeats), 0);
    pair_free(&pair);
}

/* Gates of a layer, for all inputs alike, or another set for each. */
static void gates_of(const char *set, float *gates) {
    for (int i = 0; i < GATES; i++)
        gates[i] = set                              ? (float)(set[i % HEADS] - '0')
                   : i / HEADS % HEADS == i % HEADS ? 0.5f
                                                    : 0.0f;
}

/* The same as decisions of a policy: a row is the gates themselves, or a budget of as many heads, one
 * at least, and scores. */
static void decisions_of(const struct policy_ops *policy, const char *set, float *row) {
    float gates[GATES];
    gates_of(set, gates);
    for (const float *gate = gates; gate < gates + GATES; gate += HEADS) {
        float heads = 0;
        for (int h = 0; h < HEADS; h++) heads += gate[h] > 0 ? 1 : 0;
        if (policy->budget) *row++ = (fmaxf(heads, 1) - 0.5f) / HEADS;
        for (int h = 0; h < HEADS; h++) *row++ = gate[h];
    }
}

/* Sets that are packed, of as many heads and of others, all heads, and heads in place; by layer. Then
 * the same with a second layer that decides. */
static void check_ways(const char *policy, const char *options) {
    static const char *const sets[][LAYERS] = {{"0100", "1100"}, {"0001", "0110"}, {"0100", "1110"},
                                               {"1111", "1110"}, {"1111", NULL},   {NULL, "1111"},
                                               {NULL, NULL},     {"0000", "1000"}, {"0000", NULL}};
    enum { SETS = sizeof sets / sizeof *sets };
    float rows[LAYERS][SMALL_SAMPLES * (1 + HEADS)];
    const float *const both[LAYERS] = {rows[0], rows[1]}, *const first[LAYERS] = {rows[0]};
    struct pair pair;
    pair_new(&pair, policy, options);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < SETS; i++) {
            for (int l = 0; l < LAYERS; l++)
                decisions_of(pair.p->config.policy, sets[i][l], rows[l]);
            for (int run = 0; run < 2; run++) run_both(&pair, &pair.data.batch, both);
            for (int run = 0; i % 3 == 0 && run < 2; run++)
                run_both(&pair, &pair.data.batch, first);
        }
    assert_true(card.replays > SETS);
    pair_free(&pair);
}

static void check_way(struct pair *pair, struct batch batch, int samples, const char *set,
                      enum heads_way way) {
    float gates[GATES];
    const float *const given[LAYERS] = {gates, gates};
    gates_of(set, gates);
    batch.n_samples = samples;
    batch.n_tokens = batch.offsets[samples];
    run_both(pair, &batch, given);
    for (int l = 0; l < LAYERS; l++) assert_int_equal(pair->plain->way[l], way);
}

static void a_set_that_several_inputs_share_is_packed(void **state) {
    (void)state;
    int32_t few[] = {0, 3, 4}, many[] = {0, FAR_PACKS_FROM};
    struct pair pair;
    pair_new(&pair, "random", "{\"heads\":2}");
    struct batch batch = pair.data.batch;
    assert_int_equal(pair.d->packs_from, FAR_PACKS_FROM);
    batch.offsets = few;
    check_way(&pair, batch, 2, "0110", HEADS_PACKED);
    check_way(&pair, batch, 2, "1111", HEADS_WIDE);
    check_way(&pair, batch, 2, NULL, HEADS_IN_PLACE); /* a set for each */
    check_way(&pair, batch, 1, "0110", HEADS_IN_PLACE);
    batch.offsets = many;
    check_way(&pair, batch, 1, "0110", HEADS_PACKED);
    pair_free(&pair);
}

static void a_recording_is_of_one_way_of_each_layer(void **state) {
    (void)state;
    check_ways("random", "{\"heads\":2}");
    check_ways("budgetformer", "{\"initial_budget\":0.5}");
}

static void a_recording_is_of_one_mode_and_of_the_lengths_of_a_batch(void **state) {
    (void)state;
    struct pair pair;
    pair_new(&pair, "budgetformer-paper", "{\"budget\":0.6}");
    struct batch batch = pair.data.batch, fewer = batch, others = batch;
    int32_t offsets[SMALL_SAMPLES + 1];
    memcpy(offsets, pair.data.offsets, sizeof offsets);
    offsets[1]--;
    others.offsets = offsets;
    fewer.n_samples--;
    fewer.n_tokens = pair.data.offsets[fewer.n_samples];
    for (int round = 0; round < 3; round++)
        for (int mode = 0; mode < 3; mode++) {
            inference_set_mode(pair.repeats, mode);
            inference_set_mode(pair.plain, mode);
            run_both(&pair, &batch, NULL);
            run_both(&pair, &fewer, NULL);
            if (mode < 2) run_both(&pair, &others, NULL);
        }
    assert_int_equal(inference_recordings(pair.repeats), 8);
    assert_int_equal(card.replays, 16);
    pair_free(&pair);
}

/* More shapes than there are places, and a device whose memory moved. */
static void a_recording_that_is_gone_is_made_again(void **state) {
    (void)state;
    struct pair pair;
    pair_new(&pair, "fixed", "{\"heads\":4}");
    for (int i = 0; i < 3; i++) run_both(&pair, &pair.data.batch, NULL);
    card.forgets = true;
    run_both(&pair, &pair.data.batch, NULL);
    assert_int_equal(inference_recordings(pair.repeats), 2);
    assert_int_equal(card.live, 1);
    for (int round = 0; round < 2; round++)
        for (int n = 1; n <= RECORDINGS + 1; n++) {
            int32_t offsets[] = {0, n};
            struct batch one = pair.data.batch;
            one.n_samples = 1;
            one.n_tokens = n;
            one.offsets = offsets;
            run_both(&pair, &one, NULL);
            run_both(&pair, &one, NULL);
        }
    assert_true(card.live <= RECORDINGS);
    pair_free(&pair);
}

/* It is not done while it is recorded, so it is done after that. */
static void a_pass_whose_recording_fails_is_done(void **state) {
    (void)state;
    struct pair pair;
    pair_new(&pair, "budgetformer", "{\"initial_budget\":0.5}");
    card.fails = true;
    for (int i = 0; i < 3; i++) run_both(&pair, &pair.data.batch, NULL);
    assert_int_equal(inference_recordings(pair.repeats), 0);
    card.fails = false;
    for (int i = 0; i < 3; i++) run_both(&pair, &pair.data.batch, NULL);
    assert_int_equal(inference_recordings(pair.repeats), 1);
    pair_free(&pair);
}

/* ---- training ---- */

/* Gradients after step `i`, in the host's memory. What is repeated is what was asked in step 0. */
static char *step_of(const struct device *d, struct trainer *t, const struct batch *batch, int i,
                     double *loss) {
    struct policy_step step = {.progress = 0.1 * i, .step = (uint64_t)i};
    const struct parameters *g = trainer_gradients(t);
    char *numbers = malloc(g->arena.used);
    assert_non_null(numbers);
    card.step = (struct policy_step){.n_samples = batch->n_samples};
    *loss = trainer_step(t, batch, &step);
    d->ops->download(d, numbers, g->arena.base, g->arena.used);
    return numbers;
}

/* A training that repeats, and the model that it began with. */
struct training {
    const struct device *d;
    struct parameters *p;
    struct trainer *repeats;
    struct small_batch data;
    struct batch fewer; /* by an input */
    int step;
};

static void training_new(struct training *t, const char *policy, const char *options,
                         double dropout) {
    struct model_config config = small_config(policy_find(policy), options, LAYERS, 16, HEADS);
    struct error error;
    config.dropout = dropout;
    *t = (struct training){.d = recording_device(), .p = small_parameters(&config, 5)};
    small_batch_fill(&t->data, 6);
    t->fewer = t->data.batch;
    t->fewer.n_samples--;
    t->fewer.n_tokens = t->data.offsets[t->fewer.n_samples];
    assert_true(trainer_new_on(t->d, t->p, &small_limits, 2, &t->repeats, &error));
    trainer_load(t->repeats);
}

static void training_free(struct training *t) {
    trainer_free(t->repeats);
    assert_int_equal(card.live, 0);
    parameters_free(t->p);
    t->d->ops->close(t->d);
}

/* The next step, against that of a trainer that has seen no batch before. */
static void train_both(struct training *t, const struct batch *batch) {
    struct trainer *fresh;
    struct error error;
    double loss, expected;
    card.trainer = t->repeats;
    char *found = step_of(t->d, t->repeats, batch, t->step, &loss);
    assert_true(trainer_new_on(t->d, t->p, &small_limits, 2, &fresh, &error));
    trainer_load(fresh);
    char *wanted = step_of(t->d, fresh, batch, t->step++, &expected);
    assert_true(loss == expected);
    for (int i = 0; i < t->p->n_tensors; i++)
        assert_memory_equal(found + t->p->tensors[i].offset * sizeof(float),
                            wanted + t->p->tensors[i].offset * sizeof(float),
                            t->p->tensors[i].count * sizeof(float));
    trainer_free(fresh);
    free(found);
    free(wanted);
}

/* Steps with batches of two shapes in turn, which are repeated from the second of each on. */
static void train(const char *policy, const char *options, double dropout, int recordings,
                  int replays) {
    struct training t;
    training_new(&t, policy, options, dropout);
    for (int i = 0; i < 8; i++) {
        train_both(&t, i % 2 ? &t.fewer : &t.data.batch);
        if (i == 4) card.forgets = true;
    }
    assert_int_equal(card.live, recordings);
    assert_int_equal(card.replays, replays);
    training_free(&t);
}

/* Three of four times each pass of each shape, less the one that was forgotten, and made again. */
static void passes_of_training_are_repeated_apart(void **state) {
    (void)state;
    train("fixed", "{\"heads\":4}", 0, 4, 11);
    train("fixed", "{\"heads\":[0,3]}", 0, 4, 11);
    train("bag-of-words", "{}", 0, 4, 11);
    train("budgetformer", "{\"noise_until\":1}", 0, 4, 11);
}

static void what_the_host_tells_each_step_is_not_repeated(void **state) {
    (void)state;
    train("fixed", "{\"heads\":4}", 0.2, 0, 0);
    train("moh", "{\"shared\":1,\"routed\":1}", 0, 0, 0);
}

/* As many inputs and tokens, but of other lengths; and more shapes than there are places, of which
 * the first has to go. */
static void a_recording_of_training_is_of_the_lengths_of_a_batch(void **state) {
    (void)state;
    struct training t;
    training_new(&t, "fixed", "{\"heads\":4}", 0);
    struct batch others = t.data.batch;
    int32_t offsets[SMALL_SAMPLES + 1];
    memcpy(offsets, t.data.offsets, sizeof offsets);
    offsets[1]--;
    others.offsets = offsets;
    for (int i = 0; i < 2; i++) {
        train_both(&t, &t.data.batch);
        train_both(&t, &others);
    }
    assert_int_equal(card.live, 4);
    assert_int_equal(card.replays, 4);
    for (int n = 1; n <= RECORDED_BATCHES; n++) {
        int32_t one[] = {0, n};
        struct batch batch = t.data.batch;
        batch.n_samples = 1;
        batch.n_tokens = n;
        batch.offsets = one;
        train_both(&t, &batch);
    }
    assert_int_equal(card.live, 0);
    train_both(&t, &t.data.batch); /* as if it had not been there before */
    assert_int_equal(card.live, 0);
    train_both(&t, &t.data.batch);
    assert_int_equal(card.live, 2);
    assert_int_equal(card.replays, 6);
    training_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_is_recorded_once_and_then_repeated),
        cmocka_unit_test(gates_on_the_host_are_not_recorded),
        cmocka_unit_test(a_set_that_several_inputs_share_is_packed),
        cmocka_unit_test(a_recording_is_of_one_way_of_each_layer),
        cmocka_unit_test(a_recording_is_of_one_mode_and_of_the_lengths_of_a_batch),
        cmocka_unit_test(a_recording_that_is_gone_is_made_again),
        cmocka_unit_test(a_pass_whose_recording_fails_is_done),
        cmocka_unit_test(passes_of_training_are_repeated_apart),
        cmocka_unit_test(a_recording_of_training_is_of_the_lengths_of_a_batch),
        cmocka_unit_test(what_the_host_tells_each_step_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
