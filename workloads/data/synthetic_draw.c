/*
 * Counters are (split, input) x draw, hence no number is used twice and any input can be generated
 * alone.
 */
#include "workloads/data/synthetic_draw.h"

int draw_below(struct draw *draw, int n) {
    return (int)rng_below(&draw->rng, draw->input, draw->next++, (uint32_t)n);
}

int draw_other(struct draw *draw, int n, int not_this) {
    int other = draw_below(draw, n - 1);
    return other + (other >= not_this);
}

bool draw_chance(struct draw *draw, double probability) {
    return rng_uniform(&draw->rng, draw->input, draw->next++) < probability;
}

void draw_permutation(struct draw *draw, int *out, int n) {
    for (int i = 0; i < n; i++) {
        int j = draw_below(draw, i + 1); /* Fisher-Yates, growing */
        out[i] = i;
        out[i] = out[j];
        out[j] = i;
    }
}
