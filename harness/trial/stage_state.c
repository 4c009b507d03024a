/*
 * The file of a stage: three tensors, and numbers as they lie in memory, in hexadecimal digits. The
 * same code has the same structs, and no other code is believed. Nor is another machine, whose last
 * bits would be others.
 */
#include "harness/trial/stage_state.h"
#include "harness/config/placement.h"
#include "harness/measure/code_hash.h"
#include "harness/measure/cpu_model.h"
#include "models/base/clock.h"
#include "models/base/sha256.h"
#include "models/base/text.h"
#include "models/checkpoint.h"
#include "models/cpu/gemm.h"
#include "models/device_card.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the trial so far and of the stage at hand. */
struct numbers {
    struct stage_position at;
    int64_t optimizer_steps, n_epochs, steps;
    uint64_t train_flops;
    double train_seconds, wall_seconds, phase_ns[PHASES];
};

enum { TENSORS = 3 };

static const char format[] = "headroom-stage-1";

/* What is in the file, with memory of its own for the moments, or for all three. */
struct contents {
    char path[1100], stage[32], code[CODE_HASH_SIZE], machine[512], digest[65];
    struct text numbers, rows; /* hexadecimal */
    float *own;
    struct tensor_view tensor[TENSORS]; /* parameters, best, moments */
};

static struct tensor_view view(const char *name, float *data, size_t n) {
    struct tensor_view v = {.rank = 1,
                            .shape = {(int64_t)n, 1},
                            .data = data,
                            .groups = 1,
                            .rows = (int64_t)n,
                            .cols = 1,
                            .group_stride = (int64_t)n,
                            .row_stride = 1,
                            .col_stride = 1};
    snprintf(v.name, sizeof v.name, "%s", name);
    return v;
}

static float *floats_of(const struct parameters *p) {
    return (float *)(void *)p->arena.base;
}

static void contents_free(struct contents *c) {
    text_free(&c->numbers);
    text_free(&c->rows);
    free(c->own);
}

/* What the same program computes other last bits on: the processor with the kernels that libraries
 * choose for it, and the card. */
static void describe_machine(const struct device *device, char *out, size_t size) {
    char processor[128], kernels[128];
    struct device_card card = {0};
    struct error ignored;
    if (!cpu_model_read("", processor, sizeof processor)) processor[0] = '\0';
    gemm_kernels(kernels, sizeof kernels);
    if (!device->is_host) device_describe_card(device->card, &card, &ignored);
    snprintf(out, size, "%s, %s%s%s", processor[0] ? processor : "unknown processor", kernels,
             device->is_host ? "" : ", ", card.name);
}

/* Everything but numbers, rows and digest. `apart`: no tensor lies in the stage's memory. */
static bool contents_of(const struct run *run, bool apart, struct contents *out) {
    const struct training_context *context = run->context;
    struct placement placement = placement_of_training(&run->trial->train);
    size_t n = optimizer_floats(run->optimizer), weights = run->parameters->arena.used;
    weights /= sizeof(float);
    *out = (struct contents){.own = malloc((n + (apart ? 2 * weights : 0)) * sizeof(float))};
    if (!out->own) return false;
    snprintf(out->stage, sizeof out->stage, "%d.%d", context->candidate, run->n_stages);
    snprintf(out->path, sizeof out->path, "%s.stage-%s", context->states, out->stage);
    code_hash(run->trial->arms[0].policy->name, false,
              strcmp(placement_kind(&placement), "cpu") != 0, out->code);
    describe_machine(run->device, out->machine, sizeof out->machine);
    float *parameters = apart ? out->own + n : floats_of(run->parameters);
    float *best = apart ? out->own + n + weights : floats_of(run->best);
    out->tensor[0] = view("parameters", parameters, weights);
    out->tensor[1] = view("best", best, weights);
    out->tensor[2] = view("moments", out->own, n);
    return true;
}

/* SHA-256 of all that the file holds of the training: a bit that a disk has changed is seen. */
static void digest_of(const struct contents *c, const char *numbers, const char *rows,
                      char out[65]) {
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, numbers, strlen(numbers));
    sha256_add(&hash, rows, strlen(rows));
    for (size_t i = 0; i < TENSORS; i++)
        sha256_add(&hash, c->tensor[i].data, (size_t)c->tensor[i].rows * sizeof(float));
    sha256_finish(&hash, out);
}

/* ---- numbers ---- */

static void append_hex(struct text *out, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        text_append(out, "%02x", (unsigned)((const unsigned char *)bytes)[i]);
}

/* False unless these are the digits of exactly so many bytes. */
static bool read_hex(const char *digits, void *out, size_t size) {
    static const char all[] = "0123456789abcdef";
    if (!digits || strlen(digits) != 2 * size || strspn(digits, all) != 2 * size) return false;
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)out)[i] = (unsigned char)((strchr(all, digits[2 * i]) - all) * 16 +
                                                    (strchr(all, digits[2 * i + 1]) - all));
    return true;
}

static bool are_sound(const struct run *run, const struct numbers *n, int before) {
    const struct stage_position *at = &n->at;
    return at->epoch >= 0 && at->epoch <= run->stage.epochs && at->step >= 0 &&
           at->step < run->steps_per_epoch && (at->epoch < run->stage.epochs || at->step == 0) &&
           at->best >= -1 && at->best < at->epoch && n->n_epochs == before + at->epoch &&
           n->optimizer_steps == at->epoch * run->steps_per_epoch + at->step;
}

/* ---- the file ---- */

static void tell(const struct run *run, const char *what, const struct error *error) {
    FILE *log = run->context->log;
    if (log) fprintf(log, "%s%s%s\n", what, error ? ": " : "", error ? error->text : "");
}

static void write_file(struct run *run, struct contents *c) {
    struct error error = {0};
    const char *rows = c->rows.data ? c->rows.data : "";
    digest_of(c, c->numbers.data, rows, c->digest);
    struct metadata meta[] = {{"format", format},
                              {"trial", run->context->trial},
                              {"stage", c->stage},
                              {"data", run->data->sha256},
                              {"code", c->code},
                              {"machine", c->machine},
                              {"numbers", c->numbers.data},
                              {"rows", rows},
                              {"sha256", c->digest}};
    if (!run->device->ops->ok(run->device, &error) ||
        !checkpoint_write(c->path, meta, sizeof meta / sizeof *meta, c->tensor, TENSORS, &error))
        tell(run, "where this training stands cannot be left behind", &error);
}

void stage_state_save(struct run *run, const struct training_result *out) {
    struct contents c = {0};
    struct numbers numbers = {0};
    if (!run->optimizer) return;
    if (!contents_of(run, false, &c)) goto full;
    trainer_store(run->trainer);
    phase_timer_read(&run->timer);
    numbers.at = run->at;
    numbers.optimizer_steps = optimizer_save(run->optimizer, c.own);
    numbers.n_epochs = out->n_epochs;
    numbers.steps = out->steps;
    numbers.train_flops = out->train_flops;
    numbers.train_seconds = out->train_seconds;
    numbers.wall_seconds = clock_seconds() - run->started;
    memcpy(numbers.phase_ns, run->timer.ns, sizeof numbers.phase_ns);
    append_hex(&c.numbers, &numbers, sizeof numbers);
    append_hex(&c.rows, out->epochs + out->n_epochs - run->at.epoch,
               (size_t)run->at.epoch * sizeof *out->epochs);
    if (c.numbers.failed || c.rows.failed) goto full;
    write_file(run, &c);
    contents_free(&c);
    return;
full:
    tell(run, "no memory to leave behind where this training stands", NULL);
    contents_free(&c);
}

static bool is_of_this(const struct run *run, const struct contents *c,
                       const struct checkpoint *file, struct error *error) {
    const struct {
        const char *key, *value, *what;
    } wanted[] = {{"format", format, "program"},      {"trial", run->context->trial, "trial"},
                  {"stage", c->stage, "stage"},       {"data", run->data->sha256, "data set"},
                  {"machine", c->machine, "machine"}, {"code", c->code, "program"}};
    /* The kernels are in the code's hash as well, which does not tell why it is another. */
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *found = checkpoint_metadata(file, wanted[i].key);
        if (found && strcmp(found, wanted[i].value) == 0) continue;
        error_set(error, "it is of another %s", wanted[i].what);
        return found && wanted[i].value == c->machine ? error_append(error, ": %s", found) : false;
    }
    return true;
}

/* Reads the file into the memory apart, and its numbers; false, with the reason, if it is not what
 * was written. */
static bool read_file(const struct run *run, struct contents *c, const struct checkpoint *file,
                      struct numbers *numbers, int before, struct error *error) {
    const char *digits = checkpoint_metadata(file, "numbers");
    const char *rows = checkpoint_metadata(file, "rows");
    const char *digest = checkpoint_metadata(file, "sha256");
    if (!digest || !rows || !read_hex(digits, numbers, sizeof *numbers) ||
        !are_sound(run, numbers, before) ||
        strlen(rows) != 2 * (size_t)numbers->at.epoch * sizeof(struct epoch_result))
        return error_set(error, "its numbers are not those of this stage");
    if (!checkpoint_read(file, c->tensor, TENSORS, error)) return false;
    digest_of(c, digits, rows, c->digest);
    return strcmp(digest, c->digest) == 0 ||
           error_set(error, "its contents are not those that were written");
}

static void take_over(struct run *run, const struct contents *c, const struct numbers *numbers,
                      struct training_result *out) {
    memcpy(floats_of(run->parameters), c->tensor[0].data, run->parameters->arena.used);
    memcpy(floats_of(run->best), c->tensor[1].data, run->best->arena.used);
    optimizer_restore(run->optimizer, c->tensor[2].data, numbers->optimizer_steps);
    run->at = numbers->at;
    run->has_state = true;
    run->started = clock_seconds() - numbers->wall_seconds;
    memcpy(run->timer.ns, numbers->phase_ns, sizeof numbers->phase_ns);
    out->n_epochs = (int)numbers->n_epochs;
    out->steps = numbers->steps;
    out->train_flops = numbers->train_flops;
    out->train_seconds = numbers->train_seconds;
    if (run->context->log)
        fprintf(run->context->log, "goes on after %d epochs and %lld of %lld steps\n",
                out->n_epochs, (long long)run->at.step, (long long)run->steps_per_epoch);
}

void stage_state_restore(struct run *run, struct training_result *out) {
    struct contents c = {0};
    struct checkpoint *file = NULL;
    struct numbers numbers;
    struct error error = {0};
    if (!run->context->states || !run->optimizer) return;
    if (!contents_of(run, true, &c)) {
        tell(run, "no memory to read where an earlier attempt stood; from the start", NULL);
    } else if (access(c.path, F_OK) == 0) {
        bool ok = checkpoint_open(c.path, &file, &error) && is_of_this(run, &c, file, &error) &&
                  read_file(run, &c, file, &numbers, out->n_epochs, &error) &&
                  read_hex(checkpoint_metadata(file, "rows"), out->epochs + out->n_epochs,
                           (size_t)numbers.at.epoch * sizeof *out->epochs);
        if (ok) {
            take_over(run, &c, &numbers, out);
        } else {
            tell(run, "what an earlier attempt left behind cannot be used; from the start", &error);
            unlink(c.path);
        }
    }
    checkpoint_close(file);
    contents_free(&c);
}

void training_forget(const char *states) {
    char folder[1100], path[1400];
    const char *name = strrchr(states, '/');
    size_t length = name ? (size_t)(name + 1 - states) : 0;
    struct dirent *entry;
    name = states + length;
    snprintf(folder, sizeof folder, "%.*s", (int)length, length ? states : "");
    DIR *files = opendir(length ? folder : ".");
    while (files && (entry = readdir(files)))
        if (strncmp(entry->d_name, name, strlen(name)) == 0 &&
            strncmp(entry->d_name + strlen(name), ".stage-", 7) == 0) {
            snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
            unlink(path);
        }
    if (files) closedir(files);
}
