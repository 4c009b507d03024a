/*
 * Slurm's programs; see slurm_queue.h. Fields are asked for by name with '|' between them, which no
 * name of a job here has.
 */
#include "harness/sweep/slurm_queue.h"
#include "harness/measure/blas_kernels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *const *arguments, int said, int complained) {
    int nothing = open("/dev/null", O_RDONLY);
    /* A job gets this environment, and chooses for the processor of its node unless the user has.
     */
    if (strcmp(blas_kernels_chosen_by(), "Headroom") == 0) {
        unsetenv(BLAS_KERNELS_VARIABLE);
        unsetenv(BLAS_KERNELS_CHOSEN);
    }
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(said, STDOUT_FILENO) >= 0 &&
        dup2(complained, STDERR_FILENO) >= 0)
        execvp(arguments[0], (char *const *)(const void *)arguments);
    dprintf(complained, "%s", strerror(errno));
    _exit(127);
}

static void take(FILE *file, struct text *out) {
    char chunk[4096];
    size_t n;
    rewind(file);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) text_append_bytes(out, chunk, n);
    text_append(out, "%s", ""); /* never NULL, unless memory ran out */
}

bool slurm_ask(const char *const *arguments, struct text *out, struct error *error) {
    FILE *said = tmpfile(), *complained = tmpfile();
    struct text why = {0};
    int status = -1;
    bool ok = false;
    if (!said || !complained) {
        error_set(error, "no temporary file: %s", strerror(errno));
        goto done;
    }
    pid_t pid = fork();
    if (pid == 0) become(arguments, fileno(said), fileno(complained));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    take(said, out);
    take(complained, &why);
    ok = pid > 0 && status == 0 && !out->failed;
    if (!ok && why.data) why.data[strcspn(why.data, "\n")] = '\0';
    if (!ok)
        error_set(error, "%s does not answer: %s", arguments[0],
                  why.data && *why.data ? why.data : "it ended badly and said nothing");
done:
    if (said) fclose(said);
    if (complained) fclose(complained);
    text_free(&why);
    return ok;
}

/* Takes the next of the fields of a line, and the '|' or line break behind it, off the text. */
static void next_field(char **at, char *out, size_t size) {
    size_t n = strcspn(*at, "|\n");
    snprintf(out, size, "%.*s", (int)n, *at);
    *at += n + ((*at)[n] == '|');
}

/* The state that a line is about: of this element of the array, or of the job behind it. */
static struct slurm_state *find(struct slurm_states *states, const char *name, const char *job_name,
                                const char *element) {
    size_t n = strlen(name);
    char *end;
    if (strncmp(job_name, name, n) != 0) return NULL;
    if (strcmp(job_name + n, "-end") == 0) return &states->element[0];
    long number = strtol(element, &end, 10);
    bool known = !job_name[n] && end != element && !*end && number >= 1 && number <= SHARDS_MAX;
    return known ? &states->element[number] : NULL;
}

static void read_queue(const char *name, char *at, struct slurm_states *out) {
    while (*at) {
        char job_name[64], element[16], state[24], job[SLURM_JOB_SIZE], reason[48];
        next_field(&at, job_name, sizeof job_name);
        next_field(&at, element, sizeof element);
        next_field(&at, state, sizeof state);
        next_field(&at, job, sizeof job);
        next_field(&at, reason, sizeof reason);
        at += *at == '\n';
        struct slurm_state *found = find(out, name, job_name, element);
        if (!found) continue;
        found->queued = true;
        memcpy(found->state, state, sizeof state);
        memcpy(found->job, job, sizeof job);
        memcpy(found->reason, reason, sizeof reason);
    }
}

/* JobID is 12_3 for an element. Lines come in the order of their start: the last one counts. */
static void read_accounts(const char *name, char *at, struct slurm_states *out) {
    while (*at) {
        char id[48], job_name[64], state[48];
        next_field(&at, id, sizeof id);
        next_field(&at, job_name, sizeof job_name);
        next_field(&at, state, sizeof state);
        at += strcspn(at, "\n");
        at += *at == '\n';
        char *element = strchr(id, '_');
        struct slurm_state *found = find(out, name, job_name, element ? element + 1 : "");
        if (!found || found->queued) continue;
        state[strcspn(state, " ")] = '\0'; /* CANCELLED by 1000 */
        snprintf(found->state, sizeof found->state, "%.23s", state);
    }
}

bool slurm_queue_read(const char *name, struct slurm_states *out, struct error *error) {
    char names[160], user[24];
    struct text said = {0};
    struct error ignored;
    snprintf(names, sizeof names, "--name=%s,%s-end", name, name);
    snprintf(user, sizeof user, "--user=%ld", (long)getuid());
    const char *squeue[] = {"squeue", "-h", "-r", user, names, "-o", "%j|%K|%T|%F|%R", NULL};
    const char *sacct[] = {"sacct", "-n", "-X",         "-P", user,
                           names,   "-S", "now-30days", "-o", "JobID,JobName,State",
                           NULL};
    memset(out, 0, sizeof *out);
    bool ok = slurm_ask(squeue, &said, error);
    if (ok) read_queue(name, said.data, out);
    text_free(&said);
    if (ok && slurm_ask(sacct, &said, &ignored)) read_accounts(name, said.data, out);
    text_free(&said);
    return ok;
}

bool slurm_queue_submit(const char *script, const char *array, const char *after,
                        char job[SLURM_JOB_SIZE], struct error *error) {
    struct text elements = {0}, dependency = {0}, said = {0};
    const char *arguments[6] = {"sbatch", "--parsable"};
    int n = 2;
    if (array) text_append(&elements, "--array=%s", array);
    if (after) text_append(&dependency, "--dependency=afterany%s", after);
    if (elements.data) arguments[n++] = elements.data;
    if (dependency.data) arguments[n++] = dependency.data;
    arguments[n] = script;
    bool ok = elements.failed || dependency.failed ? error_set(error, "out of memory")
                                                   : slurm_ask(arguments, &said, error);
    if (ok) snprintf(job, SLURM_JOB_SIZE, "%.*s", (int)strcspn(said.data, ";\n"), said.data);
    text_free(&elements);
    text_free(&dependency);
    text_free(&said);
    return ok;
}
