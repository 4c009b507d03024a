/*
 * Characters fall into three kinds; a token is a run of word characters or one mark, or else any
 * single character. See tokenizer.h for the rules and why they are few.
 */
#include "workloads/data/tokenizer.h"
#include "models/base/utf8.h"

#include <string.h>

static const char *const names[] = {"word", "character"};

const char *tokenizer_name(enum tokenizer_kind kind) {
    return names[kind];
}

bool tokenizer_find(const char *name, enum tokenizer_kind *out) {
    for (int i = 0; i < 2; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum tokenizer_kind)i;
            return true;
        }
    return false;
}

enum kind { KIND_SPACE, KIND_WORD, KIND_MARK };

static enum kind kind_of(unsigned code) {
    if (code <= 0x20 || (code >= 0x7f && code <= 0xa0)) return KIND_SPACE;
    if (code < 0x80) {
        bool letter = (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
        return letter || (code >= '0' && code <= '9') ? KIND_WORD : KIND_MARK;
    }
    if (code < 0xc0) return code == 0xaa || code == 0xb5 || code == 0xba ? KIND_WORD : KIND_MARK;
    if (code == 0xd7 || code == 0xf7) return KIND_MARK; /* multiplication and division signs */
    if (code == 0x3000 || (code >= 0x2000 && code <= 0x200b)) return KIND_SPACE;
    if (code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f) return KIND_SPACE;
    return code >= 0x2000 && code <= 0x206f ? KIND_MARK : KIND_WORD;
}

static void lower_in_place(char *at, unsigned code) {
    if ((code >= 'A' && code <= 'Z') || (code >= 0xc0 && code <= 0xde && code != 0xd7))
        utf8_write(code + 0x20, at);
}

bool tokenizer_next(struct tokenizer *t) {
    const char *next = t->rest, *start = next;
    enum kind kind = KIND_SPACE;
    unsigned code = 0;
    while (*next && kind == KIND_SPACE) {
        start = next;
        code = utf8_next(&next);
        kind = kind_of(code);
    }
    if (kind == KIND_SPACE) {
        t->rest += next - t->rest;
        return false;
    }
    char *first = t->rest + (start - t->rest);
    if (t->kind == TOKENIZER_CHARACTER && t->token && first > t->rest) {
        t->token = t->rest; /* white space between two characters */
        t->rest = first;
        *t->token = ' ';
        t->size = 1;
        return true;
    }
    lower_in_place(first, code);
    while (t->kind == TOKENIZER_WORD && kind == KIND_WORD && *next) {
        const char *after = next;
        code = utf8_next(&after);
        if (kind_of(code) != KIND_WORD) break;
        lower_in_place(t->rest + (next - t->rest), code);
        next = after;
    }
    t->token = first;
    t->size = (size_t)(next - start);
    t->rest += next - t->rest;
    return true;
}
