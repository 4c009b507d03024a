/*
 * Every method on a device against the same on the CPU: logits, loss, every gradient tensor, ten
 * steps of training, and the same bits for the same seed. Prints the largest errors, a line per
 * policy and precision; they go to the file that HEADROOM_GPU_TABLE names as well.
 */
#include "tests/models/cuda/engine.h"

/* Two of the CPU's chunks, whose masks of dropout a device that takes them all at once must draw as
 * well; the same in short; and a batch for what is done often. */
static const int ragged[] = {200, 1, 130, 17, 260}, brief[] = {40, 1, 66, 17, 52},
                 few[] = {20, 1, 33, 5};
enum { RAGGED = sizeof ragged / sizeof *ragged, FEW = sizeof few / sizeof *few };

static const double stages_of_training[] = {0.1, 0.55, 0.9};

static void fill(struct data *data, bool briefly) {
    data_fill(data, RAGGED, briefly ? brief : ragged, 4);
}

/* A line of the table, shown by run.sh if it is of a card, and one of the file. */
static void print_errors(const struct tested_device *tested, const char *policy,
                         const struct errors *e) {
    const char *path = getenv("HEADROOM_GPU_TABLE");
    char line[512];
    snprintf(line, sizeof line,
             "errors device=%s precision=%s policy=%s logits=%.2e loss=%.2e encoder=%.2e "
             "policy_strict=%.2e policy_terms=%.2e inputs=%d other_k=%d other_heads=%d "
             "encoder_worst=%s policy_worst=%s",
             tested->is_card ? "cuda" : "far", strchr(tested->name, ' ') + 1, policy, e->logits,
             e->loss, e->encoder, e->policy, e->policy_terms, e->inputs, e->other_k, e->other_heads,
             e->encoder_tensor, e->policy_tensor);
    print_message("%s%s\n", tested->is_card ? "#| " : "", line);
    FILE *file = path && *path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

/* The far device has long inputs in the first step alone. */
static void compare_method(const struct tested_device *tested, const struct device *d,
                           const struct method *method, struct errors *out) {
    struct data data, later;
    struct side cpu, there;
    fill(&data, tested_shortly(tested));
    fill(&later, !tested->is_card);
    struct model_config config = method_config(method, &data, d->precision);
    side_new(&cpu, device_cpu(), &config, &data.limits);
    side_new(&there, d, &config, &data.limits);
    compare_inference(&cpu, &there, &data.batch, out);
    for (int i = 0; i < 3; i++)
        compare_step(&cpu, &there, i == 0 ? &data.batch : &later.batch, 5 + i,
                     stages_of_training[i], out);
    side_free(&cpu);
    side_free(&there);
    free(data.tokens);
    free(later.tokens);
}

static void passes_agree_with_the_cpu(const struct tested_device *tested, const struct device *d) {
    int failed = 0, n;
    const struct method *method = tested_methods(tested, &n);
    for (int i = 0; i < n;) {
        struct errors of_policy = {0};
        const char *policy = method[i].policy;
        for (; i < n && strcmp(method[i].policy, policy) == 0; i++) {
            struct errors e = {0};
            compare_method(tested, d, &method[i], &e);
            errors_add(&of_policy, &e);
            if (errors_worst(&e, tested->precision) <= tested->pass) continue;
            print_message("%s: %s %s: logits %.2e, loss %.2e, encoder %.2e of %s, policy %.2e of "
                          "%s, %.2e of terms\n",
                          tested->name, policy, method[i].options, e.logits, e.loss, e.encoder,
                          e.encoder_tensor, e.policy, e.policy_tensor, e.policy_terms);
            failed++;
        }
        print_errors(tested, policy, &of_policy);
    }
    assert_int_equal(failed, 0);
}

/* A policy's own networks may be wider than all else in a model: what a device reserves is enough for
 * them too, says the card's memcheck. */
static void wide_networks_of_a_small_model_have_room(const struct tested_device *tested,
                                                     const struct device *d) {
    static const struct method wide = {"budgetformer", "{\"hidden\":20000}"};
    struct errors e = {0};
    compare_method(tested, d, &wide, &e);
    assert_true(errors_worst(&e, tested->precision) <= tested->pass);
}

static void every_policy_is_compared(void **state) {
    (void)state;
    for (int i = 0; i < policy_registry_size; i++) {
        int n = 0;
        for (int m = 0; m < METHODS; m++) n += policy_registry[i] == method_policy(&methods[m]);
        if (n == 0) fail_msg("%s is not compared", policy_registry[i]->name);
    }
}

/* Both steps of the same numbers, and both runs: memory that is read before it is written, and sums
 * in an order that is not fixed, show here. */
static void same_seed_same_bits(const struct tested_device *tested, const struct device *d) {
    for (int i = 0; i < METHODS; i++) {
        struct data data;
        struct side side;
        fill(&data, !tested->is_card);
        struct model_config config = method_config(&methods[i], &data, d->precision);
        size_t logits = (size_t)RAGGED * SMALL_CLASSES * sizeof(float);
        float first_logits[RAGGED * SMALL_CLASSES];
        char *first = NULL;
        double first_loss = 0;
        for (int run = 0; run < 2; run++) {
            side_new(&side, d, &config, &data.limits);
            struct policy_step step = step_at(5, 0.9);
            double loss = trainer_step(side.trainer, &data.batch, &step);
            inference_run(side.inference, &data.batch, NULL, NULL);
            const struct parameters *g = side_gradients(&side);
            if (run == 0) {
                first = malloc(g->arena.used);
                assert_non_null(first);
                memcpy(first, g->arena.base, g->arena.used);
                memcpy(first_logits, inference_logits(side.inference), logits);
                first_loss = loss;
            } else if (loss != first_loss || memcmp(first, g->arena.base, g->arena.used) != 0 ||
                       memcmp(first_logits, inference_logits(side.inference), logits) != 0)
                fail_msg("%s: %s %s: other bits the second time", tested->name, methods[i].policy,
                         methods[i].options);
            side_free(&side);
        }
        free(first);
        free(data.tokens);
    }
}

/* Root of the summed squares of what two sides' parameters differ by, and of how far the first has
 * come from `start`. */
static double apart(const struct parameters *start, const struct parameters *a,
                    const struct parameters *b) {
    double difference = 0, way = 0;
    for (int i = 0; i < a->n_tensors; i++)
        for (size_t j = 0; j < a->tensors[i].count; j++) {
            double x = (double)numbers_of(a, i)[j];
            difference += pow(x - (double)numbers_of(b, i)[j], 2);
            way += pow(x - (double)numbers_of(start, i)[j], 2);
        }
    return sqrt(difference / way);
}

/* A step's gradient may be off by tested->pass of its norm, and AdamW's step is smooth in it: so
 * after n steps loss and way may be off by n times as much, as long as no error feeds another.
 * Twice that is allowed. The far device runs the CPU's kernels on this one chunk: not a bit may
 * differ. */
static void ten_steps_stay_together(const struct tested_device *tested, const struct device *d) {
    int failed = 0, steps = tested_quickly() ? 2 : 10, n;
    const struct method *method = tested_methods(tested, &n);
    for (int i = 0; i < n; i++, method++) {
        struct data data;
        struct side cpu, there;
        double loss = 0, way;
        struct errors after = {0};
        data_fill(&data, FEW, few, 4);
        struct model_config config = method_config(method, &data, d->precision);
        struct parameters *start = small_parameters(&config, 8);
        side_new(&cpu, device_cpu(), &config, &data.limits);
        side_new(&there, d, &config, &data.limits);
        for (int s = 0; s < steps; s++) {
            struct policy_step here = step_at(s, 0.3), far = here;
            double expected = trainer_step(cpu.trainer, &data.batch, &here);
            double found = trainer_step(there.trainer, &data.batch, &far);
            optimizer_step(cpu.optimizer, cpu.p, trainer_gradients(cpu.trainer));
            optimizer_step(there.optimizer, trainer_parameters(there.trainer),
                           trainer_gradients(there.trainer));
            loss = fmax(loss, off_by(found, expected));
        }
        trainer_store(there.trainer);
        inference_load(there.inference);
        way = apart(start, cpu.p, there.p);
        compare_inference(&cpu, &there, &data.batch, &after);
        print_message("%s: %s %s: after %d steps loss %.2e, way %.2e, logits %.2e\n", tested->name,
                      method->policy, method->options, steps, loss, way, after.logits);
        bool same_bits = !tested->is_card && tested->precision == PRECISION_FP32;
        failed +=
            !(fmax(loss, fmax(way, after.logits)) <= (same_bits ? 0 : 2 * steps * tested->pass));
        side_free(&cpu);
        side_free(&there);
        parameters_free(start);
        free(data.tokens);
    }
    assert_int_equal(failed, 0);
}

/* Has the device tell of its products, or no more. */
static void listen_to(const struct tested_device *tested, const struct device *d,
                      void (*observe)(void *context, int m, int n, int k)) {
    if (!tested->is_card) {
        far_of(d)->observe = observe;
        return;
    }
#if HAVE_CUDA
    cuda_observe(d, observe, NULL);
#endif
}

static void listen(void *context, int m, int n, int k) {
    (void)context;
    (void)m;
    (void)n;
    (void)k;
}

/* Passes of lengths that were seen before are repeated where no number changes from step to step,
 * and made anew while somebody listens to products. */
static void check_repeated_steps(const struct tested_device *tested, const struct device *d,
                                 const struct method *method) {
    enum { STEPS = 9 };
    struct data data;
    double loss[STEPS];
    char *trained = NULL;
    data_fill(&data, RAGGED, ragged, 4);
    struct batch fewer = data.batch;
    fewer.n_samples--;
    fewer.n_tokens = fewer.offsets[fewer.n_samples];
    struct model_config config = method_config(method, &data, d->precision);
    config.dropout = 0;
    for (int listens = 0; listens < 2; listens++) {
        struct side side;
        side_new(&side, d, &config, &data.limits);
        listen_to(tested, d, listens ? listen : NULL);
        for (int s = 0; s < STEPS; s++) {
            struct policy_step step = step_at(s, 0.1 * s);
            double now = trainer_step(side.trainer, s % 3 == 2 ? &fewer : &data.batch, &step);
            optimizer_step(side.optimizer, trainer_parameters(side.trainer),
                           trainer_gradients(side.trainer));
            if (listens) assert_true(now == loss[s]);
            loss[s] = now;
        }
        listen_to(tested, d, NULL);
        trainer_store(side.trainer);
        if (!listens) {
            trained = malloc(side.p->arena.used);
            assert_non_null(trained);
            memcpy(trained, side.p->arena.base, side.p->arena.used);
        } else
            assert_memory_equal(trained, side.p->arena.base, side.p->arena.used);
        side_free(&side);
    }
    free(trained);
    free(data.tokens);
}

static void repeated_steps_have_the_bits_of_new_ones(const struct tested_device *tested,
                                                     const struct device *d) {
    static const struct method repeated[] = {{"fixed", "{\"heads\":4}"},
                                             {"budgetformer", "{\"noise_until\":1,\"cost\":0.3}"},
                                             {"budgetformer", "{\"estimator\":\"gumbel\"}"},
                                             {"budgetformer-paper", "{}"}};
    /* A device that keeps no recordings makes all of them anew: one will do. */
    size_t n = d->ops->record ? sizeof repeated / sizeof *repeated : 1;
    for (size_t i = 0; i < n; i++) check_repeated_steps(tested, d, &repeated[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_is_compared),
        ON_ALL(passes_agree_with_the_cpu),
        ON_FP32(wide_networks_of_a_small_model_have_room),
        ON_ALL_SLOWLY(same_seed_same_bits),
        ON_ALL(ten_steps_stay_together),
        ON_ALL(repeated_steps_have_the_bits_of_new_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
