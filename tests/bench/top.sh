#!/bin/bash
# What a refresh of the panel costs beside htop's: processor time of both at the same delay, in one run, with thousands of processes; and whether memory stays flat.
# Both list every process, on screens of 40 rows and of 2000; and with as many, what watching a lab alone costs.
#   TOP_PROCESSES="2000 10000"  TOP_SECONDS=30  TOP_DELAY=1.5
set -eu
seconds=${TOP_SECONDS:-30} delay=${TOP_DELAY:-1.5} aim=0.4
directory=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
server=bench$$ servers=0
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

# A server that is ending takes no more sessions: the next ones get one of their own.
next_server() {
    tmux -L "$server" kill-server
    server=bench$$.$((servers += 1))
}

# How many processes the program in session $1 says there are.
listed() { tmux -L "$server" capture-pane -p -t "$1" | sed -n 's/.*Tasks:\{0,1\} *\([0-9]*\),.*/\1/p'; }

# Both with $1 processes on screens of $2 rows.
side_by_side() {
    local count=$1 rows=$2 session there
    tmux -L "$server" -f /dev/null new-session -d -x 120 -y "$rows" -s ours "$TEACHROOT top --delay $delay" {hold}>&-
    tmux -L "$server" new-session -d -x 120 -y "$rows" -s htop "htop -d $(awk -v d="$delay" 'BEGIN { printf "%d", d * 10 }')" {hold}>&-
    ours=$(tmux -L "$server" list-panes -t ours -F '#{pane_pid}')
    theirs=$(tmux -L "$server" list-panes -t htop -F '#{pane_pid}')
    sleep 6
    for session in ours htop; do
        for _ in $(seq 100); do
            there=$(listed "$session")
            [ "${there:-0}" -lt "$count" ] || break
            sleep 0.2
        done
        [ "${there:-0}" -ge "$count" ] || { echo "$session lists ${there:-no} processes of $count"; exit 1; }
    done
    ours_before=$(ticks "$ours") theirs_before=$(ticks "$theirs") memory_before=$(memory "$ours")
    sleep "$seconds"
    ours_after=$(ticks "$ours") theirs_after=$(ticks "$theirs") memory_after=$(memory "$ours")
    awk -v n="$count" -v r="$rows" -v a=$((ours_after - ours_before)) -v b=$((theirs_after - theirs_before)) -v s="$seconds" -v d="$delay" \
        -v hz="$(getconf CLK_TCK)" -v m0="$memory_before" -v m1="$memory_after" -v hm="$(memory "$theirs")" -v aim="$aim" 'BEGIN {
        refreshes = s / d
        printf "%d processes, %d rows, every %s s: top %.1f ms a refresh, htop %.1f ms: %.2f of it (aim: at most %s)\n",
               n, r, d, 1000 * a / hz / refreshes, 1000 * b / hz / refreshes, b ? a / b : 0, aim
        printf "%d processes, %d rows: memory %d KiB, after %d s %d KiB (aim: flat); htop %d KiB\n", n, r, m0, s, m1, hm }'
    next_server
}

# A lab of its own and the panel on it, each second, while the machine has $1 processes.
lab_alone() {
    local name program
    tmux -L "$server" -f /dev/null new-session -d -x 120 -y 40 -s lab "$TEACHROOT lab enter --new --offline -- sleep 1000" {hold}>&-
    program=$(tmux -L "$server" list-panes -t lab -F '#{pane_pid}')
    for _ in $(seq 300); do
        name=$("$TEACHROOT" lab ls | awk -v program="$program" '$2 == "running" && $4 == program { print $1 }')
        [ -z "$name" ] || break
        sleep 0.1
    done
    tmux -L "$server" new-session -d -x 120 -y 40 -s ours "$TEACHROOT top --delay 1 --scope lab:$name" {hold}>&-
    ours=$(tmux -L "$server" list-panes -t ours -F '#{pane_pid}')
    sleep 4
    tmux -L "$server" capture-pane -p -t ours | grep -q " lab $name " || { echo "top does not show the lab"; exit 1; }
    ours_before=$(ticks "$ours")
    sleep "$seconds"
    ours_after=$(ticks "$ours")
    awk -v n="$1" -v t=$((ours_after - ours_before)) -v hz="$(getconf CLK_TCK)" -v s="$seconds" \
        'BEGIN { printf "%d processes: top of a lab, every 1 s: %.2f%% of one core (aim: under 1%%)\n", n, 100 * t / hz / s }'
    next_server
    for _ in $(seq 100); do "$TEACHROOT" lab ls | grep -qw "$name" || break; sleep 0.1; done
}

for count in ${TOP_PROCESSES:-2000 10000}; do
    start_sleepers "$count"
    side_by_side "$count" 40
    side_by_side "$count" 2000 # more would measure curses, whose search for lines that moved takes the square of the rows
    lab_alone "$count"
    end_sleepers
done
