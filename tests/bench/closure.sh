#!/bin/bash
# The libraries of every program in /usr/bin: our ldd in one run against glibc's, one run a program.
set -eu
tools=${TEACHROOT_BUILD:-build}/teachroot-tools
sample=${SAMPLE:-200}
mapfile -t programs < <(find /usr/bin -maxdepth 1 \( -type f -o -type l \) | sort)

now() {
    date +%s%N
}

# Milliseconds of the fastest of five runs.
fastest() {
    local best=0 start took
    for _ in 1 2 3 4 5; do
        start=$(now)
        "$@" >/dev/null 2>&1 || true
        took=$((($(now) - start) / 1000))
        [ "$best" -ne 0 ] && [ "$best" -le "$took" ] || best=$took
    done
    echo "$best"
}

loop() {
    local program
    for program in "$@"; do
        /usr/bin/ldd "$program" || true
    done
}

# glibc's is slow enough for one run over an even sample of the programs to tell.
step=$(((${#programs[@]} + sample - 1) / sample))
some=()
for ((i = 0; i < ${#programs[@]}; i += step)); do
    some+=("${programs[i]}")
done
ours=$(fastest "$tools" ldd "${programs[@]}")
single=$(fastest "$tools" ldd /bin/ls)
start=$(now)
loop "${some[@]}" >/dev/null 2>&1
glibc=$((($(now) - start) * ${#programs[@]} / ${#some[@]} / 1000))
printf 'closure of %d programs: ours %d.%03d ms, glibc ldd %d ms (from %d of them), ratio %d\n' "${#programs[@]}" \
    $((ours / 1000)) $((ours % 1000)) $((glibc / 1000)) "${#some[@]}" $((glibc / ours))
printf 'ldd /bin/ls alone: %d.%03d ms\n' $((single / 1000)) $((single % 1000))
