#!/bin/sh
# The tests of in_guest.txt on an arm64 machine, as results of this script. All other unit tests run faster
# without a kernel, under qemu-aarch64 (make test-arm64).
. tests/build/tap.sh
. tests/pmu/guest.sh

house=$guest/root/house # the top of the repository there
mkdir -p "$house/tests/harness/cli"
cp tests/harness/cli/tiny.yaml tests/harness/cli/test_cli.sh "$house/tests/harness/cli/"
guest_program build-arm64/headroom house/headroom
guest_program "$packages/usr/bin/sqlite3" bin/sqlite3
{
    echo 'cd /house; export CMOCKA_MESSAGE_OUTPUT=TAP OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 HEADROOM_CACHE='
    while read -r test; do
        case $test in
        \#*) ;;
        *.cli) cp "tests/$test" "$house/tests/$test" ;;
        *)
            guest_program "build-arm64/tests/$test" "house/build-arm64/tests/$test"
            echo "echo === $(basename "$test"); build-arm64/tests/$test 2>&1"
            ;;
        esac
    done <tests/pmu/in_guest.txt
    echo 'echo === test_cli; tests/harness/cli/test_cli.sh 2>&1'
} >"$guest/script"
guest_pack
guest_boot cortex-a57 "$guest/boot" shift=0,sleep=off <"$guest/script" || echo 'the guest did not come to its end'

# Results are numbered through; the plan is the sum of the plans, so what is lost is missed.
awk '/^1\.\.[0-9]+$/         { planned += substr($0, 4); next }
     /^(not )?ok [0-9]+ /    { sub(/[0-9]+/, ++results); print; next }
                             { print "    " $0 }
     END                     { print "1.." (planned > 0 ? planned : 1) }' "$guest"/boot/test_*
