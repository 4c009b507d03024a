/*
 * The join; see slurm_status.h.
 */
#include "harness/sweep/slurm_status.h"
#include "harness/store/status.h"
#include "harness/table/shown.h"
#include "harness/table/table.h"
#include "models/base/path.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char folder_name[] = "slurm-", job_name[] = "headroom-";

bool slurm_folder(const char *db, const char *name, char *out, size_t size) {
    char folder[64];
    snprintf(folder, sizeof folder, "%s%s", folder_name, name + sizeof job_name - 1);
    return path_beside(db, folder, out, size);
}

struct store *slurm_shard(const char *folder, int number) {
    char path[PATH_MAX + 32];
    struct store *shard = NULL;
    struct error ignored;
    snprintf(path, sizeof path, "%s/%d/shard.db", folder, number);
    if (access(path, F_OK) == 0) store_open_reader(path, &shard, &ignored);
    return shard;
}

/* Of what an element has brought. */
static void count_brought(const char *folder, int number, int *n_ok, int *n_failed) {
    struct store *shard = slurm_shard(folder, number);
    struct error ignored;
    *n_ok = *n_failed = 0;
    if (shard) status_count_trainings(shard, n_ok, n_failed, &ignored);
    store_close(shard);
}

static void add_row(struct table *table, const char *what, const struct slurm_element *element,
                    int n_ok, int n_failed, const struct slurm_state *state) {
    char trainings[16], ok[16], failed[16];
    snprintf(trainings, sizeof trainings, "%d", element->n_trainings);
    snprintf(ok, sizeof ok, "%d", n_ok);
    snprintf(failed, sizeof failed, "%d", n_failed);
    bool end = element->n_trainings == 0;
    const char *row[] = {what,
                         element->label,
                         end ? NULL : trainings,
                         end ? NULL : ok,
                         end ? NULL : failed,
                         state->state[0] ? state->state : "not in the queue",
                         state->queued ? state->reason : ""};
    table_append(table, sizeof row / sizeof *row, row);
}

/* The next line of the list; false at its end, and at one that nobody here wrote. */
static bool read_element(FILE *list, int *number, struct slurm_element *out) {
    char line[256], *at = line;
    if (!fgets(line, sizeof line, list)) return false;
    line[strcspn(line, "\n")] = '\0';
    long element = strtol(at, &at, 10), n_trainings = strtol(at, &at, 10);
    if (element < 1 || element > SHARDS_MAX || n_trainings < 1 || *at != ' ') return false;
    *number = (int)element;
    out->n_trainings = (int)n_trainings;
    snprintf(out->label, sizeof out->label, "%.190s", at + 1);
    return true;
}

/* The elements of one sweep, from its list. */
static bool write_sweep(const char *folder, const char *suffix, FILE *list, FILE *out,
                        struct error *error) {
    static const char *const columns[] = {"element", "begins with", "trainings", "done",
                                          "failed",  "in Slurm",    "on, or why"};
    static const struct slurm_element end = {.label = "merge, profiles, report"};
    char name[64], what[16];
    struct slurm_element element;
    struct table table = {0};
    struct error silent = {0};
    int number, n = 0, n_done = 0;
    struct slurm_states *states = calloc(1, sizeof *states);
    if (!states) return error_set(error, "out of memory");
    snprintf(name, sizeof name, "%s%s", job_name, suffix);
    bool answers = slurm_queue_read(name, states, &silent);
    table_append(&table, sizeof columns / sizeof *columns, columns);
    while (read_element(list, &number, &element)) {
        int n_ok, n_failed;
        count_brought(folder, number, &n_ok, &n_failed);
        n++;
        n_done += n_ok >= element.n_trainings;
        snprintf(what, sizeof what, "%d", number);
        if (n_ok < element.n_trainings || states->element[number].queued)
            add_row(&table, what, &element, n_ok, n_failed, &states->element[number]);
    }
    if (states->element[0].state[0]) add_row(&table, "end", &end, 0, 0, &states->element[0]);
    shown_print(out, "\n%s: %d of %d element%s done, in %s\n", name, n_done, n, PLURAL_S(n),
                folder);
    if (!answers) shown_print(out, "of the queue nothing is known: %s\n", silent.text);
    bool ok = table.n_rows < 2 || table_write(&table, TABLE_ALIGNED, out, error);
    table_free(&table);
    free(states);
    return ok;
}

bool slurm_status_write(const char *db, FILE *out, struct error *error) {
    char path[4096], folder[4096], list[4200];
    struct dirent *entry;
    bool ok = true;
    if (!path_beside(db, "", path, sizeof path)) return true;
    DIR *beside = opendir(path[0] ? path : ".");
    while (ok && beside && (entry = readdir(beside))) {
        if (strncmp(entry->d_name, folder_name, sizeof folder_name - 1) != 0 ||
            !path_beside(db, entry->d_name, folder, sizeof folder))
            continue;
        snprintf(list, sizeof list, "%s/elements", folder);
        FILE *file = fopen(list, "r");
        if (!file) continue;
        ok = write_sweep(folder, entry->d_name + sizeof folder_name - 1, file, out, error);
        fclose(file);
    }
    if (beside) closedir(beside);
    return ok;
}
