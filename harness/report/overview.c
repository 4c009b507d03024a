/*
 * Judged as the single findings are: by the views that they are words of, at the same borders.
 */
#include "harness/report/overview.h"

const char overview_caption[] =
    "By workload: differences in points of test accuracy, with 95% intervals";

/* Heads needed, of fixed heads and of every method with a budget, where anything can be tested. */
#define NEEDED                                                                                     \
    "needed AS (SELECT n.*, CASE policy WHEN 'fixed' THEN 'trained with fewer' ELSE policy END"    \
    "  AS way FROM heads_needed n JOIN policy_declares USING (policy)"                             \
    "  WHERE policy = 'fixed' OR has_budget)"

static const char sentences_sql[] =
    "WITH " NEEDED ","
    " testable AS (SELECT way, policy, count(*) AS n,"
    "   count(CASE WHEN heads_needed < heads - 1e-9 THEN 1 END) AS n_fewer"
    "  FROM needed WHERE margin_points IS NOT NULL GROUP BY policy),"
    " said (place, sentence) AS ("
    "  SELECT 1, printf('Attention is shown to add accuracy on %d of %d workloads.',"
    "   sum(ci95_low_points > 0), count(*))"
    "  FROM attention_gain WHERE ci95_low_points IS NOT NULL HAVING count(*) > 0"
    "  UNION ALL SELECT 2, printf('All heads are shown to be better than one head trained alone on"
    " %d of %d.', count(DISTINCT CASE WHEN p_holm < 0.05 AND difference_points > 0"
    "    THEN workload END), count(DISTINCT workload))"
    "  FROM claim WHERE question = 'all heads against one' AND p_holm IS NOT NULL"
    "  HAVING count(*) > 0"
    "  UNION ALL SELECT 3, 'Where it can be tested, fewer heads are shown to be as good as all of"
    " them on ' || group_concat(printf('%d of %d (%s)', n_fewer, n, way), ', ') || '.'"
    "  FROM (SELECT * FROM testable ORDER BY policy <> 'fixed', policy) HAVING count(*) > 0)"
    " SELECT group_concat(sentence, ' ') FROM (SELECT * FROM said ORDER BY place)"
    " WHERE (SELECT count(DISTINCT workload) FROM trial_status) > 1";

static const char rows_sql[] =
    "WITH " NEEDED ","
    " shown AS (SELECT workload FROM attention_gain UNION SELECT workload FROM claim"
    "  WHERE question = 'all heads against one' UNION SELECT workload FROM needed)"
    " SELECT s.workload AS \"workload\","
    "  CASE WHEN g.ci95_low_points IS NOT NULL THEN printf('%+.1f (%+.1f to %+.1f)',"
    "    g.difference_points, g.ci95_low_points, g.ci95_high_points)"
    "   WHEN g.difference_points IS NOT NULL"
    "    THEN printf('%+.1f (one seed)', g.difference_points) END"
    "   AS \"what attention adds\","
    "  CASE WHEN c.ci95_low_points IS NOT NULL THEN printf('%+.1f (%+.1f to %+.1f)',"
    "    c.difference_points, c.ci95_low_points, c.ci95_high_points)"
    "   WHEN c.difference_points IS NOT NULL"
    "    THEN printf('%+.1f (one seed)', c.difference_points) END"
    "   AS \"all heads over one\","
    "  (SELECT CASE WHEN count(margin_points) = 0 THEN 'cannot be tested' ELSE"
    "    group_concat(printf('%s: ', way) || CASE"
    "     WHEN heads_needed IS NOT NULL THEN printf('%g', round(heads_needed, 1))"
    "     WHEN heads_low IS NULL THEN 'no arm'"
    "     ELSE printf('not known, %g to %g', round(heads_low, 1), round(heads_high, 1)) END, '; ')"
    "    || printf(' of %d', max(heads)) END"
    "   FROM (SELECT * FROM needed n WHERE n.workload = s.workload"
    "    ORDER BY policy <> 'fixed', policy) HAVING count(*) > 0)"
    "   AS \"heads per layer that are as good as all\""
    " FROM shown s LEFT JOIN attention_gain g ON g.workload = s.workload"
    "  AND g.difference_points IS NOT NULL"
    /* The other columns are those of the row with the least arm. */
    " LEFT JOIN (SELECT *, min(arm_b) FROM claim WHERE question = 'all heads against one'"
    "  GROUP BY workload) c ON c.workload = s.workload"
    " WHERE (SELECT count(*) FROM shown) > 1 ORDER BY s.workload";

static bool append_sentences(void *context, int n, const char *const *names,
                             const char *const *texts) {
    (void)n, (void)names;
    if (texts[0]) text_append(context, "%s", texts[0]);
    return false;
}

bool overview_append(struct store *store, struct text *out, struct error *error) {
    return store_query(store, sentences_sql, NO_VALUES, append_sentences, out, error);
}

static bool collect(void *context, int n, const char *const *names, const char *const *texts) {
    struct table *table = context;
    if (table->n_rows == 0) table_append(table, (size_t)n, names);
    table_append(table, (size_t)n, texts);
    return !table->failed;
}

bool overview_read(struct store *store, struct table *out, struct error *error) {
    bool ok = store_query(store, rows_sql, NO_VALUES, collect, out, error);
    return ok && (!out->failed || error_set(error, "out of memory"));
}
