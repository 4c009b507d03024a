# shellcheck shell=sh
# An arm64 machine that boots in seconds, for the tests that source this: QEMU runs Debian's kernel, and all
# else is in memory: busybox, programs of build-arm64 and the libraries they name. So there is no disk to
# make, nothing to mount, and nobody has to be root. A script is handed in beside the kernel, and what it
# prints comes back over the serial line, cut into files at lines `=== NAME`.
#
#   . tests/build/tap.sh; . tests/pmu/guest.sh; guest_program FILE TARGET; guest_pack; guest_boot CPU FOLDER [ICOUNT] <script
#
# `make test-pmu` has built everything, or says in HEADROOM_LACKING what this machine lacks.
guest_skip() { # reason
    printf '1..1\n%s\nok 1 # SKIP %s\n' "$1" "$(basename "$0" .sh)"
    exit 0
}

[ -z "${HEADROOM_LACKING:-}" ] || guest_skip "$HEADROOM_LACKING"
[ -x build-arm64/headroom ] || guest_skip 'no build-arm64/headroom: make test-pmu builds it'
packages=$(tests/pmu/packages.sh 2>&1) || guest_skip "$packages"
libraries=usr/lib/aarch64-linux-gnu
# shellcheck disable=SC2154 # tap.sh's
guest=$scratch.guest # $scratch itself is emptied before each behaviour
trap 'rm -rf "$scratch" "$guest"' EXIT
mkdir -p "$guest/root/bin" "$guest/root/proc" "$guest/root/sys" "$guest/root/dev" "$guest/root/tmp" \
    "$guest/root/$libraries"
ln -s usr/lib "$guest/root/lib"

guest_libraries() { # file
    for library in $(aarch64-linux-gnu-readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'); do
        [ -e "$guest/root/$libraries/$library" ] && continue
        cp -L "$packages/$libraries/$library" "$guest/root/$libraries/"
        guest_libraries "$packages/$libraries/$library"
    done
}

# A program, without its debug information, as /TARGET of the guest, with the libraries it names.
guest_program() { # file target
    mkdir -p "$(dirname "$guest/root/$2")"
    aarch64-linux-gnu-strip -g -o "$guest/root/$2" "$1"
    guest_libraries "$1"
}

# What every boot starts from. The loader is named by the programs, not among their libraries.
guest_pack() {
    cp "$packages/bin/busybox" "$guest/root/bin/"
    cp -L "$packages/$libraries/ld-linux-aarch64.so.1" "$guest/root/usr/lib/"
    cat >"$guest/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
for kind in proc:proc sysfs:sys devtmpfs:dev tmpfs:tmp; do mount -t ${kind%:*} none /${kind#*:}; done
ip link set lo up
sh /script
echo === end
poweroff -f
END
    chmod +x "$guest/root/init"
    (cd "$guest/root" && find . | cpio -o -H newc --quiet) >"$guest/archive"
}

# Runs the script on stdin; the kernel unpacks both archives. Fails if the guest did not come to its end.
guest_boot() { # cpu folder [icount]
    mkdir -p "$2"
    cat >"$2/script"
    (cd "$2" && echo script | cpio -o -H newc --quiet) | cat "$guest/archive" - >"$2/initrd"
    timeout 3600 qemu-system-aarch64 -M virt -cpu "$1" -smp 1 -m 1G -accel tcg,thread=single \
        ${3:+-icount "$3"} -display none -monitor none -nic none -no-reboot \
        -serial "file:$2/serial" -kernel "$packages/vmlinuz" -initrd "$2/initrd" \
        -append 'console=ttyAMA0 quiet panic=-1' </dev/null
    rm "$2/initrd"
    tr -d '\r' <"$2/serial" | awk -v folder="$2" '
        /^=== / { file = folder "/" $2; printf "" >file; next }
        file    { print >file }'
    [ -e "$2/end" ] || { cat "$2/serial" && return 1; }
}
