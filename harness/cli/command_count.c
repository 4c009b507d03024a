/*
 * `headroom count`: what forward passes of a checkpoint cost in events of the reader's choice, for
 * an input and for a head that runs. A profile counts the same and stores it; this asks one
 * question without a workload file of its own.
 */
#include "harness/cli/command.h"
#include "harness/cli/tested_model.h"
#include "harness/measure/software_events.h"
#include "harness/table/table.h"
#include "harness/trial/counting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Headroom's own events may be called as in a profile or as in PAPI. */
static const char *short_name(const char *name) {
    char own[NAME_SIZE];
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        software_event_papi_name((enum software_event)i, own);
        if (strcmp(name, own) == 0) return software_event_names[i];
    }
    return name;
}

/* A role may be named, too: then all of them are counted, and those that were not are not shown. */
static bool read_events(const struct arguments *arguments, struct counting *out,
                        struct error *error) {
    struct counter_request *request = &out->request;
    request->only_events = arguments->events.n > 0;
    out->own = arguments->events.n == 0;
    for (int i = 0; i < arguments->events.n; i++) {
        const char *name = short_name(arguments->events.word[i]);
        bool is_role = false, is_own = false;
        if (!name[0]) return error_set(error, "--event needs a name; papi_avail lists some");
        for (int j = 0; j < i; j++)
            if (strcmp(short_name(arguments->events.word[j]), name) == 0)
                return error_set(error, "--event %s is there twice", name);
        for (int j = 0; j < COUNTER_ROLES; j++) is_role |= strcmp(counter_role_names[j], name) == 0;
        for (int j = 0; j < SOFTWARE_EVENTS; j++)
            is_own |= strcmp(software_event_names[j], name) == 0;
        if (is_role) request->only_events = false;
        if (is_own) out->own = true;
        if (is_role || is_own) continue;
        if (strlen(name) >= NAME_SIZE)
            return error_set(error, "--event %s: a name has at most %d bytes", name, NAME_SIZE - 1);
        snprintf(request->events.name[request->events.n++], NAME_SIZE, "%s", name);
    }
    return true;
}

static bool read_request(const struct arguments *arguments, const struct tested_model *t,
                         struct counting *out, struct error *error) {
    const struct profile_config *profile = &t->workload->profile;
    *out = (struct counting){
        .batch_size = arguments->batch ? arguments->batch : 1,
        .inputs = arguments->inputs ? arguments->inputs : profile->inputs,
        .repeats = arguments->repeats ? arguments->repeats : profile->repeats,
        .seed = (uint64_t)t->workload->data.seed,
    };
    if (out->batch_size > BATCH_SIZE_MAX)
        return error_set(error, "--batch is at most %d", BATCH_SIZE_MAX);
    return read_events(arguments, out, error);
}

/* ---- the table ---- */

enum { VALUE_SIZE = 32, SOURCE_SIZE = 2 * NAME_SIZE };

/* A whole number as it is; of others as many digits as can mean something. */
static const char *format_count(double value, char out[VALUE_SIZE]) {
    if (!isfinite(value))
        snprintf(out, VALUE_SIZE, "n/a");
    else if (value == floor(value) && fabs(value) < 1e15)
        snprintf(out, VALUE_SIZE, "%.0f", value);
    else
        snprintf(out, VALUE_SIZE, fabs(value) < 1000 ? "%.4g" : "%.1f", value);
    return out;
}

/* The rows to print, in the order in which they were asked for. Returns their number. */
static int choose_rows(const struct arguments *arguments, const struct counting_result *result,
                       const struct counter_result *rows[]) {
    int n = 0;
    for (int i = 0; arguments->events.n == 0 && i < result->n; i++) rows[n++] = &result->counter[i];
    for (int i = 0; i < arguments->events.n; i++)
        for (int j = 0; j < result->n; j++)
            if (strcmp(short_name(arguments->events.word[i]), result->counter[j].role) == 0)
                rows[n++] = &result->counter[j];
    return n;
}

/* By what it was counted, or why it was not; a reason that an earlier row had is not told again. */
static const char *source_of(const struct counter_result *rows[], int row, char as[SOURCE_SIZE]) {
    if (rows[row]->available) return rows[row]->event;
    for (int i = 0; i < row; i++)
        if (strcmp(rows[i]->reason, rows[row]->reason) == 0) {
            snprintf(as, SOURCE_SIZE, "as %s", rows[i]->role);
            return as;
        }
    return rows[row]->reason;
}

/* Tells how many rows have a value, too. */
static bool print_table(const struct arguments *arguments, const struct counting_result *result,
                        int *n_counted, struct error *error) {
    const struct counter_result *rows[COUNTER_ROLES_MAX + SOFTWARE_EVENTS];
    struct table table = {.middle_right = true};
    int n = choose_rows(arguments, result, rows);
    *n_counted = 0;
    table_append(
        &table, 5,
        (const char *[]){"EVENT", "PER-INPUT", "PER-HEAD", "READING", "COUNTED BY, OR WHY NOT"});
    for (int i = 0; i < n; i++) {
        char as[SOURCE_SIZE];
        char input[VALUE_SIZE], head[VALUE_SIZE], reading[VALUE_SIZE];
        double value = rows[i]->available ? rows[i]->value : (double)NAN;
        format_count(value, input);
        format_count(result->heads > 0 ? value / result->heads : (double)NAN, head);
        format_count(rows[i]->available ? rows[i]->empty : (double)NAN, reading);
        table_append(&table, 5,
                     (const char *[]){rows[i]->role, input, head, reading, source_of(rows, i, as)});
        *n_counted += rows[i]->available;
    }
    bool ok = table_write(&table, TABLE_ALIGNED, stdout, error);
    table_free(&table);
    return ok;
}

/* What the numbers are of. */
static void tell(const struct counting *counting, const struct counting_result *result) {
    char heads[VALUE_SIZE], flops[VALUE_SIZE];
    tested_model_warn("count");
    fprintf(stderr,
            "headroom count: %d passes of batch %d over %d test inputs for each of %d set%s of "
            "events; an input runs %s heads and %s FLOPs\n",
            counting->repeats, counting->batch_size, result->n_inputs, result->n_sets,
            PLURAL_S(result->n_sets), format_count(result->heads, heads),
            format_count(result->flops, flops));
    if (result->thread_share < 0.9)
        fprintf(stderr,
                "headroom count: only %.0f%% of this process's CPU time is the counted thread's\n",
                100 * result->thread_share);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct tested_model tested = {0};
    struct counting counting;
    struct counting_result *result = calloc(1, sizeof *result);
    int status = EXIT_FAILED, n_counted;
    if (!result)
        error_set(error, "out of memory");
    else
        status = tested_model_read(arguments, &tested, error);
    if (status == EXIT_OK && !read_request(arguments, &tested, &counting, error))
        status = EXIT_USAGE;
    if (status == EXIT_OK &&
        !count_passes(tested.model.parameters, tested.data, &counting, result, error))
        status = EXIT_FAILED;
    if (status == EXIT_OK) {
        tell(&counting, result);
        bool ok = print_table(arguments, result, &n_counted, error);
        if (ok && n_counted == 0)
            ok = error_set(error,
                           "nothing of this can be counted here; `headroom doctor` says what can");
        if (!ok) status = EXIT_FAILED;
    }
    tested_model_free(&tested);
    free(result);
    return status;
}

const struct command count_command = {
    "count",
    "events of forward passes, for an input and for a head that runs",
    "FILE",
    1,
    1,
    {"workload", "tier", "set", "event", "batch", "inputs", "repeats"},
    "Runs FILE, a safetensors file as for `headroom evaluate`, over test inputs of a workload and\n"
    "counts events of each pass, after one that warms up. An event is a preset or native name of\n"
    "PAPI (papi_avail and papi_native_avail list them), a role of harness/measure/events.md as\n"
    "`cycles` is, or one of Headroom's own, which need libsde and no PMU: sde:::headroom::tokens,\n"
    "heads_run, executed_flops and bytes_gathered. Without --event: all roles and its own.\n"
    "\n"
    "A row is an event, its count for an input, the same for each head that ran for it (of all\n"
    "layers), how much of the first is the reading of counters alone, and what it was counted by.\n"
    "What cannot be counted here is n/a, with the reason. Events that do not fit the hardware\n"
    "together are counted in further passes over the same inputs; nothing is scaled up. Exit\n"
    "status 1 if nothing could be counted. Nothing is stored.\n"
    "\n"
    "examples:\n"
    "  headroom count mine.safetensors --workload trec-coarse\n"
    "  headroom count mine.safetensors --workload my.yaml --batch 32 --repeats 20 \\\n"
    "      --event PAPI_L1_DCM --event L2_RQSTS:ALL_DEMAND_MISS --event cycles\n"
    "  headroom count mine.safetensors --workload my.yaml --event sde:::headroom::executed_flops\n",
    run};
