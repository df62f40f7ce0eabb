#!/usr/bin/env bats
# The tools for control groups against the originals: the same command lines, run by each, must leave the kernel in the same state and print the same.

load common

setup_file() {
    export DIR GROUP
    DIR=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    GROUP=teachroot/cgtest$$
    mkdir "$DIR/ours"
    for tool in cgcreate cgclassify cgexec cgset cgget cgdelete lscgroup; do
        ln -s "$TEACHROOT_TOOLS" "$DIR/ours/$tool"
    done
}

teardown() {
    [ -z "${SLEEPER-}" ] || kill "$SLEEPER" 2>/dev/null || true
    remove_groups
}

teardown_file() {
    remove_groups
    rm -rf "$DIR"
}

# Every directory of this test's group, deepest first; who is still in it goes up first.
remove_groups() {
    find /sys/fs/cgroup -depth -type d -path "*/$GROUP*" 2>/dev/null | while read -r dir; do
        [ ! -e "$dir/freezer.state" ] || echo THAWED >"$dir/freezer.state"
        while read -r pid; do echo "$pid" >"${dir%/*}/cgroup.procs" || true; done <"$dir/cgroup.procs"
        rmdir "$dir" || true
    done 2>/dev/null
    rmdir /sys/fs/cgroup/*/teachroot /sys/fs/cgroup/teachroot 2>/dev/null || true
}

needs_v1() {
    [ -e /sys/fs/cgroup/cpu/tasks ] && [ -e /sys/fs/cgroup/memory/tasks ] || skip "cgroup v1 is not mounted here"
    [ "$(id -u)" = 0 ] || skip "only root may make groups in cgroup v1"
}

# What the kernel has now: every group with every file's owner and mode, the settings, and where the sleeper is.
state() {
    local dirs
    mapfile -t dirs < <(find /sys/fs/cgroup/*/teachroot /sys/fs/cgroup/teachroot -type d -path "*/$GROUP*" 2>/dev/null | sort)
    [ ${#dirs[@]} -eq 0 ] || find "${dirs[@]}" -maxdepth 1 -type f -printf '%p %U:%G %m\n' | sort
    [ ${#dirs[@]} -eq 0 ] || find "${dirs[@]}" -maxdepth 0 -printf '%p %U:%G %m\n'
    [ ${#dirs[@]} -eq 0 ] || grep -rsH --include={cpu.max,cpu.weight,memory.max,memory.high,cgroup.freeze,cgroup.subtree_control,cpu.shares,cpu.cfs_*,memory.*limit_in_bytes,memory.swappiness,pids.max,freezer.state,cpuset.cpus,cpuset.mems,blkio.bfq.weight,devices.list} '' "${dirs[@]}" | sort
    sed 's/^/sleeper /' "/proc/$SLEEPER/cgroup"
}

# Each line of $DIR/lines by the tools in $1, with output, status and state after each, into $2. Messages are each program's own words: only that there are some is compared.
play_lines() {
    sleep 1000 3>&- &
    SLEEPER=$!
    while read -r line; do
        echo "\$ $line"
        status=0
        PID=$SLEEPER PATH=$1:$PATH bash -c "$line" >"$DIR/stdout" 2>"$DIR/stderr" 3>&- </dev/null || status=$?
        echo "status $status"
        # How many periods have gone by depends on when it is asked.
        sed -E 's/\bnr_periods [0-9]+$/nr_periods …/' "$DIR/stdout"
        [ ! -s "$DIR/stderr" ] || echo "(it says something)"
        state
    done <"$DIR/lines" >"$2"
    kill "$SLEEPER"
    wait "$SLEEPER" 2>/dev/null || true
    SLEEPER=
    remove_groups
}

compare_lines() {
    sed "s|@|$GROUP|g" >"$DIR/lines"
    play_lines /usr/bin "$DIR/theirs.out"
    play_lines "$DIR/ours" "$DIR/ours.out"
    diff "$DIR/theirs.out" "$DIR/ours.out"
}

@test "making and removing groups is the same as with cgroup-tools" {
    needs_v1
    compare_lines <<'LINES'
cgcreate -g cpu,memory:/@
cgcreate -g cpu,memory:/@
cgcreate -g cpu:@/a/b/c
cgcreate -g pids:@ -g freezer:/@/x
cgcreate -g cpu,memory,blkio,devices,freezer:/@/sandbox
cgcreate -g '*:/@/all'
cgcreate -g nosuch:/@/n
cgcreate -g cpu,nosuch:/@/n
cgcreate -f 777 -g cpu:/@/f
cgcreate -f 600 -d 711 -s 620 -g cpu,pids:/@/m
cgcreate -d 700 -g cpu:/@/d
cgcreate -t nobody:nogroup -g memory:/@/t
cgcreate -a nobody:nogroup -g cpu:/@/o
cgcreate -a nobody -t root:nogroup -s 664 -g cpu:/@/p/q
cgcreate --dperm=750 --fperm=640 --tperm=660 -g cpu:/@/long
cgcreate -d 9 -g cpu:/@/n >/dev/null 2>&1
cgcreate -g cpu
cgcreate
cgcreate word
lscgroup -g cpu:/@
lscgroup cpu:@
lscgroup -g memory:/@ -g pids:@
lscgroup -g cpu:/@/nosuch
lscgroup nosuch:/
cgdelete -g cpu:/@
cgdelete cpu:/@/a/b/c
cgdelete -g cpu:/@/f cpu:/@/m -g cpu:/@/d
cgdelete -r -g cpu:/@/a
cgdelete cpu:/@/nosuch
cgdelete nosuch:/@
cgdelete word
cgdelete -r cpu:@
lscgroup cpu:@
LINES
}

@test "moving processes and running programs is the same as with cgroup-tools" {
    needs_v1
    compare_lines <<'LINES'
cgcreate -g cpu,memory,pids,freezer:/@ -g cpu,pids:/@/b
cgclassify -g cpu,memory:/@ $PID
cgclassify -g cpu:@/b -g pids:@ $PID
cgclassify --sticky -g cpu:@ $PID
cgclassify --cancel-sticky -g cpu:@/b $PID
cgclassify -g cpu:@/nosuch $PID
cgclassify -g nosuch:@ $PID
cgclassify -g cpu:@ 99999999
cgclassify -g cpu:@ word
cgclassify -g cpu:@ 99999999 $PID
cgclassify -g freezer:@ $PID $PID
cgdelete cpu:@/b
cgdelete freezer:@
cgexec -g cpu:@ -g memory:@ cat /proc/self/cgroup
cgexec -g pids:@/b -- cat /proc/self/cgroup
cgexec -g cpu:@ sh -c 'exit 7'
cgexec --sticky -g cpu:@ sh -c 'kill -9 $$'
cgexec -g cpu:@ ls -d /
cgexec -g cpu:@/nosuch true
cgexec -g nosuch:@ true
cgexec -g cpu:@ /no/such/program
cgexec
LINES
}

@test "writing and reading files is the same as with cgroup-tools" {
    needs_v1
    compare_lines <<'LINES'
cgcreate -g cpu,memory,pids,freezer,cpuset,blkio,devices:/@ -g cpu,pids:/@/b
cgset -r cpu.shares=512 @
cgset -r cpu.shares=1 @
cgset -r cpu.shares=300 @ @/b
cgset -r cpu.cfs_period_us=100000 -r cpu.cfs_quota_us=5000 @
cgset -r memory.limit_in_bytes=80M @
cgset -r memory.limit_in_bytes=64M -r memory.soft_limit_in_bytes=32M @
cgset -r memory.limit_in_bytes=-1 @
cgset -r memory.swappiness=10 @
cgset -r pids.max=10 /@/b
cgset -r pids.max=max @/b
cgset -r freezer.state=FROZEN @
cgset -r freezer.state=THAWED @
cgset -r cpuset.mems=0 -r cpuset.cpus=0 @
cgset -r blkio.bfq.weight=200 @
cgset -r cpu.shares=word @
cgset -r cpu.nosuch=1 @
cgset -r nosuch.file=1 @
cgset -r cpu.shares=1 @/nosuch
cgset -r cpu.shares= @
cgset -r cpu.shares=1
cgset @
cgset --copy-from @ @/b
cgset --copy-from=@ -r cpu.shares=3 @/b
cgget -g cpu:/@
cgget -n -g cpu:@
cgget -nv -g cpu:@
cgget -g cpu:@ -g pids:@/b
cgget -g pids @
cgget -g pids -g cpu @/b
cgget -r cpu.shares @
cgget -r cpu.shares -r pids.max /@ @/b
cgget -v -r cpu.shares @
cgget --variable cpu.shares --values-only @
cgget -r devices.list @
cgget -r freezer.state @
cgget -nv -r memory.numa_stat @
cgget -a @/b
cgget --all @/b
cgget @/b
cgget -r cpu.nosuch @
cgget -r cpu.shares -r cpu.nosuch @
cgget -r cpu.shares @/nosuch
cgget -r word @
cgget -r cpu.shares
cgget
cgget -r cpu.shares -g cpu:@
cgget -g nosuch:@ 2>/dev/null
cgget -g cpu:@/nosuch
LINES
}

@test "on version 2 it is the same as with cgroup-tools" {
    [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "cgroup v2 is not mounted at /sys/fs/cgroup here"
    [ "$(id -u)" = 0 ] || skip "the group is made at the top"
    # As any use of the machine leaves it: cgroup-tools make no groups for a controller that the top does not hand down.
    echo "+cpu +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
    # What changes nothing shares a line: the state is looked at after each. Without -t and -s, which cgroup-tools do nothing for where there is no file `tasks`; ours set cgroup.procs.
    compare_lines <<'LINES'
cgcreate -g cpu,memory,pids:/@
cgcreate -g cpu,memory,pids:/@/a
cgcreate -a nobody:nogroup -g cpu:/@/o
cgcreate -d 711 -f 600 -g pids:/@/m
cgcreate -g nosuch:/@/n; echo $?; lscgroup -g cpu:/@; echo $?; lscgroup cpu:@/nosuch
cgclassify -g cpu,memory:/@/a $PID
cgclassify -g cpu:@/nosuch $PID; echo $?; cgclassify -g pids:@/a 99999999
cgexec -g cpu,pids:@/a cat /proc/self/cgroup
cgexec -g cpu:@/a sh -c 'exit 7'
cgset -r cpu.max="5000 100000" @/a
cgset -r cpu.weight=50 @/a
cgset -r memory.max=80M -r memory.high=64M @/a
cgset -r pids.max=10 /@/a
cgset -r pids.max=word @/a; echo $?; cgset -r cpu.nosuch=1 @/a
cgset -r cgroup.freeze=1 @/a; cgset -r cgroup.freeze=0 @/a
cgset --copy-from @/a @/m
cgget -r cpu.max @/a; echo $?; cgget -r cpu.weight -r memory.max @/a; echo $?; cgget -nv -r memory.high @/a; echo $?; cgget -n -r pids.max @/a @/m; echo $?; cgget -r cpu.max @/nosuch; echo $?; cgget -n -g pids:@/m
cgdelete -g pids:/@/m
cgdelete -g cpu,memory,pids:/@/a
cgdelete -r cpu:@
lscgroup cpu:@
LINES
}
