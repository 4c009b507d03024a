/*
 * What a device does at the edges, and that heads that were not chosen are not computed on it: NaN
 * in the weights of a head changes no bit of who did not choose it, products have the formula's
 * dimensions, and work is booked as on the CPU. And passes that are repeated from a recording, which
 * must not be told from others.
 */
#include "tests/models/cuda/engine.h"

static const int some[] = {3, 1, 17, 8, 5};
enum { SOME = sizeof some / sizeof *some };

/* ---- batches of awkward shapes ---- */

static void check_batch(const struct tested_device *tested, const struct device *d, int n,
                        const int *lengths, bool pairs) {
    static const struct method shown[] = {
        {"fixed", "{\"heads\":[0,2]}"},
        {"budgetformer", "{\"cost\":0.5,\"initial_budget\":0.5}"},
        {"moh", "{\"shared\":1,\"routed\":1}"},
        {"bag-of-bigrams", "{\"buckets\":5}"},
        {"none", "{}"},
    };
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct data data;
        struct side cpu, there;
        struct errors e = {0};
        data_fill(&data, n, lengths, 9);
        struct model_config config = method_config(&shown[i], &data, d->precision);
        if (pairs) config = small_pairs(config);
        side_new(&cpu, device_cpu(), &config, &data.limits);
        side_new(&there, d, &config, &data.limits);
        compare_inference(&cpu, &there, &data.batch, &e);
        compare_step(&cpu, &there, &data.batch, 1, 0.5, &e);
        /* A smaller batch after it, in memory that the larger one has used. */
        struct data one;
        data_fill(&one, 1, (const int[]){1}, 5);
        compare_inference(&cpu, &there, &one.batch, &e);
        compare_step(&cpu, &there, &one.batch, 2, 0.9, &e);
        if (errors_worst(&e, tested->precision) > tested->pass)
            fail_msg("%s: %s, %d inputs, the first of %d: logits %.2e, loss %.2e, encoder %.2e of "
                     "%s, policy %.2e of %s, %.2e of terms",
                     tested->name, shown[i].policy, n, lengths[0], e.logits, e.loss, e.encoder,
                     e.encoder_tensor, e.policy, e.policy_tensor, e.policy_terms);
        side_free(&cpu);
        side_free(&there);
        free(data.tokens);
        free(one.tokens);
    }
}

static void any_batch_will_do(const struct tested_device *tested, const struct device *d) {
    static const int long_and_short[] = {BATCH_CHUNK_TOKENS + 1, 1, BATCH_CHUNK_TOKENS};
    check_batch(tested, d, 1, (const int[]){1}, false);
    check_batch(tested, d, 1, (const int[]){100}, false);
    check_batch(tested, d, 3, (const int[]){1, 1, 1}, false);
    if (!tested_quickly() && !tested_shortly(tested))
        check_batch(tested, d, 3, long_and_short, false);
    check_batch(tested, d, SOME, some, true);
}

/* ---- the chosen heads alone ---- */

/* A model whose heads a device can run in place: of 16 numbers. */
static struct model_config of_whole_heads(const struct method *method, const struct data *data) {
    struct model_config c = small_config(method_policy(method), method->options, 2, 64, 4);
    c.init_std = 0.08;
    if (c.positions) c.max_len = data->limits.length;
    return c;
}

/* Makes NaN of one number of a head's slab of W_Q, W_K, W_V or of its block of W_O. */
static float *number_of_head(const struct parameters *p, int part, int h) {
    size_t d = (size_t)p->config.head_dim, dim = (size_t)p->config.dim;
    if (part == 3) return p->layer[0].o_weight + (size_t)h * d * dim;
    return p->layer[0].qkv_weight + ((size_t)h * 3 + (size_t)part) * d * dim;
}

static void check_poison(const struct device *d, const struct method *method, int dim) {
    struct data data;
    struct side side;
    float before[SOME * SMALL_CLASSES];
    size_t row = SMALL_CLASSES * sizeof(float);
    int victims = 0, spared = 0;
    data_fill(&data, SOME, some, 12);
    struct model_config config = small_config(method_policy(method), method->options, 1, dim, 4);
    side_new(&side, d, &config, &data.limits);
    inference_run(side.inference, &data.batch, NULL, NULL);
    memcpy(before, inference_logits(side.inference), sizeof before);
    for (int part = 0; part < 4; part++)
        for (int h = 0; h < config.heads.value[0]; h++) {
            float *number = number_of_head(side.p, part, h), kept = *number;
            *number = NAN;
            inference_load(side.inference);
            inference_run(side.inference, &data.batch, NULL, NULL);
            *number = kept;
            for (int b = 0; b < SOME; b++) {
                const float *now = inference_logits(side.inference) + b * SMALL_CLASSES;
                bool ran = inference_head_ran(side.inference, 0, h, b);
                *(ran ? &victims : &spared) += 1;
                if (ran && !isnan(now[0])) fail_msg("%s: head %d ran, unseen", method->policy, h);
                if (!ran) assert_memory_equal(now, before + b * SMALL_CLASSES, row);
            }
        }
    assert_true(victims > 0 && spared > 0);
    side_free(&side);
    free(data.tokens);
}

static void heads_of_others_are_not_read(const struct tested_device *tested,
                                         const struct device *d) {
    (void)tested;
    static const struct method choosing[] = {
        {"random", "{\"heads\":2}"},
        {"budgetformer", "{\"budget\":0.5,\"cost\":0}"},
        {"budgetformer", "{\"scores\":\"random\",\"initial_budget\":0.4}"},
        {"budgetformer-paper", "{\"budget\":0.5,\"mode\":\"raw\"}"},
        {"moh", "{\"shared\":1,\"routed\":1}"},
        {"moh-pool", "{\"shared\":1,\"routed\":1}"},
        {"per-token (test)", "{}"},
    };
    for (size_t i = 0; i < sizeof choosing / sizeof *choosing; i++) {
        check_poison(d, &choosing[i], 16);
        check_poison(d, &choosing[i], 64);
    }
}

/* Runs decisions on both sides; the largest error of logits. */
static double run_given(const struct side *cpu, const struct side *there, const struct batch *batch,
                        const float *const *decisions) {
    inference_run(cpu->inference, batch, NULL, decisions);
    inference_run(there->inference, batch, NULL, decisions);
    tested_ok(there->d);
    return relative_error(inference_logits(there->inference), inference_logits(cpu->inference),
                          (size_t)batch->n_samples * SMALL_CLASSES);
}

/* Gates of two layers: inputs without a head in a layer, and with gates that are not 1. */
static void any_gates(struct rng rng, int n, float *gates) {
    for (int i = 0; i < n; i++) {
        double draw = rng_uniform(&rng, 1, (uint64_t)i);
        gates[i] = i / 4 % 3 == 1 || draw < 0.4 ? 0.0f : draw < 0.7 ? 1.0f : (float)draw;
    }
}

static void any_gates_will_do(const struct tested_device *tested, const struct device *d) {
    static const int lengths[][5] = {{65, 1, 130, 64, 17}, {1, 1, 1, 1, 1}, {200}};
    static const int n_inputs[] = {5, 5, 1};
    static const struct method chosen = {"random", "{\"heads\":2}"};
    float gates[2 * 5 * 4];
    for (int i = 0; i < 3; i++) {
        struct data data;
        struct side cpu, there;
        data_fill(&data, n_inputs[i], lengths[i], 9);
        struct model_config config = of_whole_heads(&chosen, &data);
        side_new(&cpu, device_cpu(), &config, &data.limits);
        side_new(&there, d, &config, &data.limits);
        for (int draw = 0; draw < 5; draw++) { /* the first, one that is recorded, and repeated */
            const float *const layers[] = {gates, gates + 4 * n_inputs[i]};
            any_gates(rng_stream((uint64_t)draw, RNG_GENERATOR), 2 * 4 * n_inputs[i], gates);
            double error = run_given(&cpu, &there, &data.batch, layers);
            if (!(error <= tested->pass))
                fail_msg("%s: batch %d, draw %d: logits %.2e", tested->name, i, draw, error);
        }
        side_free(&cpu);
        side_free(&there);
        free(data.tokens);
    }
}

/* ---- passes that are repeated ---- */

/* What a run leaves, to be the same in another. */
struct run {
    float logits[SOME * SMALL_CLASSES], gates[2][SOME * 4];
    struct work work;
};

static void run_once(struct inference *inference, const struct batch *batch,
                     const float *const *given, struct run *out) {
    *out = (struct run){0};
    inference_run(inference, batch, &out->work, given);
    memcpy(out->logits, inference_logits(inference), sizeof out->logits);
    for (int l = 0; l < 2; l++)
        if (inference_gates(inference, l))
            memcpy(out->gates[l], inference_gates(inference, l), sizeof out->gates[l]);
}

static void assert_same_run(const struct run *a, const struct run *b, const char *policy) {
    if (memcmp(a->logits, b->logits, sizeof a->logits) != 0 ||
        memcmp(a->gates, b->gates, sizeof a->gates) != 0 ||
        memcmp(a->work.flops.count, b->work.flops.count, sizeof a->work.flops.count) != 0 ||
        a->work.bytes != b->work.bytes)
        fail_msg("%s: another run is not the same", policy);
}

/* An inference that has seen nothing yet does what the other is about to repeat. */
static void assert_as_new(const struct side *side, const struct batch *batch,
                          const float *const *given, const char *policy) {
    struct inference *fresh = NULL;
    struct error error;
    struct run first, again;
    assert_true(inference_new_on(side->d, side->p, &side->limits, &fresh, &error));
    run_once(fresh, batch, given, &first);
    run_once(side->inference, batch, given, &again);
    assert_same_run(&first, &again, policy);
    inference_free(fresh);
}

static void check_repeats(const struct tested_device *tested, const struct device *d,
                          const struct method *method) {
    struct data data, other;
    struct side side;
    struct run first, again;
    data_fill(&data, SOME, some, 3);
    data_fill(&other, SOME, some, 4); /* other tokens of the same lengths */
    struct model_config config = of_whole_heads(method, &data);
    side_new(&side, d, &config, &data.limits);
    run_once(side.inference, &data.batch, NULL, &first);
    assert_int_equal(inference_recordings(side.inference), 0);
    for (int i = 0; i < 3; i++) {
        run_once(side.inference, &data.batch, NULL, &again);
        assert_same_run(&first, &again, method->policy);
    }
    int recordings = inference_recordings(side.inference);
    bool in_place = d->ops->takes_chosen(d, &config, 512);
    bool forms = !device_gates_on_host(d, &config);
    if (tested->is_card && in_place && forms) assert_int_equal(recordings, 1);
    if (!tested->is_card) assert_int_equal(recordings, 0);
    assert_as_new(&side, &other.batch, NULL, method->policy);
    /* Other weights, as after a step of training. */
    for (size_t i = 0; i < side.p->arena.used / sizeof(float); i++)
        ((float *)(void *)side.p->arena.base)[i] *= 0.9f;
    inference_load(side.inference);
    assert_as_new(&side, &other.batch, NULL, method->policy);
    assert_int_equal(inference_recordings(side.inference), recordings);
    /* A trainer that makes the device's workspace grow, or not. */
    struct trainer *trainer = NULL;
    struct error error;
    struct trainer_limits large = {SOME, tested->is_card ? 20000 : 4000, 4000};
    assert_true(trainer_new_on(d, side.p, &large, 1, &trainer, &error));
    assert_as_new(&side, &data.batch, NULL, method->policy);
    trainer_free(trainer);
    /* More shapes than are kept, twice around. */
    for (int i = 0; i < 24; i++) {
        struct data shape;
        data_fill(&shape, 2, (const int[]){1 + i % 12, 3}, 7);
        run_once(side.inference, &shape.batch, NULL, &again);
        free(shape.tokens);
    }
    assert_as_new(&side, &data.batch, NULL, method->policy);
    side_free(&side);
    free(data.tokens);
    free(other.tokens);
}

static void a_repeated_pass_is_the_pass(const struct tested_device *tested,
                                        const struct device *d) {
    static const struct method shown[] = {{"fixed", "{\"heads\":4}"},
                                          {"random", "{\"heads\":2}"},
                                          {"budgetformer", "{\"cost\":0.5,\"initial_budget\":0.5}"},
                                          {"moh-pool", "{\"shared\":1,\"routed\":1}"}};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) check_repeats(tested, d, &shown[i]);
}

/* Sets that all inputs share, whose weights are packed: each by its bits as in a new inference, by
 * the CPU's logits, with a head of nobody's poisoned. */
static void a_set_of_all_inputs_is_a_narrow_model(const struct tested_device *tested,
                                                  const struct device *d) {
    static const struct method chosen = {"random", "{\"heads\":2}"};
    static const char *const sets[] = {"0100", "1010", "1010", "1011", "0000", "1111", "0100"};
    struct data data;
    struct side cpu, side;
    float gates[2 * SOME * 4];
    const float *const layers[] = {gates, gates + SOME * 4};
    data_fill(&data, SOME, some, 3);
    struct model_config config = of_whole_heads(&chosen, &data);
    side_new(&cpu, device_cpu(), &config, &data.limits);
    side_new(&side, d, &config, &data.limits);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        for (int g = 0; g < 2 * SOME * 4; g++) gates[g] = sets[i][g % 4] == '1' ? 1.0f : 0.0f;
        double error = run_given(&cpu, &side, &data.batch, layers);
        if (!(error <= tested->pass))
            fail_msg("%s: %s is off by %.2e", tested->name, sets[i], error);
        for (int again = 0; again < 2; again++) assert_as_new(&side, &data.batch, layers, sets[i]);
        for (int h = 0; h < 4; h++) { /* new weights: those of the sets before are not theirs */
            float *number = number_of_head(side.p, (int)i % 4, h), kept = *number;
            *number = sets[i][h] == '1' ? kept * 1.5f : NAN;
            inference_load(side.inference);
            assert_as_new(&side, &data.batch, layers, sets[i]);
            assert_true(isfinite(inference_logits(side.inference)[0]));
            *number = kept;
        }
        inference_load(side.inference);
    }
    side_free(&cpu);
    side_free(&side);
    free(data.tokens);
}

/* Decisions that change between runs of the same lengths: other heads, all of them, none, and one
 * that all inputs share, then another. */
static void decisions_change_between_repeats(const struct tested_device *tested,
                                             const struct device *d) {
    static const struct method chosen = {"random", "{\"heads\":2}"};
    static const char *const sets[] = {NULL, NULL, "1111", "0000", "0100", "0010"};
    struct data data;
    struct side side;
    float gates[2 * SOME * 4];
    const float *const layers[] = {gates, gates + SOME * 4};
    data_fill(&data, SOME, some, 3);
    struct model_config config = of_whole_heads(&chosen, &data);
    side_new(&side, d, &config, &data.limits);
    for (int i = 0; i < 18; i++) {
        const char *set = sets[i % 6];
        if (!set) any_gates(rng_stream((uint64_t)i, RNG_GENERATOR), 2 * SOME * 4, gates);
        for (int g = 0; set && g < 2 * SOME * 4; g++) gates[g] = set[g % 4] == '1' ? 1.0f : 0.0f;
        assert_as_new(&side, &data.batch, layers, tested->name);
    }
    if (tested->is_card && d->ops->takes_chosen(d, &config, 512))
        /* in place, wide, and packed: of no head, and of one */
        assert_int_equal(inference_recordings(side.inference), 4);
    side_free(&side);
    free(data.tokens);
}

/* ---- what is booked, and what is given to the library ---- */

struct seam {
    uint64_t flops[FLOP_COMPONENTS];
    uint64_t there; /* 2 m n k of every product that the device makes */
    enum phase order[512];
    int n_phases;
};

static void observe(void *context, enum flop_component component, int m, int n, int k) {
    struct seam *seam = context;
    seam->flops[component] += 2 * (uint64_t)m * (uint64_t)n * (uint64_t)k;
}

static void observe_there(void *context, int m, int n, int k) {
    struct seam *seam = context;
    seam->there += 2 * (uint64_t)m * (uint64_t)n * (uint64_t)k;
}

static void enter(void *context, enum phase phase) {
    struct seam *seam = context;
    assert_true(seam->n_phases < 512);
    seam->order[seam->n_phases++] = phase;
}

/* Has the device tell of its products. */
static void listen_to(const struct tested_device *tested, const struct device *d,
                      struct seam *seam) {
    if (!tested->is_card) {
        far_of(d)->observe = seam ? observe_there : NULL;
        far_of(d)->context = seam;
        return;
    }
#if HAVE_CUDA
    cuda_observe(d, seam ? observe_there : NULL, seam);
#endif
}

/* One run whose decisions are the CPU's, so that both run the same heads. */
static void run_booked(const struct side *side, const struct batch *batch, struct work *work,
                       const struct side *decided) {
    const float *decisions[MODEL_LAYERS_MAX] = {0};
    for (int l = 0; l < side->p->config.layers; l++)
        decisions[l] = inference_decisions(decided->inference, l);
    inference_run(side->inference, batch, work, decisions);
}

static void check_work(const struct tested_device *tested, const struct device *d,
                       const struct method *method, bool several_chunks) {
    static const int many[] = {200, 150, 160, 7};
    struct data data;
    struct side cpu, there;
    struct seam seams[2] = {{{0}, 0, {0}, 0}, {{0}, 0, {0}, 0}};
    struct work here = {.observe = observe, .context = &seams[0]}, far = here;
    far.context = &seams[1];
    data_fill(&data, several_chunks ? 4 : SOME, several_chunks ? many : some, 3);
    struct model_config config = d->precision == PRECISION_BF16
                                     ? of_whole_heads(method, &data)
                                     : method_config(method, &data, d->precision);
    bool in_place = device_takes_chosen(d, &config, 512);
    side_new(&cpu, device_cpu(), &config, &data.limits);
    side_new(&there, d, &config, &data.limits);
    inference_run(cpu.inference, &data.batch, NULL, NULL);
    listen_to(tested, d, &seams[1]);
    run_booked(&there, &data.batch, &far, &cpu);
    listen_to(tested, d, NULL);
    struct inference *decided = cpu.inference;
    struct error error;
    assert_true(inference_new(cpu.p, &data.limits, &cpu.inference, &error));
    struct side given = cpu;
    given.inference = decided;
    run_booked(&cpu, &data.batch, &here, &given);
    inference_free(decided);
    for (int c = 0; c < FLOP_COMPONENTS; c++) {
        if (far.flops.count[c] != here.flops.count[c])
            fail_msg("%s: %s: %s %llu there, %llu on the CPU", tested->name, method->policy,
                     flops_component_name((enum flop_component)c),
                     (unsigned long long)far.flops.count[c],
                     (unsigned long long)here.flops.count[c]);
        assert_int_equal(seams[1].flops[c], seams[0].flops[c]);
    }
    /* Each chunk reads the weights; a batch in one piece reads them once. In place no rows are brought
     * together. */
    if (!several_chunks && !in_place && far.bytes != here.bytes)
        fail_msg("%s: %s: %llu bytes there, %llu on the CPU", tested->name, method->policy,
                 (unsigned long long)far.bytes, (unsigned long long)here.bytes);
    const uint64_t *f = far.flops.count;
    assert_int_equal(seams[1].there,
                     f[FLOP_QKV] + f[FLOP_OUTPUT] + f[FLOP_FFN] + f[FLOP_CLASSIFIER]);
    side_free(&cpu);
    side_free(&there);
    free(data.tokens);
}

static void work_is_booked_as_on_the_cpu(const struct tested_device *tested,
                                         const struct device *d) {
    int n;
    const struct method *method = tested_methods(tested, &n);
    for (int i = 0; i < n; i++) {
        check_work(tested, d, &method[i], false);
        if (!tested_shortly(tested)) check_work(tested, d, &method[i], true);
    }
}

static int times(const struct seam *seam, enum phase phase) {
    int n = 0;
    for (int i = 0; i < seam->n_phases; i++) n += seam->order[i] == phase;
    return n;
}

/* Between two memories there is a phase of transfers, in inference and in training, and each ends
 * with another phase. */
static void transfers_are_a_phase(const struct tested_device *tested, const struct device *d) {
    (void)tested;
    static const struct method shown[] = {{"moh-pool", "{\"shared\":1,\"routed\":1}"},
                                          {"budgetformer", "{}"}};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct data data;
        struct side side;
        struct seam seam = {{0}, 0, {0}, 0};
        struct phases phases = {enter, &seam};
        struct work work = {.phases = &phases};
        data_fill(&data, SOME, some, 3);
        struct model_config config = method_config(&shown[i], &data, d->precision);
        bool on_host = device_gates_on_host(d, &config);
        side_new(&side, d, &config, &data.limits);
        inference_run(side.inference, &data.batch, &work, NULL);
        assert_true(times(&seam, PHASE_TRANSFER) > 0);
        for (int j = 1; j < seam.n_phases; j++)
            if (seam.order[j] == PHASE_TRANSFER)
                assert_int_not_equal(seam.order[j - 1], PHASE_TRANSFER);
        seam.n_phases = 0;
        trainer_set_phases(side.trainer, &phases);
        struct policy_step step = step_at(1, 0.5);
        trainer_step(side.trainer, &data.batch, &step);
        assert_int_equal(times(&seam, PHASE_TRANSFER) > 0, on_host);
        side_free(&side);
        free(data.tokens);
    }
}

/* ---- parameters there and back, and memory that is not there ---- */

static void parameters_come_back_as_they_went(const struct tested_device *tested,
                                              const struct device *d) {
    (void)tested;
    for (int i = 0; i < METHODS; i++) {
        struct data data;
        struct side side;
        data_fill(&data, SOME, some, 3);
        struct model_config config = method_config(&methods[i], &data, d->precision);
        side_new(&side, d, &config, &data.limits);
        struct parameters *as_they_were = small_parameters(&config, 8);
        for (int t = 0; t < side.p->n_tensors; t++)
            if (!device_gates_on_host(d, &config) || !side.p->tensors[t].policy)
                memset(numbers_of(side.p, t), 0xff, side.p->tensors[t].count * sizeof(float));
        trainer_store(side.trainer);
        for (int t = 0; t < side.p->n_tensors; t++)
            assert_memory_equal(numbers_of(side.p, t), numbers_of(as_they_were, t),
                                side.p->tensors[t].count * sizeof(float));
        parameters_free(as_they_were);
        side_free(&side);
        free(data.tokens);
    }
}

static void a_batch_that_does_not_fit_is_an_error(const struct tested_device *tested,
                                                  const struct device *d) {
    static const struct trainer_limits too_much = {1 << 20, 1 << 30, 1024};
    struct model_config config = small_config(policy_find("fixed"), "{\"heads\":4}", 2, 64, 4);
    struct parameters *p = small_parameters(&config, 3);
    struct trainer *trainer = NULL;
    struct inference *inference = NULL;
    struct error error = {{0}, {{0}, 0, 0}};
    assert_false(trainer_new_on(d, p, &too_much, 1, &trainer, &error));
    assert_non_null(strstr(error.text, "activations"));
    print_message("%s: %s\n", tested->name, error.text);
    assert_false(inference_new_on(d, p, &too_much, &inference, &error));
    assert_non_null(strstr(error.text, "inference workspace"));
    parameters_free(p);
    check_batch(tested, d, 1, (const int[]){5}, false); /* the device goes on */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ALL(any_batch_will_do),
        ON_ALL_SLOWLY(heads_of_others_are_not_read),
        ON_ALL(any_gates_will_do),
        ON_ALL(a_repeated_pass_is_the_pass),
        ON_ALL_SLOWLY(a_set_of_all_inputs_is_a_narrow_model),
        ON_ALL(decisions_change_between_repeats),
        ON_ALL_SLOWLY(work_is_booked_as_on_the_cpu),
        ON_FP32(transfers_are_a_phase),
        ON_FP32(parameters_come_back_as_they_went),
        ON_FP32(a_batch_that_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
