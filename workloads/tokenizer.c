/*
 * Characters fall into three kinds; a token is a run of word characters or one mark. See
 * tokenizer.h for the rules and why they are few.
 */
#include "workloads/tokenizer.h"
#include "workloads/text_file.h"

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

bool tokenizer_next(char **text, char **token, size_t *size) {
    const char *next = *text, *start = next;
    enum kind kind = KIND_SPACE;
    unsigned code = 0;
    while (*next && kind == KIND_SPACE) {
        start = next;
        code = utf8_next(&next);
        kind = kind_of(code);
    }
    char *first = *text + (start - *text);
    if (kind == KIND_WORD) {
        lower_in_place(first, code);
        while (*next) {
            const char *after = next;
            code = utf8_next(&after);
            if (kind_of(code) != KIND_WORD) break;
            lower_in_place(*text + (next - *text), code);
            next = after;
        }
    }
    *token = first;
    *size = (size_t)(next - start);
    *text += next - *text;
    return kind != KIND_SPACE;
}
