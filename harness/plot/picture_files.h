/*
 * The files of figures: DIR/NAME.svg, NAME.png and NAME.pdf, of further pages NAME-2, NAME-3, ...; in
 * DIR/data/ what they were drawn from, and NAME.drawn, the hash of that, by which a figure is known
 * to be up to date. One process at a time works in a folder: of two, the signature of one would
 * stand over the picture of the other.
 */
#ifndef HEADROOM_HARNESS_PLOT_PICTURE_FILES_H
#define HEADROOM_HARNESS_PLOT_PICTURE_FILES_H

#include "models/base/error.h"
#include "models/base/text.h"

/* Every page is drawn in each of these, which are endings as well. */
enum { PICTURE_FORMATS = 3 };
extern const char *const picture_formats[PICTURE_FORMATS];

struct picture_files {
    char *folder;       /* absolute */
    int lock;           /* DIR/data, open; the kernel unlocks it also after a kill */
    const char *format; /* the only one that is wanted; NULL: all */
};

/* Makes the folder, and data/ in it, and waits until no other process has it; folder NULL: figures/
 * beside the database. */
bool picture_files_open(const char *folder, const char *db, struct picture_files *out,
                        struct error *error);
void picture_files_close(struct picture_files *files);

/* The path of a page (from 0) of a figure, in data/ unless the ending is that of a picture; with
 * "svg.part", where that picture is to be drawn before it gets its name. NULL without memory. The
 * caller frees it. */
char *picture_files_path(const struct picture_files *files, const char *name, size_t page,
                         const char *ending);

/* Writes a file as a whole or not at all. */
bool picture_files_write(const struct picture_files *files, const char *name, size_t page,
                         const char *ending, const struct text *text, struct error *error);

/* Removes what is written here for a figure's pages from page n_pages (counted from 0) on, and
 * nothing else: a user's NAME.csv stays. */
bool picture_files_remove(const struct picture_files *files, const char *name, size_t n_pages,
                          struct error *error);

/* Whether a format is wanted, and checks a name of one. */
bool picture_files_want(const struct picture_files *files, const char *format);
bool picture_format_check(const char *name, struct error *error);

/* Whether all wanted pictures are there and signed with this hash; if not, the signature is removed. */
bool picture_files_are_of(const struct picture_files *files, const char *name, size_t n_pages,
                          const char *hash);
bool picture_files_sign(const struct picture_files *files, const char *name, const char *hash,
                        struct error *error);

#endif
