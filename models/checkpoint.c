/*
 * Safetensors files; see checkpoint.h. The writer streams strided views through a small buffer into
 * a temporary file, so a killed run leaves the old checkpoint or none. That file is always a new
 * one (mkstemp) and takes the place of whatever has the name (rename), so that nothing is written
 * through a link that somebody put there. The reader settles everything about the header before it
 * touches a single weight, and takes no number from the file on trust.
 */
#include "models/checkpoint.h"
#include "models/base/json.h"
#include "models/base/regular_file.h"
#include "models/base/sha256.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LENGTH_BYTES = 8,
    HEADER_BYTES_MAX = 16 << 20, /* a header holds names and a vocabulary, never weights */
    HEADER_VALUES_MAX = 1 << 20, /* seven for a tensor; the vocabulary is one text */
    CHUNK_FLOATS = 4096,
    SHAPE_TEXT = 96
};

/* Bytes are shifted by hand, so that the file is little-endian on every machine. */
static void put_u32(unsigned char *out, uint32_t value) {
    for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t get_u32(const unsigned char *in) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value |= (uint32_t)in[i] << 8 * i;
    return value;
}

static int64_t view_count(const struct tensor_view *view) {
    return view->shape[0] * (view->rank == 2 ? view->shape[1] : 1);
}

/* The element of the engine's memory that is number `index` in the file. */
static float *view_element(const struct tensor_view *view, int64_t index) {
    int64_t row = index / view->cols, column = index % view->cols;
    return view->data + row / view->rows * view->group_stride +
           row % view->rows * view->row_stride + column * view->col_stride;
}

/* A view must cover its shape exactly; anything else is a mistake of the caller. */
static bool check_views(const struct tensor_view *views, size_t n_views, struct error *error) {
    for (size_t i = 0; i < n_views; i++) {
        const struct tensor_view *view = &views[i];
        if ((view->rank != 1 && view->rank != 2) || view->groups < 0 || view->rows < 0 ||
            view->cols < 0 || view->groups * view->rows != view->shape[0] ||
            view->cols != (view->rank == 2 ? view->shape[1] : 1))
            return error_set(error, "tensor %s: its view does not cover its shape", view->name);
    }
    return true;
}

/* ---- writing ---- */

static void write_header(const struct metadata *meta, size_t n_meta,
                         const struct tensor_view *views, size_t n_views, struct text *out) {
    int64_t offset = 0;
    text_append(out, "{\"__metadata__\":{");
    for (size_t i = 0; i < n_meta; i++) {
        text_append(out, i ? "," : "");
        text_append_json_string(out, meta[i].key);
        text_append(out, ":");
        text_append_json_string(out, meta[i].value);
    }
    text_append(out, "}");
    for (size_t i = 0; i < n_views; i++) {
        const struct tensor_view *view = &views[i];
        int64_t end = offset + 4 * view_count(view);
        text_append(out, ",");
        text_append_json_string(out, view->name);
        text_append(out, ":{\"dtype\":\"F32\",\"shape\":[%lld", (long long)view->shape[0]);
        if (view->rank == 2) text_append(out, ",%lld", (long long)view->shape[1]);
        text_append(out, "],\"data_offsets\":[%lld,%lld]}", (long long)offset, (long long)end);
        offset = end;
    }
    text_append(out, "}");
    /* Spaces, as the safetensors library pads, so that the data starts at a multiple of eight. */
    while (!out->failed && out->size % 8) text_append(out, " ");
}

static bool write_tensor(FILE *file, const struct tensor_view *view) {
    unsigned char chunk[CHUNK_FLOATS * 4];
    int64_t count = view_count(view);
    for (int64_t done = 0, n; done < count; done += n) {
        n = count - done < CHUNK_FLOATS ? count - done : CHUNK_FLOATS;
        for (int64_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, view_element(view, done + i), sizeof bits);
            put_u32(chunk + 4 * i, bits);
        }
        if (fwrite(chunk, 4, (size_t)n, file) != (size_t)n) return false;
    }
    return true;
}

/* The whole file, down to the disk. */
static bool write_file(FILE *file, const char *path, const struct text *header,
                       const struct tensor_view *views, size_t n_views, struct error *error) {
    unsigned char length[LENGTH_BYTES];
    put_u32(length, (uint32_t)header->size);
    put_u32(length + 4, 0);
    if (fwrite(length, 1, sizeof length, file) != sizeof length ||
        fwrite(header->data, 1, header->size, file) != header->size)
        return error_set(error, "cannot write the header of checkpoint %s: %s", path,
                         strerror(errno));
    for (size_t i = 0; i < n_views; i++)
        if (!write_tensor(file, &views[i]))
            return error_set(error, "cannot write tensor %s of checkpoint %s: %s", views[i].name,
                             path, strerror(errno));
    if (fflush(file) || fsync(fileno(file)) || fchmod(fileno(file), 0644))
        return error_set(error, "cannot write checkpoint %s: %s", path, strerror(errno));
    return true;
}

bool checkpoint_write(const char *path, const struct metadata *meta, size_t n_meta,
                      const struct tensor_view *views, size_t n_views, struct error *error) {
    struct text header = {0}, temporary = {0}; /* a temporary name in the same folder */
    FILE *file = NULL;
    int fd = -1;
    bool ok = false;
    if (!check_views(views, n_views, error)) return false;
    write_header(meta, n_meta, views, n_views, &header);
    text_append(&temporary, "%s.draft-XXXXXX", path);
    if (header.failed || temporary.failed) {
        error_set(error, "out of memory");
        goto done;
    }
    if (header.size > HEADER_BYTES_MAX) {
        error_set(error, "checkpoint %s: its header of %zu bytes is above the limit of %d", path,
                  header.size, HEADER_BYTES_MAX);
        goto done;
    }
    if ((fd = mkstemp(temporary.data)) < 0 || !(file = fdopen(fd, "wb"))) {
        error_set(error, "cannot create checkpoint %s: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        goto done;
    }
    ok = write_file(file, path, &header, views, n_views, error);
    if (fclose(file) && ok)
        ok = error_set(error, "cannot write checkpoint %s: %s", path, strerror(errno));
    file = NULL;
    if (ok && rename(temporary.data, path))
        ok = error_set(error, "cannot put checkpoint %s in its place: %s", path, strerror(errno));
done:
    if (fd >= 0 && !ok) unlink(temporary.data);
    text_free(&temporary);
    text_free(&header);
    return ok;
}

/* ---- reading ---- */

struct tensor {
    const struct node *node; /* its entry in the header; the key is its name */
    int64_t begin, end;      /* bytes after data_start */
};

struct checkpoint {
    int fd;
    char *path;
    int64_t data_start, data_size;
    struct node *header;
    struct tensor *tensors; /* in the order of their bytes */
    size_t n_tensors;
};

/* Exactly size bytes from offset; false with the reason where the file has no more. */
static bool read_at(const struct checkpoint *checkpoint, void *out, size_t size, int64_t offset,
                    const char **reason) {
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(checkpoint->fd, (char *)out + done, size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            *reason = n < 0 ? strerror(errno) : "the file is truncated";
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* A JSON whole number of at most 18 digits, so that it and four times a sum of it stay in range. */
static bool read_number(const struct node *node, int64_t *out) {
    size_t n = node->kind == NODE_SCALAR && !node->quoted ? strlen(node->text) : 0;
    if (n == 0 || n > 18 || strspn(node->text, "0123456789") != n) return false;
    *out = strtoll(node->text, NULL, 10);
    return true;
}

/* "[6, 64]" of a header entry. */
static const char *shape_text(const struct node *shape, char out[SHAPE_TEXT]) {
    size_t used = (size_t)snprintf(out, SHAPE_TEXT, "[");
    for (const struct node *n = shape->first; n && used < SHAPE_TEXT; n = n->next)
        used += (size_t)snprintf(out + used, SHAPE_TEXT - used, "%s%s",
                                 n == shape->first ? "" : ", ", n->text);
    if (used < SHAPE_TEXT) snprintf(out + used, SHAPE_TEXT - used, "]");
    return out;
}

/* One header entry: dtype, shape and offsets must be there, agree, and lie inside the file. */
static bool read_entry(const struct checkpoint *checkpoint, const struct node *entry,
                       struct tensor *out, struct error *error) {
    const struct node *dtype = node_find(entry, "dtype"), *shape = node_find(entry, "shape");
    const struct node *offsets = node_find(entry, "data_offsets");
    const char *name = entry->key, *path = checkpoint->path;
    int64_t bytes = 4, extent;
    if (!dtype || !shape || !offsets || entry->n_children != 3)
        return error_set(error, "tensor %s of %s: expected dtype, shape and data_offsets", name,
                         path);
    if (dtype->kind != NODE_SCALAR || !dtype->quoted || strcmp(dtype->text, "F32") != 0)
        return error_set(error, "tensor %s of %s: its dtype is %.20s, only F32 can be read", name,
                         path, dtype->kind == NODE_SCALAR ? dtype->text : "not a text");
    if (offsets->kind != NODE_LIST || offsets->n_children != 2 ||
        !read_number(offsets->first, &out->begin) || !read_number(offsets->first->next, &out->end))
        return error_set(error, "tensor %s of %s: data_offsets must be two whole numbers", name,
                         path);
    if (out->begin > out->end || out->end > checkpoint->data_size)
        return error_set(error,
                         "tensor %s of %s: its bytes %lld to %lld are not among the %lld bytes of "
                         "data; the file is damaged or truncated",
                         name, path, (long long)out->begin, (long long)out->end,
                         (long long)checkpoint->data_size);
    if (shape->kind != NODE_LIST)
        return error_set(error, "tensor %s of %s: its shape is not a list", name, path);
    for (const struct node *n = shape->first; n; n = n->next)
        if (!read_number(n, &extent) || __builtin_mul_overflow(bytes, extent, &bytes))
            return error_set(error, "tensor %s of %s: its shape is not a list of sizes", name,
                             path);
    if (bytes != out->end - out->begin)
        return error_set(error, "tensor %s of %s: its shape needs %lld bytes and it has %lld", name,
                         path, (long long)bytes, (long long)(out->end - out->begin));
    out->node = entry;
    return true;
}

static int compare_offsets(const void *left, const void *right) {
    const struct tensor *a = left, *b = right;
    int order = (a->begin > b->begin) - (a->begin < b->begin);
    return order ? order : (a->end > b->end) - (a->end < b->end);
}

/* The tensors must tile the data: one after the other, nothing between them, nothing left over. */
static bool check_tiling(const struct checkpoint *checkpoint, struct error *error) {
    int64_t end = 0;
    for (size_t i = 0; i < checkpoint->n_tensors; i++) {
        const struct tensor *tensor = &checkpoint->tensors[i];
        if (tensor->begin < end)
            return error_set(error, "tensor %s of %s overlaps tensor %s", tensor->node->key,
                             checkpoint->path, checkpoint->tensors[i - 1].node->key);
        if (tensor->begin > end)
            return error_set(error, "tensor %s of %s: the %lld bytes before it belong to no tensor",
                             tensor->node->key, checkpoint->path, (long long)(tensor->begin - end));
        end = tensor->end;
    }
    if (end < checkpoint->data_size)
        return error_set(error, "checkpoint %s: its last %lld bytes belong to no tensor",
                         checkpoint->path, (long long)(checkpoint->data_size - end));
    return true;
}

static bool read_tensors(struct checkpoint *checkpoint, struct error *error) {
    const struct node *header = checkpoint->header;
    if (header->kind != NODE_MAP)
        return error_set(error, "checkpoint %s: its header is not a map", checkpoint->path);
    checkpoint->tensors = calloc((size_t)header->n_children + 1, sizeof *checkpoint->tensors);
    if (!checkpoint->tensors) return error_set(error, "out of memory");
    for (const struct node *entry = header->first; entry; entry = entry->next) {
        if (strcmp(entry->key, "__metadata__") != 0) {
            struct tensor *tensor = &checkpoint->tensors[checkpoint->n_tensors++];
            if (!read_entry(checkpoint, entry, tensor, error)) return false;
            continue;
        }
        bool texts = entry->kind == NODE_MAP;
        for (const struct node *meta = entry->first; texts && meta; meta = meta->next)
            texts = meta->kind == NODE_SCALAR && meta->quoted;
        if (!texts)
            return error_set(error, "checkpoint %s: __metadata__ must be a map of texts",
                             checkpoint->path);
    }
    qsort(checkpoint->tensors, checkpoint->n_tensors, sizeof *checkpoint->tensors, compare_offsets);
    return check_tiling(checkpoint, error);
}

/* The length of the header is believed only where the file is long enough for it. */
static bool read_header(struct checkpoint *checkpoint, int64_t file_size, struct error *error) {
    unsigned char length[LENGTH_BYTES];
    const char *path = checkpoint->path, *reason;
    if (file_size < LENGTH_BYTES)
        return error_set(error, "checkpoint %s is truncated: %lld bytes", path,
                         (long long)file_size);
    if (!read_at(checkpoint, length, sizeof length, 0, &reason))
        return error_set(error, "cannot read checkpoint %s: %s", path, reason);
    uint64_t size = (uint64_t)get_u32(length + 4) << 32 | get_u32(length);
    if (size > HEADER_BYTES_MAX || (int64_t)size > file_size - LENGTH_BYTES)
        return error_set(error,
                         "checkpoint %s: a header of %llu bytes does not fit in its %lld bytes; "
                         "the file is truncated or not a safetensors file",
                         path, (unsigned long long)size, (long long)file_size);
    char *text = malloc((size_t)size + 1);
    if (!text) return error_set(error, "out of memory");
    bool ok = read_at(checkpoint, text, (size_t)size, LENGTH_BYTES, &reason);
    if (!ok)
        error_set(error, "cannot read the header of checkpoint %s: %s", path, reason);
    else if (!json_parse_most(text, (size_t)size, "header", HEADER_VALUES_MAX, &checkpoint->header,
                              error))
        ok = error_prefix(error, "checkpoint %s", path);
    free(text);
    checkpoint->data_start = LENGTH_BYTES + (int64_t)size;
    checkpoint->data_size = file_size - checkpoint->data_start;
    return ok && read_tensors(checkpoint, error);
}

bool checkpoint_open(const char *path, struct checkpoint **out, struct error *error) {
    const char *reason;
    int64_t size;
    struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    *out = NULL;
    if (!checkpoint) return error_set(error, "out of memory");
    checkpoint->fd = regular_file_open(path, &size, &reason);
    checkpoint->path = strdup(path);
    bool ok = false;
    if (!checkpoint->path)
        error_set(error, "out of memory");
    else if (checkpoint->fd < 0)
        error_set(error, "cannot open checkpoint %s: %s", path, reason);
    else
        ok = read_header(checkpoint, size, error);
    if (ok)
        *out = checkpoint;
    else
        checkpoint_close(checkpoint);
    return ok;
}

bool checkpoint_sha256(const struct checkpoint *checkpoint, char out[65], struct error *error) {
    unsigned char chunk[CHUNK_FLOATS * 4];
    int64_t size = checkpoint->data_start + checkpoint->data_size;
    const char *reason;
    struct sha256 hash;
    sha256_start(&hash);
    for (int64_t done = 0, n; done < size; done += n) {
        n = size - done < (int64_t)sizeof chunk ? size - done : (int64_t)sizeof chunk;
        if (!read_at(checkpoint, chunk, (size_t)n, done, &reason))
            return error_set(error, "cannot read checkpoint %s: %s", checkpoint->path, reason);
        sha256_add(&hash, chunk, (size_t)n);
    }
    sha256_finish(&hash, out);
    return true;
}

const char *checkpoint_metadata(const struct checkpoint *checkpoint, const char *key) {
    const struct node *meta = node_find(checkpoint->header, "__metadata__");
    const struct node *entry = meta ? node_find(meta, key) : NULL;
    return entry ? entry->text : NULL;
}

static const struct tensor *find_tensor(const struct checkpoint *checkpoint, const char *name) {
    for (size_t i = 0; i < checkpoint->n_tensors; i++)
        if (strcmp(checkpoint->tensors[i].node->key, name) == 0) return &checkpoint->tensors[i];
    return NULL;
}

/* Names and shapes of the file against those of the model, both ways. */
static bool check_agreement(const struct checkpoint *checkpoint, const struct tensor_view *views,
                            size_t n_views, struct error *error) {
    const char *path = checkpoint->path;
    for (size_t i = 0; i < n_views; i++) {
        const struct tensor_view *view = &views[i];
        const struct tensor *tensor = find_tensor(checkpoint, view->name);
        char found[SHAPE_TEXT], wanted[SHAPE_TEXT];
        if (!tensor)
            return error_set(error, "tensor %s is missing from checkpoint %s", view->name, path);
        shape_text(node_find(tensor->node, "shape"), found);
        if (view->rank == 2)
            snprintf(wanted, sizeof wanted, "[%lld, %lld]", (long long)view->shape[0],
                     (long long)view->shape[1]);
        else
            snprintf(wanted, sizeof wanted, "[%lld]", (long long)view->shape[0]);
        if (strcmp(found, wanted) != 0)
            return error_set(error, "tensor %s of checkpoint %s has shape %s; the model needs %s",
                             view->name, path, found, wanted);
    }
    for (size_t i = 0; i < checkpoint->n_tensors; i++) {
        const char *name = checkpoint->tensors[i].node->key;
        bool declared = false;
        for (size_t j = 0; j < n_views && !declared; j++)
            declared = strcmp(views[j].name, name) == 0;
        if (!declared)
            return error_set(error, "tensor %s of checkpoint %s is not part of the model", name,
                             path);
    }
    return true;
}

static bool read_tensor(const struct checkpoint *checkpoint, const struct tensor_view *view,
                        struct error *error) {
    unsigned char chunk[CHUNK_FLOATS * 4] = {0};
    const struct tensor *tensor = find_tensor(checkpoint, view->name);
    const char *reason;
    int64_t count = view_count(view), start = checkpoint->data_start + tensor->begin;
    for (int64_t done = 0, n; done < count; done += n) {
        n = count - done < CHUNK_FLOATS ? count - done : CHUNK_FLOATS;
        if (!read_at(checkpoint, chunk, 4 * (size_t)n, start + 4 * done, &reason))
            return error_set(error, "cannot read tensor %s of checkpoint %s: %s", view->name,
                             checkpoint->path, reason);
        for (int64_t i = 0; i < n; i++) {
            float *element = view_element(view, done + i);
            uint32_t bits = get_u32(chunk + 4 * i);
            memcpy(element, &bits, sizeof bits);
            if (!isfinite(*element))
                return error_set(error,
                                 "tensor %s of checkpoint %s: its number %lld is %s; the file is "
                                 "damaged, or of a training that diverged",
                                 view->name, checkpoint->path, (long long)(done + i),
                                 isnan(*element) ? "nan" : "infinite");
        }
    }
    return true;
}

bool checkpoint_read(const struct checkpoint *checkpoint, const struct tensor_view *views,
                     size_t n_views, struct error *error) {
    if (!check_views(views, n_views, error) || !check_agreement(checkpoint, views, n_views, error))
        return false;
    for (size_t i = 0; i < n_views; i++)
        if (!read_tensor(checkpoint, &views[i], error)) return false;
    return true;
}

void checkpoint_close(struct checkpoint *checkpoint) {
    if (!checkpoint) return;
    if (checkpoint->fd >= 0) close(checkpoint->fd);
    node_free(checkpoint->header);
    free(checkpoint->tensors);
    free(checkpoint->path);
    free(checkpoint);
}
