#!/usr/bin/env bats
# chroot and pivot_root against coreutils' and util-linux': the same state afterwards, read from /proc by the program they run, and the same status.

load common

setup_file() {
    [ "$(id -u)" = 0 ] || skip "chroot and pivot_root are root's"
    export WORK TOOLS="$TEACHROOT_BUILD/teachroot-tools" THEIR_CHROOT THEIR_PIVOT LC_ALL=C.UTF-8
    WORK=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    THEIR_CHROOT=$(command -v chroot)
    THEIR_PIVOT=$(command -v pivot_root)
    chmod 755 "$WORK"
    mkdir -p "$WORK/ours" "$WORK/theirs" "$WORK/root/etc" "$WORK/root/dir" "$WORK/root/proc" "$WORK/root/old" "$WORK/broken/bin"
    ln -s "$TOOLS" "$WORK/ours/chroot"
    ln -s "$TOOLS" "$WORK/ours/pivot_root"
    ln -s "$THEIR_CHROOT" "$WORK/theirs/chroot"
    ln -s "$THEIR_PIVOT" "$WORK/theirs/pivot_root"
    # In the root the names have other numbers than outside, and one exists only there.
    printf 'root:x:0:0::/:/bin/sh\nnobody:x:4321:4322::/:/bin/sh\ninside:x:77:78::/:/bin/sh\n' >"$WORK/root/etc/passwd"
    printf 'root:x:0:\ndaemon:x:501:inside\nclub:x:502:inside,nobody\n' >"$WORK/root/etc/group"
    printf 'passwd: files\ngroup: files\n' >"$WORK/root/etc/nsswitch.conf"
    "$TOOLS" ldcopy sh cat grep stat readlink pwd env mount umount id sed sort "$WORK/root" >/dev/null
    cat >"$WORK/root/state" <<'STATE'
#!/bin/sh
# Who, where and with what: of the process that was started.
pwd; stat -c 'root %d:%i' /; stat -c 'cwd %d:%i' .
sed -n 's/^\(Uid\|Gid\|Groups\|Cap...\|NoNewPrivs\):/\1/p' /proc/self/status
for kind in mnt pid net ipc uts user cgroup time; do readlink "/proc/self/ns/$kind"; done
echo "$# $*"; echo "$0"; env | grep -v '^_=\|^PWD=\|^OLDPWD=\|^PATH=' | sort
STATE
    chmod 755 "$WORK/root/state"
    cp "$WORK/root/state" "$WORK/state"
    cp /bin/true "$WORK/broken/bin/true"
    printf '#!/bin/nothing here\n' >"$WORK/broken/script"
    cp "$TOOLS" "$WORK/broken/text"
    echo text >"$WORK/broken/text"
    chmod 755 "$WORK/broken/script" "$WORK/broken/text" "$WORK/broken"
}

teardown_file() {
    rm -rf "$WORK"
}

# The same line by each, in a mount namespace where /proc is in the root; output, first lines of messages and status.
same_chroot() {
    local who
    for who in theirs ours; do
        unshare --mount --propagation private sh -c 'mount --rbind /proc "$WORK/root/proc" && cd "$WORK" && tool=$1 && shift &&
            PATH="$WORK/$tool:$PATH" exec chroot "$@"' sh "$who" "$@" </dev/null >"$WORK/$who.out" 2>"$WORK/$who.err"
        echo "$?" >>"$WORK/$who.out"
    done || true
    # The mount namespace is each time another one.
    diff <(sed 's/^mnt:.*/mnt/' "$WORK/theirs.out") <(sed 's/^mnt:.*/mnt/' "$WORK/ours.out") || { echo "chroot $*"; cat "$WORK/ours.err"; return 1; }
    diff <(grep -v '^Try ' "$WORK/theirs.err") <(grep -v ' --help` says\|is there; ' "$WORK/ours.err") || { echo "chroot $*"; return 1; }
}

@test "chroot leaves the root, cwd, ids, groups, capabilities and environment that coreutils' chroot leaves" {
    for options in '' '--userspec=nobody' '--userspec=nobody:club' '--userspec=nobody:' '--userspec=:club' '--userspec=inside' '--userspec=inside:daemon' \
        '--userspec=1234:5678' '--userspec=+0:+5' '--userspec=77' '--userspec=nobody.club' '--userspec=:' '--userspec=' '--groups=' '--groups=club,daemon' \
        '--groups=1,2,3' '--groups=+7' '--groups=club,99' '--userspec=nobody --groups=' '--userspec=inside --groups=5,6' '--userspec=1234:5 --groups=club' \
        '--user=3:4 --group=9' '--groups=bin'; do
        # shellcheck disable=SC2086
        same_chroot $options "$WORK/root" /state one 'two three'
        grep -q '^Uid' "$WORK/ours.out" || { echo "chroot $options"; cat "$WORK/ours.err"; return 1; }
    done
}

@test "chroot to the root there is, with and without --skip-chdir" {
    for options in '' '--skip-chdir' '--userspec=nobody' '--skip-chdir --userspec=nobody:daemon --groups=bin'; do
        # shellcheck disable=SC2086
        same_chroot $options / "$WORK/state"
        # shellcheck disable=SC2086
        same_chroot $options /tmp/../ "$WORK/state"
    done
    [ "$(cd "$WORK" && ours/chroot --skip-chdir / pwd)" = "$WORK" ]
    same_chroot --skip-chdir "$WORK/root" /state
}

@test "what chroot cannot do it says in coreutils' words, with its status" {
    for line in '' '/nonexistent' '/etc/passwd true' "$WORK/root nope" "$WORK/root /state/x" "$WORK/root /etc/passwd" '/ /etc/passwd' '--foo / true' '-x' '--userspec' \
        '--userspec=nouser / id' '--userspec=root:nogroupofthis / id' '--userspec=1234 / id' '--userspec=1234: / id' '--userspec=-1 / id' '--userspec=99999999999 / id' \
        '--userspec=x:y / id' '--userspec=nobody.nope / id' '--groups=foo / id' '--groups=1,foo,bar / id' '--groups=, / id' '--groups=-5 / id' \
        "--groups=foo $WORK/root /state" "--userspec=nouser $WORK/root /state" "--userspec=games $WORK/root /state" "--userspec=games:video $WORK/root /state" "$WORK/broken /bin/true" "$WORK/broken true" "$WORK/broken /script" "$WORK/broken /text"; do
        # shellcheck disable=SC2086
        same_chroot $line
    done
    same_chroot ''
    same_chroot / sh -c 'exit 3'
    same_chroot / sh -c 'kill -9 $$'
    for tool in ours theirs; do
        run setpriv --reuid 65534 --clear-groups "$WORK/$tool/chroot" / true
        echo "${output##*/}" >>"$WORK/denied"
        [ "$status" -eq 125 ]
    done
    [ "$(sort -u "$WORK/denied" | wc -l)" -eq 1 ]
}

@test "without a command chroot runs the user's shell, interactively" {
    for shell in /bin/echo /nope ''; do
        SHELL=$shell same_chroot /
    done
    run env -u SHELL "$WORK/ours/chroot" --explain /
    [[ "$output" == *'execve("/bin/sh", ["/bin/sh", "-i"])'* ]]
}

# A pivot_root in a mount namespace of its own, by each: PREPARATION NEW_ROOT PUT_OLD. The state is that of the shell it leaves.
same_pivot() {
    local who
    for who in theirs ours; do
        unshare --mount --propagation private sh -c '
            pivot="$WORK/$1/pivot_root"; cd "$WORK"; eval "$2"
            "$pivot" "$3" "$4"; echo "status $?"
            pwd -P; stat -c "root %i" /; stat -c "cwd %i" .; sed "s/^[0-9]* [0-9]* [0-9:]* //; s,teachroot[^ ]*,W,g" /proc/self/mountinfo /old/proc/self/mountinfo 2>/dev/null | sort
            ' sh "$who" "$@" </dev/null >"$WORK/$who.out" 2>"$WORK/$who.err"
    done || true
    grep -q '^root' "$WORK/ours.out" || { cat "$WORK/ours.err"; return 1; }
    diff "$WORK/theirs.out" "$WORK/ours.out" || { echo "pivot_root: $*"; cat "$WORK/ours.err"; return 1; }
    diff "$WORK/theirs.err" <(head -n "$(wc -l <"$WORK/theirs.err")" "$WORK/ours.err")
    [ -z "${5:-}" ] || grep -q -- "$5" "$WORK/ours.err" || { echo "pivot_root: $*: does not say $5"; cat "$WORK/ours.err"; return 1; }
}

@test "pivot_root leaves the mounts and the root that util-linux' pivot_root leaves" {
    same_pivot 'mount --bind root root; mount --rbind /proc root/proc' root root/old
    grep -q '^status 0' "$WORK/ours.out"
    same_pivot 'mount --bind root root; mount --rbind /proc root/proc; cd root' . old
    grep -q '^status 0' "$WORK/ours.out"
    same_pivot 'mount --bind root root; mount --rbind /proc root/proc; cd root' . .
    grep -q '^status 0' "$WORK/ours.out"
    same_pivot 'mount -t tmpfs none root/dir; cp -a root/bin root/usr root/lib* root/dir 2>/dev/null; mkdir -p root/dir/proc root/dir/old; mount --rbind /proc root/dir/proc' root/dir root/dir/old
    grep -q '^status 0' "$WORK/ours.out"
}

@test "pivot_root says which of its rules is broken" {
    same_pivot : root root/old 'root is on the mount that is the root already'
    same_pivot 'mount --bind root root' root dir 'No such file'
    same_pivot 'mount --bind root root' root . 'must be in the new root'
    same_pivot 'mount -t tmpfs none root/dir; mkdir root/dir/sub root/dir/sub/old' root/dir/sub root/dir/sub/old 'plain directory, no mount point'
    same_pivot 'mount --bind root root; mount -t tmpfs none broken/bin' root broken/bin 'not below'
    same_pivot 'mount --make-rshared /; mount --bind root root' root root/old 'shared'
    same_pivot 'mount --bind root root; mount --make-shared root' root root/old 'shared'
    same_pivot 'mount --bind root root' root/etc/passwd root/old 'Not a directory'
    same_pivot ':' / / 'Device or resource busy'
    for line in '' 'a' 'a b c' '-x' '/nonexistent b'; do
        for tool in theirs ours; do
            status=0
            # shellcheck disable=SC2086
            PATH="$WORK/$tool:$PATH" pivot_root $line >"$WORK/$tool.out" 2>"$WORK/$tool.err" || status=$?
            { sed '/^Try \| --help` says/d' "$WORK/$tool.err"; echo "$status"; } >"$WORK/$tool.out"
        done
        diff "$WORK/theirs.out" "$WORK/ours.out" || { echo "pivot_root $line"; return 1; }
    done
    run setpriv --reuid 65534 --clear-groups "$WORK/ours/pivot_root" / /
    [ "$status" -eq 1 ]
    [[ "${lines[1]}" == *CAP_SYS_ADMIN* ]]
}

@test "--explain of chroot names its calls in order and makes none" {
    run strace -f -e trace=chroot,setuid,setgid,setgroups,pivot_root "$WORK/ours/chroot" --explain --userspec=nobody --groups=1 "$WORK/root" /state
    echo "$output"
    [ "$status" -eq 0 ]
    # strace writes what was called, and that is nothing but its own end.
    [ "$(grep -c '^chroot(\|^set[a-z]*(\|^pivot_root(' <<<"$output")" -eq 0 ]
    grep -o ' chroot(\|chdir(\|setgroups(\|setgid\|setuid\|execve(' <<<"$(grep '^ *[0-9]*\. ' <<<"$output")" | tr -d ' (' >"$WORK/order"
    [ "$(tr '\n' ' ' <"$WORK/order")" = 'chroot chdir setgroups setgid setuid execve ' ]
    strace -o "$WORK/trace" -e trace=chroot,chdir,setgroups,setgid,setuid,execve "$WORK/ours/chroot" --userspec=nobody --groups=1 "$WORK/root" /bin/sh -c :
    sed -n '1d; s/(.*//p' "$WORK/trace" | grep -v '^+' | head -n 6 | diff "$WORK/order" -
    run "$WORK/ours/pivot_root" --explain new old
    [[ "$output" == *'pivot_root("new", "old")'* ]]
}
