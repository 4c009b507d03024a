/*
 * The folder of the figures: NAME.sql says what a figure shows, NAME.gp how it looks. They are
 * read when a figure is drawn, so neither needs a compiler: the folder is plots/ of the
 * installation (config/installation.h).
 */
#ifndef HEADROOM_HARNESS_PLOT_SCRIPTS_H
#define HEADROOM_HARNESS_PLOT_SCRIPTS_H

#include "models/base/error.h"
#include "models/base/sha256.h"

struct scripts {
    char *folder;   /* absolute */
    char **figures; /* names, sorted */
    size_t n_figures;
};

/* folder NULL: that of the installation. */
bool scripts_open(const char *folder, struct scripts *out, struct error *error);
void scripts_close(struct scripts *scripts);

/* Reads NAME.sql; the caller frees it. */
bool scripts_query(const struct scripts *scripts, const char *name, char **sql,
                   struct error *error);

/* Adds to a hash all scripts that draw a figure: its own, and those that all figures share
 * (*.gnuplot). */
bool scripts_hash(const struct scripts *scripts, const char *name, struct sha256 *hash,
                  struct error *error);

#endif
