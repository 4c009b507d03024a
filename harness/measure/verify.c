/*
 * Verifying counts: the passes of a profile around the known work, once each, because its ranges
 * are wide enough for what an interrupt adds.
 */
#include "harness/measure/verify.h"
#include "harness/table/table.h"
#include "models/base/json.h"

#include <inttypes.h>
#include <string.h>

static const char *const verdicts[] = {"not counted", "as expected", "WRONG"};

bool verify_counters(const struct counter_backend *backend, struct verified out[COUNTER_ROLES],
                     struct error *error) {
    struct counters *counters;
    if (!counters_open_backend(backend, NULL, &counters, error)) return false;
    for (int role = 0; role < COUNTER_ROLES; role++) {
        counters_describe(counters, role, &out[role].read);
        out[role].verdict = out[role].read.available ? VERDICT_AS_EXPECTED : VERDICT_NOT_COUNTED;
    }
    for (int pass = 0; pass < counters_passes(counters); pass++) {
        counters_start(counters, pass);
        int64_t cpu_ns = known_work_run();
        counters_stop(counters, pass);
        for (int role = 0; role < COUNTER_ROLES; role++)
            if (pass == 0 || out[role].read.pass == pass)
                out[role].expected = known_work_range((enum counter_role_id)role, cpu_ns);
    }
    for (int role = 0; role < COUNTER_ROLES; role++) {
        struct verified *v = &out[role];
        if (v->verdict == VERDICT_NOT_COUNTED) continue;
        counters_result(counters, role, 1, &v->read);
        bool expected = v->read.available && v->read.value >= (double)v->expected.least &&
                        v->read.value <= (double)v->expected.most;
        if (!expected) v->verdict = VERDICT_WRONG;
    }
    counters_close(counters);
    return true;
}

/* What a role was counted by; where it counted before and then had no value, why. */
static const char *event_or_reason(const struct verified *v) {
    if (v->verdict == VERDICT_WRONG && !v->read.available) return v->read.reason;
    return v->read.event[0] ? v->read.event : "-";
}

bool verify_print(const struct verified verified[COUNTER_ROLES], FILE *out, struct error *error) {
    struct table table = {0};
    table_append(&table, 5, (const char *[]){"role", "expected", "read", "verdict", "event"});
    for (int role = 0; role < COUNTER_ROLES; role++) {
        const struct verified *v = &verified[role];
        char expected[48], read[24] = "-";
        snprintf(expected, sizeof expected, "%" PRId64 "..%" PRId64, v->expected.least,
                 v->expected.most);
        if (v->read.available) snprintf(read, sizeof read, "%.0f", v->read.value);
        table_append(&table, 5,
                     (const char *[]){v->read.role, expected, read, verdicts[v->verdict],
                                      event_or_reason(v)});
    }
    bool ok = table_write(&table, TABLE_ALIGNED, out, error);
    table_free(&table);
    return ok;
}

void verify_write_json(const struct verified verified[COUNTER_ROLES], struct text *out) {
    for (int role = 0; role < COUNTER_ROLES; role++) {
        const struct verified *v = &verified[role];
        text_append(out, "%s{\"role\": \"%s\", \"event\": ", role ? ", " : "[", v->read.role);
        if (v->read.event[0])
            text_append_json_string(out, v->read.event);
        else
            text_append(out, "null");
        text_append(out, ", \"least\": %" PRId64 ", \"most\": %" PRId64 ", \"read\": ",
                    v->expected.least, v->expected.most);
        text_append(out, v->read.available ? "%.0f" : "null", v->read.value);
        text_append(out, ", \"verdict\": \"%s\", \"reason\": ", verdicts[v->verdict]);
        if (v->read.available)
            text_append(out, "null");
        else
            text_append_json_string(out, v->read.reason);
        text_append(out, "}");
    }
    text_append(out, "]");
}

bool verify_passed(const struct verified verified[COUNTER_ROLES], struct error *error) {
    char names[256] = "";
    int n = 0;
    for (int role = 0; role < COUNTER_ROLES; role++) {
        size_t used = strlen(names);
        if (verified[role].verdict != VERDICT_WRONG) continue;
        snprintf(names + used, sizeof names - used, "%s%s", n++ ? ", " : "",
                 verified[role].read.role);
    }
    return n == 0 || error_set(error,
                               "%s: not what the known work causes: do not trust %s on this "
                               "machine, and report it with `headroom doctor --json`",
                               names, n == 1 ? "this count" : "these counts");
}

bool verify_run(FILE *out, bool json, struct error *error) {
    struct verified verified[COUNTER_ROLES];
    struct text text = {0};
    if (!verify_counters(&counter_backend_papi, verified, error)) return false;
    if (!json) return verify_print(verified, out, error) && verify_passed(verified, error);
    verify_write_json(verified, &text);
    fprintf(out, "%s\n", text.failed ? "null" : text.data);
    text_free(&text);
    return verify_passed(verified, error);
}
