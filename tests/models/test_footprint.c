/*
 * The closed form of memory against the arenas: never more than they hold, and short of it by no
 * more than what aligning arrays to cache lines and slabs to pages costs.
 */
#include "models/footprint.h"
#include "models/inference.h"
#include "models/optimizer.h"
#include "models/policy.h"
#include "tests/models/far_device.h"
#include "tests/models/small_model.h"

/* Arrays of a layer that start on a cache line, and slabs that start on a page. */
enum { ARRAYS = 24, SLABS = 12 };

static void assert_between(const char *policy, const char *what, int64_t bytes, int64_t predicted,
                           int64_t slack) {
    if (predicted <= 0 || bytes < predicted || bytes > predicted + slack)
        fail_msg("%s: %s of %lld bytes, predicted %lld", policy, what, (long long)bytes,
                 (long long)predicted);
}

static const char *const cases[][2] = {{"fixed", "{\"heads\":4}"},
                                       {"fixed", "{\"heads\":[1,3]}"},
                                       {"none", "{}"},
                                       {"bag-of-words", "{}"},
                                       {"bag-of-bigrams", "{\"buckets\":99}"},
                                       {"random", "{\"heads\":2}"},
                                       {"wide", "{\"heads\":2}"},
                                       {"budgetformer", "{}"},
                                       {"budgetformer", "{\"global_budget\":true}"},
                                       {"moh", "{\"shared\":1,\"routed\":2}"},
                                       {"moh-pool", "{\"shared\":1,\"routed\":1}"}};
enum { CASES = sizeof cases / sizeof *cases };

/* One chunk, and a batch of many. */
static const struct trainer_limits limits[] = {{40, 400, SMALL_LEN}, {400, 4000, SMALL_LEN}};

static void check_arenas(const struct device *d, const char *policy, const char *options, int k) {
    struct model_config config = small_config(policy_find(policy), options, 2, 32, 4);
    if (k == 1) config = small_pairs(config);
    struct parameters *p = small_parameters(&config, 3);
    struct trainer *trainer = NULL;
    struct inference *inference = NULL;
    struct optimizer *optimizer = NULL;
    struct error error;
    struct footprint need = footprint_on(d, &config, &limits[k]);
    assert_true(trainer_new_on(d, p, &limits[k], 1, &trainer, &error));
    assert_true(inference_new_on(d, p, &limits[k], &inference, &error));
    assert_true(optimizer_new_on(d, trainer_parameters(trainer),
                                 &(struct optimizer_config){.total_steps = 1}, &optimizer, &error));
    int64_t slack = ARENA_PAGE + 2 * ARRAYS * ARENA_LINE, pages = SLABS * ARENA_PAGE;
    int64_t activations = trainer_activation_bytes(trainer);
    int64_t gradients = (int64_t)trainer_gradients(trainer)->arena.size;
    assert_between(policy, "parameters", (int64_t)p->arena.size, need.parameters, slack + pages);
    assert_between(policy, "activations", activations, need.activations, slack);
    assert_between(policy, "workspace", trainer_bytes(trainer) - activations - gradients,
                   need.training, slack);
    assert_between(policy, "inference", inference_bytes(inference), need.inference, slack);
    assert_between(policy, "optimiser", optimizer_bytes(optimizer), 2 * need.parameters + need.late,
                   2 * slack + 2 * pages);
    assert_int_equal(need.late > 0, !d->is_host);
    assert_int_equal(need.parameters, 4 * parameters_count(p));
    assert_int_equal(need.copies, d->operand_size == 2 ? 2 * parameters_count(p) : 0);
    optimizer_free(optimizer);
    inference_free(inference);
    trainer_free(trainer);
    parameters_free(p);
}

static void arenas_hold_what_the_closed_form_says(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++)
        for (int k = 0; k < 2; k++) check_arenas(device_cpu(), cases[i][0], cases[i][1], k);
}

/* With gates on the host and on the device, and operands of two bytes. */
static void so_do_those_of_a_device_that_works_on_whole_batches(void **state) {
    (void)state;
    static const struct {
        enum precision precision;
        bool forms;
    } kinds[] = {{PRECISION_FP32, false}, {PRECISION_FP32, true}, {PRECISION_BF16, true}};
    for (int i = 0; i < CASES; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 2; k++) {
                const struct device *d = far_device_open(kinds[j].precision, kinds[j].forms);
                check_arenas(d, cases[i][0], cases[i][1], k);
                d->ops->close(d);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arenas_hold_what_the_closed_form_says),
        cmocka_unit_test(so_do_those_of_a_device_that_works_on_whole_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
