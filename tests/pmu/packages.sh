#!/bin/sh
# The arm64 packages that `make cross-arm64` builds against and `make test-pmu` boots: fetched once,
# unpacked into a folder of the user's cache, whose path is printed. Where that or a tool of the two is
# missing, the reason is on stderr and the exit status is 77.
#
#   tests/pmu/packages.sh
#
# apt works in a world of its own (lists, status, archives), so that neither this machine's packages nor
# its architectures change and nobody has to be root. The release is fixed: what a guest shows of its
# kernel and its PAPI is what the tests were written for.
set -eu
release=bookworm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/headroom
root=$cache/arm64-$release
libraries=usr/lib/aarch64-linux-gnu

cannot() { # reason
    echo "$*" >&2
    exit 77
}

for program in aarch64-linux-gnu-gcc qemu-system-aarch64 qemu-aarch64 cpio; do
    command -v $program >/dev/null || cannot "no $program: apt-get install --no-install-recommends" \
        'gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm qemu-user cpio'
done
[ -e "$root/complete" ] && echo "$root" && exit 0
for program in apt-get dpkg-deb; do
    command -v $program >/dev/null || cannot "no $program, which fetches and unpacks arm64 packages"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] || cannot "no $keyring: apt-get install debian-archive-keyring"

# A second run may fetch at the same time; the first to finish puts its folder in place.
mkdir -p "$cache"
world=$(mktemp -d "$cache/arm64-XXXXXX")
trap 'rm -rf "$world"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$world/lists/partial" "$world/archives/partial" "$world/root/usr/bin" \
    "$world/root/usr/sbin" "$world/root/usr/lib"
: >"$world/status"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | grep -v snapshot | head -n 1 | tr -d ' ')
echo "deb [signed-by=$keyring] ${mirror:-https://deb.debian.org/debian} $release main" >"$world/sources"
cat >"$world/conf" <<END
Dir::State "$world";
Dir::State::status "$world/status";
Dir::Cache "$world";
Dir::Etc::sourcelist "$world/sources";
Dir::Etc::sourceparts "/dev/null";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Retries "2";
END
export APT_CONFIG="$world/conf"

fetch() {
    apt-get -q update && cd "$world/archives" &&
        apt-get -qy --download-only install busybox-static sqlite3 libopenblas-dev libpapi-dev \
            libyaml-dev libsqlite3-dev zlib1g-dev libcmocka-dev libc6-dev &&
        # The kernel alone: what its package depends on makes a system that boots from a disk.
        apt-get -q download "$(apt-cache depends linux-image-cloud-arm64 |
            sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p')"
}
fetch >"$world/log" 2>&1 || {
    cat "$world/log" >&2
    cannot 'the arm64 packages cannot be downloaded'
}

# Some packages still have files in /lib, which is a link here as on any machine of the release.
for folder in bin sbin lib; do ln -s usr/$folder "$world/root/$folder"; done
for package in "$world"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C "$world/root" -x --keep-directory-symlink \
        --exclude='./lib/modules' --exclude='./usr/share/doc'
done
# The links that update-alternatives would make.
ln -s openblas-pthread/libopenblas.so.0 openblas-pthread/libopenblas.so "$world/root/$libraries"
ln -s ../openblas-pthread/pkgconfig/openblas.pc "$world/root/$libraries/pkgconfig"
mv "$world"/root/boot/vmlinuz-* "$world/root/vmlinuz"
touch "$world/root/complete"
mv -T "$world/root" "$root" 2>/dev/null || [ -e "$root/complete" ]
echo "$root"
