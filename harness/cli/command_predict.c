/*
 * `headroom predict`: what a checkpoint makes of a text, and which heads it ran for it. Everything
 * comes from the file: weights, words and names of classes.
 */
#include "harness/cli/command.h"
#include "harness/config/placement.h"
#include "harness/table/shown.h"
#include "harness/trial/saved_model.h"
#include "models/inference.h"
#include "models/policy.h"
#include "models/base/utf8.h"
#include "models/base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 5 };

struct predictor {
    struct saved_model model;
    const struct device *device;
    struct inference *inference;
    int room;               /* tokens that an input is cut to */
    int32_t *tokens;        /* [2 * room] */
    float *share;           /* [classes] probabilities */
    int32_t top[SHOWN_MAX]; /* the most probable classes, most probable first */
    bool json;
    int number; /* of the input at hand, from 0: keys per-input randomness */
};

/* What is predicted: a text, or two where the model reads pairs. */
struct input {
    const char *text, *second; /* second: NULL of a single text */
};

static bool predictor_new(const struct arguments *arguments, struct predictor *p,
                          struct error *error) {
    const char *path = arguments->words[0];
    struct placement placement;
    if (!placement_read(arguments->overrides.device, arguments->overrides.precision, &placement,
                        error))
        return false;
    if (!saved_model_read(path, &p->model, error)) return false;
    const struct model_config *c = &p->model.parameters->config;
    if (p->model.words.words.n == 0)
        return error_set(error,
                         "%s has no tokenizer in its metadata, so no text can be read with it; "
                         "`headroom evaluate` needs none",
                         path);
    p->room = c->max_len < p->model.words.max_len ? c->max_len : p->model.words.max_len;
    p->tokens = calloc(2 * (size_t)p->room, sizeof *p->tokens);
    p->share = calloc((size_t)c->classes, sizeof *p->share);
    if (!p->tokens || !p->share) return error_set(error, "out of memory");
    struct trainer_limits limits = {1, p->room, p->room};
    return device_open(placement.device, (enum precision)placement.precision, &p->device, error) &&
           inference_new_on(p->device, p->model.parameters, &limits, &p->inference, error);
}

static void predictor_free(struct predictor *p) {
    inference_free(p->inference);
    device_close(p->device);
    saved_model_free(&p->model);
    free(p->tokens);
    free(p->share);
}

/* Softmax of the logits, and the classes at its top: there may be a million of them. */
static bool rank_classes(struct predictor *p, struct error *error) {
    int n = p->model.parameters->config.classes;
    const float *logits = inference_logits(p->inference);
    float max = logits[0];
    double sum = 0;
    if (!p->device->ops->ok(p->device, error)) return false;
    for (int c = 0; c < n; c++)
        if (!isfinite(logits[c]))
            return error_set(error,
                             "text %d: the model's logits are not finite: its weights are "
                             "too large for single precision",
                             p->number);
    for (int c = 1; c < n; c++) max = logits[c] > max ? logits[c] : max;
    for (int c = 0; c < n; c++) sum += exp((double)logits[c] - (double)max);
    for (int c = 0; c < n; c++) {
        int at = c < SHOWN_MAX ? c : SHOWN_MAX;
        p->share[c] = (float)(exp((double)logits[c] - (double)max) / sum);
        for (; at > 0 && p->share[p->top[at - 1]] < p->share[c]; at--)
            if (at < SHOWN_MAX) p->top[at] = p->top[at - 1];
        if (at < SHOWN_MAX) p->top[at] = c;
    }
    return true;
}

/* The name of a class, or its number where the file does not name them. */
static const char *class_name(const struct predictor *p, int class, char room[16]) {
    snprintf(room, 16, "%d", class);
    return p->model.classes.n ? p->model.classes.words[class] : room;
}

static void print_text(const struct predictor *p, const struct input *in,
                       const struct saved_text *read) {
    const struct model_config *c = &p->model.parameters->config;
    char room[16];
    shown_print(stdout, "%s\n", in->text);
    if (in->second) shown_print(stdout, "  second text  %s\n", in->second);
    shown_print(stdout, "  class        %s\n  probability ", class_name(p, p->top[0], room));
    for (int i = 0; i < c->classes && i < SHOWN_MAX; i++)
        shown_print(stdout, "%s %s %.4f", i ? "," : "", class_name(p, p->top[i], room),
                    (double)p->share[p->top[i]]);
    if (c->classes > SHOWN_MAX) printf(", %d more", c->classes - SHOWN_MAX);
    printf("\n  tokens       %d read, %d of them unknown, %d cut off\n", read->n, read->n_unknown,
           read->n_cut);
    for (int l = 0; l < c->layers; l++) {
        printf("  layer %-6d %d of %d heads:", l, inference_heads_run(p->inference, l, 0),
               c->heads.value[l]);
        for (int h = 0; h < c->heads.value[l]; h++)
            if (inference_head_ran(p->inference, l, h, 0)) printf(" %d", h);
        putchar('\n');
    }
}

static bool print_json(const struct predictor *p, const struct input *in,
                       const struct saved_text *read, struct error *error) {
    const struct model_config *c = &p->model.parameters->config;
    struct text out = {0};
    char room[16];
    text_append(&out, "{\"text\":");
    text_append_json_string(&out, in->text);
    if (in->second) {
        text_append(&out, ",\"second_text\":");
        text_append_json_string(&out, in->second);
    }
    text_append(&out, ",\"class\":");
    text_append_json_string(&out, class_name(p, p->top[0], room));
    text_append(&out, ",\"probability\":{");
    for (int i = 0; i < c->classes; i++) {
        text_append(&out, i ? "," : "");
        text_append_json_string(&out, class_name(p, i, room));
        text_append(&out, ":%.6g", (double)p->share[i]);
    }
    text_append(&out, "},\"tokens\":%d,\"unknown\":%d,\"cut\":%d,\"heads\":[", read->n,
                read->n_unknown, read->n_cut);
    for (int l = 0; l < c->layers; l++) {
        const char *comma = "";
        text_append(&out, "%s[", l ? "," : "");
        for (int h = 0; h < c->heads.value[l]; h++) {
            if (!inference_head_ran(p->inference, l, h, 0)) continue;
            text_append(&out, "%s%d", comma, h);
            comma = ",";
        }
        text_append(&out, "]");
    }
    text_append(&out, "]}");
    bool ok = !out.failed || error_set(error, "out of memory");
    if (ok) puts(out.data);
    text_free(&out);
    return ok;
}

/* A copy that the tokeniser may change; NULL, with the error, unless it is UTF-8. */
static char *copy_of(const char *text, struct error *error) {
    size_t size = strlen(text);
    char *copy = NULL;
    if (utf8_valid_prefix(text, size) != size)
        error_set(error, "not valid UTF-8");
    else if (!(copy = strdup(text)))
        error_set(error, "out of memory");
    return copy;
}

static bool predict(struct predictor *p, const struct input *in, struct error *error) {
    struct saved_text read;
    char *text = copy_of(in->text, error), *second = NULL;
    bool ok = text && (!in->second || (second = copy_of(in->second, error))) &&
              saved_words_tokenise(&p->model.words, text, second, p->tokens, p->room, &read, error);
    free(text);
    free(second);
    if (!ok) return error_prefix(error, "text %d", p->number + 1);
    int32_t offsets[] = {0, read.n}, label = 0, id = p->number++;
    struct batch batch = {1, read.n, p->tokens, offsets, &label, &id};
    inference_run(p->inference, &batch, NULL, NULL);
    if (!rank_classes(p, error)) return false;
    if (p->json) return print_json(p, in, &read, error);
    print_text(p, in, &read);
    return true;
}

/* Predicts a line of `size` bytes, without its end. A blank one is no text; whoever counts on a
 * result for each line is told. */
static bool predict_line(struct predictor *p, char *line, size_t size, int number,
                         struct error *error) {
    const char *wide = number == 1 ? utf8_is_utf_16(line, size) : NULL;
    if (wide)
        return error_set(
            error, "the input is UTF-16, not UTF-8; convert it: iconv -f %s -t UTF-8 OLD >NEW",
            wide);
    if (strlen(line) != size) return error_set(error, "text %d holds a NUL byte", p->number + 1);
    if (number == 1) line += utf8_mark_size(line, size);
    line[strcspn(line, "\r\n")] = '\0';
    if (!line[strspn(line, " \t")]) {
        fprintf(stderr, "headroom predict: line %d is blank and left out\n", number);
        return true;
    }
    struct input in = {line, NULL};
    char *tab = p->model.words.separator ? strchr(line, '\t') : NULL;
    if (tab) {
        *tab = '\0';
        in.second = tab + 1;
    }
    return predict(p, &in, error);
}

/* One text a line or, for a model of pairs, two with a tab between them. */
static bool predict_lines(struct predictor *p, FILE *file, struct error *error) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    bool ok = true;
    for (int number = 1; ok && (size = getline(&line, &room, file)) > 0; number++) {
        ok = predict_line(p, line, (size_t)size, number, error);
        fflush(stdout); /* somebody may be typing */
    }
    if (ok && ferror(file)) ok = error_set(error, "cannot read the texts: %s", strerror(errno));
    if (ok && p->number == 0)
        ok = error_set(error, "no text: give it as an argument, or as lines of the input");
    free(line);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct predictor p = {.json = arguments->json};
    bool ok = predictor_new(arguments, &p, error);
    int step = p.model.words.separator ? 2 : 1;
    for (int i = 1; ok && i < arguments->n_words; i += step) {
        bool has_second = step == 2 && i + 1 < arguments->n_words;
        struct input in = {arguments->words[i], has_second ? arguments->words[i + 1] : NULL};
        ok = predict(&p, &in, error);
    }
    if (ok && arguments->n_words == 1) ok = predict_lines(&p, stdin, error);
    predictor_free(&p);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command predict_command = {
    "predict",
    "what a checkpoint makes of a text, and the heads it ran",
    "FILE [TEXT...]",
    1,
    1000000,
    {"json", "device", "precision"},
    "Each TEXT, or else each line of the input, is cut into the words that FILE knows and run\n"
    "once. A model of pairs takes its texts two by two, or a line of two with a tab between them.\n"
    "A blank line is left out, and stderr says so. A text with a dash in front stands behind --.\n"
    "Prints its class, the probabilities, and which heads were computed in each layer. A model of\n"
    "a synthetic workload reads generated tokens, so no text means anything to it.\n"
    "\n"
    "examples:\n"
    "  headroom predict trec.safetensors 'How far is it from Denver to Aspen ?'\n"
    "  headroom predict trec.safetensors --json <questions.txt\n"
    "  headroom predict trec.safetensors --device cuda <questions.txt\n"
    "  headroom predict snli.safetensors 'A man sleeps.' 'Nobody is awake.'\n",
    run};
