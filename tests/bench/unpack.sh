#!/bin/bash
# A root filesystem's tar.gz of about 200 MB into a directory: ours (with both digests) against tar, bsdtar and umoci; and back into a tar. Every so many of the machine's own files, so
# that large and small are mixed as in a system. In memory, or the disk's queue would be measured (WHERE names another place).
set -eu
layer=${TEACHROOT_BUILD:-build}/tests/probe/layer
work=$(mktemp -d "${WHERE:-/dev/shm}/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
megabytes=${MEGABYTES:-200}

cd "$work"
find /usr -xdev -type f -size -8M -printf '%s %p\n' | LC_ALL=C sort -k 2 >files
step=$(awk -v most="$megabytes" '{ sum += $1 } END { print int(sum / 1e6 / most) + 1 }' files)
awk -v step="$step" 'NR % step == 0 { sub(/^[0-9]* /, ""); print }' files >list
tar --no-recursion -czf root.tar.gz -C / -T list 2>/dev/null

# Wall milliseconds of the fastest of five runs into an empty directory, its processor milliseconds, and the most memory of any in KiB.
fastest() {
    local best=0 cpu=0 memory=0 wall user system kib
    for _ in 1 2 3 4 5; do
        rm -rf out
        [ "$1" = umoci ] || mkdir out
        read -r wall user system kib < <(/usr/bin/time -f '%e %U %S %M' "$@" 2>&1 >/dev/null | tail -n 1)
        wall=$(awk -v x="$wall" 'BEGIN { print int(x * 1000) }')
        if [ "$best" -eq 0 ] || [ "$wall" -lt "$best" ]; then
            best=$wall cpu=$(awk -v u="$user" -v s="$system" 'BEGIN { print int((u + s) * 1000) }')
        fi
        [ "$kib" -le "$memory" ] || memory=$kib
    done
    echo "$best $cpu $memory"
}

show() {
    local name=$1 wall cpu memory
    shift
    read -r wall cpu memory < <(fastest "$@")
    printf '%-16s %6d ms, %6d ms of processors, %6d KiB\n' "$name" "$wall" "$cpu" "$memory"
}

printf '%d files, %d bytes compressed, %d plain; load %s\n' "$(wc -l <list)" "$(stat -c %s root.tar.gz)" "$(gzip -dc root.tar.gz | wc -c)" \
    "$(cut -d ' ' -f 1 /proc/loadavg)"
show 'unpack: ours' "$layer" unpack root.tar.gz out
show 'tar' tar --numeric-owner -xpzf root.tar.gz -C out
show 'bsdtar' bsdtar -xpf root.tar.gz -C out
umoci init --layout image
umoci new --image image:it
gzip -dc root.tar.gz >root.tar
umoci raw add-layer --image image:it root.tar
rm root.tar
show 'umoci' umoci unpack --image image:it out
rm -rf out image
mkdir tree
tar --numeric-owner -xpzf root.tar.gz -C tree
show 'export: ours' "$layer" pack tree made.tar
show 'tar' tar --numeric-owner --sort=name -cf made.tar -C tree .
show 'ours, gzip' "$layer" pack tree made.tar.gz
show 'tar, gzip' tar --numeric-owner --sort=name -czf made.tar.gz -C tree .
