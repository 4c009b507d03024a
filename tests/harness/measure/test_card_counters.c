/*
 * Roles of a card: each believed only after it has counted known work, and else a reason that names
 * the cause and the fix. PAPI is made up (fake_counters.h), and so is the work: what an event reads
 * is set by the task that ran.
 */
#include "harness/measure/card_counters.h"
#include "tests/harness/measure/fake_counters.h"
#include "tests/harness/measure/machine.h"

static const long long cube = 2048LL * 2048 * 2048, square = 2048LL * 2048, bytes = 256LL << 20;

/* A card's counts of each task, in the order of the roles. */
struct fake_card {
    struct fake fake;
    struct device device;
    struct card_work work;
    char name[CARD_ROLES][96];
    long long of_task[CARD_NOTHING + 1][CARD_ROLES];
    const char *no_work; /* why it cannot start */
    int n_started, n_ended, n_run;
};

static void read_as(struct fake_card *card, enum card_task task) {
    for (int i = 0; i < CARD_ROLES; i++) card->fake.event[i].value = card->of_task[task][i];
}

static bool work_start(struct card_work *work, struct error *error) {
    struct fake_card *card = work->context;
    card->n_started++;
    return !card->no_work || error_set(error, "%s", card->no_work);
}

static void work_run(struct card_work *work, enum card_task task) {
    struct fake_card *card = work->context;
    card->n_run++;
    read_as(card, task);
}

static void work_end(struct card_work *work) {
    ((struct fake_card *)work->context)->n_ended++;
}

/* One on which all of it works: what an H100 read. */
static void good_card(struct fake_card *card, enum precision precision) {
    static const char *const events[CARD_ROLES] = {
        "sm__cycles_active:stat=sum",
        "sm__inst_executed:stat=sum",
        "sm__sass_thread_inst_executed_op_ffma_pred_on:stat=sum",
        NULL,
        "sm__inst_executed_pipe_tensor:stat=sum",
        "dram__bytes_read:stat=sum",
        "dram__bytes_write:stat=sum",
        "lts__t_sectors:stat=sum",
    };
    *card = (struct fake_card){
        .fake = good_machine(),
        .device = {.precision = precision, .card = 3},
        .of_task = {{86381439, 306712576, cube + square, 0, 1024, 33558528, 19682304, 15699245},
                    {5258462, 2327880, 0, 2 * cube, 262144, 1610752, 1807872, 3381050},
                    {47596026, 12845056, 0, 0, 0, 268465408, 267515136, 25274994},
                    {0, 0, 0, 0, 0, 512, 512, 23119}}};
    memset(card->fake.event, 0, sizeof card->fake.event);
    for (int i = 0; i < CARD_ROLES; i++) {
        const char *tensor = precision == PRECISION_BF16
                                 ? "sm__ops_path_tensor_src_bf16_dst_fp32:stat=sum"
                                 : "sm__ops_path_tensor_src_tf32_dst_fp32:stat=sum";
        snprintf(card->name[i], sizeof card->name[i], "cuda:::%s:device=3",
                 events[i] ? events[i] : tensor);
        add_event(&card->fake, card->name[i], 0);
    }
    card->work = (struct card_work){&card->device, card, work_start, work_run, work_end};
}

/* Opens it and counts a region in which each role reads 600 and more, two inputs in each of 3
 * passes. */
static void count_card(struct fake_card *card, struct counter_result out[CARD_ROLES]) {
    struct counter_backend backend = backend_of(&card->fake);
    struct card_counters *counters;
    struct error error;
    assert_true(card_counters_open_backend(&backend, &card->work, &counters, &error));
    assert_int_equal(card->n_ended, 1);
    for (int i = 0; i < CARD_ROLES; i++) card->fake.event[i].value = 600 + 6 * i;
    for (int pass = 0; pass < card_counters_passes(counters); pass++) {
        card_counters_start(counters, pass);
        card_counters_stop(counters, pass);
    }
    for (int i = 0; i < CARD_ROLES; i++)
        card_counters_result(counters, (enum card_role_id)i, 6, 3, &out[i]);
    card_counters_close(counters);
    assert_int_equal(card->fake.n_open_sets, 0);
}

static void every_role_is_counted_in_a_pass_of_its_own(void **state) {
    (void)state;
    for (enum precision p = PRECISION_FP32; p <= PRECISION_BF16; p++) {
        struct fake_card card;
        struct counter_result out[CARD_ROLES];
        good_card(&card, p);
        count_card(&card, out);
        assert_int_equal(card.n_started, 1);
        for (int i = 0; i < CARD_ROLES; i++) {
            if (!out[i].available) fail_msg("%s: %s", out[i].role, out[i].reason);
            assert_string_equal(out[i].role, card_role_names[i]);
            assert_string_equal(out[i].event, card.name[i]);
            assert_string_equal(out[i].status, "counted");
            assert_string_equal(out[i].scope, "gpu");
            assert_true(out[i].value == 100 + i);
            assert_int_equal(out[i].pass, i);
            assert_int_equal(out[i].repeats, 3);
        }
        assert_true(out[CARD_DRAM_READ_BYTES].empty == 512 / 6.0);
    }
}

/* Arithmetic that is off by one, an FMA for half of the results, memory off by a factor. */
static void a_count_that_is_not_that_of_the_work_is_not_believed(void **state) {
    (void)state;
    static const struct {
        int role;
        long long wrong;
    } cases[] = {
        {CARD_CYCLES, 0},
        {CARD_INSTRUCTIONS, 0},
        {CARD_FMA, 0},
        {CARD_FMA, cube - 1},
        {CARD_FMA, cube + square / 2},
        {CARD_FMA, cube + 3 * square},
        {CARD_TENSOR_OPERATIONS, cube},
        {CARD_TENSOR_OPERATIONS, 2 * cube + 1},
        {CARD_TENSOR_INSTRUCTIONS, 0},
        {CARD_DRAM_READ_BYTES, bytes / 8},
        {CARD_DRAM_READ_BYTES, 4 * bytes},
        {CARD_DRAM_WRITE_BYTES, bytes / 8},
        {CARD_L2_SECTORS, bytes / 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_card card;
        struct counter_result out[CARD_ROLES];
        char number[32];
        good_card(&card, PRECISION_BF16);
        for (int task = CARD_PRODUCT; task < CARD_NOTHING; task++)
            card.of_task[task][cases[i].role] = cases[i].wrong;
        count_card(&card, out);
        snprintf(number, sizeof number, "read %lld over", cases[i].wrong);
        for (int role = 0; role < CARD_ROLES; role++) {
            if (role == cases[i].role)
                assert_unavailable(&out[role], number);
            else
                assert_true(out[role].available);
        }
    }
}

static void assert_all_unavailable(struct fake_card *card, const char *part_of_reason) {
    struct counter_result out[CARD_ROLES];
    count_card(card, out);
    for (int i = 0; i < CARD_ROLES; i++) assert_unavailable(&out[i], part_of_reason);
}

static void without_the_component_its_own_words_are_the_reason_and_nothing_runs(void **state) {
    (void)state;
    struct fake_card card;
    good_card(&card, PRECISION_FP32);
    for (int i = 0; i < CARD_ROLES; i++) card.fake.event[i].add_code = -3;
    card.fake.card_problem = "PAPI disabled its component cuda: no CUDA-capable device is detected";
    assert_all_unavailable(&card, "no CUDA-capable device is detected");
    assert_int_equal(card.n_started, 0);
    assert_int_equal(card.n_run, 0);
}

static void without_papi_its_absence_is_the_reason(void **state) {
    (void)state;
    struct fake_card card;
    good_card(&card, PRECISION_FP32);
    card.fake.open_code = COUNTER_NO_BACKEND;
    card.fake.problem = "built without PAPI: install it";
    assert_all_unavailable(&card, "built without PAPI: install it");
    assert_int_equal(card.n_started, 0);
    good_card(&card, PRECISION_FP32);
    card.fake.open_code = COUNTER_NO_BACKEND;
    assert_all_unavailable(&card, "the counting library did not start");
}

static void an_event_that_the_card_lacks_is_missed_alone(void **state) {
    (void)state;
    static const struct {
        int code;
        const char *reason;
    } cases[] = {{COUNTER_NO_EVENT, "PAPI knows no event cuda:::lts__t_sectors:stat=sum:device=3"},
                 {COUNTER_SEVERAL_RUNS, "only when the same work runs several times"},
                 {-2, "out of breath (code -2)"}};
    for (int i = 0; i < 3; i++) {
        struct fake_card card;
        struct counter_result out[CARD_ROLES];
        good_card(&card, PRECISION_TF32);
        card.fake.event[CARD_L2_SECTORS].add_code = cases[i].code;
        card.fake.text = "out of breath";
        count_card(&card, out);
        assert_unavailable(&out[CARD_L2_SECTORS], cases[i].reason);
        for (int role = 0; role < CARD_L2_SECTORS; role++) assert_true(out[role].available);
    }
}

/* PAPI refuses everybody after a start that failed, so nobody else is tried. */
static void a_refused_start_is_the_reason_for_all(void **state) {
    (void)state;
    for (int admins = 0; admins < 2; admins++) {
        struct fake_card card;
        good_card(&card, PRECISION_FP32);
        card.fake.event[0].start_code = -14;
        card.fake.host.card_admins = admins;
        assert_all_unavailable(&card, admins ? "NVreg_RestrictProfilingToAdminUsers=0"
                                             : "stop other programs that count there");
    }
}

static void without_room_for_known_work_nothing_is_believed(void **state) {
    (void)state;
    struct fake_card card;
    good_card(&card, PRECISION_FP32);
    card.no_work = "the card is full";
    assert_all_unavailable(&card, "the card is full");
    assert_int_equal(card.n_run, 0);
}

/* A start that fails in the midst of a profile, after all roles were proven. */
static void a_later_failure_leaves_no_count_of_the_proof(void **state) {
    (void)state;
    struct fake_card card;
    struct counter_backend backend;
    struct card_counters *counters;
    struct counter_result result;
    struct error error;
    good_card(&card, PRECISION_FP32);
    backend = backend_of(&card.fake);
    assert_true(card_counters_open_backend(&backend, &card.work, &counters, &error));
    card.fake.fail_start = -14;
    card_counters_start(counters, CARD_FMA);
    card_counters_stop(counters, CARD_FMA);
    card_counters_result(counters, CARD_FMA, 1, 1, &result);
    assert_unavailable(&result, "cannot start counting");
    card_counters_close(counters);
    good_card(&card, PRECISION_FP32);
    assert_true(card_counters_open_backend(&backend, &card.work, &counters, &error));
    card.fake.fail_stop = -14;
    card_counters_start(counters, CARD_FMA);
    card_counters_stop(counters, CARD_FMA);
    card_counters_result(counters, CARD_FMA, 1, 1, &result);
    assert_unavailable(&result, "cannot read the card's counters (code -14)");
    card_counters_close(counters);
}

/* The driver's own list of settings. */
static void the_driver_s_setting_is_read(void **state) {
    (void)state;
    static const char *const texts[] = {"RmProfilingAdminOnly: 0\n", "RmProfilingAdminOnly: 1\n"};
    for (int i = 0; i < 2; i++) {
        char root[64];
        struct counter_host host;
        machine_open(root);
        counter_host_read(root, &host);
        assert_false(host.card_admins);
        machine_add(root, "/proc/driver/nvidia/params", texts[i]);
        counter_host_read(root, &host);
        assert_int_equal(host.card_admins, i);
        machine_close(root);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_is_counted_in_a_pass_of_its_own),
        cmocka_unit_test(a_count_that_is_not_that_of_the_work_is_not_believed),
        cmocka_unit_test(without_the_component_its_own_words_are_the_reason_and_nothing_runs),
        cmocka_unit_test(without_papi_its_absence_is_the_reason),
        cmocka_unit_test(an_event_that_the_card_lacks_is_missed_alone),
        cmocka_unit_test(a_refused_start_is_the_reason_for_all),
        cmocka_unit_test(without_room_for_known_work_nothing_is_believed),
        cmocka_unit_test(a_later_failure_leaves_no_count_of_the_proof),
        cmocka_unit_test(the_driver_s_setting_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
