/*
 * What a device does at the edges, and that heads that were not chosen are not computed on it: NaN
 * in the weights of a head changes no bit of who did not choose it, products have the formula's
 * dimensions, and work is booked as on the CPU.
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
    if (!tested_quickly()) check_batch(tested, d, 3, long_and_short, false);
    check_batch(tested, d, SOME, some, true);
}

/* ---- the chosen heads alone ---- */

/* Makes NaN of one number of a head's slab of W_Q, W_K, W_V or of its block of W_O. */
static float *number_of_head(const struct parameters *p, int part, int h) {
    size_t d = (size_t)p->config.head_dim, dim = (size_t)p->config.dim;
    if (part == 3) return p->layer[0].o_weight + (size_t)h * d * dim;
    return p->layer[0].qkv_weight + ((size_t)h * 3 + (size_t)part) * d * dim;
}

static void check_poison(const struct device *d, const struct method *method) {
    struct data data;
    struct side side;
    float before[SOME * SMALL_CLASSES];
    size_t row = SMALL_CLASSES * sizeof(float);
    int victims = 0, spared = 0;
    data_fill(&data, SOME, some, 12);
    struct model_config config = small_config(method_policy(method), method->options, 1, 16, 4);
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
    for (size_t i = 0; i < sizeof choosing / sizeof *choosing; i++) check_poison(d, &choosing[i]);
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
    static const int many[] = {300, 150, 260, 7};
    struct data data;
    struct side cpu, there;
    struct seam seams[2] = {{{0}, 0, {0}, 0}, {{0}, 0, {0}, 0}};
    struct work here = {.observe = observe, .context = &seams[0]}, far = here;
    far.context = &seams[1];
    data_fill(&data, several_chunks ? 4 : SOME, several_chunks ? many : some, 3);
    struct model_config config = method_config(method, &data, d->precision);
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
    /* Each chunk reads the weights; a batch in one piece reads them once. */
    if (!several_chunks && far.bytes != here.bytes)
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
    for (int i = 0; i < METHODS; i++) {
        check_work(tested, d, &methods[i], false);
        check_work(tested, d, &methods[i], true);
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
        ON_FP32(work_is_booked_as_on_the_cpu),
        ON_FP32(transfers_are_a_phase),
        ON_FP32(parameters_come_back_as_they_went),
        ON_FP32(a_batch_that_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
