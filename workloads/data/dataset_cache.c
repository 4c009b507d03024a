/*
 * A file is its own name, the fields of struct dataset in order, and a CRC-32 of both: 2 GB/s, and
 * enough against accidents, which are all that threatens a user's own files. One walk over the
 * fields serves reading and writing, so that the two cannot disagree. A file takes its name only
 * when it is complete (rename), and a reader believes no count that the file is too short for.
 */
#include "workloads/data/dataset_cache.h"
#include "models/base/regular_file.h"
#include "models/base/sha256.h"
#include "workloads/data/split.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Hash of the sources in workloads/data and models/base, from the Makefile. A build that does not
 * know it keeps nothing: it could not tell another version's data from its own. */
#ifndef HEADROOM_DATA_CODE
#define HEADROOM_DATA_CODE ""
#endif

enum { PATH_SIZE = 1024 };

/* ---- names ---- */

bool dataset_cache_folder(char *out, size_t size) {
    const char *own = getenv("HEADROOM_CACHE"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int n = 0;
    if (own) {
        n = snprintf(out, size, "%s", own);
    } else {
        if (cache && cache[0])
            n = snprintf(out, size, "%s", cache);
        else if (home && home[0])
            n = snprintf(out, size, "%s/.cache", home);
        if (n <= 0 || (size_t)n + sizeof "/headroom" > size) return false;
        mkdir(out, 0700); /* as the XDG base directory specification asks */
        n += snprintf(out + n, size - (size_t)n, "/headroom");
    }
    if (n <= 0 || (size_t)n >= size) return false;
    mkdir(out, 0777);
    return true; /* if it is not there by now, opening a file in it will fail */
}

static bool find_file(const char *key, const char *suffix, char *out, size_t size) {
    char folder[PATH_SIZE];
    if (!dataset_cache_folder(folder, sizeof folder)) return false;
    int n = snprintf(out, size, "%s/%s%s", folder, key, suffix);
    return n > 0 && (size_t)n < size;
}

bool dataset_cache_key(const struct data_config *config, const char *files_sha256, char key[65]) {
    const int32_t byte_order = 1;
    struct text json = {0};
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, HEADROOM_DATA_CODE, sizeof HEADROOM_DATA_CODE);
    sha256_add(&hash, &byte_order, sizeof byte_order);
    options_write_json(&data_options, config, &json);
    bool ok = HEADROOM_DATA_CODE[0] && !json.failed;
    if (ok) sha256_add(&hash, json.data, json.size);
    sha256_add(&hash, files_sha256, strlen(files_sha256));
    sha256_finish(&hash, key);
    text_free(&json);
    return ok;
}

/* ---- one walk for both directions ---- */

struct stream {
    FILE *file;
    bool writing, ok;
    size_t left; /* reading: bytes to come */
    unsigned long crc;
};

static void move_bytes(struct stream *s, void *bytes, size_t size) {
    if (!s->ok || size == 0) return;
    if (s->writing) {
        s->ok = fwrite(bytes, 1, size, s->file) == size;
    } else {
        s->ok = size <= s->left && fread(bytes, 1, size, s->file) == size;
        s->left -= s->ok ? size : 0;
    }
    if (s->ok) s->crc = crc32_z(s->crc, bytes, size);
}

/* A count of things that take `size` bytes each: at least 1, and no more than can follow. */
static void move_count(struct stream *s, int *count, size_t size) {
    move_bytes(s, count, sizeof *count);
    s->ok = s->ok && *count > 0 && (s->writing || (size_t)*count <= s->left / size);
}

static void move_split(struct stream *s, struct split *split) {
    struct error ignored;
    struct split in = *split;
    int n_tokens = s->writing ? in.offsets[in.n] : 0;
    move_count(s, &in.n, sizeof(int32_t));
    move_count(s, &n_tokens, sizeof(int32_t));
    if (!s->ok) return;
    if (!s->writing) {
        s->ok = split_new(in.n, (size_t)n_tokens, false, split, &ignored);
        if (!s->ok) return;
        split->n = in.n;
    }
    size_t n = (size_t)split->n;
    move_bytes(s, split->offsets, (n + 1) * sizeof(int32_t));
    move_bytes(s, split->tokens, (size_t)n_tokens * sizeof(int32_t));
    move_bytes(s, split->labels, n * sizeof(int32_t));
    move_bytes(s, split->difficulty, n * sizeof(int32_t));
    s->ok = s->ok && split->offsets[n] == n_tokens;
}

/* n names; what was read before a failure stays, the rest is NULL. */
static void move_names(struct stream *s, char ***names, int *n) {
    int count = *n;
    bool writing = s->writing;
    move_count(s, &count, sizeof(int));
    if (s->ok && !writing) {
        *names = calloc((size_t)count, sizeof **names);
        s->ok = *names != NULL;
        if (s->ok) *n = count;
    }
    for (int i = 0; s->ok && i < count; i++) {
        int size = writing ? (int)strlen((*names)[i]) + 1 : 0; /* with the terminator */
        move_count(s, &size, 1);
        if (s->ok && !writing) s->ok = ((*names)[i] = calloc((size_t)size, 1)) != NULL;
        if (s->ok) move_bytes(s, (*names)[i], (size_t)size);
        s->ok = s->ok && (*names)[i][size - 1] == '\0';
    }
}

/* All texts as one; at least one byte, and the last of them ends one. */
static void move_texts(struct stream *s, struct text *texts) {
    int size = (int)texts->size;
    s->ok = s->ok && texts->size <= INT_MAX;
    move_count(s, &size, 1);
    if (s->ok && !s->writing) {
        texts->data = malloc((size_t)size);
        texts->size = texts->capacity = (size_t)size;
        s->ok = texts->data != NULL;
    }
    if (s->ok) move_bytes(s, texts->data, (size_t)size);
    s->ok = s->ok && texts->data[size - 1] == '\0';
}

/* A hash in hexadecimal; anything else is no file of ours. */
static void move_hash(struct stream *s, char hash[65]) {
    move_bytes(s, hash, 65);
    s->ok = s->ok && hash[64] == '\0' && strspn(hash, "0123456789abcdef") == 64;
}

/* Without the names of the files, which the key does not know. */
static void move_sources(struct stream *s, struct sources *sources) {
    move_count(s, &sources->n, sizeof sources->source->sha256);
    if (s->ok && !s->writing) {
        sources->source = calloc((size_t)sources->n, sizeof *sources->source);
        s->ok = sources->source != NULL;
    }
    for (int i = 0; s->ok && i < sources->n; i++) {
        struct input_source *source = &sources->source[i];
        move_bytes(s, &source->file, sizeof source->file);
        move_bytes(s, &source->row, sizeof source->row);
        move_bytes(s, &source->text, sizeof source->text);
        move_hash(s, source->sha256);
    }
    move_texts(s, &sources->texts);
}

/* True if a model can be run on the split without leaving its tables. */
static bool split_fits(const struct split *split, const struct dataset *data) {
    bool ok = split->offsets[0] == 0;
    for (int i = 0; i < split->n; i++) {
        ok = ok && split->offsets[i] < split->offsets[i + 1];
        ok = ok && split->labels[i] >= 0 && split->labels[i] < data->n_classes;
        ok = ok && split->offsets[i + 1] - split->offsets[i] <= data->max_len;
    }
    uint32_t last = 0; /* as unsigned numbers, so that a negative token is too large */
    for (int32_t t = 0; ok && t < split->offsets[split->n]; t++) {
        uint32_t token = (uint32_t)split->tokens[t];
        last = token > last ? token : last;
    }
    return ok && last < (uint32_t)data->vocab;
}

static void move_dataset(struct stream *s, const char *key, struct dataset *data) {
    char name[65];
    memcpy(name, key, sizeof name);
    move_bytes(s, name, sizeof name);
    s->ok = s->ok && memcmp(name, key, sizeof name) == 0;
    move_split(s, &data->train);
    move_split(s, &data->validation);
    move_split(s, &data->test);
    move_sources(s, &data->sources);
    move_texts(s, &data->unmatched);
    move_names(s, &data->class_names, &data->n_classes);
    move_names(s, &data->words, &data->vocab);
    move_bytes(s, &data->max_len, sizeof data->max_len);
    move_bytes(s, &data->separator, sizeof data->separator);
    move_bytes(s, &data->tokenizer, sizeof data->tokenizer);
    move_hash(s, data->sha256);
    move_hash(s, data->vocab_sha256);
    move_bytes(s, &data->n_truncated, sizeof data->n_truncated);
    move_bytes(s, &data->n_dropped, sizeof data->n_dropped);
    move_bytes(s, &data->n_overlap, sizeof data->n_overlap);
    move_bytes(s, &data->n_overlap_texts, sizeof data->n_overlap_texts);
    move_bytes(s, &data->n_overlap_dropped, sizeof data->n_overlap_dropped);
    move_bytes(s, &data->n_overlap_validation, sizeof data->n_overlap_validation);
    move_bytes(s, &data->unknown_share, sizeof data->unknown_share);
    move_bytes(s, &data->mean_length, sizeof data->mean_length);
    unsigned long expected = s->crc, found = s->crc;
    move_bytes(s, &found, sizeof found);
    s->ok = s->ok && found == expected && s->left == 0;
}

/* ---- files ---- */

struct dataset *dataset_cache_read(const char *key) {
    char path[PATH_SIZE + 80];
    const char *ignored;
    int64_t size;
    struct stream s = {.ok = true};
    if (!find_file(key, "", path, sizeof path)) return NULL;
    s.file = regular_file_stream(path, &size, &ignored);
    if (!s.file) return NULL;
    struct dataset *data = calloc(1, sizeof *data);
    s.ok = data != NULL;
    s.left = (size_t)size;
    if (s.ok) move_dataset(&s, key, data);
    s.ok = s.ok && isfinite(data->unknown_share) && isfinite(data->mean_length);
    s.ok = s.ok && data->separator >= 0 && data->separator < data->vocab &&
           data->tokenizer <= TOKENIZER_CHARACTER;
    s.ok = s.ok && data->sources.n == data->test.n && split_fits(&data->train, data) &&
           split_fits(&data->validation, data) && split_fits(&data->test, data);
    fclose(s.file);
    if (s.ok) return data;
    dataset_free(data);
    return NULL;
}

/* A key, or a draft of one. */
static bool is_own_name(const char *name) {
    size_t digits = strspn(name, "0123456789abcdef");
    return digits == 64 &&
           (!name[64] || (name[64] == '.' && strlen(name) == 64 + strlen(".XXXXXX")));
}

void dataset_cache_clear(bool dry_run, int *n_files, int64_t *bytes) {
    char path[PATH_SIZE];
    struct stat info;
    *n_files = 0;
    *bytes = 0;
    DIR *folder = dataset_cache_folder(path, sizeof path) ? opendir(path) : NULL;
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!is_own_name(entry->d_name) ||
            fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        if (!dry_run && unlinkat(dirfd(folder), entry->d_name, 0) != 0) continue;
        ++*n_files;
        *bytes += info.st_size;
    }
    closedir(folder);
}

void dataset_cache_write(const char *key, const struct dataset *data) {
    char path[PATH_SIZE + 80], draft[PATH_SIZE + 80];
    if (!find_file(key, "", path, sizeof path) || !find_file(key, ".XXXXXX", draft, sizeof draft))
        return;
    int file = mkstemp(draft);
    if (file < 0) return;
    struct stream s = {.file = fdopen(file, "wb"), .writing = true, .ok = true};
    struct dataset copy = *data; /* the walk changes nothing when it writes */
    if (!s.file) {
        close(file);
        unlink(draft);
        return;
    }
    move_dataset(&s, key, &copy);
    s.ok =
        fchmod(file, 0644) == 0 && s.ok; /* mkstemp's are private; data on a shared disk is not */
    s.ok = fclose(s.file) == 0 && s.ok;
    if (!s.ok || rename(draft, path) != 0) unlink(draft);
}
