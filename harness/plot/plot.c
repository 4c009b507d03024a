/*
 * From request to pictures; see plot.h. While gnuplot draws one figure, the SELECT of the next one
 * runs. A figure is signed as soon as its last picture is there, so that whatever happens later, it
 * is not drawn again.
 */
#include "harness/plot/plot.h"
#include "harness/plot/choice.h"
#include "harness/plot/gnuplot.h"
#include "harness/plot/page.h"
#include "harness/plot/picture_files.h"
#include "harness/plot/scripts.h"
#include "harness/plot/sheet.h"
#include "harness/store/chosen_workloads.h"
#include "harness/store/figure_data.h"
#include "harness/table/shown.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/closest_name.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What became of one figure. */
struct outcome {
    const char *name;
    size_t n_pages; /* 0: not drawn, for this reason */
    char *reason;
    bool drawn; /* false: unchanged */
    bool settled;
    char hash[65];
    struct gnuplot_figure pictures; /* also says whether anything else failed */
};

struct plot {
    struct scripts scripts;
    struct store *store;
    struct gnuplot *gnuplot;
    struct picture_files files;
    struct sheet facts; /* what every figure says */
    struct choice choice;
    bool not_understood;
    FILE *talk;
    int width; /* of it */
    struct outcome *outcomes;
    size_t n_started, n_told; /* of them, in order */
};

/* ---- what is asked for ---- */

static bool check_figure(struct plot *plot, const char *name, struct error *error) {
    const struct scripts *scripts = &plot->scripts;
    for (size_t i = 0; i < scripts->n_figures; i++)
        if (strcmp(scripts->figures[i], name) == 0) return true;
    const char *guess =
        closest_name(name, (const char *const *)scripts->figures, scripts->n_figures);
    struct text all = {0};
    for (size_t i = 0; i < scripts->n_figures; i++)
        text_append(&all, "%s%s", i ? ", " : "", scripts->figures[i]);
    const char *others = all.failed ? "others" : all.data;
    if (guess)
        error_set(error, "no figure '%s', did you mean '%s'? There are %s", name, guess, others);
    else
        error_set(error, "no figure '%s'; there are %s", name, others);
    plot->not_understood = true;
    text_free(&all);
    return false;
}

static bool choose(struct plot *plot, const struct plot_request *request, struct error *error) {
    bool ok = choice_make(plot->store, request->workload, request->filter, &plot->choice, error);
    plot->not_understood = plot->choice.not_understood;
    if (ok && plot->choice.left_out && request->notes)
        wrap_print(request->notes, width_of_lines(request->notes), 0, "%s", plot->choice.left_out);
    return ok;
}

/* What figures share, of the workloads that are drawn. */
static bool read_shared(struct plot *plot, struct error *error) {
    const char *workloads = plot->choice.workloads;
    return (!workloads || chosen_workloads_keep(plot->store, workloads, error)) &&
           figure_data_keep(plot->store, error);
}

static bool open_all(struct plot *plot, const struct plot_request *request, struct error *error) {
    char *sql = NULL;
    if (request->format && !picture_format_check(request->format, error)) {
        plot->not_understood = true;
        return false;
    }
    if (!scripts_open(request->scripts, &plot->scripts, error)) return false;
    for (int i = 0; i < request->n_figures; i++)
        if (!check_figure(plot, request->figures[i], error)) return false;
    if (!store_open_reader(request->db, &plot->store, error) || !choose(plot, request, error) ||
        !gnuplot_open(plot->scripts.folder, &plot->gnuplot, error) || !read_shared(plot, error) ||
        !picture_files_open(request->out, request->db, &plot->files, error))
        return false;
    plot->files.format = request->format;
    bool ok = scripts_query(&plot->scripts, "page", &sql, error) &&
              (sheet_read(plot->store, sql, &plot->choice.of, &plot->facts, error) ||
               error_prefix(error, "%s/page.sql", plot->scripts.folder));
    free(sql);
    return ok;
}

static void close_all(struct plot *plot) {
    gnuplot_close(plot->gnuplot);
    sheet_free(&plot->facts);
    store_close(plot->store);
    picture_files_close(&plot->files);
    scripts_close(&plot->scripts);
    choice_free(&plot->choice);
}

/* ---- what is said of a figure ---- */

/* A line, whatever is in the text. */
static void tell_why(const struct plot *plot, const char *name, const char *what,
                     const char *text) {
    char *line = strdup(text);
    for (char *c = line; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F) *c = ' ';
    wrap_print(plot->talk, plot->width, 2, "%s: %s: %s", name, what, line ? line : "out of memory");
    free(line);
}

static void tell(const struct plot *plot, const struct outcome *outcome) {
    FILE *talk = plot->talk;
    if (outcome->pictures.failed) {
        char text[sizeof outcome->pictures.error + 32];
        error_format(&outcome->pictures.error, text, sizeof text);
        tell_why(plot, outcome->name, "failed", text);
    } else if (outcome->n_pages == 0) {
        tell_why(plot, outcome->name, "not drawn", outcome->reason);
    } else {
        shown_print(talk, "%s: %s", outcome->name, outcome->drawn ? "drawn" : "unchanged");
        if (outcome->n_pages > 1) fprintf(talk, ", %zu pages", outcome->n_pages);
        fputc('\n', talk);
    }
    fflush(talk);
}

/* Signs what was drawn, and tells of what is done: in the order of the figures, so that the same
 * database gives the same lines. */
static void settle(struct plot *plot) {
    for (size_t i = plot->n_told; i < plot->n_started; i++) {
        struct outcome *out = &plot->outcomes[i];
        struct error error = {0};
        if (out->settled || out->pictures.n_drawing > 0) continue;
        out->settled = true;
        if (out->drawn && !out->pictures.failed &&
            !picture_files_sign(&plot->files, out->name, out->hash, &error))
            gnuplot_fail(&out->pictures, &error);
    }
    for (; plot->n_told < plot->n_started && plot->outcomes[plot->n_told].settled; plot->n_told++)
        tell(plot, &plot->outcomes[plot->n_told]);
}

/* ---- one figure ---- */

/* Writes a page's prologue, and adds it to the hash. */
static bool write_prologue(struct plot *plot, const char *name, const struct sheet *sheet,
                           const struct text *shared, size_t page, struct sha256 *hash,
                           struct error *error) {
    struct text prologue = {0};
    page_write_prologue(sheet, page, shared, &prologue);
    bool ok = prologue.failed
                  ? error_set(error, "out of memory")
                  : picture_files_write(&plot->files, name, page, "gnuplot", &prologue, error);
    if (ok) sha256_add(hash, prologue.data, prologue.size + 1);
    text_free(&prologue);
    return ok;
}

static bool write_prologues(struct plot *plot, const char *name, const struct sheet *sheet,
                            struct sha256 *hash, struct error *error) {
    struct text shared = {0};
    page_write_shared(sheet, name, &plot->facts, plot->choice.left_out, &shared);
    bool ok = !shared.failed || error_set(error, "out of memory");
    for (size_t page = 0; ok && page < sheet_pages(sheet); page++)
        ok = write_prologue(plot, name, sheet, &shared, page, hash, error);
    text_free(&shared);
    return ok;
}

/* Writes data and prologues; hash: of all that decides how the pictures look. */
static bool write_inputs(struct plot *plot, const char *name, const char *sql,
                         const struct sheet *sheet, char hash[65], struct error *error) {
    struct text data = {0};
    struct sha256 all;
    sha256_start(&all);
    sha256_add(&all, gnuplot_version(plot->gnuplot), strlen(gnuplot_version(plot->gnuplot)) + 1);
    page_write_data(sheet, name, sql, &data);
    bool ok = data.failed ? error_set(error, "out of memory")
                          : picture_files_write(&plot->files, name, 0, "dat", &data, error);
    if (ok) sha256_add(&all, data.data, data.size + 1);
    text_free(&data);
    ok = ok && write_prologues(plot, name, sheet, &all, error) &&
         scripts_hash(&plot->scripts, name, &all, error);
    sha256_finish(&all, hash);
    return ok;
}

static bool draw_page(struct plot *plot, struct outcome *out, size_t page, struct error *error) {
    char *data = picture_files_path(&plot->files, out->name, 0, "dat");
    char *prologue = picture_files_path(&plot->files, out->name, page, "gnuplot");
    char *script = NULL;
    bool ok = data && prologue && asprintf(&script, "%s.gp", out->name) >= 0;
    for (int f = 0; ok && f < PICTURE_FORMATS; f++) {
        char part[16];
        snprintf(part, sizeof part, "%s.part", picture_formats[f]);
        char *drawn = picture_files_path(&plot->files, out->name, page, part);
        char *picture = picture_files_path(&plot->files, out->name, page, picture_formats[f]);
        const struct gnuplot_picture wanted = {script, data,    prologue,
                                               drawn,  picture, picture_formats[f]};
        ok = drawn && picture;
        if (ok && picture_files_want(&plot->files, picture_formats[f]))
            gnuplot_draw(plot->gnuplot, &wanted, &out->pictures);
        else if (ok)
            unlink(picture); /* of other data */
        settle(plot);        /* the place that was waited for may have been another figure's last */
        free(drawn);
        free(picture);
    }
    free(data);
    free(prologue);
    free(script);
    return ok || error_set(error, "out of memory");
}

static bool keep_reason(const struct plot *plot, const struct sheet *sheet, struct outcome *out,
                        struct error *error) {
    const char *reason = sheet_reason(sheet);
    if (!reason)
        reason = sheet->n_dropped > 0 || plot->choice.workloads ? "nothing of it was chosen"
                                                                : "no data yet";
    return asprintf(&out->reason, "%s%s", reason,
                    plot->choice.left_out ? " (among the workloads that are drawn)" : "") >= 0 ||
           error_set(error, "out of memory");
}

static bool draw_figure(struct plot *plot, struct outcome *out, struct error *error) {
    struct sheet sheet = {0};
    char *sql = NULL;
    bool ok = false;
    if (!scripts_query(&plot->scripts, out->name, &sql, error)) goto done;
    if (!sheet_read(plot->store, sql, &plot->choice.of, &sheet, error) ||
        !sheet_cut(&sheet, error)) {
        error_prefix(error, "%s/%s.sql", plot->scripts.folder, out->name);
        goto done;
    }
    out->n_pages = sheet_pages(&sheet);
    if (!picture_files_remove(&plot->files, out->name, out->n_pages, error)) goto done;
    if (out->n_pages == 0) {
        ok = keep_reason(plot, &sheet, out, error);
        goto done;
    }
    if (!write_inputs(plot, out->name, sql, &sheet, out->hash, error)) goto done;
    out->drawn = !picture_files_are_of(&plot->files, out->name, out->n_pages, out->hash);
    ok = true;
    for (size_t page = 0; out->drawn && page < out->n_pages && ok && !out->pictures.failed; page++)
        ok = draw_page(plot, out, page, error);
done:
    sheet_free(&sheet);
    free(sql);
    return ok;
}

/* ---- all of them ---- */

static bool is_asked_twice(const struct plot_request *request, int figure) {
    for (int i = 0; i < figure; i++)
        if (strcmp(request->figures[i], request->figures[figure]) == 0) return true;
    return false;
}

static bool list_figures(struct plot *plot, const struct plot_request *request, size_t *n,
                         struct error *error) {
    const struct scripts *scripts = &plot->scripts;
    size_t most = request->n_figures > 0 ? (size_t)request->n_figures : scripts->n_figures;
    *n = 0;
    plot->outcomes = calloc(most, sizeof *plot->outcomes);
    if (!plot->outcomes) return error_set(error, "out of memory");
    for (size_t i = 0; i < most; i++)
        if (request->n_figures == 0)
            plot->outcomes[(*n)++].name = scripts->figures[i];
        else if (!is_asked_twice(request, (int)i))
            plot->outcomes[(*n)++].name = request->figures[i];
    return true;
}

/* The first failure, if there is one. */
static bool all_done(const struct plot *plot, struct error *error) {
    for (size_t i = 0; i < plot->n_told; i++) {
        if (!plot->outcomes[i].pictures.failed) continue;
        *error = plot->outcomes[i].pictures.error;
        return false;
    }
    return true;
}

enum plot_end plot_draw(const struct plot_request *request, FILE *talk, struct error *error) {
    struct plot plot = {.talk = talk, .width = request->width ? request->width : INT_MAX};
    size_t n = 0;
    bool ok = open_all(&plot, request, error) && list_figures(&plot, request, &n, error);
    for (size_t i = 0; i < n; i++) {
        struct outcome *out = &plot.outcomes[i];
        struct error own = {0};
        if (!draw_figure(&plot, out, &own)) gnuplot_fail(&out->pictures, &own);
        plot.n_started++;
        settle(&plot);
    }
    while (ok && gnuplot_wait(plot.gnuplot)) settle(&plot);
    ok = ok && all_done(&plot, error);
    close_all(&plot);
    for (size_t i = 0; i < n; i++) free(plot.outcomes[i].reason);
    free(plot.outcomes);
    return ok ? PLOT_DONE : plot.not_understood ? PLOT_NOT_UNDERSTOOD : PLOT_FAILED;
}
