/*
 * The results database: what the schema refuses, how plans and trials change, and that nothing
 * finished is lost when processes write at once, die, or run out of disk.
 */
#include "models/checkpoint.h"
#include "tests/harness/store/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- schema ---- */

static void strict_tables_refuse_wrong_types_and_dangling_references(void **state) {
    struct fixture *f = *state;
    one_trial(f);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET seed = 1"), SQLITE_OK);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET seed = 'one'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET status = 'fine'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET config = '{'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET workload_id = 99"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "INSERT INTO epoch (trial_id, epoch, step) VALUES (9, 1, 1)"),
                     SQLITE_CONSTRAINT);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state) {
    struct fixture *f = *state;
    char path[160], line[32] = "";
    struct store *store;
    snprintf(path, sizeof path, "%s/notes.txt", f->folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++) fputs("not a database\n", file);
    fclose(file);
    assert_false(store_open(path, &store, &f->error));
    assert_non_null(strstr(f->error.text, path));
    file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    unlink(path);
    assert_string_equal(line, "not a database\n");
}

static void results_in_memory_need_no_file(void **state) {
    struct fixture *f = *state;
    struct store *store;
    OK(f, store_open(":memory:", &store, &f->error));
    store_close(store);
}

static void a_missing_folder_is_made_but_not_two(void **state) {
    struct fixture *f = *state;
    struct store *store;
    char path[160];
    snprintf(path, sizeof path, "%s/absent/results.db", f->folder);
    OK(f, store_open(path, &store, &f->error));
    store_close(store);
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
    snprintf(path, sizeof path, "%s/absent/too/deep/results.db", f->folder);
    assert_false(store_open(path, &store, &f->error));
    assert_non_null(strstr(f->error.text, path));
    assert_non_null(strstr(f->error.text, "--db"));
}

/* Runs child(f) in a process of its own and returns how it ended (a wait status). */
static int in_child(struct fixture *f, int (*child)(struct fixture *)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(child(f));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* 0 if opening fails with a message that names path and fix. Root may write anywhere: give that
 * up. */
static int open_is_refused(struct fixture *f) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 77;
    struct store *store;
    if (store_open(f->path, &store, &f->error)) return 1;
    return strstr(f->error.text, f->path) && strstr(f->error.text, "writable") ? 0 : 2;
}

static void read_only_file_or_folder_is_refused_before_any_work(void **state) {
    struct fixture *f = *state;
    assert_int_equal(chmod(f->folder, 0555), 0);
    assert_int_equal(chmod(f->path, 0666), 0);
    int folder_status = in_child(f, open_is_refused);
    assert_int_equal(chmod(f->folder, 0777), 0);
    assert_int_equal(chmod(f->path, 0444), 0);
    int file_status = in_child(f, open_is_refused);
    if (WIFEXITED(folder_status) && WEXITSTATUS(folder_status) == 77) {
        print_message("SKIP: running as root and cannot become another user\n");
        skip();
    }
    assert_int_equal(folder_status, 0);
    assert_int_equal(file_status, 0);
}

/* ---- plans ---- */

static void planning_again_finds_the_same_trial_and_its_status(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w"), again, id;
    char status[16], key[65];
    double accuracy = 0.5;
    train(f, workload, "fixed-8", "fixed", ALL, 1, &accuracy, 1);
    sha256_hex("fixed-8/0", strlen("fixed-8/0"), key);
    OK(f, store_begin_plan(f->store, &f->error));
    assert_int_equal(plan_workload(f, "w"), workload);
    struct trial_plan plan = trial_plan(workload, "all heads", "fixed", 0, key);
    OK(f, store_plan_trial(f->store, &plan, &again, status, &f->error));
    assert_string_equal(status, "ok");
    plan = trial_plan(workload, "fixed-4", "fixed", 0, "fixed-4/0");
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    assert_string_equal(status, "planned");
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_not_equal(id, again);
    assert_near(number(f, "SELECT accuracy_mean FROM accuracy_vs_budget WHERE arm = 'all heads'"),
                0.5);
}

/* The change counter in the file's header: SQLite raises it with every commit that writes. */
static uint32_t change_counter(struct fixture *f) {
    unsigned char bytes[28];
    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    return (uint32_t)bytes[24] << 24 | (uint32_t)bytes[25] << 16 | (uint32_t)bytes[26] << 8 |
           bytes[27];
}

static void a_plan_that_changes_nothing_leaves_the_file_untouched(void **state) {
    struct fixture *f = *state;
    int n;
    one_trial(f);
    uint32_t before = change_counter(f);
    store_close(f->store);
    f->store = NULL;
    OK(f, store_open(f->path, &f->store, &f->error));
    OK(f, store_recover(f->store, false, &n, &f->error));
    OK(f, store_begin_plan(f->store, &f->error));
    plan_trial(f, plan_workload(f, "w"), "fixed-8", "fixed", 0, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_equal(change_counter(f), before);
    OK(f, store_begin_plan(f->store, &f->error)); /* the trial is no longer planned */
    plan_workload(f, "w");
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_not_equal(change_counter(f), before);
}

static void a_trial_outside_the_latest_plan_leaves_the_views_but_not_the_table(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double old[] = {0.2}, new[] = {0.8};
    train(f, workload, "fixed-8", "fixed", ALL, 1, old, 1);
    OK(f, store_begin_plan(f->store, &f->error));
    plan_workload(f, "w");
    int64_t id;
    char status[16];
    struct trial_plan plan = trial_plan(workload, "fixed-8", "fixed", 0, "other configuration");
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    OK(f, store_end_plan(f->store, true, &f->error));
    struct made_up m;
    make_up(&m, new[0], ALL);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_near(number(f, "SELECT accuracy_mean FROM accuracy_vs_budget"), 0.8);
    assert_near(number(f, "SELECT n_seeds FROM accuracy_vs_budget"), 1);
    assert_near(number(f, "SELECT count(*) FROM trial"), 2);
    assert_near(number(f, "SELECT count(*) FROM trial_status"), 1);
}

/* Each takes the place of the other, which is not planned again yet. */
static void arms_may_swap_their_names(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"a", "b", "b", "a"}, *const keys[] = {"1", "2", "1", "2"};
    int64_t id[4];
    char status[16];
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 0) OK(f, store_begin_plan(f->store, &f->error));
        int64_t workload = i % 2 ? 1 : plan_workload(f, "w");
        struct trial_plan plan = trial_plan(workload, arms[i], "fixed", 0, keys[i]);
        OK(f, store_plan_trial(f->store, &plan, &id[i], status, &f->error));
        if (i % 2) OK(f, store_end_plan(f->store, true, &f->error));
    }
    assert_int_equal(id[2], id[0]);
    assert_int_equal(id[3], id[1]);
    assert_near(number(f, "SELECT count(*) FROM trial WHERE current = 1 "
                          "AND arm = CASE key WHEN '1' THEN 'b' ELSE 'a' END"),
                2);
}

static void the_same_trial_twice_in_one_plan_names_both_arms(void **state) {
    struct fixture *f = *state;
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t workload = plan_workload(f, "w"), id;
    char status[16];
    struct trial_plan plan = trial_plan(workload, "first", "fixed", 0, "key");
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    plan.arm = "second";
    assert_false(store_plan_trial(f->store, &plan, &id, status, &f->error));
    assert_non_null(strstr(f->error.text, "'first'"));
    assert_non_null(strstr(f->error.text, "'second'"));
    OK(f, store_end_plan(f->store, false, &f->error));
    assert_near(number(f, "SELECT count(*) FROM workload"), 0);
}

static void names_with_quotes_and_newlines_come_back_unchanged(void **state) {
    struct fixture *f = *state;
    const char *name = "Bobby'); DROP TABLE trial;--\n\"x\" 100% \xc3\xa9";
    int64_t workload = one_workload(f, name);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, "it's\nan arm", "fixed", 0, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    struct trial_row row;
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    assert_string_equal(row.workload, name);
    assert_string_equal(row.arm, "it's\nan arm");
    trial_row_free(&row);
}

static void the_command_quotes_its_path_for_the_shell(void **state) {
    struct fixture *f = *state;
    char path[160], expected[256];
    snprintf(path, sizeof path, "%s/it's a.db", f->folder);
    store_close(f->store);
    f->store = NULL;
    OK(f, store_open(path, &f->store, &f->error));
    struct trial_row row;
    OK(f, store_load_trial(f->store, one_trial(f), &row, &f->error));
    snprintf(expected, sizeof expected, "./headroom trial 1 --db '%s/it'\\''s a.db'", f->folder);
    assert_string_equal(row.command, expected);
    trial_row_free(&row);
    unlink(path);
}

/* ---- the life of a trial ---- */

static void a_trial_is_claimed_once_and_finished_once(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    assert_false(store_finish_training(f->store, id, &m.result, &f->error)); /* not claimed */
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
    assert_non_null(strstr(f->error.text, "it is run by pid "));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_false(store_finish_training(f->store, id, &m.result, &f->error));
    assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_end_trial(f->store, id, "failed", "too late", &f->error));
    assert_false(store_retry(f->store, id, &f->error));
    assert_near(number(f, "SELECT status = 'ok' AND reason = '' FROM trial"), 1);
    assert_near(number(f, "SELECT count(*) FROM evaluation"), 1);
    assert_false(store_claim(f->store, 99, getpid(), 0, &f->error));
    assert_non_null(strstr(f->error.text, "no trial 99"));
}

static void the_first_reason_stands_until_the_trial_is_retried(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct trial_list list;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_warning(f->store, id, "of the first attempt", &f->error));
    OK(f, store_end_trial(f->store, id, "failed", "the loss is NaN", &f->error));
    OK(f, store_end_trial(f->store, id, "killed", "exit status 1", &f->error));
    OK(f, store_list_trials(f->store, "failed", &list, &f->error));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].reason, "the loss is NaN");
    trial_list_free(&list);
    OK(f, store_retry(f->store, id, &f->error));
    OK(f, store_list_trials(f->store, "planned", &list, &f->error));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].reason, "");
    trial_list_free(&list);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_near(number(f, "SELECT count(*) FROM warning"), 0);
}

static void changes_between_begin_and_end_are_one_transaction(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    OK(f, store_begin(f->store, &f->error));
    OK(f, store_end_trial(f->store, id, "failed", "the loss is NaN", &f->error));
    OK(f, store_retry(f->store, id, &f->error));
    assert_false(store_retry(f->store, 99, &f->error));
    assert_false(store_end(f->store, false, &f->error));
    assert_non_null(strstr(f->error.text, "no trial 99"));
    uint32_t before = change_counter(f);
    OK(f, store_begin(f->store, &f->error));
    OK(f, store_end_trial(f->store, id, "failed", "the loss is NaN", &f->error));
    OK(f, store_retry(f->store, id, &f->error));
    OK(f, store_end_trial(f->store, id, "skipped", "no data", &f->error));
    assert_int_equal(change_counter(f), before);
    OK(f, store_end(f->store, true, &f->error));
    assert_int_equal(change_counter(f), before + 1);
    assert_near(number(f, "SELECT reason = 'no data' FROM trial"), 1);
}

static void a_trial_of_another_living_process_is_not_ended(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    OK(f, store_claim(f->store, id, 1, 0, &f->error)); /* process 1 lives as long as we do */
    OK(f, store_end_trial(f->store, id, "failed", "exit status 1", &f->error));
    assert_near(number(f, "SELECT status = 'running' AND reason = '' FROM trial"), 1);
}

static int claim_and_die(struct fixture *f) {
    struct store *store;
    if (!store_open(f->path, &store, &f->error)) return 1;
    if (!store_claim(store, 1, getpid(), 0, &f->error)) return 2;
    raise(SIGKILL);
    return 3;
}

static void a_trial_whose_process_is_gone_becomes_interrupted(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    int n, status = in_child(f, claim_and_die);
    assert_true(WIFSIGNALED(status));
    OK(f, store_recover(f->store, false, &n, &f->error));
    assert_int_equal(n, 1);
    assert_near(number(f, "SELECT status = 'interrupted' AND reason <> '' FROM trial"), 1);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error)); /* we live: not to be recovered */
    OK(f, store_recover(f->store, false, &n, &f->error));
    assert_int_equal(n, 0);
    /* The same process id with another start time is another process. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET pid_start_ticks = pid_start_ticks - 1"),
                     SQLITE_OK);
    OK(f, store_recover(f->store, false, &n, &f->error));
    assert_int_equal(n, 1);
}

/* Another process that has the lock of trial 1, until it is killed. */
static pid_t start_holder(struct fixture *f) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        struct store *store;
        if (store_open(f->path, &store, &f->error) &&
            store_claim(store, 1, getpid(), 0, &f->error) && write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return holder;
}

static void end_holder(pid_t holder) {
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
}

/* A host of another name or a container: the row's ids mean nothing here. */
static void whether_a_trial_runs_is_known_by_its_lock(void **state) {
    static const char *const elsewhere[] = {"UPDATE trial SET host = 'renamed', pid = 1",
                                            "UPDATE trial SET pid_namespace = 'pid:[1]', pid = 1"};
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    char owner[256];
    int n;
    for (int i = 0; i < 2; i++) {
        pid_t holder = start_holder(f);
        OK(f, store_describe_owner(f->store, id, owner, sizeof owner, &f->error));
        assert_non_null(strstr(owner, "since 20"));
        assert_int_equal(raw_sql(f->path, elsewhere[i]), SQLITE_OK);
        OK(f, store_recover(f->store, true, &n, &f->error));
        assert_int_equal(n, 0);
        assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
        assert_non_null(strstr(f->error.text, "it is run by pid 1 on host "));
        OK(f, store_end_trial(f->store, id, "failed", "exit status 1", &f->error));
        end_holder(holder);
        OK(f, store_recover(f->store, false, &n, &f->error));
        assert_int_equal(n, 1);
    }
}

static void a_trial_that_is_being_taken_is_left_alone(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    pid_t holder = start_holder(f);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET status = 'planned', pid = NULL"),
                     SQLITE_OK);
    assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
    assert_non_null(strstr(f->error.text, "it is run by another process"));
    OK(f, store_end_trial(f->store, id, "skipped", "no data", &f->error));
    assert_near(number(f, "SELECT status = 'planned' FROM trial"), 1);
    end_holder(holder);
    OK(f, store_end_trial(f->store, id, "skipped", "no data", &f->error));
    assert_near(number(f, "SELECT status = 'skipped' FROM trial"), 1);
}

static void a_removed_lock_file_takes_no_trial_from_its_process(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    char command[200];
    int n;
    pid_t holder = start_holder(f);
    snprintf(command, sizeof command, "rm -r '%s/locks'", f->folder);
    assert_int_equal(system(command), 0);
    OK(f, store_recover(f->store, false, &n, &f->error));
    assert_int_equal(n, 0);
    assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
    end_holder(holder);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
}

/* From here on fcntl knows no locks of open files, as on some network disks. */
static bool lose_locks(void) {
    enum { COMMAND = offsetof(struct seccomp_data, args[1]) }; /* its lower half */
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, COMMAND),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_OFD_SETLK, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_OFD_GETLK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* 0 if rows alone decide, and those of another machine only when they are to be taken over. */
static int rows_decide(struct fixture *f) {
    struct store *store;
    int n;
    if (!lose_locks()) return 77;
    if (!store_open(f->path, &store, &f->error) || *store_notice(store)) return 1;
    if (!store_recover(store, false, &n, &f->error) || n != 0) return 2;
    if (!strstr(store_notice(store), "its disk has no locks (No locks available)")) return 3;
    if (!store_claim(store, 1, getpid(), 0, &f->error)) return 4;
    if (store_claim(store, 1, getpid(), 0, &f->error)) return 5;
    if (raw_sql(f->path, "UPDATE trial SET host = 'renamed'") != SQLITE_OK) return 6;
    if (!store_recover(store, false, &n, &f->error) || n != 0) return 7;
    if (store_claim(store, 1, getpid(), 0, &f->error)) return 8;
    if (!strstr(f->error.text, "; if that machine is gone: headroom sweep --take-over")) return 9;
    if (!store_recover(store, true, &n, &f->error) || n != 1) return 10;
    if (!store_claim(store, 1, getpid(), 0, &f->error)) return 11;
    store_close(store);
    return 0;
}

static void without_locks_the_row_says_whose_a_trial_is(void **state) {
    struct fixture *f = *state;
    int n, status;
    one_trial(f);
    status = in_child(f, rows_decide);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("SKIP: this kernel lets nobody filter system calls\n");
        skip();
    }
    assert_int_equal(status, 0);
    /* Of such a row a process with locks believes no lock file either. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET host = 'renamed'"), SQLITE_OK);
    OK(f, store_recover(f->store, false, &n, &f->error));
    assert_int_equal(n, 0);
    OK(f, store_recover(f->store, true, &n, &f->error));
    assert_int_equal(n, 1);
}

/* Plans the first trial again; what became of its checkpoint. */
static enum checkpoint_state replan(struct fixture *f) {
    enum checkpoint_state state;
    OK(f, store_replan_lost_checkpoint(f->store, 1, &state, &f->error));
    assert_near(number(f, "SELECT status = 'ok' FROM trial"), state == CHECKPOINT_SOUND);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET status = 'ok'"), SQLITE_OK);
    return state;
}

/* One tensor under the name that the first trial's checkpoint has. */
static void write_checkpoint(struct fixture *f, char path[256], char sha256[65]) {
    struct trial_row row;
    float number = 1;
    struct tensor_view view = {"x", 1, {1, 0}, &number, 1, 1, 1, 0, 1, 0};
    struct checkpoint *file;
    char name[CHECKPOINT_NAME_SIZE], folder[160];
    snprintf(folder, sizeof folder, "%s/checkpoints", f->folder);
    mkdir(folder, 0777);
    OK(f, store_load_trial(f->store, 1, &row, &f->error));
    OK(f, store_checkpoint_path(f->store, row.key, name, path, 256, &f->error));
    trial_row_free(&row);
    OK(f, checkpoint_write(path, NULL, 0, &view, 1, &f->error));
    OK(f, checkpoint_open(path, &file, &f->error));
    OK(f, checkpoint_sha256(file, sha256, &f->error));
    checkpoint_close(file);
}

static void a_damaged_checkpoint_counts_as_lost(void **state) {
    struct fixture *f = *state;
    double accuracy[] = {0.5};
    char path[256], sha256[65], sql[200];
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 1, accuracy, 1);
    write_checkpoint(f, path, sha256);
    FILE *file = fopen(path, "r+");
    assert_true(file && fseek(file, -1, SEEK_END) == 0);
    int last = fgetc(file);
    assert_int_equal(replan(f), CHECKPOINT_SOUND); /* its hash was not stored */
    snprintf(sql, sizeof sql, "UPDATE trial SET checkpoint_sha256 = '%s'", sha256);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    assert_int_equal(replan(f), CHECKPOINT_SOUND);
    assert_true(fseek(file, -1, SEEK_END) == 0 && fputc(last ^ 1, file) != EOF);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(replan(f), CHECKPOINT_DAMAGED);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET checkpoint_sha256 = NULL"), SQLITE_OK);
    assert_int_equal(replan(f), CHECKPOINT_SOUND);
    assert_int_equal(truncate(path, 20), 0);
    assert_int_equal(replan(f), CHECKPOINT_DAMAGED);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(replan(f), CHECKPOINT_DAMAGED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(replan(f), CHECKPOINT_GONE);
}

/* The path is the key's, whatever stands in the column `checkpoint`. */
static void a_row_does_not_say_where_its_checkpoint_is(void **state) {
    struct fixture *f = *state;
    double accuracy[] = {0.5};
    enum checkpoint_state lost;
    char path[256], sha256[65];
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 1, accuracy, 1);
    write_checkpoint(f, path, sha256);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET checkpoint = '/etc/passwd'"), SQLITE_OK);
    assert_int_equal(replan(f), CHECKPOINT_SOUND);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET key = '../../x'"), SQLITE_OK);
    assert_false(store_replan_lost_checkpoint(f->store, 1, &lost, &f->error));
    assert_non_null(strstr(f->error.text, "'../../x' is not the key of a trial"));
}

static void a_training_that_lost_its_checkpoint_runs_again_and_replaces_its_results(void **state) {
    struct fixture *f = *state;
    double accuracy[] = {0.5};
    enum checkpoint_state lost;
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 1, accuracy, 3);
    OK(f, store_begin_plan(f->store, &f->error));
    plan_trial(f, plan_workload(f, "w"), "fixed-8", "fixed", 0, 0);
    OK(f, store_replan_lost_checkpoint(f->store, 1, &lost, &f->error));
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_equal(lost, CHECKPOINT_GONE);
    assert_near(number(f, "SELECT status = 'planned' FROM trial"), 1);
    struct made_up m;
    make_up(&m, 0.75, ALL);
    assert_int_equal(
        raw_sql(f->path, "INSERT INTO tuning VALUES (1, 0, '{}', 1, 1, 1, 1, 1, 1, '')"),
        SQLITE_OK);
    OK(f, store_claim(f->store, 1, getpid(), 0, &f->error));
    assert_near(number(f, "SELECT count(*) FROM evaluation"), 3); /* until there is better */
    OK(f, store_finish_training(f->store, 1, &m.result, &f->error));
    assert_near(number(f, "SELECT sum(accuracy) FROM evaluation"), 0.75);
    assert_near(number(f, "SELECT count(*) FROM prediction"), INPUTS);
    assert_near(number(f, "SELECT count(*) FROM epoch"), 1);
    assert_near(number(f, "SELECT count(*) FROM tuning"), 0);
}

static void one_environment_is_one_row(void **state) {
    struct fixture *f = *state;
    int64_t a, b, c;
    OK(f, store_environment(f->store, "h1", "host", "a machine", "{}", &a, &f->error));
    OK(f, store_environment(f->store, "h2", "host", "a machine", "{}", &b, &f->error));
    OK(f, store_environment(f->store, "h1", "host", "a machine", "{}", &c, &f->error));
    assert_int_equal(a, c);
    assert_int_not_equal(a, b);
}

static void what_was_not_measured_is_null(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    m.evaluation[0].mean_s = NAN;
    m.evaluation[0].budget = NULL;
    m.difficulty[0] = -1;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_near(number(f, "SELECT mean_s IS NULL AND accuracy = 0.5 FROM evaluation"), 1);
    assert_near(number(f, "SELECT sum(mean_s IS NULL) FROM prediction"), INPUTS);
    assert_near(number(f, "SELECT sum(difficulty IS NULL) FROM prediction"), 1);
    assert_near(number(f, "SELECT train_mean_s IS NULL AND train_loss = 0.7 AND "
                          "train_score_entropy = 0.9 FROM epoch"),
                1);
    assert_near(number(f, "SELECT bytes IS NULL AND reason <> '' FROM memory "
                          "WHERE what = 'peak resident'"),
                1);
    assert_near(number(f, "SELECT bytes = 4096 AND reason = '' FROM memory "
                          "WHERE what = 'arena training'"),
                1);
}

static void predictions_keep_the_heads_of_every_layer(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    m.heads_run[2] = 3; /* input 1 */
    m.heads_run[3] = 2;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_near(number(f, "SELECT heads_per_layer = '[3,2]' AND heads_run = 5 FROM prediction "
                          "WHERE input = 1"),
                1);
    assert_near(number(f, "SELECT count(*) FROM prediction WHERE heads_per_layer = '[8,8]'"),
                INPUTS - 1);
}

static void metrics_and_probabilities_are_stored(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.75, ALL);
    m.evaluation[1].matthews = NAN; /* its denominator was 0 */
    m.result.n_evaluations = 2;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_near(number(f,
                       "SELECT macro_f1 = 0.375 AND matthews = 0.25 AND ece = 0.25 AND loss = 0.5 "
                       "FROM evaluation WHERE control = 'none'"),
                1);
    assert_near(number(f, "SELECT matthews IS NULL FROM evaluation WHERE control = 'static'"), 1);
    assert_near(number(f, "SELECT count(*) FROM prediction WHERE p_predicted = 0.75 AND p_true = "
                          "CASE label WHEN predicted THEN 0.75 ELSE 0.25 END"),
                2 * INPUTS);
}

/* Both belong to the data, not to a trial, and go with the last trial that is about them. */
static void classes_and_inputs_stand_once_for_each_data_set(void **state) {
    struct fixture *f = *state;
    static const char *const data[][2] = {{"d", "s"}, {"d", "s"}, {"d", "moved"}, {"other", "s2"}};
    struct clean_result cleaned;
    int64_t workload = one_workload(f, "w");
    for (int i = 0; i < 4; i++) {
        struct made_up m;
        make_up(&m, 0.5, ALL);
        make_up_sources(&m, data[i][0], data[i][1]);
        if (i > 0) m.texts[0] = '\0', m.result.sources.texts.size = 0; /* texts are not kept */
        OK(f, store_begin_plan(f->store, &f->error));
        int64_t id = plan_trial(f, workload, i == 3 ? "b" : "a", "fixed", i, 0);
        OK(f, store_end_plan(f->store, true, &f->error));
        OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
        OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    }
    assert_near(number(f, "SELECT count(*) FROM class"), 2 * 2);
    assert_near(number(f, "SELECT count(*) FROM input"), 3 * INPUTS);
    assert_near(number(f, "SELECT count(text) FROM input"), INPUTS);
    assert_near(
        number(f, "SELECT count(*) FROM input WHERE text = 'text ' || input AND row = input + 2 "
                  "AND file = 'w/test.csv' AND text_sha256 = 'hash of ' || input"),
        INPUTS);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET current = 0 WHERE seed IN (0, 2, 3)"),
                     SQLITE_OK);
    OK(f, store_clean(f->store, false, &cleaned, &f->error));
    assert_int_equal(cleaned.n_trials, 3);
    assert_near(number(f, "SELECT count(*) FROM class WHERE data_sha256 = 'd'"), 2);
    assert_near(number(f, "SELECT count(*) FROM input WHERE sources_sha256 = 's'"), INPUTS);
    assert_near(number(f, "SELECT (SELECT count(*) FROM class) + (SELECT count(*) FROM input)"),
                2 + INPUTS);
}

static void flops_that_disagree_are_not_stored(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    m.evaluation[0].executed.count[FLOP_SCORES]++;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_false(store_finish_training(f->store, id, &m.result, &f->error));
    assert_non_null(strstr(f->error.text, flops_component_name(FLOP_SCORES)));
    assert_near(number(f, "SELECT (SELECT count(*) FROM epoch) + (SELECT count(*) FROM memory)"),
                0);
    assert_near(number(f, "SELECT status = 'running' FROM trial"), 1);
}

/* ---- many writers, dead writers, full disks ---- */

enum { WRITERS = 6, TRIALS_EACH = 4 };

/* Finishes every trial whose number leaves this remainder; the exit status says what went wrong. */
static int write_share(struct fixture *f, int share) {
    struct store *store;
    if (!store_open(f->path, &store, &f->error)) return 1;
    for (int i = 0; i < TRIALS_EACH; i++) {
        struct made_up m;
        make_up(&m, 0.5, MIXED);
        m.result.n_evaluations = 3;
        int64_t id = 1 + share + i * WRITERS;
        if (!store_claim(store, id, getpid(), 0, &f->error)) return 2;
        if (!store_finish_training(store, id, &m.result, &f->error)) return 3;
    }
    store_close(store);
    return 0;
}

static void processes_that_write_at_once_lose_nothing(void **state) {
    struct fixture *f = *state;
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t workload = plan_workload(f, "w");
    for (int i = 0; i < WRITERS * TRIALS_EACH; i++)
        plan_trial(f, workload, "budget", "budgetformer", i, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    fflush(NULL);
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0) _exit(write_share(f, i));
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_near(number(f, "SELECT count(*) FROM trial WHERE status = 'ok'"), WRITERS * TRIALS_EACH);
    assert_near(number(f, "SELECT count(*) FROM prediction"), WRITERS * TRIALS_EACH * 3 * INPUTS);
}

/* Writes more than SQLite's page cache holds, so that the file itself is half changed, and dies. */
static int die_in_a_transaction(struct fixture *f) {
    struct store *store;
    int64_t id;
    char status[16], key[32];
    size_t size = 200000;
    char *config = malloc(size);
    if (!config || !store_open(f->path, &store, &f->error)) return 1;
    memset(config, 'x', size);
    config[0] = config[size - 2] = '"';
    config[size - 1] = '\0';
    if (!store_begin_plan(store, &f->error)) return 2;
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "dead/%d", i);
        struct trial_plan plan = trial_plan(1, "dead", "fixed", i, key);
        plan.config = config;
        if (!store_plan_trial(store, &plan, &id, status, &f->error)) return 3;
    }
    raise(SIGKILL);
    return 4;
}

static void a_killed_writer_loses_no_finished_row(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.6};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    int status = in_child(f, die_in_a_transaction);
    assert_true(WIFSIGNALED(status));
    assert_near(number(f, "SELECT count(*) FROM trial"), 2);
    assert_near(number(f, "SELECT count(*) FROM prediction"), 2 * INPUTS);
    assert_near(
        number(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* The limit on file sizes stands for a full disk: the write that does not fit fails. */
static int finish_without_room(struct fixture *f) {
    struct stat file;
    struct store *store;
    struct made_up m;
    make_up(&m, 0.5, ALL);
    enum { MANY = 20000 };
    struct epoch_result *epochs = calloc(MANY, sizeof *epochs);
    if (!epochs || !store_open(f->path, &store, &f->error)) return 1;
    if (!store_claim(store, 3, getpid(), 0, &f->error) || stat(f->path, &file) != 0) return 2;
    for (int i = 0; i < MANY; i++) epochs[i].epoch = i + 1;
    m.result.epochs = epochs;
    m.result.n_epochs = MANY;
    signal(SIGXFSZ, SIG_IGN);
    rlim_t limit = (rlim_t)file.st_size + 16384;
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
    if (store_finish_training(store, 3, &m.result, &f->error)) return 3;
    return strstr(f->error.text, f->path) && strstr(f->error.text, "full") ? 0 : 4;
}

static void a_full_disk_is_reported_and_loses_no_finished_row(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.6};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    OK(f, store_begin_plan(f->store, &f->error));
    assert_int_equal(plan_trial(f, workload, "fixed-1", "fixed", 0, 0), 3);
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_equal(in_child(f, finish_without_room), 0);
    assert_near(number(f, "SELECT count(*) FROM trial WHERE status = 'ok'"), 2);
    assert_near(number(f, "SELECT count(*) FROM epoch"), 2);
    assert_near(
        number(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* The trial of which the key is kept while the data is absent; `change` comes first. */
static void expect_known_key(struct fixture *f, int64_t workload, const char *change,
                             const char *expected) {
    char key[65] = "of the plan";
    if (raw_sql(f->path, change) != SQLITE_OK) fail_msg("%s", change);
    OK(f, store_begin_plan(f->store, &f->error));
    OK(f, store_known_key(f->store, workload, "train", "{}", key, &f->error));
    OK(f, store_end_plan(f->store, false, &f->error));
    assert_string_equal(key, expected);
}

static void absent_data_keeps_the_current_row_then_one_with_results_then_the_latest(void **state) {
    struct fixture *f = *state;
    int64_t w = one_workload(f, "w");
#define ROWS                                                                                       \
    "INSERT INTO trial (workload_id, kind, arm, policy, base_heads, layers, dim, seed, config, "   \
    "planned_at, current, key, status) SELECT id, 'train', 'a', 'fixed', 8, 2, 64, 1, '{}', '', "  \
    "0, "
    expect_known_key(f, w, "SELECT 1", "of the plan");
    expect_known_key(f, w, ROWS "'first', 'ok' FROM workload", "first");
    expect_known_key(f, w, ROWS "'second', 'ok' FROM workload", "second");
    expect_known_key(f, w, ROWS "'last', 'failed' FROM workload", "second");
    expect_known_key(f, w, ROWS "'last.1', 'ok' FROM workload", "second"); /* was put aside */
    expect_known_key(f, w, "UPDATE trial SET current = 1 WHERE key = 'last'", "last");
    expect_known_key(f, w, "UPDATE trial SET status = 'skipped' WHERE key = 'last'", "second");
    expect_known_key(f, w, "UPDATE trial SET config = '{\"seed\":2}'", "of the plan");
#undef ROWS
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(absent_data_keeps_the_current_row_then_one_with_results_then_the_latest),
        TEST(strict_tables_refuse_wrong_types_and_dangling_references),
        TEST(a_file_that_is_no_database_is_refused_and_kept),
        TEST(results_in_memory_need_no_file),
        TEST(a_missing_folder_is_made_but_not_two),
        TEST(read_only_file_or_folder_is_refused_before_any_work),
        TEST(planning_again_finds_the_same_trial_and_its_status),
        TEST(a_plan_that_changes_nothing_leaves_the_file_untouched),
        TEST(a_trial_outside_the_latest_plan_leaves_the_views_but_not_the_table),
        TEST(arms_may_swap_their_names),
        TEST(the_same_trial_twice_in_one_plan_names_both_arms),
        TEST(names_with_quotes_and_newlines_come_back_unchanged),
        TEST(the_command_quotes_its_path_for_the_shell),
        TEST(a_trial_is_claimed_once_and_finished_once),
        TEST(the_first_reason_stands_until_the_trial_is_retried),
        TEST(changes_between_begin_and_end_are_one_transaction),
        TEST(a_trial_of_another_living_process_is_not_ended),
        TEST(a_trial_whose_process_is_gone_becomes_interrupted),
        TEST(a_damaged_checkpoint_counts_as_lost),
        TEST(a_row_does_not_say_where_its_checkpoint_is),
        TEST(whether_a_trial_runs_is_known_by_its_lock),
        TEST(a_trial_that_is_being_taken_is_left_alone),
        TEST(a_removed_lock_file_takes_no_trial_from_its_process),
        TEST(without_locks_the_row_says_whose_a_trial_is),
        TEST(a_training_that_lost_its_checkpoint_runs_again_and_replaces_its_results),
        TEST(one_environment_is_one_row),
        TEST(what_was_not_measured_is_null),
        TEST(predictions_keep_the_heads_of_every_layer),
        TEST(metrics_and_probabilities_are_stored),
        TEST(classes_and_inputs_stand_once_for_each_data_set),
        TEST(flops_that_disagree_are_not_stored),
        TEST(processes_that_write_at_once_lose_nothing),
        TEST(a_killed_writer_loses_no_finished_row),
        TEST(a_full_disk_is_reported_and_loses_no_finished_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
