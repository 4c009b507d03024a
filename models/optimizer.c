/*
 * The schedule, the corrections and the norm of AdamW; the pass over the numbers is the device's.
 * Decay applies to weight matrices only (struct tensor says which), scaled by the learning rate and
 * decoupled from the gradient.
 *
 * Rows of embeddings that no token touched have their step late where the device can: it notes how
 * many of the steps in `past` each has had, and before there is no more room for another note all
 * are settled.
 *
 * Where a policy works on the host although the device does not, its tensors have their step there,
 * with the norm of all.
 */
#include "models/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tensors of one memory, and the moments there, laid out like the parameters' arena. */
struct part {
    const struct device *device;
    struct arena arena;
    float *mean, *square;
    float *past; /* [ADAMW_PAST][2], where rows can be late */
    int n_past;
    int n_tensors;
    struct adamw_tensor *tensor; /* [n_tensors] */
    int *row;                    /* [n_tensors] in parameters.tensors */
};

struct optimizer {
    struct optimizer_config config;
    const struct device *device;
    struct part here, host; /* on the device; on the host, if anything has to be */
    struct arena norm;
    double *square_sum; /* in the device's memory: of all gradients */
    size_t floats;
    int64_t step;
};

/* Embeddings have no decay and the rate of all: one note of a step does for all their tables. */
static void layout(struct part *part, const struct parameters *p) {
    size_t floats = p->arena.used / sizeof(float);
    part->mean = arena_floats(&part->arena, floats);
    part->square = arena_floats(&part->arena, floats);
    if (!part->device->ops->adamw_late) return;
    part->past = arena_floats(&part->arena, (size_t)2 * ADAMW_PAST);
    for (int i = 0; i < part->n_tensors; i++) {
        const struct tensor *row = &p->tensors[part->row[i]];
        if (!row->embedding || row->decay || row->learning_rate > 0) continue;
        part->tensor[i].since = arena_take(&part->arena, row->count / (size_t)p->config.dim,
                                           sizeof *part->tensor[i].since, ARENA_LINE);
    }
}

/* Takes the tensors whose place is `on_host`. */
static bool part_new(struct part *part, const struct device *d, const struct parameters *p,
                     bool on_host, struct error *error) {
    size_t n = (size_t)p->n_tensors;
    part->device = d;
    part->arena.purpose = "optimiser";
    part->arena.source = device_memory(d);
    part->tensor = calloc(n, sizeof *part->tensor);
    part->row = calloc(n, sizeof *part->row);
    if (!part->tensor || !part->row) return error_set(error, "out of memory for the optimiser");
    for (int i = 0; i < p->n_tensors; i++)
        if ((p->policy_on_host && p->tensors[i].policy) == on_host) {
            part->tensor[part->n_tensors].offset = p->tensors[i].offset;
            part->tensor[part->n_tensors].count = p->tensors[i].count;
            part->row[part->n_tensors++] = i;
        }
    layout(part, p);
    if (!arena_reserve(&part->arena, error)) return false;
    layout(part, p);
    if (!d->is_host) d->ops->clear(d, part->arena.base, part->arena.used);
    return true;
}

static void part_free(struct part *part) {
    arena_release(&part->arena);
    free(part->tensor);
    free(part->row);
}

bool optimizer_new_on(const struct device *d, const struct parameters *parameters,
                      const struct optimizer_config *config, struct optimizer **out,
                      struct error *error) {
    struct optimizer *o = calloc(1, sizeof *o);
    if (!o) return error_set(error, "out of memory for the optimiser");
    o->config = *config;
    o->device = d;
    o->norm.purpose = "norm";
    o->norm.source = device_memory(d);
    o->square_sum = arena_take(&o->norm, 1, sizeof *o->square_sum, ARENA_LINE);
    if (!part_new(&o->here, d, parameters, false, error) ||
        (parameters->policy_on_host &&
         !part_new(&o->host, device_cpu(), parameters, true, error)) ||
        !arena_reserve(&o->norm, error)) {
        optimizer_free(o);
        return false;
    }
    o->square_sum = arena_take(&o->norm, 1, sizeof *o->square_sum, ARENA_LINE);
    *out = o;
    return true;
}

void optimizer_free(struct optimizer *o) {
    if (!o) return;
    part_free(&o->here);
    part_free(&o->host);
    arena_release(&o->norm);
    free(o);
}

/* The schedule with another peak. */
static double rate_of(const struct optimizer_config *config, double peak, int64_t step) {
    if (step < config->warmup_steps)
        return peak * (double)(step + 1) / (double)config->warmup_steps;
    double left = (double)(config->total_steps - config->warmup_steps);
    double done = left > 0 ? (double)(step - config->warmup_steps) / left : 1.0;
    return peak * 0.5 * (1.0 + cos(3.141592653589793 * (done < 1.0 ? done : 1.0)));
}

double optimizer_rate(const struct optimizer_config *config, int64_t step) {
    return rate_of(config, config->learning_rate, step);
}

static const float *numbers_of(const struct parameters *p) {
    return (const float *)(const void *)p->arena.base;
}

/* Which rows of the embeddings' gradients are not 0. */
static void take_touched(const struct part *part, const struct parameters *gradients) {
    for (int i = 0; i < part->n_tensors; i++) {
        const struct tensor *row = &gradients->tensors[part->row[i]];
        part->tensor[i].dim = row->embedding ? gradients->config.dim : 0;
        part->tensor[i].touched = row->touched;
    }
}

static void add_squares(const struct part *part, const struct parameters *gradients, double *sum) {
    const struct device *d = part->device;
    if (part->n_tensors > 0)
        d->ops->square_sum(d, part->n_tensors, part->tensor, numbers_of(gradients), sum);
}

/* The sum of squares into o->square_sum; with a part on the host also into *host. */
static void sum_squares(struct optimizer *o, const struct parameters *gradients, double *host) {
    const struct device *d = o->device;
    d->ops->clear(d, o->square_sum, sizeof *o->square_sum);
    if (gradients->policy_on_host) {
        add_squares(&o->host, gradients->host, host);
        d->ops->upload(d, o->square_sum, host, sizeof *host);
    }
    add_squares(&o->here, gradients, o->square_sum);
    if (gradients->policy_on_host) d->ops->download(d, host, o->square_sum, sizeof *host);
}

/* What is told of the past, beside the rule of all steps. */
static struct adamw rule_of(const struct optimizer *o, const struct part *part) {
    return (struct adamw){.n_tensors = part->n_tensors,
                          .tensor = part->tensor,
                          .beta1 = (float)o->config.beta1,
                          .beta2 = (float)o->config.beta2,
                          .past = part->past,
                          .n_past = part->n_past};
}

void optimizer_make_up(struct optimizer *o, const struct parameters *parameters,
                       const struct device_chunk *chunk) {
    struct part *part = &o->here;
    struct adamw rule = rule_of(o, part);
    if (part->n_past > 0)
        o->device->ops->adamw_late(o->device, &rule, chunk, parameters, part->mean, part->square);
}

void optimizer_settle(struct optimizer *o, struct parameters *parameters) {
    optimizer_make_up(o, parameters, NULL);
    o->here.n_past = 0;
    parameters->late = NULL;
}

/* One part's step; its parameters and gradients are where the part is. */
static void step_part(struct optimizer *o, struct part *part, const double *square_sum,
                      struct parameters *parameters, const struct parameters *gradients) {
    const struct optimizer_config *c = &o->config;
    const struct device *d = part->device;
    struct adamw step = rule_of(o, part);
    double rate = optimizer_rate(c, o->step - 1);
    double correct1 = 1.0 - pow(c->beta1, (double)o->step);
    double correct2 = sqrt(1.0 - pow(c->beta2, (double)o->step));
    for (int i = 0; i < part->n_tensors; i++) {
        const struct tensor *row = &parameters->tensors[part->row[i]];
        double own =
            row->learning_rate > 0 ? rate_of(c, (double)row->learning_rate, o->step - 1) : rate;
        part->tensor[i].size = (float)(own * correct2 / correct1);
        part->tensor[i].keep = row->decay ? (float)(1.0 - own * c->weight_decay) : 1.0f;
    }
    step.clip_norm = c->clip_norm;
    step.square_sum = square_sum;
    /* Bias corrections folded into one step size and one epsilon. */
    step.epsilon = (float)(c->epsilon * correct2);
    d->ops->adamw(d, &step, numbers_of(gradients), part->mean, part->square,
                  (float *)(void *)parameters->arena.base);
    if (!part->past) return;
    part->n_past++;
    parameters->late = o;
}

double optimizer_step(struct optimizer *o, struct parameters *parameters,
                      const struct parameters *gradients) {
    const struct optimizer_config *c = &o->config;
    double host = 0.0;
    if (o->here.n_past == ADAMW_PAST) optimizer_settle(o, parameters);
    take_touched(&o->here, gradients);
    if (c->clip_norm > 0.0) sum_squares(o, gradients, &host);
    o->step++;
    step_part(o, &o->here, o->square_sum, parameters, gradients);
    if (parameters->policy_on_host)
        step_part(o, &o->host, &host, parameters->host, gradients->host);
    return optimizer_rate(c, o->step - 1);
}

int64_t optimizer_bytes(const struct optimizer *o) {
    size_t norm = o->device->is_host ? 0 : o->norm.size; /* a page; of the host, nobody's purpose */
    return (int64_t)(o->here.arena.size + norm);
}

size_t optimizer_floats(const struct optimizer *o) {
    return (o->here.arena.used + o->host.arena.used) / sizeof(float);
}

int64_t optimizer_save(const struct optimizer *o, float *moments) {
    const struct arena *here = &o->here.arena, *host = &o->host.arena;
    o->device->ops->download(o->device, moments, here->base, here->used);
    if (host->used > 0) memcpy(moments + here->used / sizeof(float), host->base, host->used);
    return o->step;
}

void optimizer_restore(struct optimizer *o, const float *moments, int64_t steps) {
    const struct arena *here = &o->here.arena, *host = &o->host.arena;
    o->device->ops->upload(o->device, here->base, moments, here->used);
    if (host->used > 0) memcpy(host->base, moments + here->used / sizeof(float), host->used);
    o->here.n_past = 0; /* as it was saved */
    o->step = steps;
}
