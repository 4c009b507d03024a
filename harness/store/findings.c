/*
 * One SELECT for each kind of sentence. A difference is told by its claim: it stands where p is
 * below .05 after Holm over all claims of the question, arms are as good as each other where the
 * 90% interval lies within the margin of the workload, and else nobody can tell. What attention
 * adds is one question for each workload, told by its interval.
 */
#include "harness/store/findings.h"
#include "harness/store/report_private.h"

/* `pair` of what is compared with what, as words: the same verdicts for all of them. */
static const char differences_sql[] =
    "WITH run AS (SELECT workload, arm, policy, heads AS mean_heads, first_trial_id AS min_id,"
    "   base_heads AS heads FROM mean_by_arm),"
    " pair (place, workload, id, a, verb, b, d, low, high, low90, high90, n, p, n_claims,"
    "   margin) AS ("
    "  SELECT 1, workload, 0, printf('All heads (%s)', arm), 'are',"
    "   printf('the best model without attention (%s)', arm_without), difference_points,"
    "   ci95_low_points, ci95_high_points, NULL, NULL, n_pairs, NULL, 1, NULL"
    "  FROM attention_gain WHERE difference_points IS NOT NULL"
    "  UNION ALL"
    "  SELECT CASE WHEN c.question = 'all heads against one' THEN 2"
    "    WHEN c.question GLOB '* against all heads' THEN 3 ELSE 4 END, c.workload, r.min_id,"
    "   CASE WHEN c.question = 'all heads against one' THEN printf('All heads (%s)', c.arm_a)"
    "    WHEN c.question GLOB '* against all heads' THEN"
    "     printf('%s, which runs %.2f of %d heads per layer,', c.arm_a, r.mean_heads, r.heads)"
    "    ELSE c.arm_a END,"
    "   CASE WHEN c.question = 'all heads against one' THEN 'are' ELSE 'is' END,"
    "   CASE WHEN c.question = 'all heads against one' THEN"
    "     printf('one head trained alone (%s)', c.arm_b)"
    "    WHEN c.question GLOB '* against all heads' THEN printf('all heads (%s)', c.arm_b)"
    "    ELSE 'the same mean decision for everybody' END,"
    "   c.difference_points, c.ci95_low_points, c.ci95_high_points, p.ci90_low_points,"
    "   p.ci90_high_points, c.n_pairs, c.p_holm, c.n_claims,"
    "   CASE WHEN g.workload IS NULL THEN 1.0 ELSE g.margin_points END"
    "  FROM claim c JOIN paired_difference p USING (workload, arm_a, arm_b)"
    "  LEFT JOIN run r ON r.workload = c.workload AND r.arm = c.arm_a"
    "  LEFT JOIN attention_gain g ON g.workload = c.workload"
    "  WHERE c.question = 'all heads against one' OR c.question GLOB '* against all heads'"
    "   OR c.question = 'everybody gets the mean decision'),"
    " judged AS (SELECT *, CASE WHEN low IS NULL THEN 'one seed'"
    "    WHEN coalesce(p < 0.05, p IS NULL AND (low > 0 OR high < 0)) THEN 'differ'"
    "    WHEN low90 >= -margin AND high90 <= margin THEN 'equal' ELSE 'open' END AS verdict FROM "
    "pair)"
    " SELECT workload, place, id, a || ' '"
    "  || CASE verdict WHEN 'one seed' THEN printf('%s %.1f points %s %s in one seed, which says "
    "nothing of"
    " others', verb, abs(d), CASE WHEN d < 0 THEN 'below' ELSE 'above' END, b)"
    "    WHEN 'differ' THEN printf('%s %.1f points %s than %s', verb, abs(d),"
    "     CASE WHEN d < 0 THEN 'worse' ELSE 'better' END, b)"
    "    WHEN 'equal' THEN printf('%s as good as %s within %s: %+.1f points', verb, b,"
    "     CASE margin WHEN 1 THEN '1 point' ELSE printf('%.2f points', margin) END, round(d, 1) + "
    "0.0)"
    "    ELSE printf('cannot be told from %s: %+.1f points', b, round(d, 1) + 0.0) END"
    "  || CASE verdict WHEN 'one seed' THEN printf(' (n = 1 seed).')"
    "    ELSE printf(' (95%% interval %+.1f to %+.1f; n = %d seeds', low, high, n)"
    "     || CASE WHEN p IS NULL THEN '' ELSE '; p ' || CASE WHEN p < 0.001 THEN '< 0.001'"
    "       ELSE printf('= %.2g', p) END || CASE n_claims WHEN 1 THEN ''"
    "       ELSE printf(' after Holm over %d claims', n_claims) END END || ').' END AS sentence"
    " FROM judged";

/* Whether the budget follows a difficulty that is known. */
static const char trend_sql[] =
    "SELECT workload, 5 AS place, 0 AS id, printf('%s gives inputs of difficulty %s %.2f heads per"
    " layer %s than those of difficulty %s', arm, difficulty_high,"
    "  abs(heads_difference_mean), CASE WHEN heads_difference_mean < 0 THEN 'fewer' ELSE 'more' "
    "END,"
    "  difficulty_low) || CASE WHEN heads_difference_ci95_low IS NULL THEN ' (n = 1 seed).'"
    "  ELSE printf(' (95%% interval %+.2f to %+.2f over n = %d seeds).', heads_difference_ci95_low,"
    "   heads_difference_ci95_high, n_seeds) END AS sentence"
    " FROM budget_trend JOIN (SELECT DISTINCT workload, arm FROM accuracy_by_seed"
    "  WHERE policy IN (SELECT policy FROM policy_declares WHERE has_budget)) USING (workload, arm)";

/* How many heads would do, by the curve of fixed heads and of every method with a budget. */
static const char needed_sql[] =
    "SELECT workload, 6 AS place, policy <> 'fixed' AS id, CASE"
    "  WHEN margin_points IS NULL THEN printf('How many heads are needed is %s.', reason)"
    "  WHEN policy = 'fixed' AND heads_needed > heads - 1e-9 THEN printf('%s, all %d heads per layer are needed to"
    " stay within %s of all of them (n = %d seeds, %,d test inputs).', way, heads, points, n_seeds,"
    "   n_inputs)"
    "  WHEN heads_needed IS NOT NULL THEN printf('%s, %g of %d heads per layer are as good as all "
    "of"
    " them within %s (n = %d seeds, %,d test inputs).', way, round(heads_needed, 1), heads,"
    "   points, n_seeds, n_inputs)"
    "  WHEN heads_low IS NULL THEN printf('%s, no arm is as good as all %d heads within %s: %s.',"
    "   way, heads, points, reason)"
    "  ELSE printf('%s, how many of %d heads per layer are as good as all of them within %s is not"
    " known, %g to %g: %s.', way, heads, points, round(heads_low, 1), round(heads_high, 1),"
    "   reason) END || CASE WHEN margin_note = '' THEN '' ELSE printf(' The margin was %s.', "
    "margin_note)"
    "  END AS sentence"
    " FROM (SELECT *, CASE policy WHEN 'fixed' THEN 'Trained with fewer heads' ELSE 'With ' || "
    "policy END"
    "   AS way, CASE margin_points WHEN 1 THEN '1 point' ELSE printf('%.2f points', margin_points) "
    "END"
    "   AS points FROM heads_needed JOIN policy_declares USING (policy)"
    "   WHERE policy = 'fixed' OR (has_budget AND margin_points IS NOT NULL))";

/* What fewer heads take of the time of all heads: arms with a budget, and one head as the far end.
 */
static const char times_sql[] =
    "WITH arm AS (SELECT workload, arm, min(trial_id) AS id, max(mean_heads) AS most, policy"
    "   FROM accuracy_by_seed GROUP BY 1, 2),"
    " shown AS (SELECT workload, arm, id FROM arm"
    "  WHERE (policy = 'fixed' AND abs(most - 1) < 1e-9)"
    "   OR policy IN (SELECT policy FROM policy_declares WHERE has_budget)),"
    " line AS MATERIALIZED (SELECT n.*, s.id FROM latency_note n JOIN shown s USING (workload, arm)"
    "  WHERE time_ratio IS NOT NULL ORDER BY workload, id, device, batch_size)"
    " SELECT workload, 7 AS place, id, arm || ' takes'"
    "  || group_concat(printf(' %.2f of the time of all heads at batch %d (%s%s)', time_ratio, "
    "batch_size,"
    "    CASE WHEN time_ratio_ci95_low IS NULL THEN 'one seed' ELSE printf('95%% interval %.2f to "
    "%.2f, n ="
    " %d seeds', time_ratio_ci95_low, time_ratio_ci95_high, n_ratios) END,"
    "    CASE WHEN noise_floor IS NULL THEN ', noise not measured'"
    "     WHEN abs(time_ratio - 1) <= noise_floor THEN printf('; no more than noise, which is "
    "%.1f%%',"
    "      100 * noise_floor) ELSE '' END), ' and')"
    "  || printf(', for %.2f of their FLOPs', avg(flops_ratio))"
    "  || CASE device WHEN 'cpu' THEN '' ELSE ', on ' || device END || '.' AS sentence"
    " FROM line GROUP BY workload, id, arm, device";

bool findings_read(struct store *store, struct table *out, struct error *error) {
    struct text sql = {0};
    text_append(&sql,
                "SELECT workload, sentence AS finding FROM (SELECT * FROM (%s) UNION ALL"
                " SELECT * FROM (%s) UNION ALL SELECT * FROM (%s) UNION ALL SELECT * FROM (%s))"
                " ORDER BY workload, place, id, sentence",
                differences_sql, trend_sql, needed_sql, times_sql);
    bool ok = sql.failed ? error_set(error, "out of memory")
                         : store_query(store, sql.data, NO_VALUES, report_collect, out, error);
    if (ok && out->failed) ok = error_set(error, "out of memory");
    text_free(&sql);
    return ok;
}
