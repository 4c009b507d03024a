/*
 * SQL does the arithmetic of what was found and C that of what would be; see card.h. The pair of
 * all heads and one head stands for what has to be told apart: arms that differ in heads are as
 * alike as models get here, so their interval is about the narrowest that the test set allows.
 */
#include "harness/store/card.h"
#include "harness/store/statistics.h"
#include "harness/table/shown.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Arm a minus arm b in points; NaN is unknown. */
struct pair {
    char a[80], b[80]; /* "": there is none */
    double difference, low, high, seeds, inputs;
    struct components parts;
    double margin;
    char reason[160];
};

/* Columns in the order of struct pair. */
static bool keep_pair(void *context, int n, const char *const *names, const char *const *texts) {
    struct pair *pair = context;
    double nested = 0;
    double *numbers[] = {
        &pair->difference,   &pair->low,        &pair->high,        &pair->seeds,
        &pair->inputs,       &pair->parts.seed, &pair->parts.input, &pair->parts.rest,
        &pair->parts.pseudo, &nested,           &pair->margin};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    (void)n, (void)names;
    snprintf(pair->a, sizeof pair->a, "%s", texts[0] ? texts[0] : "");
    snprintf(pair->b, sizeof pair->b, "%s", texts[1] ? texts[1] : "");
    for (int i = 0; i < NUMBERS; i++)
        *numbers[i] = texts[i + 2] ? strtod(texts[i + 2], NULL) : (double)NAN;
    pair->parts.nested = nested > 0;
    snprintf(pair->reason, sizeof pair->reason, "%s", texts[NUMBERS + 2] ? texts[NUMBERS + 2] : "");
    return false;
}

static const char attention_sql[] =
    "SELECT arm, arm_without, difference_points, ci95_low_points, ci95_high_points,"
    " n_pairs, n_inputs, NULL, NULL, NULL, NULL, NULL, margin_points, reason"
    " FROM attention_gain WHERE workload = ?1";

static const char heads_sql[] =
    "SELECT p.arm_a, p.arm_b, difference_points, ci95_low_points, ci95_high_points,"
    " n_pairs, p.n_inputs, seed_variance, input_variance, rest_variance, pseudo,"
    " p.inputs = 'nested', NULL, ''"
    " FROM paired_difference p JOIN current_comparison c ON c.workload = p.workload"
    "  AND c.arm_a = min(p.arm_a, p.arm_b) AND c.arm_b = max(p.arm_a, p.arm_b)"
    " JOIN dense_arm d ON d.workload = p.workload AND d.arm = p.arm_a"
    " JOIN accuracy_vs_budget b ON b.workload = p.workload AND b.arm = p.arm_b"
    " WHERE p.workload = ?1 AND b.policy = 'fixed' AND abs(b.mean_heads - 1) < 1e-9";

static bool print_line(void *context, int n, const char *const *names, const char *const *texts) {
    FILE *out = context;
    (void)n, (void)names;
    if (texts[0]) shown_print(out, "%s\n", texts[0]);
    return true;
}

/* The models, from none of the heads to all of them. */
static const char models_sql[] =
    "SELECT printf('| %s | %.1f | %s | %s | %d |', a.arm, a.mean_heads,"
    "  printf('%.1f', 100 * accuracy_mean) || CASE WHEN accuracy_ci95_low IS NULL THEN ''"
    "   ELSE printf(' ± %.1f', 100 * (accuracy_ci95_high - accuracy_mean)) END,"
    "  CASE WHEN p.difference_points IS NULL THEN '' ELSE printf('%+.1f', p.difference_points) END"
    "   || CASE WHEN p.ci95_low_points IS NULL THEN ''"
    "    ELSE printf(' (%+.1f to %+.1f)', p.ci95_low_points, p.ci95_high_points) END,"
    "  a.n_tuning_trials)"
    " FROM accuracy_vs_budget a LEFT JOIN dense_arm d ON d.workload = a.workload"
    " LEFT JOIN paired_difference p ON p.workload = a.workload AND p.arm_a = a.arm"
    "  AND p.arm_b = d.arm"
    " WHERE a.workload = ?1 AND instr(a.policy, '/') = 0"
    " ORDER BY a.mean_heads, a.accuracy_mean, a.arm";

static const char majority_sql[] =
    "SELECT printf('- **Always the same answer**, the most frequent class of the test inputs, is"
    " right for %.1f%% of them.', 100.0 * max(n) / sum(n))"
    " FROM (SELECT count(*) AS n FROM prediction WHERE evaluation_id ="
    "  (SELECT min(evaluation_id) FROM accuracy_by_seed WHERE workload = ?1) GROUP BY label)"
    " GROUP BY NULL HAVING count(*) > 0";

/* Where validation chose the end of what was tried, a wider choice might do better. */
static const char rates_sql[] =
    "WITH rate AS (SELECT t.arm, t.id, u.chosen,"
    "   json_extract(u.settings, '$.learning_rate') AS rate"
    "  FROM current_training t JOIN tuning u ON u.trial_id = t.id WHERE t.workload = ?1),"
    " range AS (SELECT arm, max(CASE chosen WHEN 1 THEN rate END) AS chosen,"
    "   max(rate) AS highest, min(rate) AS lowest FROM rate GROUP BY id HAVING highest > lowest),"
    " seen AS (SELECT arm, CASE chosen WHEN highest THEN 'highest' ELSE 'lowest' END AS which,"
    "   count(*) AS n FROM range WHERE chosen IN (highest, lowest) GROUP BY 1, 2)"
    " SELECT '- **Learning rates**: validation chose the end of those tried for '"
    "  || group_concat(printf('%s (the %s, %d seed%s)', arm, which, n,"
    "   CASE n WHEN 1 THEN '' ELSE 's' END), ', ') || '; others might do better.'"
    " FROM (SELECT * FROM seen ORDER BY arm, which) GROUP BY NULL HAVING count(*) > 0";

static const char data_sql[] =
    "SELECT printf('- **Data**: %,d inputs to train, %,d to validate, %,d to test, of %.1f tokens,"
    " in %d classes; %.1f%% are cut, %.1f%% of the test tokens are unknown.', n_train,"
    "  n_validation, n_test, mean_length_tokens, n_classes, 100 * truncated_share,"
    "  100 * unknown_share)"
    "  || printf(' %,d test inputs (%.1f%%) are in training too, word for word%s.', n_overlap,"
    "   100.0 * n_overlap / n_test, CASE WHEN n_overlap_dropped > 0"
    "    THEN printf('; %,d inputs were left out for it', n_overlap_dropped) ELSE '' END)"
    " FROM data_set WHERE workload = ?1";

/* To a tenth as SQLite does, halves away from 0: the table above has the same numbers. */
static double rounded(double points) {
    return round(10 * points) / 10;
}

static void print_pair(const char *what, const char *how, const struct pair *pair, FILE *out) {
    shown_print(out, "- **%s** %+.1f points", what, rounded(pair->difference));
    if (isnan(pair->low))
        fprintf(out, " (no interval: one seed)");
    else
        fprintf(out, " (%+.1f to %+.1f)", rounded(pair->low), rounded(pair->high));
    shown_print(out, ": `%s` minus `%s`, %s.\n", pair->a, pair->b, how);
}

/* What a pair resolves, in points: half of its interval as it is, and as so many seeds would have it. */
static double half_now(const struct pair *pair) {
    return (pair->high - pair->low) / 2;
}

static double half_with(const struct pair *pair, double seeds) {
    return 100 * statistics_half95(&pair->parts, seeds, pair->inputs);
}

static double seeds_for(const struct pair *pair, double margin) {
    return statistics_seeds_needed(&pair->parts, (int)pair->seeds, (int)pair->inputs, margin / 100);
}

static double inputs_for(const struct pair *pair, double margin) {
    return statistics_inputs_needed(&pair->parts, (int)pair->seeds, (int)pair->inputs,
                                    margin / 100);
}

/* The answer in a sentence, which stands above everything else. heads: NULL: it is not known. */
static void print_verdict(const struct pair *attention, const struct pair *heads, FILE *out) {
    double margin = attention->margin;
    if (isnan(margin)) {
        const char *why = strchr(attention->reason, ':');
        shown_print(out, "**No, as it stands**:%s.\n", why ? why + 1 : attention->reason);
    } else if (!heads) {
        fputs("**Not known.** It takes two seeds and an arm of one head to say.\n", out);
    } else if (half_now(heads) <= margin) {
        fprintf(out, "**Yes**, within ±%.2f points, with %.0f seeds.\n", margin, heads->seeds);
    } else if (isfinite(seeds_for(heads, margin))) {
        fprintf(out, "**Not with %.0f seeds**: within ±%.2f points it takes about %.0f.\n",
                heads->seeds, margin, seeds_for(heads, margin));
    } else if (isfinite(inputs_for(heads, margin))) {
        fprintf(
            out,
            "**Not with this test set**: within ±%.2f points no number of seeds is enough; with "
            "%.0f it takes about %.0f test inputs, of which there are %.0f.\n",
            margin, heads->seeds, inputs_for(heads, margin), heads->inputs);
    } else {
        fprintf(out,
                "**Not with this test set**: within ±%.2f points neither more seeds nor more test "
                "inputs alone are enough.\n",
                margin);
    }
}

static void print_limits(const struct pair *attention, const struct pair *heads, FILE *out) {
    double margin = attention->margin;
    if (isnan(margin))
        shown_print(out, "- **Margin**: none, %s.\n", attention->reason);
    else
        fprintf(out,
                "- **Margin**: 'as good as all heads' means something within ±%.2f points, %s.\n",
                margin,
                attention->reason[0] ? attention->reason
                : margin < 1 ? "half of what attention adds at least (the interval's lower end)"
                             : "which is at most half of what attention adds at least");
    if (!heads) return;
    fprintf(out,
            "- **Resolution**: %.0f seeds and %.0f test inputs tell all heads from one head to "
            "±%.2f points; 10 seeds would to about ±%.2f, 100 to ±%.2f.",
            heads->seeds, heads->inputs, half_now(heads), half_with(heads, 10),
            half_with(heads, 100));
    if (isnan(margin) || half_now(heads) <= margin)
        fputc('\n', out);
    else if (isfinite(seeds_for(heads, margin)))
        fprintf(out, " The margin takes about %.0f.\n", seeds_for(heads, margin));
    else if (isfinite(inputs_for(heads, margin)))
        fprintf(out, " The margin takes about %.0f test inputs.\n", inputs_for(heads, margin));
    else
        fputs(" For the margin neither more seeds nor more inputs alone are enough.\n", out);
}

bool card_write(struct store *store, const char *workload, const char *name, FILE *out,
                struct error *error) {
    struct pair attention = {.difference = NAN, .low = NAN, .margin = NAN}, heads = attention;
    if (!store_query(store, attention_sql, VALUES(TEXT(workload)), keep_pair, &attention, error) ||
        !store_query(store, heads_sql, VALUES(TEXT(workload)), keep_pair, &heads, error))
        return false;
    if (!attention.a[0])
        return error_set(error, "the database has no result of all heads for workload '%s'",
                         workload);
    const struct pair *resolved = isnan(half_now(&heads)) ? NULL : &heads;
    shown_print(out, "# Can %s test an attention method?\n\n", name);
    print_verdict(&attention, resolved, out);
    fputs("\n| model | heads per layer | accuracy, % | minus all heads, points | tried |\n"
          "| --- | --- | --- | --- | --- |\n",
          out);
    if (!store_query(store, models_sql, VALUES(TEXT(workload)), print_line, out, error))
        return false;
    fputc('\n', out);
    if (attention.b[0] && !isnan(attention.difference))
        print_pair("Attention adds",
                   "the best by validation accuracy of the models without attention", &attention,
                   out);
    if (heads.a[0]) print_pair("More than one head adds", "one head trained alone", &heads, out);
    print_limits(&attention, resolved, out);
    return store_query(store, rates_sql, VALUES(TEXT(workload)), print_line, out, error) &&
           store_query(store, majority_sql, VALUES(TEXT(workload)), print_line, out, error) &&
           store_query(store, data_sql, VALUES(TEXT(workload)), print_line, out, error);
}
