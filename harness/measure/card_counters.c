/*
 * Counting by role on a card: opening counts a known piece of work by every event, and believes it
 * only if it reads what that work is. Arithmetic is known to the integer, memory within a factor.
 */
#include "harness/measure/card_counters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_SIZE = sizeof((struct counter_result *)0)->reason, PRECISIONS = PRECISION_BF16 + 1 };

/* A product of N x N numbers may scale each of them at its end, by one more FMA. */
#define CUBE   ((int64_t)CARD_PRODUCT_SIZE * CARD_PRODUCT_SIZE * CARD_PRODUCT_SIZE)
#define SQUARE ((int64_t)CARD_PRODUCT_SIZE * CARD_PRODUCT_SIZE)
#define SECTOR 32

/* By what a role is counted, the task that proves it, and what that must read. From `least` on in
 * steps to `most`; step 0: anything between. */
struct card_role {
    const char *event[PRECISIONS];
    enum card_task task;
    int64_t least, most, step;
};

#define ALL(event)                                                                                 \
    { event, event, event }
#define TF32_OPERATIONS "sm__ops_path_tensor_src_tf32_dst_fp32:stat=sum"
#define BF16_OPERATIONS "sm__ops_path_tensor_src_bf16_dst_fp32:stat=sum"

/* Cycles are those in which a multiprocessor has work, summed over them like its instructions; time
 * between kernels has none. What is still in L2 when the task ends has not been written, which may
 * be half of the array on the largest cards; sectors are asked for again where L2 has two halves. */
static const struct card_role card_roles[CARD_ROLES] = {
    [CARD_CYCLES] = {ALL("sm__cycles_active:stat=sum"), CARD_SUM, 1, INT64_MAX, 0},
    [CARD_INSTRUCTIONS] = {ALL("sm__inst_executed:stat=sum"), CARD_SUM, 1, INT64_MAX, 0},
    [CARD_FMA] = {ALL("sm__sass_thread_inst_executed_op_ffma_pred_on:stat=sum"), CARD_PRODUCT, CUBE,
                  CUBE + 2 * SQUARE, SQUARE},
    [CARD_TENSOR_OPERATIONS] = {{TF32_OPERATIONS, TF32_OPERATIONS, BF16_OPERATIONS},
                                CARD_TENSOR_PRODUCT,
                                2 * CUBE,
                                2 * CUBE,
                                1},
    [CARD_TENSOR_INSTRUCTIONS] = {ALL("sm__inst_executed_pipe_tensor:stat=sum"),
                                  CARD_TENSOR_PRODUCT, 1, INT64_MAX, 0},
    [CARD_DRAM_READ_BYTES] = {ALL("dram__bytes_read:stat=sum"), CARD_SUM, CARD_SUM_BYTES / 2,
                              (int64_t)2 * CARD_SUM_BYTES, 0},
    [CARD_DRAM_WRITE_BYTES] = {ALL("dram__bytes_write:stat=sum"), CARD_SUM, CARD_SUM_BYTES / 4,
                               (int64_t)2 * CARD_SUM_BYTES, 0},
    [CARD_L2_SECTORS] = {ALL("lts__t_sectors:stat=sum"), CARD_SUM,
                         (int64_t)2 * (CARD_SUM_BYTES / SECTOR),
                         (int64_t)8 * (CARD_SUM_BYTES / SECTOR), 0},
};

/* A role, or pass: its event set, what the last region counted, and what one of nothing does. */
struct pass {
    char event[sizeof((struct counter_result *)0)->event];
    char reason[REASON_SIZE]; /* why it is unavailable; "" if it is not */
    int set;
    bool has_set, running;
    long long count, empty;
};

struct card_counters {
    const struct counter_backend *backend;
    struct counter_host host;
    char broken[REASON_SIZE]; /* why nothing can be counted any more; "" as long as it can */
    struct pass pass[CARD_ROLES];
};

/* ---- reasons ---- */

/* Why an event was not added. */
static void explain_add(const struct card_counters *c, const char *event, int code, char *out) {
    const struct counter_backend *b = c->backend;
    b->card_problem(b->context, out, REASON_SIZE);
    if (out[0]) return;
    const char *text = b->describe(b->context, code);
    if (code == COUNTER_SEVERAL_RUNS)
        snprintf(out, REASON_SIZE,
                 "%s: this card counts it only when the same work runs several times, which PAPI "
                 "does not do",
                 event);
    else if (counter_is_missing(code))
        snprintf(out, REASON_SIZE, "PAPI knows no event %s on this card", event);
    else
        snprintf(out, REASON_SIZE, "%s: PAPI failed: %s (code %d)", event,
                 text ? text : "no reason", code);
}

/* Why counting did not start. PAPI has one code for all that CUPTI says. */
static void explain_start(const struct card_counters *c, int code, char *out) {
    if (c->host.card_admins)
        snprintf(out, REASON_SIZE,
                 "the card's driver lets administrators alone count (ERR_NVGPUCTRPERM): run as "
                 "root, in a container with --cap-add SYS_ADMIN, or load the module nvidia with "
                 "NVreg_RestrictProfilingToAdminUsers=0");
    else
        snprintf(out, REASON_SIZE,
                 "PAPI cannot start counting on the card (code %d): stop other programs that "
                 "count there (ncu, nsys, dcgm)",
                 code);
}

/* ---- counting ---- */

void card_counters_start(struct card_counters *c, int pass) {
    struct pass *own = &c->pass[pass];
    own->running = false;
    if (own->reason[0]) return;
    int code = c->broken[0] ? COUNTER_OK : c->backend->start(c->backend->context, own->set);
    if (code != COUNTER_OK) explain_start(c, code, c->broken);
    memcpy(own->reason, c->broken, sizeof own->reason);
    own->running = !own->reason[0];
}

void card_counters_stop(struct card_counters *c, int pass) {
    struct pass *own = &c->pass[pass];
    if (!own->running) return;
    own->running = false;
    int code = c->backend->stop(c->backend->context, own->set, &own->count);
    if (code == COUNTER_OK) return;
    snprintf(c->broken, sizeof c->broken, "PAPI cannot read the card's counters (code %d)", code);
    memcpy(own->reason, c->broken, sizeof own->reason);
}

static void count_task(struct card_counters *c, int index, struct card_work *work,
                       enum card_task task) {
    card_counters_start(c, index);
    if (c->pass[index].running) work->run(work, task);
    card_counters_stop(c, index);
}

/* ---- opening ---- */

static bool add_event(struct card_counters *c, struct pass *pass) {
    const struct counter_backend *b = c->backend;
    int code = b->create(b->context, &pass->set);
    pass->has_set = code == COUNTER_OK;
    if (code == COUNTER_OK) code = b->add(b->context, pass->set, pass->event);
    if (code != COUNTER_OK) explain_add(c, pass->event, code, pass->reason);
    return code == COUNTER_OK;
}

static bool reads_right(const struct card_role *role, long long count) {
    return count >= role->least && count <= role->most &&
           (role->step == 0 || (count - role->least) % role->step == 0);
}

/* Counts nothing, and the role's task; a wrong count has both numbers in its reason. */
static void prove(struct card_counters *c, int index, struct card_work *work) {
    const struct card_role *role = &card_roles[index];
    struct pass *pass = &c->pass[index];
    count_task(c, index, work, CARD_NOTHING);
    pass->empty = pass->count;
    count_task(c, index, work, role->task);
    if (pass->reason[0] || reads_right(role, pass->count)) return;
    snprintf(pass->reason, sizeof pass->reason,
             "%s read %lld over work that is %s%lld: it does not count here", pass->event,
             pass->count, role->least == role->most ? "" : "at least ", (long long)role->least);
}

bool card_counters_open_backend(const struct counter_backend *backend, struct card_work *work,
                                struct card_counters **out, struct error *error) {
    struct card_counters *c = calloc(1, sizeof *c);
    struct error problem = {0};
    bool any = false;
    *out = c;
    if (!c) return error_set(error, "out of memory for a card's counters: free some and retry");
    c->backend = backend;
    if (backend->open(backend->context, &c->host, c->broken, sizeof c->broken) != COUNTER_OK &&
        !c->broken[0])
        snprintf(c->broken, sizeof c->broken, "the counting library did not start");
    for (int i = 0; i < CARD_ROLES; i++) {
        struct pass *pass = &c->pass[i];
        snprintf(pass->event, sizeof pass->event, "cuda:::%s:device=%d",
                 card_roles[i].event[work->device->precision], work->device->card);
        memcpy(pass->reason, c->broken, sizeof c->broken);
        any |= !c->broken[0] && add_event(c, pass);
    }
    if (any && !work->start(work, &problem))
        snprintf(c->broken, sizeof c->broken, "no known work to prove events by: %.*s",
                 (int)sizeof c->broken - 40, problem.text);
    for (int i = 0; i < CARD_ROLES; i++) prove(c, i, work);
    work->end(work);
    return true;
}

bool card_counters_open(const struct device *d, struct card_counters **out, struct error *error) {
    struct card_work work = card_work_on(d);
    return card_counters_open_backend(&counter_backend_papi, &work, out, error);
}

void card_counters_close(struct card_counters *c) {
    if (!c) return;
    for (int i = 0; i < CARD_ROLES; i++) {
        card_counters_stop(c, i);
        if (c->pass[i].has_set) c->backend->destroy(c->backend->context, c->pass[i].set);
    }
    free(c);
}

/* ---- results ---- */

int card_counters_passes(const struct card_counters *c) {
    (void)c;
    return CARD_ROLES;
}

void card_counters_result(const struct card_counters *c, enum card_role_id role, double inputs,
                          int repeats, struct counter_result *out) {
    const struct pass *pass = &c->pass[role];
    *out = (struct counter_result){.available = !pass->reason[0],
                                   .value = (double)pass->count / inputs,
                                   .empty = (double)pass->empty / inputs,
                                   .pass = (int)role,
                                   .repeats = repeats};
    snprintf(out->role, sizeof out->role, "%s", card_role_names[role]);
    snprintf(out->scope, sizeof out->scope, "gpu");
    snprintf(out->status, sizeof out->status, out->available ? "counted" : "unavailable");
    if (out->available) {
        snprintf(out->event, sizeof out->event, "%s", pass->event);
        return;
    }
    out->value = out->empty = NAN;
    out->pass = -1;
    out->repeats = 0;
    memcpy(out->reason, pass->reason, sizeof out->reason);
}
