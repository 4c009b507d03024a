/*
 * Words that do not depend on how they are dressed; see summary.h.
 */
#include "harness/report/summary.h"
#include "harness/table/whole_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char summary_no_findings[] =
    "Nothing yet: no two arms of a workload have results that could be compared. The trials say what ran "
    "and what did not.";

const char summary_verdicts[] =
    "A difference of two arms is in points of test accuracy, its interval holds for other seeds and other "
    "test inputs. It is called better or worse where p is below .05 after Holm over all claims of the "
    "question in this database, and as good where the 90% interval lies within the margin: 1 point, or "
    "half of what attention is shown to add, if that is less. What attention adds is told by its interval "
    "alone.";

const enum report_list summary_doubts[SUMMARY_DOUBTS] = {
    REPORT_UNFINISHED, REPORT_SPLIT, REPORT_MAJORITY, REPORT_DATA_DOUBT,
    REPORT_WARNINGS,   REPORT_NOISE, REPORT_NOTES};

static bool append_line(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n, (void)names;
    if (texts[0]) text_append(context, "%s", texts[0]);
    return false;
}

bool summary_append_counts(struct store *store, struct text *out, struct error *error) {
    static const char sql[] =
        "SELECT printf('%d trials of %d workload%s: %s.', sum(n), (SELECT count(DISTINCT workload)"
        "  FROM trial_status), CASE (SELECT count(DISTINCT workload) FROM trial_status) WHEN 1 "
        "THEN ''"
        "  ELSE 's' END, group_concat(n || ' ' || status, ', '))"
        " FROM (SELECT status, count(*) AS n FROM trial_status GROUP BY status ORDER BY status <> "
        "'ok', status)"
        " HAVING count(*) > 0";
    return store_query(store, sql, NO_VALUES, append_line, out, error);
}

bool summary_append_older_code(struct store *store, struct text *out, struct error *error) {
    char *line = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&line, &size);
    if (!file) return error_set(error, "out of memory");
    bool ok = report_older_code(store, NULL, file, error);
    fclose(file);
    if (ok && line) text_append_bytes(out, line, strcspn(line, "\n"));
    free(line);
    return ok;
}

bool summary_write_file(const char *path, const struct text *text, struct error *error) {
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return error_set(error, "'%s' is there and is no regular file", path);
    return whole_file_write(path, text, error);
}
