/*
 * The moving part of a sweep's talk. It only formats: sweep.c knows what happens.
 */
#include "harness/sweep/progress.h"
#include "harness/table/shown.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What every trial costs besides its expected FLOPs (starting, reading data, counting, storing), as
 * FLOPs: a few tenths of a second of work. Without it the first trial of a tiny arm, all overhead,
 * would make the rate absurd. */
static const double flops_per_trial = 1e10;

void progress_start(struct progress *progress, FILE *out, const char *phase, int n, int slots,
                    double flops) {
    *progress = (struct progress){
        .out = out,
        .terminal = isatty(fileno(out)) != 0,
        .phase = phase,
        .n_total = n,
        .slots = slots < n ? slots : n,
        .flops_left = flops + n * flops_per_trial,
    };
}

double progress_eta(const struct progress *progress, double busy_seconds) {
    if (progress->flops_done <= 0 || progress->busy_seconds <= 0) return -1;
    int left = progress->n_total - progress->n_done;
    int slots = progress->slots < left ? progress->slots : left;
    double rate = progress->flops_done / progress->busy_seconds;
    double seconds = progress->flops_left / rate - busy_seconds;
    return seconds > 0 && slots > 0 ? seconds / slots : 0;
}

void progress_format_seconds(double seconds, char *out, size_t size) {
    if (seconds < 0)
        snprintf(out, size, "?");
    else if (seconds < 99.5)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 5970)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
}

void progress_format_training(const struct training_progress *training, char *out, size_t size) {
    char candidate[48] = "", loss[32] = "", accuracy[32] = "", heads[32] = "";
    if (training->n_candidates > 1)
        snprintf(candidate, sizeof candidate, "candidate %d of %d, ", training->candidate,
                 training->n_candidates);
    if (!isnan(training->train_loss))
        snprintf(loss, sizeof loss, ", loss %.3f", training->train_loss);
    if (!isnan(training->validation_accuracy))
        snprintf(accuracy, sizeof accuracy, ", %.1f%%", 100 * training->validation_accuracy);
    if (!isnan(training->validation_mean_heads))
        snprintf(heads, sizeof heads, ", %.2f heads", training->validation_mean_heads);
    snprintf(out, size, " (%sepoch %d of %d%s%s%s)", candidate, training->epoch, training->n_epochs,
             loss, accuracy, heads);
}

void progress_clear(struct progress *progress) {
    if (progress->terminal) fputs("\r\033[K", progress->out);
}

void progress_trial(struct progress *progress, bool ok, double flops, double seconds,
                    const char *text) {
    char left[32];
    int width = snprintf(NULL, 0, "%d", progress->n_total);
    progress->n_done++;
    flops += flops_per_trial;
    progress->flops_left -= flops;
    if (ok) {
        progress->flops_done += flops;
        progress->busy_seconds += seconds;
    }
    progress_clear(progress);
    shown_print(progress->out, "[%*d/%d] %s, %.1f s", width, progress->n_done, progress->n_total,
                text, seconds);
    progress_format_seconds(progress_eta(progress, 0), left, sizeof left);
    if (progress->n_done < progress->n_total) shown_print(progress->out, ", left: %s", left);
    fputc('\n', progress->out);
    fflush(progress->out);
}

void progress_skip(struct progress *progress, double flops) {
    progress->n_total--;
    progress->flops_left -= flops + flops_per_trial;
}

void progress_draw(struct progress *progress, const char *running, double busy_seconds) {
    enum { BAR = 20 };
    char line[1280], left[32], bar[BAR + 1];
    struct winsize window = {0};
    if (!progress->terminal) return;
    int filled = progress->n_total > 0 ? BAR * progress->n_done / progress->n_total : BAR;
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)filled);
    bar[BAR] = '\0';
    progress_format_seconds(progress_eta(progress, busy_seconds), left, sizeof left);
    snprintf(line, sizeof line, "%s [%s] %d/%d, left: %s, now: %s", progress->phase, bar,
             progress->n_done, progress->n_total, left, running);
    /* A line that wraps could not be redrawn. */
    size_t columns = ioctl(fileno(progress->out), TIOCGWINSZ, &window) == 0 && window.ws_col > 1
                         ? window.ws_col
                         : 80;
    if (columns < sizeof line) line[columns - 1] = '\0';
    fputs("\r\033[K", progress->out);
    shown_print(progress->out, "%s", line);
    fflush(progress->out);
}
