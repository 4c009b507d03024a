#!/bin/sh
# harness/install_packages.sh on machines that are made up: a PATH of a few real programs, and fakes
# that stand for the package manager, sudo and pkg-config. Nothing is ever installed.
. tests/build/tap.sh

install=harness/install_packages.sh

# A machine without anything to install with; $bin is its PATH, what it says ends in $scratch/said.
bare_machine() {
    bin=$scratch/bin
    only_programs "$bin" sh env awk tr sort grep cat ls uname
    fake_program "$bin/cc" true # finds every header
    fake_program "$bin/id" "echo ${1:-0}"
}

# A package manager that writes down its arguments and "installs" by creating the fake pkg-config,
# which then knows every library, and the programs.
with_apt() {
    cat >"$bin/apt-get" <<EOF
#!$bin/sh
echo "\$*" >>$scratch/apt
[ "\$1" = install ] || exit 0
for program in pkg-config sqlite3 gnuplot; do
    { echo '#!$bin/sh'; echo exit 0; } >$bin/\$program; $(command -v chmod) +x $bin/\$program
done
EOF
    chmod +x "$bin/apt-get"
}

run_install() { # expected status, variables...
    expected=$1
    shift
    status=0
    env -i PATH="$bin" "$@" $install >"$scratch/said" 2>&1 || status=$?
    cat "$scratch/said"
    [ $status = "$expected" ]
}

prints_three_commands() {
    grep -q '^  apt: .*apt-get install .*libopenblas-dev.*libpapi-dev.*gnuplot-nox' "$scratch/said"
    grep -q '^  dnf: .*dnf install .*openblas-devel' "$scratch/said"
    grep -q '^  pacman: .*pacman -S .*openblas' "$scratch/said"
    grep -q 'error: missing: .*openblas' "$scratch/said"
    ! grep ' $' "$scratch/said"
}

says_nothing_where_all_is_there() {
    bare_machine
    for program in pkg-config sqlite3 gnuplot; do fake_program "$bin/$program" true; done
    run_install 0
    [ ! -s "$scratch/said" ]
}

no_install_prints_three_commands_and_fails() {
    bare_machine
    with_apt
    run_install 1 NO_INSTALL=1
    prints_three_commands
    grep -q 'error: missing: pkg-config openblas .* gnuplot; optional: papi$' "$scratch/said"
    [ ! -e "$scratch/apt" ]
}

make_stops_where_nothing_may_be_installed() {
    bare_machine
    only_programs "$bin" make git od sed mkdir cmp rm
    status=0
    mkdir "$scratch/results"
    cp results/tables.sql results/views.sql "$scratch/results"
    cp -R Makefile harness "$scratch"
    (cd "$scratch" && env -i PATH="$bin" make NO_INSTALL=1 test) >"$scratch/said" 2>&1 || status=$?
    cat "$scratch/said"
    [ $status != 0 ]
    prints_three_commands
}

no_package_manager_prints_three_commands_and_fails() {
    bare_machine
    run_install 1
    prints_three_commands
}

no_root_and_no_sudo_prints_three_commands_and_fails() {
    bare_machine 1000
    with_apt
    run_install 1
    prints_three_commands
    [ ! -e "$scratch/apt" ]
}

root_installs_without_sudo_and_says_how() {
    bare_machine
    with_apt
    run_install 0
    grep -q '^headroom: running: env DEBIAN_FRONTEND=noninteractive apt-get install' "$scratch/said"
    grep -q '^install -y --no-install-recommends .*libopenblas-dev' "$scratch/apt"
}

others_install_through_sudo() {
    bare_machine 1000
    with_apt
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$bin/sudo" 'shift; [ "$1" = true ] || "$@"'
    ln -s "$(command -v true)" "$bin/true"
    run_install 0
    grep -q '^headroom: running: sudo -n env DEBIAN_FRONTEND' "$scratch/said"
    grep -q '^install ' "$scratch/apt"
}

failed_installation_prints_three_commands_and_fails() {
    bare_machine
    fake_program "$bin/apt-get" 'exit 100'
    run_install 1
    prints_three_commands
}

a_library_that_is_too_old_is_named_with_the_oldest_that_works() {
    bare_machine
    for program in sqlite3 gnuplot; do fake_program "$bin/$program" true; done
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$bin/pkg-config" 'case "$*" in --atleast*sqlite3) exit 1 ;; --modversion*) echo 3.31.1 ;; esac'
    run_install 1 NO_INSTALL=1
    grep -q '^headroom: error: missing: sqlite3$' "$scratch/said"
    grep -q '^headroom: sqlite3 is here in version 3.31.1, 3.37 is the oldest that works$' "$scratch/said"
    grep -q '^  apt: .* libsqlite3-dev' "$scratch/said"
}

missing_onednn_alone_does_not_stop_the_build() {
    bare_machine
    for program in pkg-config sqlite3 gnuplot; do fake_program "$bin/$program" true; done
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$bin/cc" 'read -r line; [ "$line" != "#include <dnnl.h>" ]'
    run_install 0 NO_INSTALL=1
    grep -q 'building without dnnl.h (NO_INSTALL' "$scratch/said"
}

missing_papi_alone_does_not_stop_the_build() {
    bare_machine
    for program in sqlite3 gnuplot; do fake_program "$bin/$program" true; done
    # shellcheck disable=SC2016 # expanded by the fake
    fake_program "$bin/pkg-config" '[ "$2" != papi ]'
    run_install 0 NO_INSTALL=1
    grep -q 'building without papi (NO_INSTALL' "$scratch/said"
}

another_system_is_told_that_linux_is_needed() {
    bare_machine
    with_apt
    rm "$bin/uname"
    fake_program "$bin/uname" 'echo Darwin'
    run_install 1
    grep -q 'error: Headroom needs Linux, and this is Darwin: .*/proc' "$scratch/said"
    [ ! -e "$scratch/apt" ]
}

behaviours says_nothing_where_all_is_there no_install_prints_three_commands_and_fails \
    make_stops_where_nothing_may_be_installed no_package_manager_prints_three_commands_and_fails \
    no_root_and_no_sudo_prints_three_commands_and_fails root_installs_without_sudo_and_says_how \
    others_install_through_sudo failed_installation_prints_three_commands_and_fails \
    missing_papi_alone_does_not_stop_the_build \
    a_library_that_is_too_old_is_named_with_the_oldest_that_works \
    missing_onednn_alone_does_not_stop_the_build another_system_is_told_that_linux_is_needed
