#!/bin/sh
# Counting for real, on a PMU that is emulated: QEMU with -icount counts instructions, and the arm64
# kernel's own driver hands them to PAPI as it does on hardware. Cycles are instructions there, and nothing
# else ever counts, so this proves that what is stored was counted, and that what cannot count is NULL with
# a reason; it says nothing of misses, stalls and floating-point events of real processors.
. tests/build/tap.sh
. tests/pmu/guest.sh

guest_program build-arm64/headroom bin/headroom
guest_program build-arm64/tests/harness/measure/test_software_events bin/test_software_events
cp tests/pmu/counting.yaml "$guest/root/"
guest_pack

# At Debian's level PAPI 7.0 disables its component, for root as well.
level_2='echo 2 >/proc/sys/kernel/perf_event_paranoid'
doctor='echo === doctor; headroom doctor --json'
counting="$guest/counting" generic="$guest/generic" unknown="$guest/unknown" unclocked="$guest/unclocked"

# The boots that only ask run beside the one that counts.
boot_all() {
    {
        echo "$level_2; $doctor" | guest_boot neoverse-n1 "$generic" shift=0
        echo "$level_2; $doctor" | guest_boot cortex-a72 "$unknown" shift=0
        echo "$level_2; $doctor" | guest_boot cortex-a57 "$unclocked"
    } &
    guest_boot cortex-a57 "$counting" shift=0 <<END
cd /tmp
echo === paranoid-3; headroom doctor --json
$level_2
$doctor
echo === test_software_events; CMOCKA_MESSAGE_OUTPUT=TAP test_software_events
echo === sweep
cp /counting.yaml .
headroom sweep counting.yaml --db r.db --no-ceiling 2>&1
headroom sweep counting.yaml --db r.db --no-ceiling --rerun profiles >/dev/null 2>&1
echo === base64; gzip -c r.db | base64
END
    base64 -d "$counting/base64" | gzip -d >"$counting/r.db"
    wait
}

# What the doctor says of a role, behind 1 where it can be counted and 0 where not.
said_of() { # folder role [file]
    sqlite3 :memory: "SELECT json_extract(value, '\$.available'), json_extract(value, '\$.detail')
        FROM json_each(readfile('$1/${3:-doctor}'), '\$.sources')
        WHERE json_extract(value, '\$.what') = '$2'" >"$scratch/said"
    cat "$scratch/said"
}

says() { # pattern: of the role asked for last
    grep -q "$1" "$scratch/said"
}

says_not() {
    ! says "$1"
}

query() { # SQL
    sqlite3 -separator ' ' "$counting/r.db" "$1"
}

the_guest_comes_to_its_end() {
    for folder in "$counting" "$generic" "$unknown" "$unclocked"; do
        sed 's/^/    /' "$folder/serial"
        [ -e "$folder/end" ]
    done
}

cycles_and_instructions_are_counted() {
    cat "$counting/sweep"
    query "SELECT arm, batch_size, role, status, event, value_per_input, reason FROM current_profile p
           JOIN counter c ON c.profile_id = p.id WHERE role IN ('cycles', 'instructions')" |
        tee "$scratch/counted"
    [ "$(grep -c ' \(cycles counted PAPI_TOT_CYC\|instructions counted PAPI_TOT_INS\) [1-9]' \
        "$scratch/counted")" = 16 ]
}

every_head_adds_the_same_instructions_per_flop() {
    query "SELECT arm, value, (SELECT value FROM counter_vs_budget f WHERE f.arm = c.arm AND
               role = 'executed_flops') FROM counter_vs_budget c
           WHERE role = 'instructions' ORDER BY arm" | tee "$scratch/heads"
    awk 'NR > 1 { ratio = ($2 - instructions) / ($3 - flops); print $1, ratio
                  if (NR == 2) first = ratio
                  if (!(ratio > 0 && ratio > 0.95 * first && ratio < 1.05 * first)) bad = 1 }
         { instructions = $2; flops = $3 } END { exit bad || NR != 4 }' "$scratch/heads"
}

# Every profile was made twice, and that of the noise floor once more.
two_passes_agree() {
    query "SELECT t.arm, p.batch_size, c.role, min(value_per_input - empty_per_input),
               max(value_per_input - empty_per_input), count(*) FROM trial t
           JOIN profile p ON p.trial_id = t.id JOIN counter c ON c.profile_id = p.id
           WHERE role IN ('cycles', 'instructions') GROUP BY 1, 2, 3" | tee "$scratch/passes"
    awk '!($4 > 0 && $5 <= 1.001 * $4 && $6 >= 2) { bad = 1 } END { exit bad || NR != 16 }' "$scratch/passes"
}

what_does_not_count_is_null_with_its_reason() {
    query "SELECT DISTINCT role, status, value_per_input, reason FROM counter
           WHERE role IN ('fp_operations', 'fp_single', 'fp_double', 'l1d_misses', 'l2_misses', 'llc_misses',
                          'branch_misses', 'dtlb_misses', 'stalled_cycles')" | tee "$scratch/rest"
    [ "$(grep -c ' unavailable  [^ ]' "$scratch/rest")" = 9 ] && [ "$(wc -l <"$scratch/rest")" = 9 ]
    grep -q '^l1d_misses .*L1D_CACHE_REFILL was added and read 0' "$scratch/rest"
    grep -q '^l2_misses .*read 0' "$scratch/rest"
    grep -q '^fp_single .*PAPI knows no event' "$scratch/rest"
}

without_presets_the_generic_events_count() {
    said_of "$generic" cycles && says '^1|perf::CYCLES$'
    said_of "$generic" instructions && says '^1|perf::INSTRUCTIONS$'
}

an_event_that_reads_0_is_not_measured() {
    said_of "$unclocked" cycles && says '^1|'
    said_of "$unclocked" instructions && says '^0|.*was added and read 0'
}

# cortex-a72: libpfm4 of PAPI 7.0 does not know it, and nobody's permission would help.
a_processor_that_papi_lacks_is_told_in_its_words() {
    said_of "$unknown" cycles && says '^0|.*no default PMU'
    says_not 'permission\|paranoid\|setcap'
}

# The guest did what the page says and counted: PAPI looks at the level alone, at no capability.
at_level_3_the_page_has_the_fix_that_helps() {
    said_of "$counting" cycles paranoid-3 && says '^0|.*sysctl kernel.perf_event_paranoid=2'
    says_not setcap
    said_of "$counting" cycles && says '^1|'
}

papi_reads_our_own_events_beside_a_pmu() {
    results=$counting/test_software_events
    sed 's/^/    /' "$results" # so indented it is no result of this script
    grep -q '^1\.\.[1-9]' "$results"
    [ "$(grep -c '^ok' "$results")" = "$(sed -n 's/^1\.\.//p' "$results")" ]
}

start=$(date +%s)
boot_all >"$guest/boots" 2>&1 || cat "$guest/boots"
behaviours the_guest_comes_to_its_end cycles_and_instructions_are_counted \
    every_head_adds_the_same_instructions_per_flop two_passes_agree \
    what_does_not_count_is_null_with_its_reason without_presets_the_generic_events_count \
    an_event_that_reads_0_is_not_measured a_processor_that_papi_lacks_is_told_in_its_words \
    at_level_3_the_page_has_the_fix_that_helps papi_reads_our_own_events_beside_a_pmu

# Shown whatever the results are.
echo "#| counter_vs_budget of an emulated cortex-a57, per input at batch 1 ($(($(date +%s) - start)) s):"
query "SELECT format('#|   %-8s %-13s %9.0f   %9.0f FLOPs', c.arm, c.role, c.value, f.value)
       FROM counter_vs_budget c JOIN counter_vs_budget f USING (workload, arm)
       WHERE c.role IN ('cycles', 'instructions') AND f.role = 'executed_flops' ORDER BY c.role, c.arm"
