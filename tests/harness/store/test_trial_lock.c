/*
 * Locks of trials: held by one process at a time although their files come and go, dropped by the
 * kernel, never outside of their folder.
 */
#include "harness/store/trial_lock.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    struct scratch scratch;
    char folder[128];
    struct trial_locks *locks;
    struct error error;
};

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_make(&f->scratch)) return -1;
    *state = f;
    scratch_path(&f->scratch, "locks", f->folder, sizeof f->folder);
    f->locks = trial_locks_new(f->folder);
    return f->locks ? 0 : -1;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    trial_locks_free(f->locks);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static enum lock_state take(struct fixture *f, struct trial_locks *locks, const char *key) {
    enum lock_state state;
    bool is_new;
    if (!trial_locks_take(locks, key, &state, &is_new, &f->error)) fail_msg("%s", f->error.text);
    return state;
}

static void a_lock_is_held_once_and_leaves_nothing(void **state) {
    struct fixture *f = *state;
    struct trial_locks *other = trial_locks_new(f->folder);
    assert_int_equal(trial_locks_look(f->locks, "a"), LOCK_FREE);
    assert_int_equal(take(f, f->locks, "a"), LOCK_OURS);
    assert_int_equal(take(f, f->locks, "a"), LOCK_OURS);
    assert_int_equal(take(f, f->locks, "b"), LOCK_OURS);
    assert_int_equal(trial_locks_look(f->locks, "a"), LOCK_OURS);
    assert_int_equal(trial_locks_look(other, "a"), LOCK_TAKEN);
    assert_int_equal(take(f, other, "a"), LOCK_TAKEN);
    trial_locks_drop(f->locks, "a");
    assert_int_equal(trial_locks_look(other, "a"), LOCK_FREE);
    assert_int_equal(take(f, other, "a"), LOCK_OURS);
    assert_int_equal(take(f, f->locks, "b"), LOCK_OURS);
    trial_locks_free(other);
    assert_int_equal(access(f->folder, F_OK), 0); /* b is held */
    trial_locks_drop(f->locks, "b");
    assert_int_equal(access(f->folder, F_OK), -1);
}

static void a_killed_holder_has_no_lock(void **state) {
    struct fixture *f = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        struct trial_locks *own = trial_locks_new(f->folder);
        if (take(f, own, "a") == LOCK_OURS && write(ready[1], "", 1) == 1) pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(take(f, f->locks, "a"), LOCK_TAKEN);
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_int_equal(trial_locks_look(f->locks, "a"), LOCK_FREE);
    assert_int_equal(take(f, f->locks, "a"), LOCK_OURS); /* the file that it left */
}

/* Takes and drops one lock again and again; *holders is how many have it. Without the look at the
 * name two do in about one of three runs. */
static int compete(struct fixture *f, volatile int *holders) {
    enum { ROUNDS = 500 };
    struct trial_locks *own = trial_locks_new(f->folder);
    for (int i = 0; i < ROUNDS; i++) {
        enum lock_state state;
        bool is_new;
        if (!trial_locks_take(own, "a", &state, &is_new, &f->error)) return 1;
        if (state != LOCK_OURS) continue;
        bool alone = __atomic_add_fetch(holders, 1, __ATOMIC_SEQ_CST) == 1;
        for (int j = 0; j < 20 && alone; j++) {
            sched_yield();
            alone = *holders == 1;
        }
        __atomic_sub_fetch(holders, 1, __ATOMIC_SEQ_CST);
        trial_locks_drop(own, "a");
        if (!alone) return 2;
    }
    trial_locks_free(own);
    return 0;
}

static void removing_files_lets_no_two_hold_one_lock(void **state) {
    struct fixture *f = *state;
    enum { PROCESSES = 8 };
    int *holders =
        mmap(NULL, sizeof *holders, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(holders, MAP_FAILED);
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) _exit(compete(f, holders));
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    munmap(holders, sizeof *holders);
    assert_int_equal(access(f->folder, F_OK), -1);
}

static void only_files_of_dead_holders_are_cleaned(void **state) {
    struct fixture *f = *state;
    static const char
        held[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        *const files[] = {
            "locks/fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210.lock",
            "locks/mine.lock"};
    struct trial_locks *other = trial_locks_new(f->folder);
    char path[256];
    assert_int_equal(take(f, other, held), LOCK_OURS);
    for (int i = 0; i < 2; i++) assert_true(scratch_write(&f->scratch, files[i], ""));
    trial_locks_clean(f->locks);
    assert_int_equal(access(scratch_path(&f->scratch, files[0], path, sizeof path), F_OK), -1);
    assert_int_equal(access(scratch_path(&f->scratch, files[1], path, sizeof path), F_OK), 0);
    assert_int_equal(trial_locks_look(f->locks, held), LOCK_TAKEN);
    trial_locks_free(other);
}

static void a_link_in_place_of_the_file_is_refused(void **state) {
    struct fixture *f = *state;
    enum lock_state lock;
    bool is_new;
    char victim[128], link[160];
    scratch_path(&f->scratch, "victim", victim, sizeof victim);
    assert_int_equal(mkdir(f->folder, 0777), 0);
    snprintf(link, sizeof link, "%s/a.lock", f->folder);
    assert_int_equal(symlink(victim, link), 0);
    assert_false(trial_locks_take(f->locks, "a", &lock, &is_new, &f->error));
    assert_non_null(strstr(f->error.text, link));
    assert_int_equal(access(victim, F_OK), -1);
}

static void no_key_leads_out_of_the_folder(void **state) {
    struct fixture *f = *state;
    char path[160];
    assert_int_equal(take(f, f->locks, "../../a"), LOCK_OURS);
    snprintf(path, sizeof path, "%s/.._.._a.lock", f->folder);
    assert_int_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_lock_is_held_once_and_leaves_nothing),
        TEST(a_killed_holder_has_no_lock),
        TEST(removing_files_lets_no_two_hold_one_lock),
        TEST(only_files_of_dead_holders_are_cleaned),
        TEST(a_link_in_place_of_the_file_is_refused),
        TEST(no_key_leads_out_of_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
