#!/bin/bash
# What a refresh of the panel costs beside htop's: processor time of both at the same delay, in one run, with thousands of processes; and whether memory stays flat.
#   TOP_PROCESSES="2000 10000"  TOP_SECONDS=30  TOP_DELAY=1.5
set -eu
seconds=${TOP_SECONDS:-30} delay=${TOP_DELAY:-1.5} aim=0.4
directory=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
server=bench$$
finish() {
    tmux -L "$server" kill-server 2>/dev/null || true
    rm -rf "$directory"
}
trap finish EXIT

command -v htop >/dev/null || { echo "htop is not installed: nothing to compare with"; exit 0; }

# utime and stime of process $1, in clock ticks. The name before them may hold anything but is in brackets.
ticks() {
    local stat
    stat=$(<"/proc/$1/stat")
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    echo $((${12} + ${13}))
}

memory() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# $1 processes that wait for a pipe to close, which it does when this script ends, however it does.
start_sleepers() {
    # shellcheck disable=SC2016
    exec {hold}> >(exec sh -c '
        exec 3<&0
        i=0
        while [ $i -lt "$1" ]; do
            read -r _ <&3 &
            i=$((i + 1))
        done
        : >"$2"
        read -r _ <&3
    ' sleepers "$1" "$directory/ready")
    sleepers=$!
    for _ in $(seq 1800); do
        [ ! -e "$directory/ready" ] || return 0
        kill -0 "$sleepers" 2>/dev/null || break
        sleep 0.1
    done
    echo "could not make $1 processes"
    exit 1
}

end_sleepers() {
    exec {hold}>&-
    while kill -0 "$sleepers" 2>/dev/null; do sleep 0.1; done
    rm -f "$directory/ready"
    sleep 2
}

# Both on terminals of one size, with nothing else in them.
export XDG_CONFIG_HOME=$directory HTOPRC=$directory/htoprc
printf 'fields=0 48 17 18 38 39 40 2 46 47 49 1\nhide_kernel_threads=0\nhide_userland_threads=1\ndelay=%s\n' \
    "$(awk -v d="$delay" 'BEGIN { printf "%d", d * 10 }')" >"$HTOPRC"

for count in ${TOP_PROCESSES:-2000 10000}; do
    start_sleepers "$count"
    tmux -L "$server" -f /dev/null new-session -d -x 120 -y 40 -s ours "$TEACHROOT top --delay $delay" {hold}>&-
    tmux -L "$server" new-session -d -x 120 -y 40 -s htop "htop -d $(awk -v d="$delay" 'BEGIN { printf "%d", d * 10 }')" {hold}>&-
    ours=$(tmux -L "$server" list-panes -t ours -F '#{pane_pid}')
    theirs=$(tmux -L "$server" list-panes -t htop -F '#{pane_pid}')
    sleep 6
    tmux -L "$server" capture-pane -p -t ours | grep -q 'F1Help' || { echo "top does not run"; exit 1; }
    ours_before=$(ticks "$ours") theirs_before=$(ticks "$theirs") memory_before=$(memory "$ours")
    sleep "$seconds"
    ours_after=$(ticks "$ours") theirs_after=$(ticks "$theirs") memory_after=$(memory "$ours")
    awk -v n="$count" -v a=$((ours_after - ours_before)) -v b=$((theirs_after - theirs_before)) -v s="$seconds" -v d="$delay" \
        -v hz="$(getconf CLK_TCK)" -v m0="$memory_before" -v m1="$memory_after" -v hm="$(memory "$theirs")" -v aim="$aim" 'BEGIN {
        refreshes = s / d
        printf "%d processes, every %s s: top %.1f ms a refresh, htop %.1f ms: %.2f of it (aim: at most %s)\n",
               n, d, 1000 * a / hz / refreshes, 1000 * b / hz / refreshes, b ? a / b : 0, aim
        printf "%d processes: memory %d KiB, after %d s %d KiB (aim: flat); htop %d KiB\n", n, m0, s, m1, hm }'
    tmux -L "$server" kill-server
    end_sleepers
done
