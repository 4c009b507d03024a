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
#include <stdlib.h>

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
    for (int i = 0; i < STEPS_MAX && step > enough * (1.0 + t); i++) { /* back: rounding alone */
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

/* Mean squares. The pseudo inputs are in `input`, or in `rest` where inputs are nested; with one
 * seed, and where inputs are nested, what is not used is NaN. */
struct squares {
    double seed, input, rest;
};

/* The size of a pseudo input's square, from inputs' means over seeds. */
static double pseudo_size(const struct sums *sums, double seeds) {
    return (PSEUDO + sums->input_squares / (seeds * seeds)) / (PSEUDO + sums->n_different);
}

/* The same inputs with every seed. */
static struct squares squares_crossed(const struct sums *sums, double seeds, double inputs) {
    double correction = sums->cells * sums->cells / (seeds * inputs);
    double of_seeds = sums->seed_squares / inputs - correction;
    double of_inputs = sums->input_squares / seeds - correction;
    double rest = fmax(0.0, sums->squares - correction - of_seeds - of_inputs);
    double input = (of_inputs + PSEUDO * pseudo_size(sums, seeds) * seeds) / (inputs - 1.0);
    if (seeds < 2.0) return (struct squares){NAN, input, NAN};
    return (struct squares){of_seeds / (seeds - 1.0), input,
                            rest / ((seeds - 1.0) * (inputs - 1.0))};
}

static void compare_crossed(struct squares ms, double seeds, double inputs,
                            struct difference *out) {
    double n = seeds * inputs;
    out->over_inputs = t_interval(out->mean, ms.input / n, inputs - 1.0);
    if (seeds < 2.0) return;
    out->over_seeds = t_interval(out->mean, ms.seed / n, seeds - 1.0);
    double sum = ms.seed, df = seeds - 1.0;
    if (ms.input > ms.rest) {
        sum = ms.seed + ms.input - ms.rest;
        df = sum * sum /
             (ms.seed * ms.seed / (seeds - 1.0) + ms.input * ms.input / (inputs - 1.0) +
              ms.rest * ms.rest / ((seeds - 1.0) * (inputs - 1.0)));
    }
    out->over_both =
        at_least(at_least(t_interval(out->mean, sum / n, df), out->over_seeds), out->over_inputs);
}

/* Inputs of its own for every seed: with these seeds n inputs in S groups; and seeds with their
 * inputs are what a t interval over their means is about. */
static struct squares squares_nested(const struct sums *sums, double seeds, double inputs) {
    double n = seeds * inputs;
    double within = sums->squares - sums->seed_squares / inputs;
    double between = sums->seed_squares / inputs - sums->cells * sums->cells / n;
    return (struct squares){seeds < 2.0 ? NAN : between / (seeds - 1.0), NAN,
                            (within + PSEUDO) / (n - seeds)};
}

static void compare_nested(struct squares ms, double seeds, double inputs, struct difference *out) {
    double n = seeds * inputs;
    out->over_inputs = t_interval(out->mean, ms.rest / n, n - seeds);
    if (seeds < 2.0) return;
    out->over_both = at_least(t_interval(out->mean, ms.seed / n, seeds - 1.0), out->over_inputs);
}

struct difference statistics_compare(const int8_t *table, int seeds, int inputs, bool nested) {
    struct sums sums = add_up(table, seeds, inputs);
    struct difference out = {sums.cells / seeds / inputs, UNKNOWN, UNKNOWN, UNKNOWN};
    if (nested)
        compare_nested(squares_nested(&sums, seeds, inputs), seeds, inputs, &out);
    else
        compare_crossed(squares_crossed(&sums, seeds, inputs), seeds, inputs, &out);
    return out;
}

/* ---- how many would be enough ---- */

/* The pseudo inputs are taken out of the mean square that they were added to: there are as many of
 * them among more inputs. Expected mean squares are solved for the components, none below 0. */
struct components statistics_components(const int8_t *table, int seeds, int inputs, bool nested) {
    struct sums sums = add_up(table, seeds, inputs);
    double size = pseudo_size(&sums, seeds);
    bool alone = seeds < 2;
    struct components out = {.nested = nested, .pseudo = nested ? PSEUDO : PSEUDO * size};
    struct squares ms =
        nested ? squares_nested(&sums, seeds, inputs) : squares_crossed(&sums, seeds, inputs);
    if (nested) {
        out.rest = ms.rest - PSEUDO / ((double)seeds * inputs - seeds);
    } else {
        double input = ms.input - out.pseudo * seeds / (inputs - 1.0);
        out.rest = alone ? 0.0 : ms.rest;
        out.input = fmax(0.0, (input - out.rest) / seeds);
    }
    out.seed = alone ? NAN : fmax(0.0, (ms.seed - out.rest) / inputs);
    return out;
}

double statistics_half95(const struct components *c, double seeds, double inputs) {
    struct difference out = {0.0, UNKNOWN, UNKNOWN, UNKNOWN};
    struct squares ms = {inputs * c->seed + c->rest, NAN, c->rest};
    if (c->nested) {
        ms.rest += c->pseudo / (seeds * inputs - seeds);
        compare_nested(ms, seeds, inputs, &out);
    } else {
        ms.input = seeds * c->input + c->rest + c->pseudo * seeds / (inputs - 1.0);
        compare_crossed(ms, seeds, inputs, &out);
    }
    return seeds < 2.0 ? out.over_inputs.half95 : out.over_both.half95;
}

/* The least number above `from` and up to `most` whose interval is as narrow as that: doubled until
 * it is, then halved back. */
static double least_number(const struct components *c, double seeds, double inputs, bool of_seeds,
                           double most, double half95) {
    double low = of_seeds ? seeds : inputs, high = low;
    while (high < most) {
        high = fmin(2.0 * high, most);
        double half =
            of_seeds ? statistics_half95(c, high, inputs) : statistics_half95(c, seeds, high);
        if (half <= half95) break;
        if (high >= most) return INFINITY;
        low = high;
    }
    while (high - low > 1.0) {
        double middle = floor(0.5 * (low + high));
        double half =
            of_seeds ? statistics_half95(c, middle, inputs) : statistics_half95(c, seeds, middle);
        *(half <= half95 ? &high : &low) = middle;
    }
    return high;
}

double statistics_seeds_needed(const struct components *c, int seeds, int inputs, double half95) {
    const double most = 1e5; /* and 1e7 below: student_quantile keeps seven digits up to there */
    return seeds < 2 ? NAN : least_number(c, seeds, inputs, true, most, half95);
}

double statistics_inputs_needed(const struct components *c, int seeds, int inputs, double half95) {
    const double most = 1e7;
    return least_number(c, seeds, inputs, false, most, half95);
}

/* ---- means ---- */

/* Their mean, and the squares around it over (n - 1). */
static double mean_of(const double *values, int n, double *variance) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; i++) sum += values[i];
    double mean = sum / n;
    for (int i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
    *variance = n < 2 ? NAN : squares / (n - 1.0);
    return mean;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double statistics_median(double *values, size_t n) {
    qsort(values, n, sizeof *values, compare_doubles);
    return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

struct interval statistics_mean(const double *values, int n, double *mean) {
    double variance;
    *mean = mean_of(values, n, &variance);
    return n < 2 ? UNKNOWN : t_interval(*mean, variance / n, n - 1.0);
}

struct interval statistics_means(const double *a, int n_a, const double *b, int n_b,
                                 double *difference) {
    double of_a, of_b;
    *difference = mean_of(b, n_b, &of_b) - mean_of(a, n_a, &of_a);
    if (n_a < 2 || n_b < 2) return UNKNOWN;
    double part_a = of_a / n_a, part_b = of_b / n_b, sum = part_a + part_b;
    double df = part_a * part_a / (n_a - 1.0) + part_b * part_b / (n_b - 1.0);
    return t_interval(*difference, sum, df > 0.0 ? sum * sum / df : n_a + n_b - 2.0);
}

struct interval statistics_widen(struct interval interval, double mean, double half95) {
    if (!(half95 > interval.half95)) return interval;
    double error = half95 / student_quantile(0.05, interval.df);
    return t_interval(mean, error * error, interval.df);
}

/* ---- questions ---- */

double statistics_above(const struct interval *interval, double mean, double bound) {
    double distance = mean - bound;
    if (isnan(interval->half95) || isnan(distance)) return NAN;
    if (interval->half95 <= 0.0) return distance > 0.0 ? 0.0 : 1.0;
    double error = interval->half90 / student_quantile(0.10, interval->df);
    double tail = 0.5 * student_two_sided(distance / error, interval->df);
    return distance > 0.0 ? tail : 1.0 - tail;
}

double statistics_equal(const struct interval *interval, double mean, double margin) {
    return fmax(statistics_above(interval, mean, -margin),
                statistics_above(interval, -mean, -margin));
}

double statistics_sign_test(int64_t wins, int64_t losses) {
    double few = (double)(wins < losses ? wins : losses), n = (double)(wins + losses);
    if (n <= 0.0) return 1.0;
    return fmin(1.0, 2.0 * incomplete_beta(n - few, few + 1.0, 0.5, 0.5));
}

/* The smallest p is multiplied by how many there are, the next by one fewer, and so on, and none
 * falls below one before it. Lists are short: each step looks for the next smallest. */
void statistics_holm(const double *p, double *adjusted, size_t n) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = NAN;
        left += isnan(p[i]) ? 0 : 1;
    }
    for (double least = 0.0; left > 0; left--) {
        size_t next = n;
        for (size_t i = 0; i < n; i++)
            if (!isnan(p[i]) && isnan(adjusted[i]) && (next == n || p[i] < p[next])) next = i;
        if (next == n) return;
        least = fmin(1.0, fmax(least, p[next] * (double)left));
        adjusted[next] = least;
    }
}
