#!/usr/bin/env bats
# `teachroot explain`: the verb, and the calls it names against those that strace sees.

load common

setup_file() {
    export WORK
    WORK=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    mkdir -p "$WORK/bin" "$WORK/d" "$WORK/m" "$WORK/old" "$WORK/proc" "$WORK/x"
    for tool in unshare nsenter chroot pivot_root lsns ldd; do
        ln -s "$TEACHROOT_BUILD/teachroot-tools" "$WORK/bin/$tool"
    done
    echo text | tee "$WORK/f" >"$WORK/f2"
    echo x >"$WORK/d/x"
    tar -C "$WORK" -czf "$WORK/a.tgz" d
}

teardown_file() {
    rm -rf "$WORK"
}

@test "the calls that are named are made" {
    # In namespaces of their own, so that mounts and names stay there.
    PATH=$WORK/bin:/usr/sbin:/usr/bin:/sbin:/bin run unshare --mount --uts --net --ipc --pid --fork --mount-proc --propagation private \
        python3 "$TEACHROOT_SOURCE/tests/explain_syscalls.py" "$TEACHROOT" "$WORK" <<'LINES'
unshare --mount --uts --ipc --net --pid --fork --cgroup true
unshare --user --map-root-user true
unshare --mount --propagation slave true
unshare -pf --mount-proc ps aux
unshare -T --boottime 100 true
nsenter -t 1 -u -m true
chroot / ls /proc
chroot --userspec=1:1 / true
pivot_root . old
mount -t proc proc proc
mount -t tmpfs -o size=1M,ro,noexec none m
mount --rbind d m
mount --make-rprivate /
mount -o remount,ro m
umount -l m
findmnt
ip link add v0 type veth peer name v1
ip link set lo up
ip link del v0
ip addr add 10.9.9.1/24 dev lo
ip route
hostname other
ps -ef
kill -s KILL 999999
cat f | wc -l > out
cat < f >> out 2>&1
echo $(ls d)
cp -a f g
cp -r d d2
mv g g3
rm -rf d2 g3
mkdir -p n
rmdir n
touch t
chmod 755 f
chown 0:0 f
dd if=/dev/zero of=z bs=1k count=1
tar -cf a.tar d
tar -xzf a.tgz -C x
exec true
cd d
umask 022
[ -x f ]
ulimit -n
setsid true
nice -n 5 true
mknod nod c 1 3
ldd /bin/ls
lsns -t mnt
cat <<< x
strace true
LINES
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ $output =~ ([0-9]+)\ calls\ were\ compared ]]
    [ "${BASH_REMATCH[1]}" -ge 150 ]
}

@test "a call that is not made would be found out" {
    sed 's/^program, scratch = .*/program, scratch = "false-explain", sys.argv[2]/' \
        "$TEACHROOT_SOURCE/tests/explain_syscalls.py" >"$WORK/check.py"
    printf '#!/bin/sh\necho "cd  go"\necho "   -> chroot(\\"/nowhere\\")"\n' >"$WORK/bin/false-explain"
    chmod +x "$WORK/bin/false-explain"
    PATH=$WORK/bin:$PATH run python3 "$WORK/check.py" - "$WORK" <<<'cd d'
    [ "$status" -eq 1 ]
    [[ $output == *"strace saw no such call"* ]]
}

@test "the verb says each word, and how it is used" {
    run "$TEACHROOT" explain 'unshare --pid --fork chroot /srv bash'
    [ "$status" -eq 0 ]
    [ "${lines[2]}" = "--pid                 new pid namespace for the children: the first is its pid 1, so --fork belongs to it" ]
    [ "${lines[3]}" = "                      -> unshare(CLONE_NEWPID)" ]
    [[ $output == *'-> chroot("/srv"), chdir("/")'* ]]
    [ "$("$TEACHROOT" explain ls -l /proc)" = "$("$TEACHROOT" explain 'ls -l /proc')" ]
    run "$TEACHROOT" explain xyzzy
    [ "$status" -eq 1 ]
    [[ $output == *"nothing is known of the words of \`xyzzy\`"* ]]
    run "$TEACHROOT" explain
    [ "$status" -eq 2 ]
    run "$TEACHROOT" explain --nonsense
    [ "$status" -eq 2 ]
    run "$TEACHROOT" explain --help
    [ "$status" -eq 0 ]
    [[ $output == "usage: teachroot explain LINE"* ]]
}
