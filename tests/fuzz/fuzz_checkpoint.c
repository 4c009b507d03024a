/*
 * Any bytes as a checkpoint and, where they are one, as a model that runs: in each of its modes,
 * over tokens of its own vocabulary, as `headroom predict` does.
 *
 * A safetensors file starts with the length of its header, so that nearly every edit of a header
 * would end at "a header of N bytes does not fit". The mutator therefore edits headers as such and
 * sets the length right, half of the time.
 */
#include "harness/trial/saved_model.h"
#include "models/inference.h"
#include "models/policy.h"
#include "tests/fuzz/input.h"

#include <string.h>

enum { LENGTH_BYTES = 8, TOKENS_MAX = 64 };

static void run_model(const struct saved_model *model) {
    const struct model_config *c = &model->parameters->config;
    int32_t tokens[TOKENS_MAX], offsets[] = {0, 0, 0}, labels[] = {0, 0}, ids[] = {0, 1};
    int length = c->max_len < TOKENS_MAX / 2 ? c->max_len : TOKENS_MAX / 2;
    struct trainer_limits limits = {2, 2 * length, length};
    const char *const *modes = c->policy->modes;
    struct inference *inference = NULL;
    struct error error = {0};
    bool ok = inference_new(model->parameters, &limits, &inference, &error);
    must_explain(ok, &error);
    if (!ok) return;
    for (int t = 0; t < 2 * length; t++) tokens[t] = (int32_t)((int64_t)t * 7919 % c->vocab);
    offsets[1] = length;
    offsets[2] = 2 * length;
    const struct batch batch = {2, 2 * length, tokens, offsets, labels, ids};
    volatile float seen;
    for (int mode = 0; mode == 0 || (modes && modes[mode - 1]); mode++) {
        inference_set_mode(inference, mode);
        inference_run(inference, &batch, NULL, NULL);
        for (int i = 0; i < 2 * c->classes; i++) seen = inference_logits(inference)[i];
        for (int l = 0; l < c->layers; l++) {
            int n = inference_heads_run(inference, l, 1);
            MUST(n >= 0 && n <= c->heads.value[l]);
        }
    }
    (void)seen;
    inference_free(inference);
}

/* A text of the model's own words, and of one that it does not know. */
static void read_text(const struct saved_model *model) {
    const struct word_table *words = &model->words.words;
    int32_t tokens[2 * TOKENS_MAX];
    struct saved_text read;
    struct error error = {0};
    char text[400], second[400];
    int room = model->words.max_len < TOKENS_MAX ? model->words.max_len : TOKENS_MAX;
    snprintf(text, sizeof text, "x'y %.100s", words->n ? words->words[words->n - 1] : "");
    snprintf(second, sizeof second, "%.100s ?", words->n ? words->words[0] : "");
    bool ok = saved_words_tokenise(&model->words, text, model->words.separator ? second : NULL,
                                   tokens, room, &read, &error);
    must_explain(ok, &error);
    if (!ok) return;
    MUST(read.n > 0 && read.n <= room && read.n_unknown <= read.n);
    for (int i = 0; i < read.n; i++) MUST(tokens[i] >= 0 && tokens[i] < words->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input_file file = input_open(data, size);
    struct saved_model model;
    struct error error = {0};
    bool ok = saved_model_read(file.path, &model, &error);
    must_explain(ok, &error);
    if (ok) {
        run_model(&model);
        read_text(&model);
        saved_model_free(&model);
    }
    input_close(&file);
    return 0;
}

/* libFuzzer's, which replay.c does not have and does not need. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint64_t header = 0;
    for (int i = 0; size >= LENGTH_BYTES && i < LENGTH_BYTES; i++)
        header |= (uint64_t)data[i] << 8 * i;
    if (seed % 2 || size < LENGTH_BYTES || header > size - LENGTH_BYTES)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t tensors = size - LENGTH_BYTES - (size_t)header;
    uint8_t *kept = malloc(tensors + 1);
    MUST(kept);
    memcpy(kept, data + LENGTH_BYTES + header, tensors);
    size_t n =
        LLVMFuzzerMutate(data + LENGTH_BYTES, (size_t)header, max_size - LENGTH_BYTES - tensors);
    memcpy(data + LENGTH_BYTES + n, kept, tensors);
    for (int i = 0; i < LENGTH_BYTES; i++) data[i] = (uint8_t)((uint64_t)n >> 8 * i);
    free(kept);
    return LENGTH_BYTES + n + tensors;
}
