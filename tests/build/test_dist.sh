#!/bin/sh
# The version, which one file says first, and what `make dist` packs: an archive knows its commit without git,
# also where another repository is around it. tests/long/dist.sh builds from one.
# shellcheck disable=SC2317 # behaviours are called by name
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}

the_version_is_the_same_wherever_it_stands() {
    version=$(sed -n 's/^version //p' harness/version.txt)
    echo "$version" | grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$'
    [ "$(./headroom version | head -n 1)" = "headroom $version" ]
    grep -qx "version: $version" CITATION.cff
    # The newest heading names it and its tag.
    grep -m 1 '^## ' CHANGELOG.md | grep -qF "## $version (tag \`v$version\`)"
}

# A small repository with the files that decide this; committed, packed, and unpacked into another one.
packed_and_unpacked() {
    command -v git >/dev/null || skip 'git is not here'
    mkdir -p "$scratch/other"
    for folder in harness models workloads tests; do mkdir -p "$scratch/house/$folder" && : >"$scratch/house/$folder/kept"; done
    cp Makefile .gitattributes .gitignore "$scratch/house"
    cp harness/version.txt harness/install_packages.sh "$scratch/house/harness"
    cd "$scratch/house" || return 1
    git init -q . && git add .
    git -c user.name=n -c user.email=e@x commit -q -m one
    commit=$(git rev-parse --short HEAD)
    make -s dist >"$scratch/said"
    version=$(sed -n 's/^version //p' harness/version.txt)
    cd "$scratch/other" || return 1
    git init -q . && git -c user.name=n -c user.email=e@x commit -q --allow-empty -m other
    tar -xzf "$scratch/house/headroom-$version.tar.gz"
    cd "headroom-$version" || return 1
}

revision() { NO_INSTALL=1 make -s build/revision && cat build/revision; }

an_archive_knows_its_commit_and_no_other() {
    packed_and_unpacked
    [ "$(revision)" = "$commit-archive" ]
    # In a checkout git is asked, and the file says nothing.
    cd "$scratch/house" || return 1
    [ "$(revision)" = "$commit" ]
    echo >>Makefile
    [ "$(revision)" = "$commit-dirty" ]
    rm -rf .git
    [ "$(revision)" = unknown ]
}

an_archive_is_named_after_its_version() {
    packed_and_unpacked
    grep -qx "made: headroom-$version.tar.gz" "$scratch/said"
    # Packing leaves no file for git to see.
    [ -z "$(git -C "$scratch/house" status --porcelain)" ]
}

behaviours the_version_is_the_same_wherever_it_stands an_archive_knows_its_commit_and_no_other \
    an_archive_is_named_after_its_version
