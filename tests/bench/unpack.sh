#!/bin/bash
# A root filesystem's tar.gz of about 200 MB into a directory: ours (with both digests) against tar, bsdtar and umoci; and back into a tar. All directories and links of the machine's /usr, and every so many of its
# files, so that large and small are mixed as in a system. In memory, or the disk's queue would be measured (WHERE names another place). One run of each after the other, ROUNDS times: the least of each counts,
# of the clock and of the processors apart, as the machine may be busy.
set -euo pipefail
layer=$(realpath "${TEACHROOT_BUILD:-build}")/tests/probe/layer
work=$(mktemp -d "${WHERE:-/dev/shm}/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
megabytes=${MEGABYTES:-200}
rounds=${ROUNDS:-5}

cd "$work"
find /usr -xdev \( -type d -o -type l -o -type f -size -8M \) -printf '%y %s %p\n' | LC_ALL=C sort -k 3 >files
step=$(awk -v most="$megabytes" '$1 == "f" { sum += $2 } END { print int(sum / 1e6 / most) + 1 }' files)
awk -v step="$step" '$1 != "f" || ++n % step == 0 { sub(/^. [0-9]* /, ""); print }' files >list
tar --no-recursion -cf root.tar -C / -T list 2>/dev/null
gzip -k root.tar
mkdir tree
tar --numeric-owner -xpf root.tar -C tree

declare -A commands
names=()
add() {
    names+=("$1")
    commands[$1]=$2
}
# NAME: its seconds by the clock, of the user and of the system, and its most memory in KiB.
run() {
    rm -rf out made
    [ "$1" = umoci ] || mkdir out
    /usr/bin/time -a -o results -f "$1|%e|%U|%S|%M" bash -c "exec ${commands[$1]}" >/dev/null
}
# Of all that was added since the last time, and how much the first is of the least of the others.
show() {
    rm -f results
    for _ in $(seq "$rounds"); do
        for name in "${names[@]}"; do run "$name"; done
    done
    awk -F '|' '{ cpu = $3 + $4; if (!($1 in wall)) order[++n] = $1
            if (!($1 in wall) || $2 < wall[$1]) wall[$1] = $2
            if (!($1 in least) || cpu < least[$1]) least[$1] = cpu
            if ($5 > memory[$1]) memory[$1] = $5 }
        END { for (i = 1; i <= n; i++) { name = order[i]
                printf "%-24s %5d ms, %5d ms of processors, %6d KiB\n", name, wall[name] * 1000, least[name] * 1000, memory[name]
                if (i > 1 && (!fastest || wall[name] < fastest)) fastest = wall[name]
                if (i > 1 && (!cheapest || least[name] < cheapest)) cheapest = least[name] }
            printf "ours to the best: %.2f, %.2f of processors\n", wall[order[1]] / fastest, least[order[1]] / cheapest }' results
    names=()
}

printf '%d entries, %d bytes compressed, %d plain; load %s\n' "$(wc -l <list)" "$(stat -c %s root.tar.gz)" "$(stat -c %s root.tar)" "$(cut -d ' ' -f 1 /proc/loadavg)"
umoci init --layout image
umoci new --image image:it
umoci raw add-layer --image image:it root.tar
add 'unpack: ours' "$layer unpack root.tar.gz out"
add tar 'tar --numeric-owner -xpzf root.tar.gz -C out'
add bsdtar 'bsdtar -xpf root.tar.gz -C out'
add umoci 'umoci unpack --image image:it out'
show
add 'export: ours' "$layer export tree >made"
add 'tar' 'tar --numeric-owner --sort=name -cf made -C tree .'
add 'bsdtar' 'bsdtar --numeric-owner -cf made -C tree .'
show
add 'and its digest: ours' "$layer pack tree made"
add 'tar, sha256sum' 'bash -o pipefail -c "tar --numeric-owner --sort=name -cf - -C tree . | tee made | sha256sum"'
add 'tar, openssl' 'bash -o pipefail -c "tar --numeric-owner --sort=name -cf - -C tree . | tee made | openssl dgst -sha256"'
show
add 'gzip and digests: ours' "$layer pack tree made.tar.gz"
add 'tar, gzip -1' 'tar --numeric-owner --sort=name -I "gzip -1" -cf made.tar.gz -C tree .'
rounds=1
show
