/*
 * The report for people. SQL does the arithmetic and the number formats, in the views where a
 * researcher can read them. An unknown value is "-", never 0.
 */
#include "harness/store/report_private.h"
#include "harness/measure/code_hash.h"
#include "harness/table/shown.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool report_collect(void *context, int n, const char *const *names, const char *const *texts) {
    struct table *table = context;
    if (table->n_rows == 0) table_append(table, (size_t)n, names);
    table_append(table, (size_t)n, texts);
    return !table->failed;
}

/* What is one column of sentences is a list in Markdown, under its name. */
static void write_list(const struct table *table, FILE *out) {
    fprintf(out, "**%s**\n\n", table->cells[0]);
    for (size_t r = 1; r < table->n_rows; r++) {
        fputs("- ", out);
        table_write_markdown_text(table->cells[r], out);
        fputc('\n', out);
    }
}

/* A SELECT as a table. Prints nothing, not even names, where there is no row; *n_rows is how many there
 * were. n_needed: as of a table. */
static bool print_query(struct store *store, const char *sql, const struct value *values,
                        int n_values, size_t n_needed, enum table_format format, FILE *out,
                        size_t *n_rows, struct error *error) {
    struct table table = {.n_needed = n_needed};
    bool ok = store_query(store, sql, values, n_values, report_collect, &table, error);
    *n_rows = table.n_rows > 0 ? table.n_rows - 1 : 0;
    if (ok && !table.failed && *n_rows > 0 && format == TABLE_MARKDOWN && table.n_columns == 1)
        write_list(&table, out);
    else
        ok = ok && table_write(&table, format, out, error);
    table_free(&table);
    return ok;
}

/* What follows are SELECTs of `shown`, the workloads to report on, and of `chosen`, their arms
 * (report_keep_choice).
 *
 * One row per arm, in the order of its first trial; times and ratios where it was profiled. */
static const char arms_sql[] =
    "WITH latency AS MATERIALIZED (SELECT * FROM latency_vs_flops)"
    " SELECT a.workload || ' / ' || a.arm AS 'workload / arm',"
    "  printf('%.1f', 100 * a.accuracy_mean) || CASE WHEN a.accuracy_ci95_high IS NULL THEN ''"
    "   ELSE printf(' ± %.1f', 100 * (a.accuracy_ci95_high - a.accuracy_mean)) END"
    "   AS 'accuracy %',"
    "  printf('%.2f', a.mean_heads) AS heads,"
    "  a.n_seeds AS n,"
    "  printf('%.3f', a.executed_flops_per_input / 1e6) AS MFLOP,"
    "  CASE WHEN one.time_ratio IS NOT NULL THEN printf('%.2f', one.time_ratio) END AS 'time b1',"
    "  CASE WHEN many.time_ratio IS NOT NULL THEN printf('%.2f', many.time_ratio) END AS 'time b32',"
    "  CASE WHEN coalesce(many.flops_ratio, one.flops_ratio) IS NOT NULL"
    "   THEN printf('%.2f', coalesce(many.flops_ratio, one.flops_ratio)) END AS FLOPs,"
    "  printf('%.2f', a.head_budget) AS budget,"
    "  CASE WHEN one.arm IS NOT NULL THEN printf('%.1f', one.latency_ns_median / 1e3) END"
    "   AS 'us b1',"
    "  CASE WHEN many.arm IS NOT NULL THEN printf('%.1f', many.latency_ns_median / 1e3) END"
    "   AS 'us b32',"
    "  a.n_tuning_trials AS tried"
    " FROM accuracy_vs_budget a"
    " JOIN mean_by_arm f ON f.workload = a.workload AND f.arm = a.arm"
    " LEFT JOIN latency one ON one.workload = a.workload AND one.arm = a.arm"
    "  AND one.batch_size = 1 AND one.device = a.device"
    " LEFT JOIN latency many ON many.workload = a.workload AND many.arm = a.arm"
    "  AND many.batch_size = 32 AND many.device = a.device"
    " WHERE (a.workload, a.arm) IN chosen"
    " ORDER BY a.workload, f.first_trial_id, length(a.arm)";

/* What methods are compared by, each with its interval: all arms of workloads that tune theirs, of
 * others those whose gates are learned, as trained and as deployed. */
static const char methods_sql[] =
    "WITH scale (measure, factor, digits) AS (VALUES ('accuracy', 100, 1), ('heads', 1, 2),"
    "  ('executed_flops', 1e-6, 3), ('active_flops', 1e-6, 3), ('training_flops', 1e-9, 1),"
    "  ('latency_ns_batch_1', 1e-3, 1), ('latency_ns_batch_32', 1e-3, 1)),"
    " cell AS MATERIALIZED (SELECT workload, arm, measure, mean,"
    "   printf('%.*f', digits, mean * factor) || CASE WHEN ci95_high IS NULL THEN ''"
    "    ELSE printf(' ± %.*f', digits, (ci95_high - mean) * factor) END AS text"
    "  FROM measure_by_arm LEFT JOIN scale USING (measure)"
    "  WHERE (workload, arm) IN chosen AND (workload, arm) IN told)"
    " SELECT c.workload || ' / ' || c.arm AS 'tuned or gated methods',"
    "  max(CASE measure WHEN 'accuracy' THEN text END) AS 'accuracy %',"
    "  max(CASE measure WHEN 'heads' THEN text END) AS heads,"
    "  max(CASE measure WHEN 'executed_flops' THEN text END) AS 'executed MFLOP',"
    "  printf('%.2f', max(CASE measure WHEN 'executed_flops' THEN mean END)"
    "   / max(CASE measure WHEN 'dense_flops' THEN mean END)) AS 'of all',"
    "  CASE WHEN t.trained_accuracy IS NOT NULL THEN printf('%.1f', 100 * t.trained_accuracy) END"
    "   AS 'as trained %',"
    "  CASE WHEN t.score_entropy IS NOT NULL THEN printf('%.2f', t.score_entropy) END AS entropy,"
    "  max(CASE measure WHEN 'active_flops' THEN text END) AS 'active MFLOP',"
    "  max(CASE measure WHEN 'latency_ns_batch_1' THEN text END) AS 'us b1',"
    "  max(CASE measure WHEN 'latency_ns_batch_32' THEN text END) AS 'us b32',"
    "  max(CASE measure WHEN 'training_flops' THEN text END) AS 'training GFLOP'"
    " FROM cell c JOIN mean_by_arm t ON t.workload = c.workload AND t.arm = c.arm"
    " GROUP BY c.workload, c.arm"
    " ORDER BY c.workload, max(CASE measure WHEN 'accuracy' THEN mean END) DESC";

/* All heads against one head, then each arm with a budget against all heads: an answer per workload
 * to the same question, which is why Holm's p stands beside them. */
static const char differences_sql[] =
    " SELECT c.workload || ': ' || CASE question WHEN 'all heads against one' THEN"
    "   'all heads (' || arm_a || ') minus one head (' || arm_b || ')'"
    "   ELSE arm_a || ' minus all heads (' || arm_b || ')' END"
    "  || printf(': %+.1f points', difference_points)"
    "  || CASE WHEN ci95_low_points IS NULL THEN ', no interval: one seed'"
    "   ELSE printf(' [%+.1f, %+.1f]', ci95_low_points, ci95_high_points) END"
    "  || CASE WHEN seeds_half_points IS NULL THEN '' ELSE"
    "   printf(', seeds alone ±%.1f', seeds_half_points) END"
    "  || printf(', inputs alone ±%.1f, n=%d', inputs_half_points, n_pairs)"
    "  || CASE WHEN p IS NULL THEN '' ELSE ', p=' || CASE WHEN p_holm < 0.001 THEN '<0.001'"
    "   ELSE printf('%.2g', p_holm) END || CASE n_claims WHEN 1 THEN ''"
    "   ELSE printf(' (Holm, of %d)', n_claims) END END"
    "  AS 'accuracy differences, 95% intervals for other seeds and other test inputs'"
    " FROM claim c JOIN mean_by_arm f ON f.workload = c.workload AND f.arm = c.arm_a"
    " WHERE ((c.workload, arm_a) IN chosen OR (c.workload, arm_b) IN chosen)"
    "  AND (question = 'all heads against one' OR question GLOB '* against all heads')"
    " ORDER BY c.workload, question <> 'all heads against one', f.first_trial_id";

/* What of the doubts that `headroom data` has the stored classes can still tell. */
static const char doubts_sql[] =
    "WITH latest AS (SELECT workload, data_sha256 FROM (SELECT workload, max(last_trial_id) AS id"
    "   FROM mean_by_arm WHERE workload IN shown GROUP BY workload) JOIN trial USING (id)),"
    " class_of AS (SELECT workload, name, n_train, CASE WHEN trim(name) GLOB '*[^0-9.]*'"
    "   THEN lower(trim(name)) ELSE CAST(trim(name) AS REAL) END AS form"
    "  FROM latest JOIN class USING (data_sha256) ORDER BY workload, class),"
    " doubt (workload, place, text) AS ("
    "  SELECT workload, 1, 'classes ' || group_concat('''' || name || '''', ', ')"
    "   || ' look alike' FROM class_of GROUP BY workload, form HAVING count(*) > 1"
    "  UNION ALL SELECT workload, 2, printf('%d of %d classes have no input to train',"
    "   sum(n_train = 0), count(*)) FROM class_of GROUP BY workload HAVING min(n_train) = 0)"
    " SELECT workload || ': ' || group_concat(text, '; ')"
    "  AS 'data that may not be meant: headroom data says more'"
    " FROM (SELECT * FROM doubt ORDER BY workload, place, text)"
    " GROUP BY workload ORDER BY workload";

/* Arms that a constant answer equals, by their mean or within its interval. */
static const char majority_sql[] =
    " SELECT workload || ': ' || group_concat(printf('%s %.1f%%', arm, 100 * accuracy_mean)"
    "   || CASE WHEN accuracy_mean > majority_accuracy + 1e-9 THEN ' (within its interval)'"
    "    ELSE '' END, ', ')"
    "  || printf(', and the most frequent class alone %.1f%%', 100 * majority_accuracy)"
    "  AS 'no better than always answering the class that most training inputs have'"
    /* LIMIT: else SQLite may take the order away. */
    " FROM (SELECT a.workload, a.arm, a.accuracy_mean, d.majority_accuracy"
    "  FROM accuracy_vs_budget a JOIN data_set d USING (workload)"
    "  WHERE (a.workload, a.arm) IN chosen AND instr(a.policy, '/') = 0"
    "   AND min(a.accuracy_mean, coalesce(a.accuracy_ci95_low, a.accuracy_mean))"
    "    <= d.majority_accuracy + 1e-9"
    "  ORDER BY a.workload, a.mean_heads DESC, a.arm LIMIT -1)"
    " GROUP BY workload ORDER BY workload";

/* Arms whose mean describes no seed. */
static const char split_sql[] =
    " SELECT printf('%s: %s: %d of %d seeds solved it: %s%%', workload, arm, n_solved, n_seeds,"
    "   replace(accuracy_percent_by_seed, ' ', ', '))"
    "  AS 'some seeds solve it and some do not: their mean and its interval say little'"
    " FROM split_outcome WHERE (workload, arm) IN chosen AND instr(policy, '/') = 0"
    " ORDER BY workload, arm";

/* The curve of fixed heads and that of every method with a budget, each on a line; a range is what
 * cannot be ruled out. A workload that can test none of them has one line. */
static const char needed_sql[] =
    "WITH line AS (SELECT workload, policy, reason, heads, margin_points, margin_note,"
    "   CASE WHEN heads_needed IS NOT NULL THEN printf('%g', round(heads_needed, 1))"
    "    WHEN heads_low IS NULL THEN 'none' ELSE printf('not known, %g to %g',"
    "     round(heads_low, 1), round(heads_high, 1)) END AS found"
    "  FROM heads_needed JOIN policy_declares USING (policy)"
    "  WHERE workload IN shown AND (policy = 'fixed' OR has_budget)), told AS ("
    "  SELECT workload, policy, CASE WHEN margin_points IS NULL THEN workload || ': ' || reason"
    "   ELSE printf('%s: %s of %d with %s', workload, found, heads,"
    "    CASE policy WHEN 'fixed' THEN 'fixed heads' ELSE policy END)"
    "   || CASE WHEN margin_note <> '' THEN ' (' || margin_note || ')'"
    "    WHEN margin_points < 1 AND reason = '' THEN printf(' (margin %.2f)', margin_points)"
    "    ELSE '' END"
    "   || CASE reason WHEN '' THEN '' ELSE ': ' || reason END END AS text FROM line)"
    " SELECT text AS 'heads per layer needed to be as good as all heads: within 1 point, or half of"
    " what attention adds; each at 95% by itself'"
    " FROM told GROUP BY text ORDER BY workload, policy <> 'fixed', policy";

/* One line per workload: what was read, and what of it a reader of the results should know. */
static const char data_sql[] =
    " SELECT printf('%s: %,d + %,d + %,d inputs of %.1f tokens in %d classes%s; %.1f%% cut; %.1f%% of "
    "test tokens unknown; %,d test inputs', workload, n_train, n_validation, n_test,"
    "   mean_length_tokens, n_classes, CASE WHEN majority_accuracy IS NULL THEN ''"
    "   ELSE printf(' (majority %.1f%%)', 100 * majority_accuracy) END,"
    "   100 * truncated_share, 100 * unknown_share, n_overlap)"
    "  || CASE WHEN n_overlap_dropped > 0 THEN"
    "   printf(' in training too, so %,d inputs were dropped', n_overlap_dropped)"
    "   ELSE printf(' (%.1f%%) in training too', 100.0 * n_overlap / n_test) END"
    "  || CASE n_dropped WHEN 0 THEN '' ELSE printf('; %,d rows left out', n_dropped) END"
    "  || CASE WHEN n_draws > 1 THEN printf('; the latest of %d draws', n_draws) ELSE '' END"
    "  AS 'data: inputs to train, validate and test'"
    " FROM data_set WHERE workload IN shown ORDER BY workload";

/* Equal warnings of one workload are one line. */
static const char warnings_sql[] =
    " SELECT printf('%s: %s (%s trial%s %s)', workload, warning, kind,"
    "  CASE count(*) WHEN 1 THEN '' ELSE 's' END, group_concat(trial_id, ', '))"
    "  AS 'warnings: times with a warning enter no ratio'"
    " FROM (SELECT * FROM trial_warning WHERE (workload, arm) IN chosen ORDER BY trial_id)"
    " GROUP BY workload, warning, kind ORDER BY min(trial_id)";

/* Behind what is said of times: where they are of, unless it is the CPU. */
#define ON_DEVICE "CASE device WHEN 'cpu' THEN '' ELSE ' on ' || device END"

/* What of the times is not as it should be: the machine was not quiet, or the roof is none. */
static const char noise_loud_sql[] =
    "WITH floor AS MATERIALIZED (SELECT * FROM noise_floor WHERE workload IN shown),"
    " quiet AS MATERIALIZED (SELECT * FROM timing_noise WHERE workload IN shown),"
    " loud (workload, place, text) AS ("
    "  SELECT q.workload, 3, printf('NOISY MACHINE%s: ', " ON_DEVICE ")"
    "   || CASE WHEN others_running > 0.1 THEN"
    "   printf('%.1f other threads wanted to run while times were taken; ', others_running)"
    "   ELSE '' END || CASE WHEN cpu_share < 0.98 THEN"
    "   printf('the timed thread had a core for %.0f%% of the time; ', 100 * cpu_share)"
    "   ELSE '' END || CASE WHEN worst_floor > 0.05 THEN"
    "   printf('the noise floor is above 5%%; ') ELSE '' END || coalesce((SELECT max(warning)"
    "   || ': raise that' FROM trial_warning w WHERE w.workload = q.workload"
    "   AND warning LIKE 'throttled in %'), 'stop other work') || ' and profile again'"
    "  FROM quiet q LEFT JOIN (SELECT workload, device, max(noise_floor) AS worst_floor FROM floor"
    "   GROUP BY 1, 2) USING (workload, device)"
    "  WHERE others_running > 0.1 OR cpu_share < 0.98 OR worst_floor > 0.05"
    "  UNION ALL SELECT workload, 5, printf('ROOF TOO LOW: %d of %d phases are faster than large products"
    " on this machine, %s of %s at batch %d by %.2f times: %s', above, n, phase, arm, batch_size,"
    " over, reason)"
    "  FROM (SELECT workload, phase, arm, batch_size, reason, count(*) AS n,"
    "   sum(flops_per_second > sgemm_flops_per_second) AS above,"
    "   max(flops_per_second / sgemm_flops_per_second) AS over"
    "   FROM roofline_by_phase WHERE workload IN shown AND sgemm_flops_per_second IS NOT NULL"
    "   GROUP BY workload) WHERE above > 0)";

/* Behind it, what times of this sweep can tell: how far two profiles of one model differ, what disturbed
 * them, and what phase markers cost. */
static const char noise_sql[] =
    ","
    " outlier AS (SELECT workload, sum(n_outliers) AS n, max(worst) AS worst FROM latency_outlier"
    "  WHERE workload IN shown GROUP BY workload),"
    " taken AS (SELECT workload, sum(s.n) AS n FROM current_profile JOIN profile_summary s USING (id)"
    "  GROUP BY workload),"
    " lines (workload, place, text) AS ("
    "  SELECT workload, 1, printf('%s profiled twice%s differs by ', arm, " ON_DEVICE ")"
    "   || group_concat(printf('%+.1f', 100 * (ratio_mean - 1))"
    "   || CASE WHEN ci95_low IS NULL THEN '%' ELSE printf(' ± %.1f%%', 50 * (ci95_high - ci95_low)) END"
    "   || printf(' at batch %d', batch_size), ', ')"
    "   || CASE WHEN max(noise_floor) IS NULL THEN '' ELSE"
    "    ': time ratios within ' || group_concat(printf('%.1f%%', 100 * noise_floor), ', ')"
    "    || ' of 1 mean nothing' END"
    "  FROM (SELECT * FROM floor ORDER BY batch_size) GROUP BY workload, arm, seed, device"
    "  UNION ALL SELECT workload, 2, printf('%d of %d samples stand apart (more than 3 scaled MADs and"
    " 2%% from their median), the longest %.1f times its median; medians keep them', o.n, t.n, worst)"
    "  FROM outlier o JOIN taken t USING (workload)"
    "  UNION ALL SELECT workload, 4, printf('phase markers make a pass%s ', " ON_DEVICE ")"
    "   || group_concat(printf('%.2f to %.2f times as long at batch %d', least, most, batch_size),"
    " ', ')"
    "   || printf('; phases add up to all but %.1f%% of it', 100 * max(rest))"
    "   || (SELECT printf(' (%s, batch %d)', arm, batch_size) FROM phase_cost p"
    "    WHERE p.workload = b.workload AND p.device = b.device ORDER BY unaccounted_share DESC,"
    "    arm, batch_size LIMIT 1)"
    "  FROM (SELECT workload, batch_size, device, min(marked_over_unmarked) AS least,"
    "   max(marked_over_unmarked) AS most, max(unaccounted_share) AS rest"
    "   FROM phase_cost WHERE workload IN shown GROUP BY 1, 2, 3 ORDER BY 2) b GROUP BY workload, device"
    "  UNION ALL SELECT * FROM loud)"
    " SELECT workload || ': ' || text AS 'noise of times' FROM lines ORDER BY workload, place";

/* Or all of that in a sentence. */
static const char noise_brief_sql[] =
    ", least AS (SELECT workload, max(noise_floor) AS floor FROM floor"
    "  WHERE noise_floor IS NOT NULL GROUP BY workload),"
    " brief (place, text) AS ("
    "  SELECT 1, printf('time ratios within %.1f%%', 100 * min(floor)) || CASE WHEN count(*) > 1"
    "   THEN printf(' to %.1f%%', 100 * max(floor)) ELSE '' END || ' of 1 mean nothing'"
    "   FROM least HAVING count(*) > 0"
    "  UNION ALL SELECT place, CASE place WHEN 3 THEN 'NOISY MACHINE' ELSE 'ROOF TOO LOW' END"
    "   || ' under ' || group_concat(DISTINCT workload)"
    "   FROM loud GROUP BY place)"
    " SELECT 'noise of times: ' || group_concat(text, '; ') || ' (--verbose says how much, and why)'"
    " FROM (SELECT * FROM brief ORDER BY place) HAVING count(*) > 0";

static const char notes_sql[] =
    " SELECT printf('%s: %s%s: %s', workload, note, " ON_DEVICE ", group_concat(arm, ', '))"
    "  AS 'notes on times'"
    " FROM (SELECT DISTINCT workload, note, arm, device FROM latency_note"
    "  WHERE note <> '' AND (workload, arm) IN chosen)"
    " GROUP BY workload, note, device ORDER BY workload, note, device";

/* Equal statuses and reasons of one workload are one line. A profile that was skipped because its
 * training has no result is left out: that training is listed, with its own reason. */
static const char unfinished_sql[] =
    " SELECT printf('%s: %d %s', workload, count(*), status)"
    "  || CASE WHEN reason = '' THEN '' ELSE ': ' || reason END"
    "  || CASE count(*) WHEN 1 THEN printf(' (%s, seed %d, trial %d)', arm, seed, trial_id)"
    "   ELSE '' END AS 'trials without result'"
    " FROM (SELECT s.* FROM trial_status s JOIN trial t ON t.id = s.trial_id"
    "  LEFT JOIN trial b ON b.id = t.base_trial_id"
    /* +: of all trials those without a result, not all of each workload. */
    "  WHERE s.status <> 'ok' AND (+s.workload, s.arm) IN chosen"
    "  AND NOT (t.kind <> 'train' AND s.status = 'skipped' AND b.status <> 'ok'"
    "   AND b.reason <> s.reason))"
    " GROUP BY workload, status, reason"
    " ORDER BY workload, status, min(trial_id)";

/* The whole SELECT of a part. */
static bool append_query(struct text *sql, const char *part, struct error *error) {
    bool noise = part == noise_sql || part == noise_brief_sql;
    text_append(sql, "%s%s", noise ? noise_loud_sql : "", part);
    return !sql->failed || error_set(error, "out of memory");
}

static bool print_part(struct store *store, const char *part, size_t n_needed,
                       enum table_format format, FILE *out, size_t *n_rows, struct error *error) {
    struct text sql = {0};
    bool ok = append_query(&sql, part, error) &&
              print_query(store, sql.data, NO_VALUES, n_needed, format, out, n_rows, error);
    text_free(&sql);
    return ok;
}

static bool print_sentence(void *context, int n, const char *const *names,
                           const char *const *texts) {
    FILE *out = context;
    (void)n, (void)names;
    if (texts[0]) wrap_print(out, width_of_lines(out), 2, "%s\n", texts[0]);
    return !texts[0];
}

/* What times can tell, in one sentence. */
static bool print_brief_noise(struct store *store, FILE *out, struct error *error) {
    struct text sql = {0};
    bool ok = append_query(&sql, noise_brief_sql, error) &&
              store_query(store, sql.data, NO_VALUES, print_sentence, out, error);
    text_free(&sql);
    return ok;
}

bool report_read_list(struct store *store, enum report_list list, struct table *out,
                      struct error *error) {
    static const char *const lists[REPORT_LISTS] = {
        [REPORT_DATA] = data_sql,         [REPORT_DATA_DOUBT] = doubts_sql,
        [REPORT_MAJORITY] = majority_sql, [REPORT_SPLIT] = split_sql,
        [REPORT_WARNINGS] = warnings_sql, [REPORT_NOISE] = noise_sql,
        [REPORT_NOTES] = notes_sql,       [REPORT_UNFINISHED] = unfinished_sql};
    struct text sql = {0};
    bool ok = append_query(&sql, lists[list], error) &&
              store_query(store, sql.data, NO_VALUES, report_collect, out, error);
    if (ok && out->failed) ok = error_set(error, "out of memory");
    text_free(&sql);
    return ok;
}

bool report_trials(struct store *store, FILE *out, struct error *error) {
    size_t n_rows;
    return print_query(store,
                       "SELECT trial_id AS id, kind, v.workload || '/' || v.arm || '/' || v.seed"
                       " AS trial, v.status, v.reason FROM trial_status v"
                       " JOIN trial t ON t.id = v.trial_id ORDER BY trial_id",
                       NO_VALUES, 0, TABLE_ALIGNED, out, &n_rows, error);
}

struct outcome {
    char *text;
    size_t size;
};

static bool keep_outcome(void *context, int n, const char *const *names, const char *const *texts) {
    struct outcome *outcome = context;
    (void)n, (void)names;
    if (texts[0]) snprintf(outcome->text, outcome->size, "%s", texts[0]);
    return false;
}

/* A model's own row precedes those of its controls, whose arm names are longer. */
bool report_outcome(struct store *store, int64_t trial_id, char *out, size_t size,
                    struct error *error) {
    static const char sql[] =
        "WITH sample AS (SELECT latency_ns, batch_size, row_number() OVER batch AS rank,"
        "   count(*) OVER (PARTITION BY p.id) AS n"
        "  FROM profile p JOIN profile_sample ON profile_id = p.id WHERE p.trial_id = ?1"
        "  WINDOW batch AS (PARTITION BY p.id ORDER BY latency_ns)),"
        " outcome (text, place) AS ("
        "  SELECT printf('%.1f us at batch %d', latency_ns / 1e3, batch_size), batch_size"
        "   FROM sample WHERE rank = (n + 1) / 2"
        "  UNION ALL SELECT printf('accuracy %.3f, heads %.2f', accuracy, mean_heads), length(arm)"
        "   FROM accuracy_by_seed WHERE trial_id = ?1)"
        " SELECT text FROM outcome ORDER BY place LIMIT 1";
    struct outcome outcome = {out, size};
    out[0] = '\0';
    return store_query(store, sql, VALUES(INT(trial_id)), keep_outcome, &outcome, error);
}

static bool keep_count(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n, (void)names;
    *(int64_t *)context = strtoll(texts[0], NULL, 10);
    return false;
}

bool report_older_code(struct store *store, const char *workloads, FILE *out, struct error *error) {
    static const char sql[] =
        "WITH RECURSIVE code (policy, what, sha256) AS MATERIALIZED ("
        "  SELECT CAST(json_extract(c.value, '$.policy') AS TEXT), h.key, h.value"
        "  FROM json_each(?1) c, json_each(c.value) h),"
        " own AS MATERIALIZED (SELECT t.id, t.workload_id, t.base_trial_id,"
        "   t.code_sha256 IS NULL OR t.code_sha256 IS NOT c.sha256 AS old"
        "  FROM trial t LEFT JOIN code c ON c.policy = t.policy AND c.what ="
        "   CASE t.kind WHEN 'train' THEN 'train' ELSE 'profile' END"
        "   || CASE t.device WHEN 'cpu' THEN '' ELSE '_card' END"
        "  WHERE t.current = 1 AND t.status = 'ok'),"
        /* What is new itself, with what it was made from, and what that was made from, up to what is old. */
        " made (id, workload_id, base) AS ("
        "  SELECT id, workload_id, base_trial_id FROM own WHERE NOT old AND base_trial_id IS NOT NULL"
        "  UNION SELECT m.id, m.workload_id, o.base_trial_id FROM made m JOIN own o ON o.id = m.base"
        "  WHERE NOT o.old AND o.base_trial_id IS NOT NULL),"
        " older (workload_id) AS (SELECT workload_id FROM own WHERE old"
        "  UNION ALL SELECT m.workload_id FROM made m JOIN own o ON o.id = m.base WHERE o.old)"
        " SELECT count(*) FROM older JOIN workload w ON w.id = workload_id"
        " WHERE ?2 IS NULL OR w.name IN (SELECT value FROM json_each(?2))";
    struct text code = {0};
    int64_t n = 0;
    code_hash_write_json(&code);
    bool ok = code.failed ? error_set(error, "out of memory")
                          : store_query(store, sql, VALUES(TEXT(code.data), TEXT(workloads)),
                                        keep_count, &n, error);
    text_free(&code);
    if (ok && n > 0)
        fprintf(out,
                "%" PRId64 " result%s %s of older code (headroom sweep --rerun stale makes %s "
                "again)\n",
                n, PLURAL_S(n), n == 1 ? "is" : "are", n == 1 ? "it" : "them");
    return ok;
}

static bool print_failures(void *context, int n, const char *const *names,
                           const char *const *texts) {
    FILE *out = context;
    (void)n, (void)names;
    shown_print(out, "%s\n", texts[0]);
    return false;
}

bool report_failures(struct store *store, const char *workloads, FILE *out, struct error *error) {
    static const char sql[] =
        "SELECT printf('%d trial%s did not end well%s: %s/%s/%d: %s', n, CASE n WHEN 1 THEN '' ELSE 's' END,"
        "  CASE n WHEN 1 THEN '' ELSE ', the first' END, workload, arm, seed,"
        "  CASE reason WHEN '' THEN status ELSE reason END)"
        " FROM (SELECT *, count(*) OVER () AS n FROM trial_status"
        "  WHERE status NOT IN ('ok', 'planned', 'running', 'skipped', 'interrupted')"
        "  AND (?1 IS NULL OR workload IN (SELECT value FROM json_each(?1))))"
        " ORDER BY trial_id LIMIT 1";
    return store_query(store, sql, VALUES(TEXT(workloads)), print_failures, out, error);
}

/* Of which columns a page of any width has room; the others are for who asks (--verbose). */
enum { ARMS_NEEDED = 8, METHODS_NEEDED = 5 };

static const char arms_legend[] =
    "accuracy: mean over n seeds ± 95% interval, which covers "
    "initialisation and order, and the draw of the data only where each seed draws its own; heads: run for a token, per layer; MFLOP: executed for an input; time and "
    "FLOPs: relative to the arm that runs all heads, in batches of 1 and of 32; -: not measured, or "
    "not comparable";
static const char arms_legend_more[] =
    "; budget: heads / H; us: median forward pass, microseconds; tried: candidates that validation "
    "chose from";
static const char methods_legend[] =
    "±: 95% interval over seeds; executed: per input; of all: executed share of what all heads cost";
static const char methods_legend_more[] =
    "; as trained: with the gates of the last step and all heads, where gates are learned; entropy: "
    "of the head scores, 1 prefers none; active: per input; us: median forward pass of a batch of 1 "
    "and of 32; training: with all candidates, and with the base and its own";

/* A table of arms and below it what its columns mean. */
static bool print_arms(struct store *store, const char *sql, size_t n_needed, const char *legend,
                       const char *legend_more, enum table_format format, FILE *out, size_t *n_rows,
                       struct error *error) {
    if (!print_part(store, sql, n_needed, format, out, n_rows, error)) return false;
    bool markdown = format == TABLE_MARKDOWN;
    if (*n_rows > 0)
        wrap_print(out, format == TABLE_ALIGNED ? width_of(out) : INT_MAX, 0, "%s%s%s\n",
                   markdown ? "\n" : "", legend, format == TABLE_ALIGNED ? "" : legend_more);
    return true;
}

bool report_tables(struct store *store, enum table_format format, FILE *out, struct error *error) {
    size_t n_arms, n_methods;
    if (!print_arms(store, arms_sql, ARMS_NEEDED, arms_legend, arms_legend_more, format, out,
                    &n_arms, error))
        return false;
    if (n_arms == 0) fputs("no results yet\n", out);
    return print_arms(store, methods_sql, METHODS_NEEDED, methods_legend, methods_legend_more,
                      format, out, &n_methods, error);
}

bool report_for_people(struct store *store, enum table_format format, FILE *out,
                       struct error *error) {
    static const char *const parts[] = {data_sql,  doubts_sql,    majority_sql, differences_sql,
                                        split_sql, needed_sql,    warnings_sql, noise_sql,
                                        notes_sql, unfinished_sql};
    enum { LAST = sizeof parts / sizeof *parts - 1 };
    bool brief = format == TABLE_ALIGNED;
    size_t n;
    if (!report_tables(store, format, out, error)) return false;
    for (size_t i = 0; i <= LAST; i++) {
        if (brief && parts[i] == noise_sql && !print_brief_noise(store, out, error)) return false;
        if (brief && (parts[i] == noise_sql || parts[i] == notes_sql)) continue;
        if (!print_part(store, parts[i], 0, format, out, &n, error)) return false;
        if (n > 0 && i < LAST) fputc('\n', out);
    }
    return true;
}
