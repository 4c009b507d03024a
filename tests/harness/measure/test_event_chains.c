/*
 * The event names of counter_roles.c against libpfm4, the library by which PAPI knows them: which
 * source of a role each CPU has, whether or not it is the CPU at hand, is what the table of
 * harness/measure/events.md says. So no chain can name an event that its CPU has not, and the table
 * cannot grow old. Names only: that an event counts is known where it has counted.
 *
 * Opened at run time, because no header of libpfm4 is needed to build Headroom. Versions of libpfm4
 * know different CPUs, and one for x86 no Arm: those are skipped. The word `print` makes it print
 * the table anew; events.md says for which libpfm4.
 */
#include "harness/measure/counters.h"

#include <ctype.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#ifdef HAVE_PAPI
#include <papi.h>
#endif

#define TABLE "harness/measure/events.md"

/* A CPU, its PMU in libpfm4, and an event that it has in every version that knows it. */
struct cpu {
    const char *name, *pmu, *event;
};
static const struct cpu cpus[] = {
    {"Zen 2", "amd64_fam17h_zen2", "CYCLES_NOT_IN_HALT"},
    {"Zen 3", "amd64_fam19h_zen3", "CYCLES_NOT_IN_HALT"},
    {"Zen 4", "amd64_fam19h_zen4", "CYCLES_NOT_IN_HALT"},
    {"Zen 5", "amd64_fam1ah_zen5", "CYCLES_NOT_IN_HALT"},
    {"Skylake", "skl", "INST_RETIRED:ANY_P"},
    {"Skylake-X", "skx", "INST_RETIRED:ANY_P"},
    {"Cascade Lake", "clx", "INST_RETIRED:ANY_P"},
    {"Ice Lake", "icl", "INST_RETIRED:ANY_P"},
    {"Ice Lake-X", "icx", "INST_RETIRED:ANY_P"},
    {"Sapphire Rapids", "spr", "INST_RETIRED:ANY_P"},
    {"Emerald Rapids", "emr", "INST_RETIRED:ANY_P"},
    {"Alder Lake P", "adl_glc", "INST_RETIRED:ANY_P"},
    {"Cortex-A57", "arm_ac57", "CPU_CYCLES"},
    {"Cortex-A72", "arm_ac72", "CPU_CYCLES"},
    {"Cortex-A76", "arm_ac76", "CPU_CYCLES"},
    {"Neoverse N1", "arm_n1", "CPU_CYCLES"},
    {"Neoverse N2", "arm_n2", "CPU_CYCLES"},
    {"Neoverse V1", "arm_v1", "CPU_CYCLES"},
    {"Neoverse V2", "arm_v2", "CPU_CYCLES"},
};
enum { N_CPUS = sizeof cpus / sizeof *cpus };

/* ---- libpfm4 ---- */

/* pfm_get_event_encoding: 0 if the event exists, and its codes, to be freed. */
typedef int encoding_function(const char *event, int privileges, char **full, int *index,
                              uint64_t **codes, int *n_codes);
static encoding_function *encoding_of;

static bool open_libpfm(void) {
    void *library = dlopen("libpfm.so.4", RTLD_NOW);
    int (*initialise)(void);
    if (!library) return false;
    *(void **)&initialise = dlsym(library, "pfm_initialize");
    *(void **)&encoding_of = dlsym(library, "pfm_get_event_encoding");
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1); /* also events of CPUs that this is not */
    return initialise && encoding_of && initialise() == 0;
}

static bool has_event(const struct cpu *cpu, const char *event) {
    enum { USER_MODE = 8 }; /* PFM_PLM3 */
    char name[256];
    uint64_t *codes = NULL;
    int n_codes = 0;
    const char *bare = strstr(event, "::");
    size_t length = bare ? (size_t)(bare - event) : 0;
    if (!encoding_of) return false;
    if (bare && (length != strlen(cpu->pmu) || strncmp(event, cpu->pmu, length) != 0)) return false;
    snprintf(name, sizeof name, "%s::%s", cpu->pmu, bare ? bare + 2 : event);
    bool found = encoding_of(name, USER_MODE, NULL, NULL, &codes, &n_codes) == 0;
    free(codes);
    return found;
}

/* ---- chains ---- */

/* Of a CPU; not of PAPI's tables, the kernel's or its accounting. */
static bool is_native(const struct counter_source *source) {
    const char *event = source->term[0].event;
    return event && strncmp(event, "PAPI_", 5) != 0 && strncmp(event, "perf::", 6) != 0;
}

static bool has_source(const struct cpu *cpu, const struct counter_source *source) {
    for (int i = 0; i < COUNTER_TERMS_MAX && source->term[i].weight; i++)
        if (!has_event(cpu, source->term[i].event)) return false;
    return true;
}

static const struct counter_source *source_after(const struct counter_role *role,
                                                 const struct counter_source *source) {
    source = source ? source + 1 : role->source;
    return source < role->source + COUNTER_SOURCES_MAX && source->name ? source : NULL;
}

/* The first native source of a role that a CPU has; NULL if none. */
static const struct counter_source *source_of(const struct counter_role *role,
                                              const struct cpu *cpu) {
    const struct counter_source *source = NULL;
    while ((source = source_after(role, source)))
        if (is_native(source) && has_source(cpu, source)) return source;
    return NULL;
}

/* The end of the chain, which other CPUs are left with. */
static void describe_others(const struct counter_role *role, char *out, size_t size) {
    const struct counter_source *source = NULL;
    size_t used = 0;
    out[0] = '\0';
    while ((source = source_after(role, source)))
        if (!is_native(source) && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s`%s`", used ? ", then " : "",
                                     source->name);
}

/* ---- the table ---- */

static void print_row(const struct counter_role *role, const struct counter_source *source,
                      bool first) {
    bool any = false;
    for (int i = 0; i < N_CPUS; i++) {
        if (source_of(role, &cpus[i]) != source) continue;
        if (!any) printf("| %s | `%s` | ", first ? role->name : "", source->name);
        printf("%s%s", any ? ", " : "", cpus[i].name);
        any = true;
    }
    if (any) puts(" |");
}

static int print_table(void) {
    puts("| role | counted by | on |\n| --- | --- | --- |");
    for (int i = 0; i < COUNTER_ROLES; i++) {
        const struct counter_source *source = NULL;
        char others[256];
        bool first = true;
        if (!counter_roles[i].hardware) continue;
        while ((source = source_after(&counter_roles[i], source)))
            if (is_native(source)) {
                print_row(&counter_roles[i], source, first);
                first = false;
            }
        describe_others(&counter_roles[i], others, sizeof others);
        printf("| %s | %s | %s |\n", first ? counter_roles[i].name : "", others,
               first ? "all" : "others");
    }
    return 0;
}

/* The next line of the table, cut into its cells; `role` stays where a line leaves it out. */
static bool read_row(FILE *file, char role[64], char event[256], char on[512]) {
    char line[1024], named[64];
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "| %63[^|]| %255[^|]| %511[^|]|", named, event, on) == 3)
            snprintf(role, 64, "%.*s", (int)strcspn(named, " "), named);
        else if (sscanf(line, "| | %255[^|]| %511[^|]|", event, on) != 2)
            continue;
        while (isspace((unsigned char)event[strlen(event) - 1])) event[strlen(event) - 1] = '\0';
        while (isspace((unsigned char)on[strlen(on) - 1])) on[strlen(on) - 1] = '\0';
        return true;
    }
    return false;
}

/* Whether a list, "Zen 2, Zen 3", has a name. */
static bool lists(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at; at = strstr(at, ", ") ? strstr(at, ", ") + 2 : NULL)
        if (strncmp(at, name, length) == 0 && (!at[length] || at[length] == ',')) return true;
    return false;
}

/* What the table says a CPU ("others", "all") counts a role by: "" if nothing; two answers fail. */
static void documented(const char *role, const char *cpu, char out[256]) {
    char row_role[64] = "", event[256], on[512];
    FILE *file = fopen(TABLE, "r");
    if (!file) fail_msg("%s cannot be read", TABLE);
    out[0] = '\0';
    while (read_row(file, row_role, event, on)) {
        if (strcmp(row_role, role) != 0 || !lists(on, cpu)) continue;
        if (out[0]) fail_msg("%s says twice what %s is on %s", TABLE, role, cpu);
        snprintf(out, 256, "%s", event);
    }
    fclose(file);
}

/* ---- tests ---- */

static void table_says_which_event_this_cpu_has(void **state) {
    const struct cpu *cpu = *state;
    if (!has_event(cpu, cpu->event)) {
        if (encoding_of)
            print_message(
                "SKIP: this libpfm4 does not know %s (%s): one that does is named in %s\n",
                cpu->name, cpu->pmu, TABLE);
        else
            print_message("SKIP: no libpfm.so.4 here: apt-get install libpfm4\n");
        skip();
    }
    for (int i = 0; i < COUNTER_ROLES; i++) {
        const struct counter_source *source = source_of(&counter_roles[i], cpu);
        char said[256], known[256] = "";
        if (source) snprintf(known, sizeof known, "`%s`", source->name);
        documented(counter_roles[i].name, cpu->name, said);
        if (strcmp(said, known) != 0)
            fail_msg("%s on %s: libpfm4 has %s, %s has %s; print the table anew",
                     counter_roles[i].name, cpu->name, *known ? known : "none", TABLE,
                     *said ? said : "none");
    }
}

static void table_says_what_other_cpus_are_left_with(void **state) {
    (void)state;
    for (int i = 0; i < COUNTER_ROLES; i++) {
        char said[256], all[256], known[256];
        if (!counter_roles[i].hardware) continue;
        describe_others(&counter_roles[i], known, sizeof known);
        documented(counter_roles[i].name, "others", said);
        documented(counter_roles[i].name, "all", all);
        assert_string_equal(*all ? all : said, known);
    }
}

/* A native event that no CPU of the table is counted by is a misspelt one, or too much. */
static void every_native_source_is_the_choice_of_some_cpu(void **state) {
    (void)state;
    for (int i = 0; i < COUNTER_ROLES; i++) {
        const struct counter_source *source = NULL;
        while ((source = source_after(&counter_roles[i], source))) {
            char known[256], said[256];
            bool found = !is_native(source);
            snprintf(known, sizeof known, "`%s`", source->name);
            for (int j = 0; j < N_CPUS && !found; j++) {
                documented(counter_roles[i].name, cpus[j].name, said);
                found = strcmp(said, known) == 0;
            }
            if (!found) fail_msg("no CPU counts %s by %s", counter_roles[i].name, source->name);
        }
    }
}

static void papi_knows_the_name_of_every_preset(void **state) {
    (void)state;
#ifdef HAVE_PAPI
    int code;
    if (PAPI_library_init(PAPI_VER_CURRENT) != PAPI_VER_CURRENT) {
        print_message("SKIP: PAPI does not start\n");
        skip();
    }
    assert_int_not_equal(PAPI_event_name_to_code("PAPI_NO_SUCH", &code), PAPI_OK);
    for (int i = 0; i < COUNTER_ROLES; i++) {
        const struct counter_source *source = NULL;
        while ((source = source_after(&counter_roles[i], source)))
            if (strncmp(source->name, "PAPI_", 5) == 0 &&
                PAPI_event_name_to_code(source->name, &code) != PAPI_OK)
                fail_msg("PAPI has no preset %s", source->name);
    }
#else
    print_message("SKIP: built without PAPI\n");
    skip();
#endif
}

int main(int argc, char **argv) {
    static const struct CMUnitTest chains[] = {
        cmocka_unit_test(table_says_what_other_cpus_are_left_with),
        cmocka_unit_test(every_native_source_is_the_choice_of_some_cpu),
        cmocka_unit_test(papi_knows_the_name_of_every_preset),
    };
    enum { N_CHAINS = sizeof chains / sizeof *chains };
    struct CMUnitTest tests[N_CPUS + N_CHAINS];
    char name[N_CPUS][64];
    bool opened = open_libpfm();
    if (argc > 1 && strcmp(argv[1], "print") == 0) return opened ? print_table() : 1;
    for (int i = 0; i < N_CPUS; i++) {
        snprintf(name[i], sizeof name[i], "table_says_which_event_a_%s_has", cpus[i].name);
        for (char *c = name[i]; *c; c++) *c = isalnum((unsigned char)*c) ? *c : '_';
        tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(table_says_which_event_this_cpu_has,
                                                                (void *)&cpus[i]);
        tests[i].name = name[i];
    }
    memcpy(tests + N_CPUS, chains, sizeof chains);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
