/*
 * The state of a sweep; see status.h. Whether the process of a running trial lives is known on its
 * own machine, and where its lock can be seen. Elsewhere the age of what was last heard is all
 * there is, and it is shown as that.
 */
#include "harness/store/status.h"
#include "harness/store/report_private.h"
#include "harness/store/store_private.h"
#include "harness/table/shown.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* What a trial costs besides its expected FLOPs, as FLOPs: as in sweep/progress.c. */
static const double flops_per_trial = 1e10;

/* What is not heard of for so long, and cannot be asked, is not counted on: as long as a sweep
 * waits for a trial that says nothing. */
enum { QUIET_SECONDS = 600 };

/* The state of a running trial t: OWNER, but a lock that is free proves nothing on another machine
 * than its own: this database may be a copy. */
#define STATE                                                                                      \
    "CASE WHEN t.host = ?2 AND coalesce(t.pid_namespace, ?3) = ?3 THEN "                           \
    "owner(t.key, t.boot_id, t.host, t.pid_namespace, t.pid, t.pid_start_ticks) "                  \
    "WHEN owner(t.key, t.boot_id, t.host, t.pid_namespace, t.pid, t.pid_start_ticks) = 'alive' "   \
    "THEN 'alive' ELSE 'elsewhere' END"

/* A span of seconds in words. */
#define SPAN(s)                                                                                    \
    "CASE WHEN " s " < 100 THEN printf('%d s', " s ") WHEN " s " < 5970 THEN "                     \
    "printf('%d min', (" s " + 30) / 60) ELSE printf('%d h %02d min', " s " / 3600, " s            \
    " / 60 % 60) END"

/* How each query here begins; ?1 is now. lives: it can be counted on. */
#define RUNNING                                                                                    \
    "WITH seen AS (SELECT r.*, t.expected_flops, " STATE " AS state,"                              \
    " max(0, ?1 - CAST(strftime('%s', r.heard_at) AS INTEGER)) AS age,"                            \
    " CAST(strftime('%s', r.heard_at) AS INTEGER)"                                                 \
    " - CAST(strftime('%s', r.started_at) AS INTEGER) AS seconds"                                  \
    " FROM running_trial r JOIN trial t ON t.id = r.trial_id),"                                    \
    " running AS MATERIALIZED (SELECT *, " SPAN(                                                   \
        "age") " AS span,"                                                                         \
               " state <> 'gone' AND (state <> 'elsewhere' OR age <= ?4) AS lives FROM seen)"
#define PLACE(now) INT(now), TEXT(store->host), TEXT(store->pid_namespace), INT(QUIET_SECONDS)

/* ---- the expected end ---- */

/* Work and seconds of what is done, by phase (0: training, 1: profiling), and what is to come. A
 * profile waits for its turns, so of profiles the time from the first start to the last end
 * counts. */
static const char speed_sql[] = RUNNING
    ", since (at) AS (SELECT min(planned_at) FROM current_trial"
    "  WHERE status IN ('planned', 'running')),"
    " done AS (SELECT t.kind <> 'train' AS phase, t.expected_flops + ?5 AS work,"
    "   t.wall_seconds AS seconds,"
    "   strftime('%s', t.started_at) AS start, strftime('%s', t.finished_at) AS stop"
    "  FROM current_trial t, since WHERE t.status = 'ok' AND t.finished_at >= since.at"
    "  AND t.host IN (SELECT host FROM running WHERE lives)"
    "  AND t.expected_flops IS NOT NULL AND t.wall_seconds > 0)"
    " SELECT phase, sum(work), CASE phase WHEN 0 THEN sum(seconds) ELSE max(stop) - min(start) END"
    "  FROM (SELECT * FROM done UNION ALL"
    "   SELECT 0, done_share * (expected_flops + ?5), seconds, NULL, NULL"
    "   FROM running WHERE done_share IS NOT NULL AND lives AND expected_flops IS NOT NULL)"
    "  GROUP BY phase";

static const char pending_sql[] =
    RUNNING " SELECT t.kind <> 'train', t.expected_flops + ?5, coalesce(r.done_share, 0),"
            "  coalesce(r.age, 0),"
            "  coalesce(r.lives, 0)"
            " FROM current_trial t LEFT JOIN running r ON r.trial_id = t.id"
            " WHERE t.status IN ('planned', 'running')";

enum { PHASES_OF_SWEEP = 2 };

static bool read_speed(struct store *store, int64_t now, double speed[PHASES_OF_SWEEP],
                       struct error *error) {
    sqlite3_stmt *rows =
        store_statement(store, speed_sql, VALUES(PLACE(now), REAL(flops_per_trial)), error);
    bool row, ok = rows != NULL;
    speed[0] = speed[1] = NAN;
    while (ok && (ok = store_step(store, rows, &row, error)) && row) {
        double seconds = store_real(rows, 2);
        if (seconds > 0) speed[sqlite3_column_int(rows, 0)] = store_real(rows, 1) / seconds;
    }
    if (rows) sqlite3_reset(rows);
    return ok;
}

/* Work to come by phase, NaN where a trial's is not known; what runs goes on since it was heard
 * of. */
static bool read_pending(struct store *store, int64_t now, const double speed[PHASES_OF_SWEEP],
                         double work[PHASES_OF_SWEEP], struct expected_end *out, int *n_running,
                         struct error *error) {
    sqlite3_stmt *rows =
        store_statement(store, pending_sql, VALUES(PLACE(now), REAL(flops_per_trial)), error);
    bool row, ok = rows != NULL;
    work[0] = work[1] = 0;
    *n_running = 0;
    while (ok && (ok = store_step(store, rows, &row, error)) && row) {
        int phase = sqlite3_column_int(rows, 0);
        double left = store_real(rows, 1) * (1 - store_real(rows, 2));
        bool runs = sqlite3_column_int(rows, 4);
        if (runs && phase == 0 && !isnan(speed[0])) left -= speed[0] * store_real(rows, 3);
        work[phase] += left < 0 ? 0 : left;
        out->n_trainings += phase == 0;
        out->n_profiles += phase == 1;
        out->n_slots += runs && phase == 0;
        *n_running += runs;
    }
    if (rows) sqlite3_reset(rows);
    return ok;
}

bool status_expected_end(struct store *store, int64_t now, struct expected_end *out,
                         struct error *error) {
    double speed[PHASES_OF_SWEEP], work[PHASES_OF_SWEEP];
    int n_running;
    *out = (struct expected_end){.reason = ""};
    if (store->reader && !store->host[0] && !store_owner_open(store, error)) return false;
    if (!read_speed(store, now, speed, error) ||
        !read_pending(store, now, speed, work, out, &n_running, error))
        return false;
    if (out->n_trainings > 0) {
        double seconds = work[0] / speed[0] / out->n_slots;
        out->training_seconds = isfinite(seconds) ? seconds : -1;
    }
    if (out->n_profiles > 0)
        out->profiling_seconds = isfinite(work[1] / speed[1]) ? work[1] / speed[1] : -1;
    bool known = out->training_seconds >= 0 && out->profiling_seconds >= 0;
    if (n_running == 0 && out->n_trainings + out->n_profiles > 0) {
        out->training_seconds = out->profiling_seconds = -1;
        out->reason = "nothing is known to run";
    } else if (!known && isnan(work[0] + work[1])) {
        out->reason = "of a trial to come the work is not known";
    } else if (out->training_seconds < 0) {
        out->reason = out->n_slots == 0 ? "no training runs"
                                        : "no training has ended and no epoch was told yet";
    } else if (!known) {
        out->reason = "no profile has ended yet";
    }
    return true;
}

/* "2026-07-18 14:05 UTC, in 32 min". */
static void format_end(int64_t now, double seconds, char *out, size_t size) {
    time_t at = (time_t)(now + (int64_t)seconds);
    char date[32] = "";
    struct tm utc;
    if (gmtime_r(&at, &utc)) strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    if (seconds < 5970)
        snprintf(out, size, "%s, in %.0f min", date, ceil(seconds / 60));
    else
        snprintf(out, size, "%s, in %d h %02d min", date, (int)(seconds / 3600),
                 (int)(seconds / 60) % 60);
}

static void write_end(const struct expected_end *end, int64_t now, FILE *out) {
    char trainings[64], all[64];
    if (end->n_trainings + end->n_profiles == 0) return;
    format_end(now, fmax(end->training_seconds, 0), trainings, sizeof trainings);
    format_end(now, fmax(end->training_seconds, 0) + fmax(end->profiling_seconds, 0), all,
               sizeof all);
    if (!end->reason[0])
        shown_print(out, "expected end: %s\n", all);
    else if (end->n_trainings > 0 && end->training_seconds >= 0)
        shown_print(out, "expected end of trainings: %s; of profiles not known: %s\n", trainings,
                    end->reason);
    else
        shown_print(out, "expected end: not known: %s\n", end->reason);
}

/* ---- tables ---- */

static const char counts_sql[] =
    " SELECT workload, sum(status = 'running') AS running, sum(status = 'ok') AS done,"
    "  sum(status NOT IN ('ok', 'running', 'planned', 'skipped')) AS failed,"
    "  sum(status = 'skipped') AS skipped, sum(status = 'planned') AS planned"
    " FROM current_trial GROUP BY workload ORDER BY min(id)";

static const char running_sql[] =
    RUNNING " SELECT workload || '/' || arm || '/' || seed || CASE kind WHEN 'train' THEN ''"
            "   WHEN 'profile' THEN ' (profile)' ELSE ' (profile again)' END"
            "   || ', trial ' || trial_id AS running,"
            "  printf('%s, pid %d', host, pid) AS 'on host',"
            "  strftime('%Y-%m-%d %H:%M UTC', started_at) AS since,"
            "  CASE WHEN epoch IS NOT NULL THEN printf('%d of %d', epoch, n_epochs)"
            "   || CASE WHEN n_candidates > 1 THEN printf(', candidate %d of %d', candidate,"
            "    n_candidates) ELSE '' END END AS epoch,"
            "  CASE WHEN train_loss IS NOT NULL THEN printf('%.4f', train_loss) END AS loss,"
            "  CASE WHEN validation_accuracy IS NOT NULL THEN"
            "   printf('%.1f', 100 * validation_accuracy) END AS 'accuracy %',"
            "  CASE WHEN validation_mean_heads IS NOT NULL THEN"
            "   printf('%.2f', validation_mean_heads) END AS heads,"
            "  span || ' ago' || CASE WHEN state = 'gone' THEN ': its process is gone'"
            "   WHEN NOT lives THEN ': gone, or long busy' ELSE '' END AS 'last heard of'"
            " FROM running ORDER BY kind <> 'train', trial_id";

static const char ended_sql[] =
    " SELECT printf('%s: %d %s', workload, count(*), status)"
    "  || CASE reason WHEN '' THEN '' ELSE ': ' || reason END"
    "  || CASE count(*) WHEN 1 THEN printf(' (%s, seed %d, trial %d)', arm, seed, min(trial_id))"
    "   ELSE '' END AS 'ended without a result'"
    " FROM trial_status WHERE status NOT IN ('ok', 'running', 'planned')"
    " GROUP BY workload, status, reason ORDER BY min(trial_id)";

static bool print(struct store *store, const char *sql, const struct value *values, int n_values,
                  FILE *out, struct error *error) {
    struct table table = {0};
    bool ok = store_query(store, sql, values, n_values, report_collect, &table, error);
    if (ok && table.n_rows > 0) {
        fputc('\n', out);
        ok = table_write(&table, TABLE_ALIGNED, out, error);
    }
    table_free(&table);
    return ok;
}

bool status_write(struct store *store, int64_t now, FILE *out, struct error *error) {
    struct expected_end end;
    struct table counts = {0};
    if (!status_expected_end(store, now, &end, error)) return false;
    bool ok = store_query(store, counts_sql, NO_VALUES, report_collect, &counts, error);
    if (ok && counts.n_rows == 0) shown_print(out, "nothing is planned in '%s'\n", store->path);
    ok = ok && table_write(&counts, TABLE_ALIGNED, out, error);
    table_free(&counts);
    if (ok && end.n_trainings + end.n_profiles > 0) fputc('\n', out);
    if (ok) write_end(&end, now, out);
    return ok && print(store, running_sql, VALUES(PLACE(now)), out, error) &&
           print(store, ended_sql, NO_VALUES, out, error);
}

bool status_count_trainings(struct store *store, int *n_ok, int *n_failed, struct error *error) {
    static const char sql[] = "SELECT count(*) FROM current_trial WHERE kind = 'train' AND CASE ?1 "
                              "WHEN 1 THEN status = 'ok' ELSE status NOT IN ('ok', 'running', "
                              "'planned', 'skipped', 'interrupted') END";
    int64_t ok = store_number(store, sql, VALUES(INT(1)), error);
    int64_t failed = ok < 0 ? -1 : store_number(store, sql, VALUES(INT(0)), error);
    *n_ok = (int)ok;
    *n_failed = (int)failed;
    return failed >= 0;
}
