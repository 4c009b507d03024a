/*
 * Which kernels OpenBLAS is told to run, from made-up flags; and that a user's word stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/measure/blas_kernels.h"
#include "tests/harness/measure/machine.h"

static int setup(void **state) {
    (void)state;
    unsetenv(BLAS_KERNELS_VARIABLE);
    unsetenv(BLAS_KERNELS_CHOSEN);
    return 0;
}

static const char avx512[] = "fpu sse2 fma avx avx2 avx512f avx512dq avx512cd avx512bw avx512vl";

/* NULL is an answer, too. */
static void assert_better(const char *flags, const char *core, const char *expected) {
    char root[64], text[256];
    machine_open(root);
    snprintf(text, sizeof text, "processor\t: 0\nflags\t\t: %s\nbugs\t\t:\n", flags);
    machine_add(root, "/proc/cpuinfo", text);
    const char *better = blas_kernels_better(root, core);
    const char *wanted = blas_kernels_wanted(root, core);
    machine_close(root);
    if (strcmp(better ? better : "none", expected ? expected : "none") != 0)
        fail_msg("%s on '%s': %s instead of %s", core, flags, better ? better : "none",
                 expected ? expected : "none");
    assert_ptr_equal(wanted, better);
}

static void an_unknown_processor_gets_what_its_flags_allow(void **state) {
    (void)state;
    assert_better(avx512, "Prescott", "SkylakeX");
    assert_better("avx512vl avx512bw avx512cd avx512dq avx512f avx avx2 fma", "prescott",
                  "SkylakeX");
    assert_better("fpu avx avx2 fma avx512f avx512cd", "Prescott", "Haswell"); /* Knights Landing */
    assert_better("fpu fma avx avx2 f16c", "Prescott", "Haswell");
    assert_better("fpu avx avx2", "Prescott", "Sandybridge");
    assert_better("fpu avx fma4", "Prescott", "Sandybridge");
}

static void flags_are_whole_words(void **state) {
    (void)state;
    assert_better("fpu avx_vnni xavx", "Prescott", NULL);
    assert_better("avx avx2 fma4", "Prescott", "Sandybridge");
}

static void a_processor_without_avx_keeps_the_generic_kernels(void **state) {
    (void)state;
    assert_better("fpu sse2 ssse3 sse4_2", "Prescott", NULL);
}

static void kernels_that_openblas_knew_stay(void **state) {
    (void)state;
    assert_better(avx512, "SkylakeX", NULL);
    assert_better(avx512, "Haswell", NULL);
    assert_better(avx512, "Zen", NULL);
    assert_better(avx512, "", NULL);
    assert_better(avx512, "armv8", NULL);
}

static void a_machine_that_does_not_tell_its_flags_is_left_alone(void **state) {
    (void)state;
    char root[64];
    machine_open(root);
    assert_null(blas_kernels_better(root, "Prescott"));
    machine_close(root);
}

/* Also what was set here: the program starts itself again once and no more. */
static void nothing_is_wanted_where_the_variable_is_set(void **state) {
    (void)state;
    static const char *const values[] = {"Prescott", "SkylakeX", "nonsense", ""};
    char root[64], text[256];
    machine_open(root);
    snprintf(text, sizeof text, "flags : %s\n", avx512);
    machine_add(root, "/proc/cpuinfo", text);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        setenv(BLAS_KERNELS_VARIABLE, values[i], 1);
        assert_null(blas_kernels_wanted(root, "Prescott"));
        assert_string_equal(blas_kernels_better(root, "Prescott"), "SkylakeX");
    }
    machine_close(root);
}

static void who_chose_is_told(void **state) {
    (void)state;
    assert_string_equal(blas_kernels_chosen_by(), "OpenBLAS");
    setenv(BLAS_KERNELS_CHOSEN, "SkylakeX", 1);
    assert_string_equal(blas_kernels_chosen_by(), "OpenBLAS");
    setenv(BLAS_KERNELS_VARIABLE, "SkylakeX", 1);
    assert_string_equal(blas_kernels_chosen_by(), "Headroom");
    setenv(BLAS_KERNELS_VARIABLE, "Haswell", 1); /* by a user, for one process of a sweep */
    assert_string_equal(blas_kernels_chosen_by(), "user");
    unsetenv(BLAS_KERNELS_CHOSEN);
    assert_string_equal(blas_kernels_chosen_by(), "user");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_unknown_processor_gets_what_its_flags_allow, setup),
        cmocka_unit_test_setup(flags_are_whole_words, setup),
        cmocka_unit_test_setup(a_processor_without_avx_keeps_the_generic_kernels, setup),
        cmocka_unit_test_setup(kernels_that_openblas_knew_stay, setup),
        cmocka_unit_test_setup(a_machine_that_does_not_tell_its_flags_is_left_alone, setup),
        cmocka_unit_test_setup(nothing_is_wanted_where_the_variable_is_set, setup),
        cmocka_unit_test_setup(who_chose_is_told, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
