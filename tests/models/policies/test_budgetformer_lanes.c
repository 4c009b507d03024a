/*
 * BudgetFormer's arithmetic of one input with its heads shared out among 32 lanes, as on a card,
 * against the same with one lane, as on the processor. The lanes are threads; what they ask each
 * other for stands here in place of models/base/lanes.h.
 */
#include "models/base/rng.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define HEADROOM_MODELS_BASE_LANES_H
#include "models/base/device_code.h"

enum { MANY = 32 };
#define LANES n_lanes
static int n_lanes = 1;
static _Thread_local int own_lane;
static double slot[MANY];
static pthread_barrier_t barrier;

static inline int lane(void) {
    return own_lane;
}

static inline void lanes_meet(void) {
    if (LANES > 1) pthread_barrier_wait(&barrier);
}

static double sum_of(double a, double b) {
    return a + b;
}

static double least_of(double a, double b) {
    return b < a ? b : a;
}

/* By halves, as a card's lanes exchange numbers. */
static double together(double x, double (*join)(double, double)) {
    double all[MANY];
    if (LANES == 1) return x;
    slot[lane()] = x;
    lanes_meet();
    memcpy(all, slot, sizeof all);
    lanes_meet();
    for (int half = MANY / 2; half > 0; half /= 2) {
        double joined[MANY];
        for (int i = 0; i < MANY; i++) joined[i] = join(all[i], all[i ^ half]);
        memcpy(all, joined, sizeof all);
    }
    return all[lane()];
}

static inline double lanes_sum(double x) {
    return together(x, sum_of);
}

static inline double lanes_least(double x) {
    return together(x, least_of);
}

static inline double lanes_most(double x) {
    return -together(-x, least_of);
}

#include "models/policies/budgetformer_gate.h"
#include "models/policies/budgetformer_paper_gate.h"

enum { HEADS = 40, GATES = 3, MODES = 3, SPACE = HEADS * (HEADS + 8) };

/* One input, and all that its gates make of it. */
struct input {
    struct budget_layer layer;
    double s;
    float z[HEADS], da[HEADS], decision[1 + HEADS];
    struct {
        float kept[GATES][HEADS], a[GATES][HEADS], dz[GATES][HEADS], chosen[MODES][HEADS];
        double ds[GATES][MANY], entropy[MANY];
    } out;
    double space[SPACE], task[HEADS];
};

static void gate(struct input *in, int which) {
    static void (*const forward[])(const struct budget_row *, const float *, float *,
                                   double *) = {soft_forward, gumbel_forward, softmax_forward};
    static double (*const backward[])(const struct budget_row *, const float *, double *,
                                      double *) = {soft_backward, gumbel_backward,
                                                   softmax_backward};
    struct budget_row row = {&in->layer, in->s, in->out.kept[which]};
    int heads = in->layer.heads;
    forward[which](&row, in->z, in->out.a[which], in->space);
    lanes_meet();
    in->out.ds[which][lane()] = backward[which](&row, in->da, in->task, in->space);
    lanes_meet();
    budget_scores_gradient(&in->layer, in->task, in->out.dz[which], in->space, in->space + heads);
    lanes_meet();
}

static void *run(void *argument) {
    struct input *in = argument;
    int heads = in->layer.heads;
    for (int i = 0; i < GATES; i++) gate(in, i);
    in->out.entropy[lane()] =
        budget_softmax(in->z, in->layer.tau, heads, in->space, in->space + heads);
    lanes_meet();
    for (int mode = 0; mode < MODES; mode++) {
        paper_select_row((enum paper_mode)mode, in->layer.tau, heads, in->decision,
                         in->out.chosen[mode], in->space);
        lanes_meet();
    }
    return NULL;
}

struct start {
    struct input *in;
    int lane;
};

static void *run_lane(void *argument) {
    const struct start *start = argument;
    own_lane = start->lane;
    return run(start->in);
}

static void run_many(struct input *in) {
    pthread_t thread[MANY];
    struct start start[MANY];
    n_lanes = MANY;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, MANY), 0);
    for (int i = 0; i < MANY; i++) {
        start[i] = (struct start){in, i};
        assert_int_equal(pthread_create(&thread[i], NULL, run_lane, &start[i]), 0);
    }
    for (int i = 0; i < MANY; i++) pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&barrier);
    n_lanes = 1;
}

static struct input draw(int heads, double s, double tau, bool hard, uint64_t seed) {
    struct rng rng = rng_stream(seed, RNG_GENERATOR);
    struct input in;
    memset(&in, 0xff, sizeof in); /* NaN */
    in.layer = (struct budget_layer){
        .heads = heads, .learned = true, .hard = hard, .tau = tau, .entropy = 0.5, .share = 0.1};
    in.s = (double)(float)s;
    in.decision[0] = (float)s;
    for (int h = 0; h < heads; h++) {
        in.z[h] = in.decision[1 + h] = (float)rng_normal(&rng, 1, (uint64_t)h);
        in.da[h] = (float)rng_normal(&rng, 2, (uint64_t)h);
    }
    if (heads > 2) in.z[1] = in.decision[2] = in.z[0]; /* a tie */
    for (int g = 0; g < GATES; g++) memcpy(in.out.dz[g], in.z, sizeof in.z);
    return in;
}

static void near(double found, double expected, double bound, const char *what) {
    if (!(fabs(found - expected) <= bound * (1 + fabs(expected))))
        fail_msg("%s: %.17g, with one lane %.17g", what, found, expected);
}

static void compare(const struct input *many, const struct input *one) {
    for (int g = 0; g < GATES; g++) {
        for (int h = 0; h < one->layer.heads; h++) {
            near((double)many->out.kept[g][h], (double)one->out.kept[g][h], 1e-6, "kept");
            near((double)many->out.a[g][h], (double)one->out.a[g][h], 1e-6, "gate");
            near((double)many->out.dz[g][h], (double)one->out.dz[g][h], 1e-5, "dL/dz");
            near((double)many->out.chosen[g][h], (double)one->out.chosen[g][h], 1e-6, "chosen");
        }
        for (int i = 0; i < MANY; i++) {
            near(many->out.ds[g][i], one->out.ds[g][0], 1e-5, "dL/ds");
            assert_memory_equal(&many->out.ds[g][i], &many->out.ds[g][0], sizeof(double));
        }
    }
    for (int i = 0; i < MANY; i++)
        near(many->out.entropy[i], one->out.entropy[0], 1e-12, "entropy");
}

static void many_lanes_agree_with_one(void **state) {
    (void)state;
    static const int heads[] = {1, 2, 8, 31, 33, HEADS};
    static const double s[] = {0.1, 0.5, 0.77, 1};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        for (size_t j = 0; j < sizeof s / sizeof *s; j++) {
            struct input one = draw(heads[i], s[j], j % 2 ? 0.5 : 2.0, j == 1, 7 * i + j);
            struct input many = one;
            run(&one);
            run_many(&many);
            compare(&many, &one);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_lanes_agree_with_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
