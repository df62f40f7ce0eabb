#!/usr/bin/env bats
# An ordinary user on a machine that systemd runs: labs with limits, in a group that the user's manager hands over. Runs as root of the machine that scripts/vm --systemd boots.

load ../common

# The user logs in, as by su(1) at a terminal: a session of its own, whose group is root's.
as_user() {
    su - learner -c "export TEACHROOT_TOOLS=$TEACHROOT_TOOLS TEACHROOT_LESSONS=$TEACHROOT_LESSONS; $1" 3>&-
}

# Groups and units of ours that are there, one a line. Read once the kernel has told systemd of the last exit.
left() {
    for _ in $(seq 100); do
        LEFT=$({
            find /sys/fs/cgroup -name 'teachroot*' -type d -not -name 'teachroot-vm*'
            as_user "systemctl --user list-units --all --plain --no-legend --type=scope,service 'teachroot*' 'run-*'"
            find /home/learner/.local/share/teachroot /run/user/*/teachroot -mindepth 2 -not -name .lock 2>/dev/null
        })
        [ -n "$LEFT" ] || return 0
        sleep 0.1
    done
}

nothing_is_left() {
    left
    echo "left behind: $LEFT"
    [ -z "$LEFT" ]
}

passes() { # COMMAND…: TAP or a summary without a failure, of more than nothing
    run as_user "$1"
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$(grep '^not ok' <<<"$output")" ]
}

# A lab that runs until it is removed, and the directory of its group, by the kernel's word.
start_lab() { # NAME [LAUNCHER]
    as_user "exec ${2-} $TEACHROOT lab enter --new --offline $1 -- sleep 1000" &
    for _ in $(seq 300); do
        INIT=$(pgrep -o -f -u learner '^sleep 1000') && break
        sleep 0.1
    done
    GROUP=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$INIT/cgroup")
    GROUP=${GROUP%/init}
}

teardown() {
    pkill -9 -u learner -f "lab enter" || true
}

@test "a login's own group is not the user's, and the user's manager has what lessons limit" {
    run as_user 'test -w /sys/fs/cgroup$(sed s/0::// /proc/self/cgroup)'
    [ "$status" -ne 0 ]
    run as_user 'cat /sys/fs/cgroup/user.slice/user-$UID.slice/user@$UID.service/cgroup.controllers'
    echo "$output"
    [ "$output" = "cpuset cpu io memory pids" ]
}

@test "a lab has its limits from a login, in a scope that is the program's alone, and another login's process joins it" {
    start_lab limits
    echo "$GROUP"
    [[ "$GROUP" == */user@*.service/app.slice/teachroot-*.scope/teachroot/limits ]]
    [ "$(cat "$GROUP/pids.max")" = 1024 ]
    [ "$(cat "$GROUP/memory.max")" = "$(awk '/^MemTotal/ { half = $2 * 512; print int((half < 2^30 ? half : 2^30) / 4096) * 4096 }' /proc/meminfo)" ]
    [ "$(cat "$GROUP/memory.swap.max" 2>/dev/null || echo 0)" = 0 ]
    [[ "$(cat "$GROUP/cgroup.controllers")" == *cpu*memory*pids* ]]
    run as_user "$TEACHROOT lab enter limits -- cat /proc/self/cgroup"
    echo "$output"
    [ "$output" = 0::/init ]
    # In the lab nobody raises them.
    run as_user "$TEACHROOT lab enter limits -- sh -c 'echo max >/sys/fs/cgroup/memory.max'"
    echo "$output"
    [ "$status" -ne 0 ]
    run as_user "$TEACHROOT lab rm limits"
    [ "$status" -eq 0 ]
    nothing_is_left
}

@test "a scope that was handed over is divided, and no other asked for; one with others in it is left to them" {
    start_lab mine "systemd-run --quiet --user --scope --unit=run-mine -p Delegate=yes -p MemoryMax=700M"
    echo "$GROUP"
    [[ "$GROUP" == */app.slice/run-mine.scope/teachroot/mine ]]
    [ "$(cat "${GROUP%/teachroot/mine}/memory.max")" = $((700 << 20)) ]
    [ -z "$(find /sys/fs/cgroup -name 'teachroot-*.scope')" ]
    as_user "$TEACHROOT lab rm mine"
    run as_user "systemd-run --quiet --user --scope --unit=run-theirs -p Delegate=yes sh -c '$TEACHROOT lab enter --new --offline -- true; cat /proc/self/cgroup'"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *run-theirs.scope ]]
    nothing_is_left
}

@test "killed at any moment, it leaves nothing" {
    for delay in 0 0.2 0.4 0.6 0.8 1 1.5 2 3; do
        as_user "exec $TEACHROOT lab enter --new --offline -- sleep 1000" &
        until pgrep -u learner -f "^$TEACHROOT lab enter"; do :; done
        sleep "$delay"
        pkill -9 -u learner -f "^$TEACHROOT lab enter"
        wait $! || true
    done
    as_user "$TEACHROOT lab gc" || true
    nothing_is_left
}

@test "doctor says what holds, with the manager and without; a lab starts all the same" {
    run as_user "$TEACHROOT doctor delegation memcg pidscg cpucg"
    echo "$output"
    [ "$(grep -c ' yes ' <<<"$output")" -eq 4 ]
    [[ "$output" == *"systemd gives a group"*memory* ]]
    nothing_is_left
    run as_user "unset XDG_RUNTIME_DIR; $TEACHROOT doctor delegation"
    echo "$output"
    [[ "$output" == *" no "*"XDG_RUNTIME_DIR is not set"* ]]
    run as_user "unset XDG_RUNTIME_DIR; $TEACHROOT lab enter --new --offline -- cat /proc/self/cgroup"
    echo "$output"
    [ "$status" -eq 0 ]
    nothing_is_left
}

@test "lesson 6 is proved from a login" {
    passes "$TEACHROOT test 6"
    [[ "$output" == *" 0 failed, 0 skipped, 0 not run"* ]]
    nothing_is_left
}

@test "lesson 6 plays from a login" {
    passes "$TEACHROOT play 6 --format tap"
    grep -q '^ok ' <<<"$output"
    nothing_is_left
}

@test "lesson 6 is proved and plays in a scope that the user asked for" {
    passes "systemd-run --quiet --user --scope -p Delegate=yes $TEACHROOT test 6"
    [[ "$output" == *" 0 failed, 0 skipped, 0 not run"* ]]
    passes "systemd-run --quiet --user --scope -p Delegate=yes $TEACHROOT play 6 --format tap"
    grep -q '^ok ' <<<"$output"
    nothing_is_left
}
