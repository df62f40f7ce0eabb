#!/bin/bash
# Import of a 200 MB root filesystem's tar.gz, digested both ways and its entries checked, against `podman import`, which does the same, against digesting both by gzip and sha256sum, and against `skopeo copy`,
# which neither unpacks it nor looks at it; the largest memory of each.
# MEGABYTES=50: a smaller one.
set -eu
transfer=${TEACHROOT_BUILD:-build}/teachroot-transfer
megabytes=${MEGABYTES:-200}
work=$(mktemp -d /var/tmp/teachroot-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
export TEACHROOT_STORE=$work/store

# The start of /usr, as long as is asked for: files as they are in a root filesystem.
mkdir "$work/root"
find /usr -xdev -links 1 \( -type f -o -type l \) -printf '%s %p\n' | sort -k2 |
    awk -v most=$((megabytes * 1000000)) 'sum + $1 < most { sum += $1; sub(/^[0-9]+ /, ""); print }' >"$work/names"
tar -cf - --no-recursion -T "$work/names" 2>/dev/null | tee "$work/plain.tar" | gzip -6 >"$work/packed.tar.gz"
printf 'archive: %d MB, %d MB packed\n' $(($(stat -c %s "$work/plain.tar") / 1000000)) $(($(stat -c %s "$work/packed.tar.gz") / 1000000))

# NAME COMMAND…: milliseconds of the fastest of three runs, and the largest memory in KiB.
measure() {
    local name=$1 best=0 start took memory most=0
    shift
    for _ in 1 2 3; do
        start=$(date +%s%N)
        memory=$({ /usr/bin/python3 -c 'import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)' "$@"; })
        took=$((($(date +%s%N) - start) / 1000000))
        [ "$best" -ne 0 ] && [ "$best" -le "$took" ] || best=$took
        [ "$memory" -le "$most" ] || most=$memory
    done
    printf '%-44s %6d ms, at most %4d MiB\n' "$name" "$best" $((most / 1024))
    result=$best
}

measure "docker import" "$transfer" import "$work/packed.tar.gz" bench:1
ours=$result
measure "docker import, plain tar" "$transfer" import "$work/plain.tar" bench:plain
measure "docker save" "$transfer" save -o "$work/saved.tar" bench:1
measure "docker load" "$transfer" load -i "$work/saved.tar"
measure "teachroot image fsck" "$transfer" image fsck
measure "skopeo copy (keeps and digests the archive alone)" sh -c "rm -rf '$work/other'; skopeo copy 'oci:$TEACHROOT_STORE:docker.io/library/bench:1' 'oci:$work/other:x'"
skopeo=$result
measure "sha256sum of it, then of what gzip unpacks" sh -c "sha256sum '$work/packed.tar.gz'; gzip -dc '$work/packed.tar.gz' | sha256sum"
shell=$result
podman=0
if command -v podman >/dev/null && [ "$(id -u)" = 0 ]; then
    measure "podman import" podman --storage-driver vfs --root "$work/podman" --runroot "$work/podman-run" --tmpdir "$work/podman-tmp" \
        import "$work/packed.tar.gz" bench:1
    podman=$result
fi
printf 'import: %d%% of skopeo copy, %d%% of sha256sum and gzip' $((ours * 100 / skopeo)) $((ours * 100 / shell))
[ "$podman" = 0 ] || printf ', %d%% of podman import' $((ours * 100 / podman))
echo
