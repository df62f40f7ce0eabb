#!/usr/bin/env bats
# lsns against util-linux': in a pid namespace of the test's own, so that nothing comes and goes between the one and the other.

load common

# Namespaces of every kind: nested users with an empty one between, networks bound on files and with netnsids, a time and a cgroup namespace, a zombie,
# and a process whose words no terminal could show.
make_world() {
    cat >"$WORK/world" <<'WORLD'
mount -t tmpfs none "$WORK/mnt"
touch "$WORK/mnt/bound" "$WORK/mnt/again" "$WORK/mnt/with blank" "$WORK/mnt/uts"
unshare --user --map-root-user --mount --pid --fork --net --uts --ipc --mount-proc sh -c 'sleep 300 & sleep 300 & wait' &
unshare --user --map-root-user sh -c 'unshare --user --map-root-user sh -c "unshare --user --net sh -c \"echo ready >\\\$WORK/nested; exec sleep 300\" & exit 0"; exit 0'
unshare --net --uts sh -c '
    mount --bind /proc/self/ns/net "$WORK/mnt/bound"; mount --bind /proc/self/ns/net "$WORK/mnt/again"
    mount --bind /proc/self/ns/net "$WORK/mnt/with blank"; mount --bind /proc/self/ns/uts "$WORK/mnt/uts"
    exec sleep 300' &
unshare --cgroup --time --fork sleep 300 &
perl -e 'exec { "/bin/sh" } "sh", "-c", "sleep 300; :", "a b", "c\"d\\", "x\ny\t\001\xc3\xa9\xff\x7f", "", "\xe2\x82\xac", "\\x41", "last "' &
su nobody -s /bin/sh -c 'exec unshare --user sleep 300' &
perl -e 'if (!fork) { exit } $0 = "mother"; sleep 300' &
exec -a first sleep 300
WORLD
    unshare --mount --pid --fork --kill-child --mount-proc bash "$WORK/world" 3>&- >/dev/null 2>&1 &
    echo $! >"$WORK/unshare"
    # Everything is there when eight sleeps are.
    for _ in $(seq 300); do
        FIRST=$(pgrep -P "$(cat "$WORK/unshare")") && [ "$(inside pgrep -c '^sleep$')" -ge 8 ] && [ -e "$WORK/nested" ] &&
            [ "$(inside mount | grep -c nsfs)" = 4 ] && return
        sleep 0.1
    done
    inside ps -ef
    return 1
}

inside() {
    nsenter --target "$FIRST" --mount --pid --wdns="$WORK" "$@"
}

setup_file() {
    [ "$(id -u)" = 0 ] || skip "only root makes namespaces of every kind"
    export WORK FIRST TOOLS="$TEACHROOT_BUILD/teachroot-tools" THEIRS
    WORK=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    THEIRS=$(command -v lsns)
    chmod 755 "$WORK"
    mkdir "$WORK/mnt" "$WORK/ours"
    ln -s "$TOOLS" "$WORK/ours/lsns"
    export LC_ALL=C.UTF-8
    make_world
}

teardown_file() {
    [ -z "${FIRST:-}" ] || kill -9 "$FIRST"
    for _ in $(seq 100); do [ -e "/proc/$(cat "$WORK/unshare")" ] || break; sleep 0.05; done
    rm -rf "$WORK"
}

# Both with the same words; the same output, message and status. The lists name their own process too: the numbers of that are made the same.
same() {
    local ours theirs
    theirs=0
    inside env PATH="${THEIRS%/*}:$PATH" lsns "$@" >"$WORK/theirs.out" 2>"$WORK/theirs.err" || theirs=$?
    ours=0
    inside env PATH="$WORK/ours:$PATH" lsns "$@" >"$WORK/ours.out" 2>"$WORK/ours.err" || ours=$?
    diff "$WORK/theirs.out" "$WORK/ours.out" || { echo "lsns $*"; return 1; }
    diff <(grep -v '^Try ' "$WORK/theirs.err") <(grep -v ' --help` says' "$WORK/ours.err") || { echo "lsns $*"; return 1; }
    [ "$theirs" = "$ours" ] || { echo "lsns $*: $theirs, ours $ours"; return 1; }
    LINES_COMPARED=$((${LINES_COMPARED:-0} + $(wc -l <"$WORK/ours.out")))
}

# The pid and namespace of a process in the world.
pid_of() {
    inside pgrep -o -f "$1"
}
namespace_of() {
    inside stat -Lc %i "/proc/$(pid_of "$1")/ns/$2"
}

@test "lsns lists what util-linux' lsns lists, in every form" {
    for line in '' '-l' '-r' '-n' '-u' '-W' '-n -l' '-n -r' '-r -l' '-u -l -W' '--list --noheadings --notruncate'; do
        same $line
    done
    [ "$LINES_COMPARED" -gt 100 ]
}

@test "lsns -J gives the JSON of util-linux' lsns" {
    for line in '-J' '-J -l' '-J -T' '-J -Tparent' '-J -Tprocess' '-J --output-all' '-J -T --output-all' '-J -t net' '-J -t net -W' \
        '-J -t mnt -t user -T' '-J -o NS,NSFS,PNS,ONS,NETNSID,UID,PATH' '-J -p 1' '-J -p 99999' '-J -Tprocess -o NS,PID' '--json --type time'; do
        same $line
        diff <(jq -S . "$WORK/theirs.out") <(jq -S . "$WORK/ours.out")
    done
    [ "$(inside "$WORK/ours/lsns" -J --output-all | jq '[.. | objects | select(.ns)] | length')" -gt 20 ]
}

@test "every column of lsns, alone and together" {
    for column in NS TYPE PATH NPROCS PID PPID COMMAND UID USER NETNSID NSFS PNS ONS; do
        same -o "$column"
        same -T -o "$column,NS"
        same -o "+$column" -t net
    done
    same --output-all
    same --output-all -r
    same --output-all -T
    same --output-all -o NS
    same -o NS,NS,type,Pid
}

@test "lsns by type, by process and both" {
    for kind in mnt net ipc user pid uts cgroup time; do
        same -t "$kind"
        same -t "$kind" -T
        same -t "$kind" --tree=parent -o +PNS,ONS
    done
    same -t net -t mnt -t user
    for process in 1 "$(pid_of '^sh -c sleep 300 &')" "$(inside pgrep -n sleep)" "$(pid_of mother)" 0 -1; do
        for line in '-t user -T' '-t pid -Tparent -J' '-l'; do
            same -p "$process" $line
        done
    done
}

@test "lsns as trees: namespaces nobody is in are found between those that somebody is in" {
    for line in '-T' '--tree' '-Towner' '-Tparent' '--tree=process' '-T -r' '-T -n' '-T -l' '-l -Tparent' '-T -t net' '-T -t pid' '-Tparent -t net' \
        '-T -t user -o NS,PID,UID,USER,PATH,PPID,NPROCS,NETNSID,PNS,ONS' '-T -o PID,TYPE' '-Tprocess -o NS,TYPE'; do
        same $line
    done
    # The one between is there, with nobody in it.
    [ "$(inside "$WORK/ours/lsns" -T -t user -r -n -o NPROCS | grep -c '^0$')" -ge 1 ]
    LC_ALL=C same -T
    LC_ALL=C same "$(namespace_of '^sh -c sleep 300 &' pid)"
}

@test "lsns of one namespace lists its processes" {
    for namespace in "$(namespace_of '^sh -c sleep 300 &' pid)" "$(namespace_of '^sh -c sleep 300 &' user)" "$(namespace_of '^sh -c sleep 300 &' net)"; do
        for line in '' '-l' '-T' '-J' '-r' '-n' '-o PID,COMMAND,NS,NPROCS,NETNSID' '-o +PATH,NSFS' '-J -o PID' '-J -l' '-Tparent' '--output-all'; do
            same "$namespace" $line
        done
    done
    [ "$(inside "$WORK/ours/lsns" -n "$(namespace_of '^sh -c sleep 300 &' pid)" | wc -l)" -eq 3 ]
}

@test "what lsns is asked wrongly it refuses in the same words, with the same status" {
    for line in '-p abc' '-p' '-p 99999999999' '-p 0x1' 'abc' '0x10' '12345' '-J 12345' '-p 1 4026531837' '-t foo' '-t net,mnt' '-t network' '-o foo' \
        '-o +foo' '-o NS,foo' '-o foo,NS' '-o ,' '-o NS,' '-o ,NS' '-T foo' '--tree=foo' '-J -r' '-r -J' '-x' '--nonsense' '--t mnt' '-99'; do
        same $line
    done
    same -o ''
    same ''
    inside "$WORK/ours/lsns" --help | grep -q -- '--output-all'
    run inside sh -c '"$WORK/ours/lsns" >/dev/full'
    [ "$status" -eq 1 ]
    [[ "$output" == *"write error: No space left on device" ]]
}

@test "lsns shows another user what util-linux' lsns shows" {
    for line in '-t user' '-J -t net' '-p 1' '--output-all -l'; do
        # Not -T: util-linux' says nothing at all where a parent is out of sight. One after the other: each may look into the other's process, which is the same user's.
        inside su nobody -s /bin/sh -c "exec $THEIRS $line" | sed "s,$THEIRS,lsns,; s/[0-9]\{1,6\}\b/N/g; s/  */ /g" >"$WORK/theirs.out"
        inside su nobody -s /bin/sh -c "exec $WORK/ours/lsns $line" | sed "s,$WORK/ours/lsns,lsns,; s/[0-9]\{1,6\}\b/N/g; s/  */ /g" >"$WORK/ours.out"
        diff "$WORK/theirs.out" "$WORK/ours.out" ||
            { echo "$line"; return 1; }
    done
}

@test "on a terminal lsns cuts commands to its width, and not with -u" {
    SHELL_PID="$(pid_of '^sh -c sleep 300 &') -t pid -t mnt"
    for columns in 20 50 80 132; do
        for line in "-p $SHELL_PID" "-p $SHELL_PID -u" "-p $SHELL_PID -t net -o +PATH" "$(namespace_of '^sh -c sleep 300 &' pid)" "-p $SHELL_PID -o NS,COMMAND,USER"; do
            diff <(inside script -qec "stty cols $columns; $THEIRS $line" /dev/null </dev/null) \
                <(inside script -qec "stty cols $columns; $WORK/ours/lsns $line" /dev/null </dev/null) ||
                { echo "$columns: $line"; return 1; }
        done
    done
}

@test "lsns --explain names the calls that it makes, in their order" {
    inside "$WORK/ours/lsns" -t net -T --explain >"$WORK/explained"
    cat "$WORK/explained"
    for call in getdents64 readlinkat NS_GET_PARENT NS_GET_USERNS mountinfo RTM_GETNSID cmdline; do
        sed -n "s/^ *\([0-9]*\)\. .*$call.*/\1/p" "$WORK/explained" | head -n 1
    done >"$WORK/order"
    [ "$(wc -l <"$WORK/order")" -eq 7 ]
    sort -nc "$WORK/order"
    # What it says it does is what the kernel is asked, and what it does not say is not.
    inside strace -o "$WORK/trace" "$WORK/ours/lsns" -t net -T >/dev/null
    for call in getdents64 'readlinkat(.*ns/net' NS_GET_PARENT NS_GET_USERNS mountinfo NETLINK_ROUTE cmdline; do
        grep -q "$call" "$WORK/trace" || { echo "$call"; false; }
    done
    inside "$WORK/ours/lsns" -l -o NS --explain >"$WORK/explained"
    inside strace -o "$WORK/trace" "$WORK/ours/lsns" -l -o NS >/dev/null
    for call in NS_GET_PARENT NS_GET_USERNS mountinfo NETLINK_ROUTE RTM_GETNSID cmdline; do
        run grep -q "$call" "$WORK/explained" "$WORK/trace"
        [ "$status" -eq 1 ] || { echo "$call"; false; }
    done
}

@test "without proc lsns says so, and ends as util-linux' lsns" {
    run unshare --mount sh -c 'umount -l /proc && mount -t tmpfs none /proc && exec "$WORK/ours/lsns"'
    [ "$status" -eq 0 ]
    [[ "$output" == "lsns: /proc shows no process: is proc mounted"* ]]
}
