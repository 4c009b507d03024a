/*
 * Processes of trials; see trial_process.h.
 */
#include "harness/sweep/trial_process.h"
#include "harness/measure/process.h"
#include "harness/measure/turn.h"
#include "harness/sweep/verdict.h"
#include "harness/trial/trial_log.h"
#include "models/base/clock.h"
#include "models/base/last_line.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- starting ---- */

/* Runs in the new process and does not come back. */
static void become_trial(const struct trial_process *process, const struct sweep_options *options,
                         const sigset_t *watched, pid_t parent) {
    const char *program = options->program ? options->program : "/proc/self/exe";
    char number[24], minutes[24], *db = strdup(options->db);
    int null = open("/dev/null", O_RDONLY);
    snprintf(number, sizeof number, "%" PRId64, process->trial->id);
    snprintf(minutes, sizeof minutes, "%d", options->save_every);
    char *arguments[] = {"headroom",     "trial", number, "--db", db,
                         "--save-every", minutes, NULL,   NULL};
    if (options->no_ceiling) arguments[7] = "--no-ceiling";
    if (process->memory > 0 && !memory_bound_enter(process->group, process->memory)) {
        dprintf(process->talk, "no bound on memory can be set: %s\n", strerror(errno));
        _exit(127);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127); /* it died before the line above */
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, watched, NULL);
    setenv("OPENBLAS_NUM_THREADS", "1", 1); /* read when the library is loaded, so before exec */
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv(TRIAL_LOG_VARIABLE, "1", 1);
    if (process->place >= 0) {
        char card[64];
        places_visible(getenv("CUDA_VISIBLE_DEVICES"), process->place, card, sizeof card);
        setenv("CUDA_VISIBLE_DEVICES", card, 1); /* read when CUDA starts */
    }
    if (process->trial->profile) setenv(TURN_VARIABLE, "1", 1);
    if (!db || null < 0 || dup2(null, 0) < 0 || dup2(process->talk, 1) < 0 ||
        dup2(process->talk, 2) < 0)
        _exit(127);
    execv(program, arguments);
    dprintf(2, "cannot start %s: %s\n", program, strerror(errno));
    _exit(127);
}

static off_t file_size(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 ? file.st_size : 0;
}

bool trial_process_start(struct trial_process *out, const struct sweep_options *options,
                         const struct plan_trial *trial, int place, const sigset_t *watched,
                         struct error *error) {
    *out = (struct trial_process){.trial = trial,
                                  .place = place,
                                  .oom_kills = verdict_oom_kills(),
                                  .memory = options->memory};
    if (!trial_log_path(options->db, trial->key, out->log, sizeof out->log))
        return error_set(error, "%s: the path is too long", options->db);
    out->log_size = file_size(out->log);
    out->started = out->looked_at = clock_seconds();
    out->talk = memfd_create("trial", MFD_CLOEXEC);
    if (out->talk < 0)
        return error_set(error, "no file in memory for what a trial says: %s", strerror(errno));
    if (out->memory > 0) memory_group_make("", out->memory, trial->id, out->group);
    pid_t parent = getpid();
    out->pid = fork();
    if (out->pid == 0) become_trial(out, options, watched, parent);
    if (out->pid < 0) {
        error_set(error, "cannot start a process: %s", strerror(errno));
        trial_process_close(out);
        return false;
    }
    setpgid(out->pid, out->pid); /* whoever of the two comes first */
    return true;
}

void trial_process_close(struct trial_process *process) {
    close(process->talk);
    memory_group_remove(process->group);
}

/* ---- turns ---- */

void trial_process_changed(struct trial_process *process, int status) {
    if (!process->trial->profile)
        process->held = WIFSTOPPED(status);
    else if (WIFSTOPPED(status))
        process->stopped_at = clock_seconds();
}

void trial_process_continue(struct trial_process *process) {
    process->started += clock_seconds() - process->stopped_at;
    process->stopped_at = 0;
    kill(-process->pid, SIGCONT);
}

double trial_process_seconds(const struct trial_process *process) {
    return (process->stopped_at > 0 ? process->stopped_at : clock_seconds()) - process->started;
}

/* ---- progress ---- */

double trial_process_cpu_seconds(const struct trial_process *process) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(process->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static off_t written(const struct trial_process *process) {
    struct stat talk;
    return (fstat(process->talk, &talk) == 0 ? talk.st_size : 0) + file_size(process->log);
}

/* Processor seconds of all processes that a trial started and waits for, such as a simulator. */
static double others_cpu_seconds(pid_t group) {
    double ticks = 0;
    struct dirent *entry;
    DIR *folder = opendir("/proc");
    while (folder && (entry = readdir(folder))) {
        struct process process;
        if (isdigit((unsigned char)entry->d_name[0]) &&
            process_read((pid_t)strtol(entry->d_name, NULL, 10), &process) &&
            process.group == group)
            ticks += (double)process.cpu_ticks;
    }
    if (folder) closedir(folder);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

/* Looks once in a second at most, and for others only where the trial itself rests. */
static void look_at_progress(struct trial_process *process) {
    enum { LOOK_SECONDS = 1 };
    double now = clock_seconds(), since = now - process->looked_at;
    if (since < LOOK_SECONDS) return;
    double cpu = trial_process_cpu_seconds(process), others = process->others_cpu_seconds;
    off_t size = written(process);
    bool moved = cpu > process->cpu_seconds || size != process->written || process->stopped_at > 0;
    if (!moved) others = others_cpu_seconds(process->pid);
    moved = moved || others > process->others_cpu_seconds;
    process->idle += since < 2 * LOOK_SECONDS ? since : 2 * LOOK_SECONDS;
    if (moved) process->idle = 0;
    process->looked_at = now;
    process->cpu_seconds = cpu;
    process->others_cpu_seconds = others;
    process->written = size;
}

void trial_process_watch(struct trial_process *process, const struct sweep_options *options) {
    look_at_progress(process);
    if (options->timeout > 0 && trial_process_seconds(process) >= options->timeout)
        process->timed_out = options->timeout;
    else if (options->stall > 0 && process->idle >= options->stall)
        process->stalled = options->stall;
    else
        return;
    kill(-process->pid, SIGKILL);
}

/* ---- the end ---- */

double trial_process_grace(double ran, int save_every) {
    double lost = save_every > 0 ? fmin(ran, 60.0 * save_every) : ran;
    return fmax(lost, 5);
}

bool trial_process_has_log(const struct trial_process *process) {
    return file_size(process->log) > process->log_size;
}

/* Its log is its own from the claim on; until then its words are in the file of this process. */
static void last_words(const struct trial_process *process, char *out, size_t size) {
    char talk[64];
    snprintf(talk, sizeof talk, "/proc/self/fd/%d", process->talk);
    out[0] = '\0';
    if (file_size(talk) > 0)
        last_line_read(talk, out, size);
    else if (trial_process_has_log(process))
        trial_log_last_line(process->log, out, size);
}

const char *trial_process_verdict(const struct trial_process *process, int status, bool stopped,
                                  char *reason, size_t size) {
    char last[301];
    last_words(process, last, sizeof last);
    struct process_end end = {
        .status = status,
        .timeout = process->timed_out,
        .stall = process->stalled,
        .held = process->held,
        .stopped = stopped,
        .oom_kills = process->oom_kills,
        .over = process->group[0] && memory_group_kills(process->group) > 0 ? process->memory : 0,
        .last = last};
    return verdict_of(&end, reason, size);
}
