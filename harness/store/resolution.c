/*
 * The variance of the mean over S seeds and I inputs is
 *
 *     seed / S + residual / (S I) + input / I,
 *
 * and the interval over seeds alone, with t of S - 1 degrees, has the first two of these: S' seeds
 * make S / S' of them. What is left of the variance behind the interval for both is the third.
 * Satterthwaite's degrees of freedom are taken anew for S' seeds. The interval that was found may be
 * wider than its variance says (statistics.h); then this is careful as well.
 */
#include "harness/store/resolution.h"
#include "harness/store/statistics.h"

#include <math.h>

static double square(double x) {
    return x * x;
}

void resolution_split(struct resolution *r) {
    double both = square(r->both_half / student_quantile(0.05, r->df));
    double seeds = isnan(r->seeds_half)
                       ? both
                       : square(r->seeds_half / student_quantile(0.05, r->seeds - 1.0));
    r->seed_variance = seeds * r->seeds;
    r->input_variance = fmax(0.0, both - seeds);
}

double resolution_half(const struct resolution *r, int seeds) {
    double of_seeds = r->seed_variance / seeds, sum = of_seeds + r->input_variance;
    if (!(sum > 0.0)) return 0.0;
    double df = square(sum) / (square(of_seeds) / (seeds - 1.0) +
                               square(r->input_variance) / fmax(1.0, r->inputs - 1.0));
    return student_quantile(0.05, df) * sqrt(sum);
}

/* More seeds are never worse, so the fewest are found by halving. */
int resolution_seeds(const struct resolution *r, double margin) {
    int low = 2, high = RESOLUTION_SEEDS_MAX;
    if (resolution_half(r, high) > margin) return 0;
    while (low < high) {
        int middle = (low + high) / 2;
        if (resolution_half(r, middle) <= margin)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

double resolution_inputs(const struct resolution *r, double margin) {
    const double normal = 1.959964;
    return ceil(r->inputs * r->input_variance * square(normal / margin));
}
