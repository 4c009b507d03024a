/*
 * Are two results of a trial the same? Its key says that they are of the same computation, so that all
 * which follows from it must agree to the bit: a difference is another compiler, library or processor,
 * or a fault. Times, memory and hosts follow from the machine and are not looked at. A number that one
 * side did not measure, or that its version of Headroom did not store, is no difference.
 */
#include "harness/store/store_merge_private.h"

#include <stdio.h>
#include <string.h>

/* What rows of a table are matched by, and which of its columns are compared: those of `only`, or all
 * that are neither keys nor in `except`. Names in these lists have a blank on either side. */
static const struct compared {
    const char *table, *parent; /* parent NULL: the trial */
    const char *keys[3];
    const char *only, *except;
} compared[] = {
    {"evaluation", NULL, {"split", "weights", "control"}, NULL, " seconds "},
    {"prediction", "evaluation", {"input"}, NULL, ""},
    {"layer_budget", "evaluation", {"layer", "k"}, NULL, ""},
    {"head_usage", "evaluation", {"layer", "head"}, NULL, ""},
    {"class_head_usage", "evaluation", {"class", "layer", "head"}, NULL, ""},
    {"epoch", NULL, {"epoch"}, NULL, " train_seconds validation_seconds "},
    {"tuning", NULL, {"candidate"}, NULL, " train_seconds "},
    {"profile",
     NULL,
     {"batch_size"},
     NULL,
     " warmup_passes marks_per_pass mark_ns n_samples latency_ns_median latency_ns_mad "
     "marked_over_unmarked "},
    {"trial",
     NULL,
     {NULL},
     " train_flops parameters steps best_epoch data_sha256 n_train n_validation n_test vocab "
     "n_truncated mean_length_tokens unknown_share n_dropped n_overlap n_overlap_texts "
     "n_overlap_dropped ",
     NULL},
};
enum { N_COMPARED = sizeof compared / sizeof *compared };

static bool is_compared(const struct compared *c, const char *column) {
    char word[80];
    snprintf(word, sizeof word, " %s ", column);
    if (c->only) return strstr(c->only, word) != NULL;
    for (int i = 0; i < 3 && c->keys[i]; i++)
        if (strcmp(c->keys[i], column) == 0) return false;
    size_t parent = c->parent ? strlen(c->parent) : 0;
    bool refers = strcmp(column, "id") == 0 || strcmp(column, "trial_id") == 0 ||
                  (c->parent && strncmp(column, c->parent, parent) == 0 &&
                   strcmp(column + parent, "_id") == 0);
    return !refers && !strstr(c->except, word);
}

static const struct compared *find(const char *table) {
    const struct compared *c = compared;
    while (strcmp(c->table, table) != 0) c++;
    return c;
}

/* Rows of the same keys: x there and y here, p and q those that they hang on. */
static void append_rows(const struct compared *c, struct text *sql) {
    const struct compared *parent = c->parent ? find(c->parent) : NULL;
    const char *own = parent ? "p" : "x", *other = parent ? "q" : "y";
    const struct compared *first = parent ? parent : c;
    const char *trial = strcmp(c->table, "trial") == 0 ? "id" : "trial_id";
    text_append(sql, " FROM source.%s %s CROSS JOIN main.%s %s ON %s.%s = ?2", first->table, own,
                first->table, other, other, trial);
    for (int i = 0; i < 3 && first->keys[i]; i++)
        text_append(sql, " AND %s.%s = %s.%s", own, first->keys[i], other, first->keys[i]);
    if (parent) {
        text_append(sql,
                    " CROSS JOIN source.%s x ON x.%s_id = p.id CROSS JOIN main.%s y ON "
                    "y.%s_id = q.id",
                    c->table, c->parent, c->table, c->parent);
        for (int i = 0; i < 3 && c->keys[i]; i++)
            text_append(sql, " AND x.%s = y.%s", c->keys[i], c->keys[i]);
    }
    text_append(sql, " WHERE %s.%s = ?1 AND (", own, trial);
}

/* "evaluation test/best/none" as SQL */
static void append_name(const struct compared *c, const char *row, struct text *sql) {
    text_append(sql, "'%s'", c->table);
    for (int i = 0; i < 3 && c->keys[i]; i++)
        text_append(sql, " || '%s' || %s.%s", i ? "/" : " ", row, c->keys[i]);
}

/* A value to the last bit, of the column whose name is given three times. */
#define VALUE(row)                                                                                 \
    "CASE typeof(" row ".%s) WHEN 'real' THEN printf('%%!.17g', " row ".%s) ELSE quote(" row       \
    ".%s) END"

/* A query for the first difference: a comparison with NULL is NULL, which is no difference. */
static bool write_query(struct store *store, const struct compared *c, struct text *sql,
                        struct error *error) {
    struct text cases = {0}, conditions = {0};
    bool more = false;
    sqlite3_stmt *column = store_statement(store, "SELECT name FROM pragma_table_info(?1, 'main')",
                                           VALUES(TEXT(c->table)), error);
    bool ok = column && store_step(store, column, &more, error);
    while (ok && more) {
        const char *name = (const char *)sqlite3_column_text(column, 0);
        if (is_compared(c, name)) {
            text_append(&cases,
                        " WHEN x.%s <> y.%s THEN printf('%s %%s there, %%s here', " VALUE(
                            "x") ", " VALUE("y") ")",
                        name, name, name, name, name, name, name, name, name);
            text_append(&conditions, "%sx.%s <> y.%s", conditions.size ? " OR " : "", name, name);
        }
        ok = store_step(store, column, &more, error);
    }
    if (column) sqlite3_reset(column);
    text_append(sql, "SELECT ");
    append_name(c, "x", sql);
    if (c->parent) {
        text_append(sql, " || ' of ' || ");
        append_name(find(c->parent), "p", sql);
    }
    text_append(sql, " || ': ' || CASE%s END", cases.data);
    append_rows(c, sql);
    text_append(sql, "%s) LIMIT 1", conditions.data);
    if (ok && (cases.failed || conditions.failed || sql->failed))
        ok = error_set(error, "out of memory comparing '%s'", c->table);
    text_free(&cases);
    text_free(&conditions);
    return ok;
}

bool merge_differ(struct store *store, int64_t there, int64_t here, char *what, size_t size,
                  struct error *error) {
    int64_t noted = store_number(store, "SELECT count(*) FROM temp.copied WHERE here = ?1",
                                 VALUES(INT(here)), error);
    *what = '\0';
    if (noted < 0 || (noted > 0 && !store_copy_results(store, error))) return false;
    for (int i = 0; i < N_COMPARED && !*what; i++) {
        struct text sql = {0};
        sqlite3_stmt *first = NULL;
        bool row = false;
        if (write_query(store, &compared[i], &sql, error))
            first = store_statement(store, sql.data, VALUES(INT(there), INT(here)), error);
        bool ok = first && store_step(store, first, &row, error);
        if (row) snprintf(what, size, "%s", (const char *)sqlite3_column_text(first, 0));
        if (first) sqlite3_reset(first);
        text_free(&sql);
        if (!ok) return false;
    }
    return true;
}
