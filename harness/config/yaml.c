/*
 * YAML through libyaml's event interface; see yaml.h. Events, unlike libyaml's own document tree,
 * carry the place of every key and arrive one at a time, so a hostile file is stopped at its 65th
 * level or its first alias before anything of it is expanded.
 */
#include "harness/config/yaml.h"
#include "models/base/regular_file.h"
#include "models/base/tree_builder.h"
#include "models/base/utf8.h"
#include "workloads/data/near_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { FILE_BYTES_MAX = 1 << 20 }; /* far above any workload file; bounds time and memory */

struct reader {
    const char *text;
    size_t size;
    const char *file;
    yaml_parser_t parser;
    struct tree_builder tree;
    int documents;
    struct error *error;
};

/* libyaml counts from 0, we from 1. */
static struct location place(const struct reader *reader, yaml_mark_t mark) {
    return (struct location){reader->file, (int)mark.line + 1, (int)mark.column + 1};
}

/* The reader stage (encoding, control characters) knows a byte offset and no mark. */
static yaml_mark_t mark_of_byte(const struct reader *reader, size_t offset) {
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < reader->size; i++) {
        if (reader->text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((reader->text[i] & 0xC0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static bool indented_with_tab(const struct reader *reader, yaml_mark_t mark) {
    size_t i = 0, line = 0;
    while (i < reader->size && line < mark.line) line += reader->text[i++] == '\n';
    while (i < reader->size && reader->text[i] == ' ') i++;
    return i < reader->size && reader->text[i] == '\t';
}

/* libyaml's own words, at its own place, with what it was reading and where that began. */
static bool report_problem(const struct reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "not valid YAML";
    if (parser->error == YAML_MEMORY_ERROR) return error_set(reader->error, "out of memory");
    if (parser->error == YAML_READER_ERROR) {
        struct location at = place(reader, mark_of_byte(reader, parser->problem_offset));
        return error_set_at(reader->error, &at, "%s", problem);
    }
    struct location at = place(reader, parser->problem_mark);
    char context[160] = "";
    if (parser->context)
        snprintf(context, sizeof context, " (%.80s that starts at line %zu, column %zu)",
                 parser->context, parser->context_mark.line + 1, parser->context_mark.column + 1);
    return error_set_at(
        reader->error, &at, "%s%s%s", problem, context,
        indented_with_tab(reader, parser->problem_mark) ? "; indent with spaces, not tabs" : "");
}

/* Refuses what no workload file needs. NULL where the event is fine. */
static const char *unsupported(const struct reader *reader, const yaml_event_t *event) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases (*name) are not supported; write the value out";
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor) return "anchors (&name) are not supported; write the value where it is used";
    if (tag) return "tags (!name) are not supported; leave the tag out";
    if (!tree_wants_key(&reader->tree)) return NULL;
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
        return "a key must be a plain text, not a list or a map";
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        strcmp((const char *)event->data.scalar.value, "<<") == 0)
        return "merge keys (<<) are not supported; write the keys out";
    return NULL;
}

static bool handle_scalar(struct reader *reader, const yaml_event_t *event,
                          const struct location *at) {
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return tree_wants_key(&reader->tree)
               ? tree_key(&reader->tree, value, size, at, reader->error)
               : tree_scalar(&reader->tree, value, size, quoted, at, reader->error);
}

static bool handle_event(struct reader *reader, const yaml_event_t *event) {
    struct tree_builder *tree = &reader->tree;
    struct location at = place(reader, event->start_mark);
    const char *refused = unsupported(reader, event);
    if (refused) return error_set_at(reader->error, &at, "%s", refused);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++reader->documents == 1 ||
               error_set_at(reader->error, &at,
                            "a second document starts here; one file holds one");
    case YAML_SCALAR_EVENT:
        return handle_scalar(reader, event, &at);
    case YAML_SEQUENCE_START_EVENT:
        return tree_open(tree, NODE_LIST, &at, reader->error);
    case YAML_MAPPING_START_EVENT:
        return tree_open(tree, NODE_MAP, &at, reader->error);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return tree_close(tree, reader->error);
    default:
        return true;
    }
}

bool yaml_parse(const char *text, size_t size, const char *file, struct node **out,
                struct error *error) {
    size_t mark = utf8_mark_size(text, size); /* libyaml, told the encoding, takes it for a value */
    struct reader reader = {.text = text + mark, .size = size - mark, .file = file, .error = error};
    const char *wide = utf8_is_utf_16(text, size);
    bool ok = true, ended = false;
    *out = NULL;
    if (wide) {
        struct location at = place(&reader, (yaml_mark_t){0});
        return error_set_at(error, &at,
                            "this is UTF-16, not UTF-8; convert it: iconv -f %s -t UTF-8 OLD >NEW",
                            wide);
    }
    if (!yaml_parser_initialize(&reader.parser)) return error_set(error, "out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)reader.text, reader.size);
    while (ok && !ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader.parser, &event)) {
            ok = report_problem(&reader);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        ok = handle_event(&reader, &event);
        yaml_event_delete(&event);
    }
    if (ok && !reader.tree.root) {
        struct location at = place(&reader, (yaml_mark_t){0});
        ok = error_set_at(error, &at, "the file is empty");
    }
    if (ok)
        *out = reader.tree.root;
    else
        tree_abandon(&reader.tree);
    yaml_parser_delete(&reader.parser);
    return ok;
}

static bool refuse(const char *path, const char *reason, struct error *error) {
    struct location at = {.file = path};
    char meant[PATH_MAX];
    error_set_at(error, &at, "cannot open: %s", reason);
    bool near = near_file_find(path, meant, sizeof meant);
    return near && error_append(error, "; did you mean '%s'?", meant);
}

bool yaml_read(const char *path, struct node **out, struct error *error) {
    bool ok = false;
    char *text = NULL;
    struct location at = {.file = path};
    *out = NULL;
    const char *reason;
    int64_t claimed;
    FILE *file = regular_file_stream(path, &claimed, &reason);
    if (!file) return refuse(path, reason, error);
    if (!(text = malloc(FILE_BYTES_MAX + 1))) {
        error_set_at(error, &at, "out of memory");
        goto done;
    }
    size_t size = fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        error_set_at(error, &at, "cannot read: %s", strerror(errno));
    else if (size > FILE_BYTES_MAX)
        error_set_at(error, &at, "larger than %d bytes; not a workload file", FILE_BYTES_MAX);
    else
        ok = yaml_parse(text, size, path, out, error);
done:
    free(text);
    fclose(file);
    return ok;
}
