/*
 * The difference d of seed s and input i is taken apart into what seeds, inputs and chance
 * contribute,
 *
 *     d[s][i] = mean + seed[s] + input[i] + residual[s][i],
 *
 * by the mean squares of a two-way analysis of variance without replication. With S seeds and I
 * inputs the mean has the variance (MS_seed + MS_input - MS_residual) / (S I); a t interval over
 * seeds uses the first of these alone, one over inputs the second. Degrees of freedom of the sum
 * are Satterthwaite's. Three things a simulation asked for (tests/harness/store/test_coverage.c),
 * which otherwise finds less than 94% in intervals of 95%:
 *
 *   - The input part is never less than 0: MS_input may be smaller than MS_residual by chance.
 *   - The interval over both is at least as wide as that over seeds and that over inputs. With
 *     three seeds Satterthwaite's degrees swing with the estimate of the seeds' part, and are too
 *     many just where that came out too small.
 *   - A few inputs that nobody drew can decide. PSEUDO inputs that differ are added to the squares,
 *     each by as much as the inputs that were seen to differ, and fully in so far as none was: they
 *     are most of the width where no input differs and nearly nothing where fifty do. Bonett and
 *     Price (2012) add 2, of full size always; about 2.5 are needed to cover losses of one arm 94%
 *     of the time at every rate.
 */
#include "harness/store/statistics.h"

#include <math.h>

static const double PSEUDO = 2.5;

/* ---- Student's t ---- */

/* Continued fraction of the incomplete beta function by Lentz's method; converges quickly for
 * x < (a + 1) / (a + b + 2). Of its terms, two by two, even m come from one formula, odd from
 * another. */
static double beta_fraction(double a, double b, double x) {
    enum { TERMS_MAX = 100000 };
    const double enough = 1e-16;
    double c = 1.0, d = 1.0 / (1.0 - (a + b) * x / (a + 1.0)), value = d;
    for (int m = 1; m < TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0));
        d = 1.0 / (1.0 + even * d);
        c = 1.0 + even / c;
        value *= c * d;
        d = 1.0 / (1.0 + odd * d);
        c = 1.0 + odd / c;
        value *= c * d;
        if (fabs(c * d - 1.0) < enough) break;
    }
    return value;
}

/* lgamma without its global sign: arguments are positive here. */
static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/* The regularised incomplete beta function I_x(a, b); y is 1 - x, which may be too small for
 * that. */
static double incomplete_beta(double a, double b, double x, double y) {
    if (x <= 0.0) return 0.0;
    if (y <= 0.0) return 1.0;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(y));
    return x < (a + 1.0) / (a + b + 2.0) ? front * beta_fraction(a, b, x) / a
                                         : 1.0 - front * beta_fraction(b, a, y) / b;
}

double student_two_sided(double t, double df) {
    double square = t * t;
    return incomplete_beta(0.5 * df, 0.5, df / (df + square), square / (df + square));
}

/* Newton's method from the left: both tails are convex there, so every step stops short of the
 * solution and none can lead away. Student's is the heavier one, so that the normal quantile,
 * which is cheap, is left of his. */
double student_quantile(double p, double df) {
    enum { STEPS_MAX = 200 };
    const double enough = 1e-13;
    double t = 0.0, step = 1.0;
    for (int i = 0; i < STEPS_MAX && step > enough * (1.0 + t); i++)
        t += step = (erfc(t * M_SQRT1_2) - p) * sqrt(0.5 * M_PI) * exp(0.5 * t * t);
    double peak = exp(log_gamma(0.5 * (df + 1.0)) - log_gamma(0.5 * df)) / sqrt(df * M_PI);
    step = 1.0;
    for (int i = 0; i < STEPS_MAX && fabs(step) > enough * (1.0 + t); i++) {
        double slope = 2.0 * peak * exp(-0.5 * (df + 1.0) * log1p(t * t / df));
        t += step = (student_two_sided(t, df) - p) / slope;
    }
    return t;
}

/* ---- intervals ---- */

static const struct interval UNKNOWN = {NAN, NAN, NAN, NAN};

/* Without any variance only 0 itself is no difference. */
static struct interval t_interval(double mean, double variance, double df) {
    double error = sqrt(variance);
    if (!(df > 0.0)) return UNKNOWN;
    return (struct interval){
        student_quantile(0.05, df) * error, student_quantile(0.10, df) * error, df,
        error > 0.0 ? student_two_sided(mean / error, df) : (double)(mean == 0.0)};
}

/* Keeps its degrees of freedom, and is at least as careful as another. */
static struct interval at_least(struct interval wide, struct interval other) {
    return (struct interval){fmax(wide.half95, other.half95), fmax(wide.half90, other.half90),
                             wide.df, fmax(wide.p, other.p)};
}

/* Sums over the table, all whole numbers and so exact. */
struct sums {
    double cells, squares; /* of the differences, and of their squares */
    double seed_squares;   /* of the sums of each seed, squared */
    double input_squares;  /* of those of each input */
    double n_different;    /* inputs on which the arms differ with any seed */
};

static struct sums add_up(const int8_t *table, int seeds, int inputs) {
    int64_t cells = 0, squares = 0, seed_squares = 0, input_squares = 0, n_different = 0;
    for (int s = 0; s < seeds; s++) {
        int64_t sum = 0;
        for (int i = 0; i < inputs; i++) sum += table[(int64_t)s * inputs + i];
        cells += sum;
        seed_squares += sum * sum;
    }
    for (int i = 0; i < inputs; i++) {
        int64_t sum = 0, different = 0;
        for (int s = 0; s < seeds; s++) {
            sum += table[(int64_t)s * inputs + i];
            different += table[(int64_t)s * inputs + i] != 0;
        }
        squares += different;
        input_squares += sum * sum;
        n_different += different > 0;
    }
    return (struct sums){(double)cells, (double)squares, (double)seed_squares,
                         (double)input_squares, (double)n_different};
}

/* The same inputs with every seed. */
static void compare_crossed(const struct sums *sums, double seeds, double inputs,
                            struct difference *out) {
    double n = seeds * inputs, correction = sums->cells * sums->cells / n;
    double of_seeds = sums->seed_squares / inputs - correction;
    double of_inputs = sums->input_squares / seeds - correction;
    double rest = fmax(0.0, sums->squares - correction - of_seeds - of_inputs);
    /* Of inputs' means over seeds: the size of a pseudo input's square. */
    double size = (PSEUDO + sums->input_squares / (seeds * seeds)) / (PSEUDO + sums->n_different);
    double ms_input = (of_inputs + PSEUDO * size * seeds) / (inputs - 1.0);
    out->over_inputs = t_interval(out->mean, ms_input / n, inputs - 1.0);
    if (seeds < 2.0) return;
    double ms_seed = of_seeds / (seeds - 1.0), ms_rest = rest / ((seeds - 1.0) * (inputs - 1.0));
    out->over_seeds = t_interval(out->mean, ms_seed / n, seeds - 1.0);
    double sum = ms_seed, df = seeds - 1.0;
    if (ms_input > ms_rest) {
        sum = ms_seed + ms_input - ms_rest;
        df = sum * sum /
             (ms_seed * ms_seed / (seeds - 1.0) + ms_input * ms_input / (inputs - 1.0) +
              ms_rest * ms_rest / ((seeds - 1.0) * (inputs - 1.0)));
    }
    out->over_both =
        at_least(at_least(t_interval(out->mean, sum / n, df), out->over_seeds), out->over_inputs);
}

/* Inputs of its own for every seed: with these seeds n inputs in S groups; and seeds with their
 * inputs are what a t interval over their means is about. */
static void compare_nested(const struct sums *sums, double seeds, double inputs,
                           struct difference *out) {
    double n = seeds * inputs;
    double within = sums->squares - sums->seed_squares / inputs;
    double between = sums->seed_squares / inputs - sums->cells * sums->cells / n;
    out->over_inputs = t_interval(out->mean, (within + PSEUDO) / (n - seeds) / n, n - seeds);
    if (seeds < 2.0) return;
    out->over_both =
        at_least(t_interval(out->mean, between / (seeds - 1.0) / n, seeds - 1.0), out->over_inputs);
}

struct difference statistics_compare(const int8_t *table, int seeds, int inputs, bool nested) {
    struct sums sums = add_up(table, seeds, inputs);
    struct difference out = {sums.cells / seeds / inputs, UNKNOWN, UNKNOWN, UNKNOWN};
    (nested ? compare_nested : compare_crossed)(&sums, seeds, inputs, &out);
    return out;
}
