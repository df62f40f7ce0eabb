#!/usr/bin/env bats
# unshare and nsenter against util-linux's: the same command line leaves the same state, read from the kernel by tests/probe/state.c, and ends the same.

load common

setup_file() {
    make_learner
    export WORK=$DIR/work
    mkdir -p "$WORK/ours" "$WORK/theirs" "$WORK/root/proc" "$WORK/root/sub" "$WORK/names"
    for tool in unshare nsenter; do
        ln -s "$DIR/bin/teachroot-tools" "$WORK/ours/$tool"
        ln -s "/usr/bin/$tool" "$WORK/theirs/$tool"
    done
    gcc -D_GNU_SOURCE -O1 -static -o "$WORK/state" "$TEACHROOT_SOURCE/tests/probe/state.c"
    cp "$WORK/state" "$WORK/root/state"
    : >"$WORK/root/only-in-this-root"
    chmod -R a+rX "$DIR"
}

teardown_file() {
    remove_learner
}

# WHO LINE…: as root or as the learner; @STATE is the program that prints the state, @ROOT a root directory with one, @ALL a process in namespaces of its own,
# @OWN one of them without a user namespace, and in another root, @HERS one of the learner's, @NAME a file to bind a namespace on.
cases() {
    cat <<'CASES'
root unshare -m @STATE
root unshare -u @STATE
root unshare -i @STATE
root unshare -n @STATE
root unshare -p @STATE
root unshare -pf @STATE
root unshare -U @STATE
root unshare -C @STATE
root unshare -T @STATE
root unshare -Tf @STATE
root unshare -muinpUCTf @STATE
root unshare @STATE
root unshare -f @STATE
root unshare -mf --propagation slave @STATE
root unshare --mount --propagation shared @STATE
root unshare -m --propagation=unchanged @STATE
root unshare --propagation=slave @STATE
root unshare -p --fork --mount-proc @STATE
root unshare -pf --mount-proc=/proc --propagation slave @STATE
root unshare -pf --mount-proc --propagation unchanged @STATE
root unshare -pf --mount-proc=/sys @STATE
root unshare --kill-child @STATE
root unshare -p --kill-child=SIGTERM @STATE
root unshare --kill-child=int @STATE
root unshare --kill-child=rtmin+2 @STATE
root unshare -r @STATE
root unshare -c @STATE
root unshare --map-user=7 @STATE
root unshare --map-user=daemon --map-group=daemon @STATE
root unshare --map-group=8 @STATE
root unshare -r --map-user=3 @STATE
root unshare -U --setgroups deny @STATE
root unshare -U --setgroups allow @STATE
root unshare -r --setgroups deny @STATE
root unshare -r --setgroups allow @STATE
root unshare --setgroups deny @STATE
root unshare -r --keep-caps -S 0 @STATE
root unshare -U --keep-caps @STATE
root unshare -c --keep-caps @STATE
root unshare --keep-caps @STATE
root unshare -R @ROOT /state
root unshare -mR @ROOT -w /sub /state
root unshare -mpf -R @ROOT --mount-proc /state
root unshare -w /etc @STATE
root unshare -S 5 -G 6 @STATE
root unshare -G 6 @STATE
root unshare -r -S 0 @STATE
root unshare -r -G 0 @STATE
root unshare -T --boottime 8640000 @STATE
root unshare -Tf --boottime 8640000 --monotonic=864000 @STATE
root unshare -Tf --monotonic 864000 @STATE
root unshare -T --boottime=-864000000000 @STATE
root unshare --uts=@NAME @STATE
root unshare --ipc=@NAME -f @STATE
root unshare --net=@NAME --cgroup @STATE
root unshare --pid=@NAME -f @STATE
root unshare --pid=@NAME @STATE
root unshare --mount=@NAME @STATE
root unshare --mount=@NAME -pf @STATE
root unshare --user=@NAME -r @STATE
root unshare --user=@NAME -m @STATE
root unshare --time=@NAME -f @STATE
root unshare --uts=/nowhere/at/all @STATE
root unshare -m --uts=/nowhere/at/all @STATE
root unshare --mount --root @ROOT --wd / /state
root unshare --mo @STATE
root unshare --nonsense @STATE
root unshare -S
root unshare -S x @STATE
root unshare --monotonic 3 @STATE
root unshare --propagation nonsense @STATE
root unshare --setgroups nonsense @STATE
root unshare --kill-child=NONSENSE @STATE
root unshare --kill-child=9 @STATE
root unshare --map-users=1,2 @STATE
root unshare --map-users=1,2,x @STATE
root unshare --map-users=1,2,3,4 @STATE
root unshare --map-user=no.such.user @STATE
root unshare -R /nowhere @STATE
root unshare -w /nowhere @STATE
root unshare --mount-proc=/nowhere @STATE
root unshare /nowhere/program
root unshare -f /nowhere/program
root unshare -f /etc
root unshare /etc/passwd
root unshare -f sh -c exit\ 7
root unshare -f sh -c kill\ -TERM\ $$
root unshare -f sh -c kill\ -SEGV\ $$
root unshare -pf sh -c kill\ -TERM\ $$;exit\ 3
learner unshare -r @STATE
learner unshare -c @STATE
learner unshare -U @STATE
learner unshare -m @STATE
learner unshare -rm @STATE
learner unshare -rmuinpCTf --mount-proc @STATE
learner unshare -r --mount-proc @STATE
learner unshare -rp --mount-proc @STATE
learner unshare --map-auto @STATE
learner unshare -r --map-auto @STATE
learner unshare -c --map-auto -f @STATE
learner unshare --map-user=5 --map-auto @STATE
learner unshare --map-users=auto @STATE
learner unshare --map-groups=auto -r @STATE
learner unshare --map-users=@SUB,0,5 --map-groups=@SUB,10,7 @STATE
learner unshare --map-users=@SUB,3,5 --map-user=4 @STATE
learner unshare --map-users=@SUB,3,5 --map-user=4 --map-groups=@SUB,3,5 --map-group=4 -S 4 -G 4 @STATE
learner unshare -r --map-auto -S 3 -G 4 --keep-caps @STATE
learner unshare -r --map-auto --setgroups deny @STATE
learner unshare --map-users=0,0,5 @STATE
learner unshare -r -G 0 @STATE
learner unshare -rR @ROOT /state
learner unshare -rm --user=@NAME @STATE
root nsenter @STATE
root nsenter -t @ALL -a @STATE
root nsenter -t @OWN -a @STATE
root nsenter --target @ALL --mount @STATE
root nsenter -t @ALL -u @STATE
root nsenter -t @ALL -i @STATE
root nsenter -t @ALL -n @STATE
root nsenter -t @ALL -p @STATE
root nsenter -t @ALL -C @STATE
root nsenter -t @ALL -U @STATE
root nsenter -t @ALL -T @STATE
root nsenter -t @ALL -pF @STATE
root nsenter -t @ALL -pm @STATE
root nsenter -t @ALL -aF @STATE
root nsenter -t @ALL -U --preserve-credentials @STATE
root nsenter -t @ALL -U -S 0 @STATE
root nsenter -t @ALL -U -S 5 @STATE
root nsenter -t @ALL -U -G 5 --preserve-credentials @STATE
root nsenter -t @ALL -n -S 3 -G 4 @STATE
root nsenter -S 3 @STATE
root nsenter -G 4 @STATE
root nsenter -t @OWN -m /state
root nsenter -t @OWN -r /state
root nsenter -t @OWN -mr /state
root nsenter -t @OWN -mrw /state
root nsenter -t @OWN -mw @STATE
root nsenter -t @OWN -w @STATE
root nsenter -t @OWN -ar /state
root nsenter -t @OWN -ar --wdns=/sub /state
root nsenter -r@ROOT /state
root nsenter -r@ROOT -w@ROOT/sub /state
root nsenter --root=@ROOT -W /sub /state
root nsenter -w/etc @STATE
root nsenter -W /etc @STATE
root nsenter -W /nowhere @STATE
root nsenter -w/nowhere @STATE
root nsenter --uts=/proc/@ALL/ns/uts --net=/proc/@OWN/ns/net @STATE
root nsenter -u/proc/@ALL/ns/uts @STATE
root nsenter -t @OWN -a --uts=/proc/@ALL/ns/uts @STATE
root nsenter -t @ALL -u/proc/@ALL/ns/net @STATE
root nsenter -t @ALL -m/etc/passwd @STATE
root nsenter -t @OWN -U @STATE
root nsenter -t @ALL -uZ @STATE
root nsenter -t @ALL -w/tmp -W /tmp @STATE
root nsenter -m @STATE
root nsenter -r @STATE
root nsenter -w @STATE
root nsenter -a @STATE
root nsenter -t x -m @STATE
root nsenter -t 4194305 -m @STATE
root nsenter -t 4194305 @STATE
root nsenter --nonsense
root nsenter -t
root nsenter -S x @STATE
root nsenter -t @ALL -u /nowhere/program
root nsenter -t @ALL -p /etc/passwd
root nsenter -t @ALL -p sh -c exit\ 9
root nsenter -t @ALL -p sh -c kill\ -TERM\ $$
learner nsenter -t @HERS -a @STATE
learner nsenter -t @HERS -U @STATE
learner nsenter -t @HERS -Um --preserve-credentials @STATE
learner nsenter -t @HERS -UmupiCTn @STATE
learner nsenter -t @HERS -m @STATE
learner nsenter -t @OWN -m @STATE
learner nsenter -t @ALL -a @STATE
learner nsenter -S 0 @STATE
learner nsenter -G 0 @STATE
CASES
}

inodes() { # PID
    stat -L -c %i "/proc/$1/ns/"{mnt,pid,net,ipc,uts,user,cgroup,time} | tr '\n' ' '
}

# The one child of @1, once it is the waiting probe.
waiting_child() {
    local child
    for _ in $(seq 600); do
        child=$(pgrep -P "$1" -x state) && { echo "$child"; return; }
        sleep 0.05
    done
    return 1
}

# One line with the tool of one side: into $OUT its state, whether it said anything, and how it ended.
run_line() { # SIDE WHO WORD…
    local side=$1 who=$2 tool=$3 status=0 name="$WORK/names/name" become=()
    shift 3
    [ "$who" = root ] || become=(setpriv --reuid "$LEARNER" --regid "$LEARNER" --clear-groups --)
    "${become[@]}" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C CALLER="$CALLER" TARGET="$TARGET" \
        "$WORK/$side/$tool" "$@" >"$WORK/$side.out" 2>"$WORK/$side.err" || status=$?
    OUT="$(<"$WORK/$side.out") status: $status"
    [ ! -s "$WORK/$side.err" ] || OUT+=", said something"
    # A namespace that lives on in its file is one like any other.
    if [[ "$*" == *"$name"* ]]; then
        OUT+=", a file of $(stat -f -c %T "$name")"
        umount "$name" 2>/dev/null || true
        rm -f "$name"
        : >"$name"
    fi
}

compare_lines() {
    local who words all own hers ours theirs count=0 bad=0 name="$WORK/names/name" first sub said
    local all_parent own_parent hers_parent all_inodes own_inodes hers_inodes
    mount --make-rshared /
    mount -t tmpfs names "$WORK/names"
    mount --make-private "$WORK/names"
    chmod 777 "$WORK/names"
    sub=$(awk -F: -v user="$LEARNER" '$1 == user { print $2; exit }' /etc/subuid)
    unshare -muinpUCTrf --mount-proc --kill-child=KILL -w /usr "$WORK/state" wait &
    all_parent=$!
    unshare -muinpCTf --kill-child=KILL -R "$WORK/root" -w /sub /state wait &
    own_parent=$!
    setpriv --reuid "$LEARNER" --regid "$LEARNER" --clear-groups unshare -muinpUCTrf --kill-child=KILL "$WORK/state" wait &
    hers_parent=$!
    all=$(waiting_child $all_parent) && own=$(waiting_child $own_parent) && hers=$(waiting_child $hers_parent) || bad=1
    CALLER=$(inodes self)
    all_inodes=$(inodes "$all")
    own_inodes=$(inodes "$own")
    hers_inodes=$(inodes "$hers")
    : >"$name"
    cd /usr || bad=1
    while [ $bad -eq 0 ] && read -r who first words; do
        TARGET=$all_inodes
        [[ $words != *@OWN* ]] || TARGET=$own_inodes
        [[ $words != *@HERS* ]] || TARGET=$hers_inodes
        words=${words//@STATE/$WORK/state}
        words=${words//@ROOT/$WORK/root}
        words=${words//@NAME/$name}
        words=${words//@ALL/$all}
        words=${words//@OWN/$own}
        words=${words//@HERS/$hers}
        words=${words//@SUB/$sub}
        # `\ ` is a space within a word, kept out of the way of splitting.
        words=${words//\\ /$'\001'}
        # shellcheck disable=SC2086 # words on purpose
        set -- $words
        set -- "${@//$'\001'/ }"
        run_line theirs "$who" "$first" "$@"
        theirs=$OUT
        run_line ours "$who" "$first" "$@"
        ours=$OUT
        # With a fork the file is bound while the program runs already: it sees the mount or not, with either.
        if [[ "$words " == *"=$name -"*"f "* ]]; then
            theirs=$(grep -v ' nsfs nsfs ' <<<"$theirs")
            ours=$(grep -v ' nsfs nsfs ' <<<"$ours")
        fi
        count=$((count + 1))
        if [ "$ours" != "$theirs" ]; then
            printf -- '--- %s: %s %s\n' "$who" "$first" "$words"
            diff <(echo "$theirs") <(echo "$ours")
            cat "$WORK/theirs.err" "$WORK/ours.err"
            echo "$first $words" >>"$WORK/differ"
        fi
        mapfile -t said <"$WORK/ours.err"
        if [ "${#said[@]}" -gt 2 ]; then
            echo "--- $first $words: more than two lines on stderr"
            cat "$WORK/ours.err"
            echo "$first $words" >>"$WORK/differ"
        fi
    done < <(cases)
    kill -KILL $all_parent $own_parent $hers_parent
    echo "$count lines compared"
    [ $bad -eq 0 ] && [ "$count" -ge 40 ] && [ ! -s "$WORK/differ" ]
}

@test "the same command lines leave the same state as util-linux's" {
    [ "$(id -u)" = 0 ] || skip "only root can make the namespaces that are compared"
    export -f cases inodes waiting_child run_line compare_lines
    # A mount namespace of its own, whose mounts can be shared without anything outside seeing them, and in it processes that end with it.
    # On one processor: Linux 6.18 numbers namespaces per processor and binds a mount namespace only where its number is higher than that of the
    # one it is bound in, so whether --mount=FILE succeeds would be chance.
    local cpu
    cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
    taskset -c "$cpu" unshare --mount --pid --fork --mount-proc --kill-child bash -c compare_lines
}

# The calls that change something, in order and without what they are given.
calls() {
    grep -oE '\b(unshare|setns|chroot|chdir|fchdir|mount|setgroups|setgid|setuid|prctl|capset|pidfd_open)\(' | tr -d '(' | tr '\n' ' '
}

@test "--explain names the calls that the same line then makes, in their order" {
    [ "$(id -u)" = 0 ] || skip "only root can run them all"
    command -v strace >/dev/null || skip "there is no strace here to see them with"
    local line traced explained
    while read -r line; do
        # shellcheck disable=SC2086 # words on purpose
        explained=$("$WORK"/ours/${line/ / --explain } /bin/true | grep '^ *[0-9]*\. ' | calls)
        # shellcheck disable=SC2086
        traced=$(strace -f -qq -e signal=none \
            -e trace=unshare,setns,chroot,chdir,fchdir,mount,setgroups,setgid,setuid,prctl,capset,pidfd_open \
            "$WORK"/ours/$line /bin/true 2>&1 | calls)
        echo "$line: $explained"
        [ -n "$explained" ]
        [ "$explained" = "$traced" ] || { echo "but it made: $traced"; false; }
    done <<LINES
unshare -m
unshare -muinpCTf --mount-proc
unshare -r -m --propagation slave --kill-child
unshare -pf --mount-proc --propagation unchanged
unshare -m -R / -w /tmp -S 3 -G 4
unshare -m -R /
nsenter -t $$ -u -n
nsenter -t $$ -a -r -w
nsenter -t $$ -m -r
nsenter -u/proc/$$/ns/uts -i/proc/$$/ns/ipc -W /tmp -S 1 -G 2
nsenter -r/ -w/tmp
LINES
}

@test "--explain does nothing" {
    local name="$WORK/explained"
    : >"$name"
    run "$WORK/ours/unshare" --explain --uts="$name" --mount --fork touch "$WORK/touched"
    echo "$output"
    [ "$status" -eq 0 ]
    [ ! -e "$WORK/touched" ]
    [ "$(stat -f -c %T "$name")" = "$(stat -f -c %T "$WORK")" ]
    [[ "$output" == *"unshare(CLONE_NEWNS|CLONE_NEWUTS)"*"-m, --mount: "*"execve("* ]]
}

@test "every option of util-linux's is in our --help" {
    local tool option
    for tool in unshare nsenter; do
        "$WORK/ours/$tool" --help >"$WORK/help"
        for option in $("$WORK/theirs/$tool" --help | grep -oE '^ +(-.[,.] )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
            grep -qE -- "$option( |=|\[|$)" "$WORK/help" || { echo "$tool $option"; false; }
        done
    done
}

@test "the tools load nothing but libc, and libjansson, by which docker reads its images" {
    [ "$("$TEACHROOT_BUILD/teachroot-tools" ldd "$TEACHROOT_BUILD/teachroot-tools" | grep '=>' | grep -cvE 'lib(c|jansson)\.so')" -eq 0 ] ||
        [ -n "$(nm -D "$TEACHROOT_BUILD/teachroot-tools" | grep __asan_init)" ]
}
