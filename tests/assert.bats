#!/usr/bin/env bats
# Every claim of `assert` is made of real files, processes and namespaces: true once and false once, so that no claim always passes.

setup() {
    DIR=$(mktemp -d /tmp/teachroot-assert.XXXXXX)
    NAP=98$$.$BATS_TEST_NUMBER # a command line nobody else has
    PIDS=()
}

teardown() {
    for pid in "${PIDS[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    rm -rf "$DIR"
}

assert() {
    "$TEACHROOT_TOOLS" assert "$@"
}

# The claim is true: no output, and its opposite fails with one line.
holds() {
    run assert "$@"
    [ "$status" -eq 0 ] && [ -z "$output" ] || { echo "assert $*: $status: $output"; return 1; }
    run assert not "$@"
    [ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] || { echo "assert not $*: $status: $output"; return 1; }
}

# fails PATTERN CLAIM…: it is false, the one line printed matches PATTERN, and its opposite passes.
fails() {
    local pattern=$1
    shift
    run assert "$@"
    [ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] || { echo "assert $*: $status: $output"; return 1; }
    # shellcheck disable=SC2053 # it is a pattern
    [[ $output == $pattern ]] || { echo "assert $*: said: $output"; return 1; }
    run assert not "$@"
    [ "$status" -eq 0 ] && [ -z "$output" ] || { echo "assert not $*: $status: $output"; return 1; }
}

# unknown PATTERN CLAIM…: neither it nor its opposite passes.
unknown() {
    local pattern=$1 negation
    shift
    for negation in "" not; do
        run assert $negation "$@"
        # shellcheck disable=SC2053
        [ "$status" -eq 1 ] && [[ $output == $pattern ]] || { echo "assert $negation $*: $status: $output"; return 1; }
    done
}

# wrong PATTERN CLAIM…: no such claim.
wrong() {
    local pattern=$1
    shift
    run assert "$@"
    # shellcheck disable=SC2053
    [ "$status" -eq 2 ] && [[ $output == $pattern ]] || { echo "assert $*: $status: $output"; return 1; }
}

# Start a command in the background and wait until PATTERN is in the command line of its process; its pid goes to $pid.
start() {
    local wanted=$1
    shift
    "$@" 3>&- &
    PIDS+=($!)
    for _ in $(seq 200); do
        pid=$(pgrep -f -n -x "$wanted") && return
        sleep 0.02
    done
    return 1
}

@test "files: there, of their kind, with their text" {
    printf 'one\ntwo\n' >"$DIR/file"
    : >"$DIR/empty"
    mkdir "$DIR/directory"
    holds file "$DIR/file"
    fails "there is no $DIR/nothing; in $DIR there are: *" file "$DIR/nothing"
    fails "there is no $DIR/no/such, and no $DIR/no either" file "$DIR/no/such"
    mkdir -p "$DIR/home$DIR/no/such"
    HOME=$DIR/home fails "there is no $DIR/no/such, but there is $DIR/home$DIR/no/such: was the first / left out?" file "$DIR/no/such"
    rm -r "${DIR:?}/home"
    fails "there is no $DIR/file/x: $DIR/file is a regular file" file "$DIR/file/x"
    fails "there is no $DIR/directory/x; $DIR/directory is empty" file "$DIR/directory/x"
    fails "$DIR/directory is a directory" file "$DIR/directory"
    run assert no file "$DIR/nothing"
    [ "$status" -eq 0 ]
    holds file "$DIR/file" contains two
    fails "*does not contain \`three\`; it begins with \`one\`" file "$DIR/file" contains three
    fails "$DIR/empty is empty" file "$DIR/empty" contains x
    holds directory "$DIR/directory"
    fails "$DIR/file is a regular file" directory "$DIR/file"
}

@test "files that may be executed" {
    cp /bin/true "$DIR/program"
    holds executable "$DIR/program"
    chmod 640 "$DIR/program"
    fails "$DIR/program may not be executed: its mode is 0640, without any x" executable "$DIR/program"
    fails "$DIR is a directory" executable "$DIR"
}

@test "links, and where they lead" {
    ln -s target "$DIR/link"
    : >"$DIR/file"
    holds link "$DIR/link"
    holds link "$DIR/link" to target
    fails "$DIR/link is a symbolic link to target" link "$DIR/link" to other
    fails "$DIR/file is a regular file" link "$DIR/file"
    fails "$DIR/link is a symbolic link to target, which is not there" file "$DIR/link"
}

@test "a whole root filesystem, whose it is, and how many names a program has in it" {
    mkdir -p "$DIR/root"/{bin,proc,sys,dev,tmp,root,etc,usr/bin}
    fails "$DIR/root is no whole root filesystem yet: it has no /bin/sh, /etc/passwd" rootfs "$DIR/root"
    fails "there is no $DIR/none; *" rootfs "$DIR/none"
    : >"$DIR/root/bin/box"
    : >"$DIR/root/etc/passwd"
    ln -s /bin/box "$DIR/root/bin/sh" # resolved inside
    ln -s ../../bin/box "$DIR/root/usr/bin/awk"
    ln -s /bin/other "$DIR/root/usr/bin/sed"
    holds rootfs "$DIR/root"
    fails "*no /etc/os-release*" rootfs "$DIR/root" of debian
    printf 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >"$DIR/root/etc/os-release"
    holds rootfs "$DIR/root" of bookworm
    holds rootfs "$DIR/root" of 12
    fails "$DIR/root is a root filesystem of Debian GNU/Linux 12, not of trixie" rootfs "$DIR/root" of trixie
    holds names "$DIR/root" /bin/box 2
    fails "in $DIR/root, 2 names are a link to /bin/box, of at least 3" names "$DIR/root" /bin/box 3
    fails "there is no $DIR/none; *" names "$DIR/none" /bin/box 1
    run assert names "$DIR/root" /bin/box many
    [ "$status" -eq 2 ]
    rmdir "$DIR/root/proc"
    ln -s /proc "$DIR/root/proc" # leads to nothing inside
    fails "*it has no /proc" rootfs "$DIR/root"
}

@test "a program runs in a root once it has all its libraries, and not one copy earlier" {
    mkdir -p "$DIR/bin"
    fails "in $DIR there is no /bin/bash" runs "$DIR" bash
    cp /bin/bash "$DIR/bin/"
    fails "in $DIR these are still missing: *libc.so*(the loader)*" runs "$DIR" bash
    # Copy what it names, one by one: chroot and assert must agree each time.
    local library
    while run assert runs "$DIR" /bin/bash && [ "$status" -eq 1 ]; do
        if chroot "$DIR" /bin/bash -c : 2>/dev/null; then return 1; fi
        library=$("$TEACHROOT_TOOLS" assert runs "$DIR" bash | sed 's/.*missing: //; s/ (the loader)//g; s/,.*//')
        [ ! -e "$DIR$library" ]
        cp -L --parents "$library" "$DIR"
    done
    holds runs "$DIR" bash
    chroot "$DIR" /bin/bash -c :
    fails "there is no $DIR/none*" runs "$DIR/none" bash
    echo text >"$DIR/bin/text"
    fails "*may not be executed*" runs "$DIR" text
    chmod +x "$DIR/bin/text"
    fails "*not an ELF*" runs "$DIR" text
}

@test "processes run, are gone, and have their root directories" {
    start "sleep $NAP" sleep "$NAP"
    holds process "sleep $NAP"
    holds process "sl??p $NAP" running
    fails "process $pid is running: sleep $NAP" process "sleep $NAP" gone
    holds process "sleep $NAP" root /
    fails "the root directory of process $pid is /, not $DIR" process "sleep $NAP" root "$DIR"
    kill "$pid"
    for _ in $(seq 100); do [ -e "/proc/$pid/exe" ] || break; sleep 0.02; done
    holds process "sleep $NAP" gone
    fails "no process matches \`sleep $NAP\`; running are: *" process "sleep $NAP"
    fails "no process matches*" process "sleep $NAP" root /
}

@test "a process in a chroot is found by its root directory" {
    mkdir -p "$DIR/root/bin"
    cp /bin/busybox "$DIR/root/bin/"
    start "/bin/busybox sleep 9$$" chroot "$DIR/root" /bin/busybox sleep "9$$"
    holds process "busybox sleep 9$$" root "$DIR/root"
    fails "the root directory of process $pid is $DIR/root, not /" process "busybox sleep 9$$" root /
    export TEACHROOT_TERMINAL_1=$pid TEACHROOT_TERMINAL_2=$$
    holds terminal 1 root "$DIR/root"
    fails "the root directory of terminal 1 is $DIR/root" terminal 1 root /
    holds terminal 2 root /
    fails "there is no $DIR/none*" terminal 1 root "$DIR/none"
    unknown "terminal 3 is not open" terminal 3 root /
    kill -9 "$pid"
    for _ in $(seq 100); do [ -e "/proc/$pid/exe" ] || break; sleep 0.02; done
    unknown "the root directory of terminal 1 cannot be read: *" terminal 1 root /
}

@test "the check's own shell is not the process it looks for" {
    run bash -c "\"\$TEACHROOT_TOOLS\" assert process 'a pattern of its own $NAP'; exit \$?"
    [ "$status" -eq 1 ]
}

@test "the last command's status and text" {
    unknown "no command has ended in this step yet" last exit 0
    unknown "no command has ended in this step yet" last command "ls*"
    export TEACHROOT_LAST_STATUS=127 TEACHROOT_LAST_COMMAND="chroot /my-new-root bash"
    holds last exit 127
    holds last exit nonzero
    fails "the last command, \`chroot /my-new-root bash\`, ended with status 127; 0 was wanted" last exit 0
    holds last command "chroot * bash"
    fails "the last command was \`chroot /my-new-root bash\`" last command "chroot"
    TEACHROOT_LAST_STATUS=0 fails "*status 0; any other was wanted" last exit nonzero
    wrong "*is no exit status*" last exit many
}

@test "syscalls: of a name, ended as asked, by a program, with a text, from a terminal" {
    unknown "*known only to the check of a lesson's step" syscall mount
    TEACHROOT_LENS_LACKS="strace: not installed" unknown "*there is no lens: strace: not installed" syscall mount
    # shellcheck disable=SC2089 # the quotes are strace's own
    printf -v TEACHROOT_SYSCALLS '%s\t%s\t%s\t%s\t%s\n' 1 unshare mount 0 '"none", "/", NULL, MS_REC|MS_PRIVATE, NULL' \
        2 a-very-long-nam mount EPERM '"proc", "/proc", "proc", 0, NULL' 1 sh kill '?' '1, SIGKILL'
    # shellcheck disable=SC2090
    export TEACHROOT_SYSCALLS
    holds syscall mount
    holds syscall mount failed
    holds syscall mount failed EPERM
    holds syscall mount succeeded
    holds syscall kill
    holds syscall mount by unshare
    holds syscall mount by /opt/a-very-long-name with '"/proc"' from terminal 2 failed EPERM
    fails 'unshare called mount("none", "/", NULL, MS_REC|MS_PRIVATE, NULL), which succeeded' syscall mount failed EBUSY by unshare
    fails 'a-very-long-nam called mount(*, which failed with EPERM' syscall mount succeeded from terminal 2
    fails 'sh called kill(1, SIGKILL), which has not returned' syscall kill succeeded
    fails 'no pivot_root was called in this step yet' syscall pivot_root
    fails 'no mount by sh was called in this step yet' syscall mount by sh
    fails 'no mount with /sys from terminal 1 was called in this step yet' syscall mount with /sys from terminal 1
    wrong "*after \`syscall mount\` come*" syscall mount maybe
    wrong "*after \`syscall mount\` come*" syscall mount by
    TEACHROOT_LENS_LACKS="it was turned off" holds syscall mount
    TEACHROOT_LENS_LACKS="it was turned off" unknown "*there is no lens: it was turned off" syscall pivot_root
}

@test "mounts, and their types" {
    holds mount /proc
    holds mount /proc type proc
    fails "what is mounted on /proc is of type proc" mount /proc type tmpfs
    fails "nothing is mounted on $DIR" mount "$DIR"
    ln -s /proc "$DIR/to proc"
    holds mount "$DIR/to proc"
}

# The rest is about namespaces against the lab's own, which are pid 1's: in a pid namespace of the test's, its pid 1 a shell.
in_lab() {
    unshare --user --map-root-user --mount --pid --fork --uts --mount-proc bash -ec "$(declare -f assert holds fails unknown wrong run_in_lab)
run() { output=\$(\"\$@\" 2>&1) && status=0 || status=\$?; mapfile -t lines <<<\"\$output\"; [ -n \"\$output\" ] || lines=(); }
DIR=$DIR
# nap N [PROGRAM…]: a process, started by PROGRAM, becomes the one of terminal N.
nap() {
    local number=\$1 pid
    shift
    \"\$@\" bash -c 'exec 3>&-; echo >\"\$1\"; exec sleep \"\$2\"' nap \"\$DIR.ready\" \"300\$number\" &
    while [ ! -e \"\$DIR.ready\" ]; do sleep 0.02; done
    rm \"\$DIR.ready\"
    until pid=\$(pgrep -f -x \"sleep 300\$number\"); do sleep 0.02; done
    export \"TEACHROOT_TERMINAL_\$number=\$pid\"
}
hostname the-lab
$1" 3>&-
}

@test "namespaces of a terminal against the lab's" {
    in_lab '
        unshare --net --uts --pid --fork --mount sh -c "hostname my-test-container; mount -t tmpfs none \"$DIR\"; echo >\"$DIR.ready\"; exec sleep 100" &
        while [ ! -e "$DIR.ready" ]; do sleep 0.02; done
        rm "$DIR.ready"
        inside=$(pgrep -x sleep -n)
        for p in $(pgrep -x sleep); do [ "$(readlink /proc/$p/ns/pid)" = "$(readlink /proc/1/ns/pid)" ] || inside=$p; done
        export TEACHROOT_TERMINAL_1=$inside TEACHROOT_TERMINAL_2=1
        for kind in net uts pid mnt mount network; do
            holds namespace $kind of 1 differs
            fails "terminal 1 is in another * namespace" namespace $kind of 1 same
            holds namespace $kind of 2 same
            fails "terminal 2 is in the lab*s own * namespace" namespace $kind of 2 differs
        done
        holds namespace user of 1 same
        unknown "terminal 3 is not open" namespace net of 3 differs
        wrong "*no kind of namespace*" namespace nett of 1 differs
        holds hostname of 1 my-test-container
        fails "the host name in terminal 1 is my-test-container" hostname of 1 the-lab
        holds hostname of 2 the-lab
        holds process "sleep 100" isolated pid from terminal 2
        fails "process * is in the same user namespace as terminal 2" process "sleep 100" isolated user from terminal 2
        holds mount "$DIR" type tmpfs of 1
        holds mount "$DIR/" of 1
        fails "nothing is mounted on $DIR as terminal 2 sees it" mount "$DIR" of 2
        fails "nothing is mounted on $DIR" mount "$DIR"
    '
}

@test "a claim that is false in a namespace of the test's fails the test" {
    run in_lab 'export TEACHROOT_TERMINAL_1=1; holds namespace user of 1 differs; echo reached'
    [ "$status" -ne 0 ]
    [[ $output != *reached* ]]
}

@test "a host name is read in a nested user namespace too" {
    in_lab '
        unshare --user --map-root-user --uts sh -c "hostname nested; echo >\"$DIR.ready\"; exec sleep 100" &
        while [ ! -e "$DIR.ready" ]; do sleep 0.02; done
        rm "$DIR.ready"
        export TEACHROOT_TERMINAL_1=$!
        holds hostname of 1 nested
    '
}

@test "terminals beside each other: in one namespace, or in two" {
    in_lab '
        nap 1 unshare --uts
        nap 2 unshare --net
        nap 3
        for kind in uts pid user mnt; do holds namespace $kind of 2 same as 3; done
        for kind in uts net; do
            holds namespace $kind of 1 differs from 2
            fails "terminals 1 and 2 are in different * namespaces" namespace $kind of 1 same as 2
        done
        fails "terminals 1 and 3 are in the same network namespace" namespace net of 1 differs from 3
        unknown "terminal 4 is not open" namespace net of 1 same as 4
        unknown "terminal 4 is not open" namespace net of 4 same as 1
        wrong "*no kind of namespace*" namespace nett of 1 same as 2
    '
}

@test "a process is in sight of a terminal, or is not, by pid namespace" {
    in_lab '
        nap 1
        nap 2 unshare --pid --fork
        nap 3 unshare --uts
        holds process "sleep 3002" visible from terminal 1
        holds process "sleep 3002" visible from terminal 2
        holds process "sleep 3001" visible from terminal 3
        fails "process * (sleep 3001) has no number in the pid namespace of terminal 2" process "sleep 3001" visible from terminal 2
        fails "no process matches*" process "sleep 3009" visible from terminal 1
        unknown "terminal 4 is not open" process "sleep 3001" visible from terminal 4
        # The kernel says the same to who is there.
        holds process "sleep 3002" pid 1
        fails "process * (sleep 3001) is * in its pid namespace, not 1" process "sleep 3001" pid 1
        fails "no process matches*" process "sleep 3009" pid 1
        wrong "*is no process number*" process "sleep 3001" pid first
        holds terminal 2 pid 1
        fails "the process of terminal 1 is $TEACHROOT_TERMINAL_1 in its pid namespace" terminal 1 pid 1
        holds terminal 1 pid "$TEACHROOT_TERMINAL_1"
        wrong "*is no process number*" terminal 1 pid 0
        unknown "terminal 4 is not open" terminal 4 pid 1
        kill -9 "$TEACHROOT_TERMINAL_1"
        wait "$TEACHROOT_TERMINAL_1" || true
        unknown "the process of terminal 1 cannot be read: *" terminal 1 pid 1
    '
}

@test "id maps of terminals" {
    in_lab '
        nap 1 unshare --user
        nap 2 unshare --user --map-root-user
        nap 3
        holds uidmap of 1 empty
        holds gidmap of 1 empty
        fails "terminal 1 has no root: *" root of 1 mapped
        fails "the uid map of terminal 1 is empty: *" uidmap of 1 0 0 1
        fails "the gid map of terminal 1 is empty: *" gidmap of 1 0 0 1
        holds root of 2 mapped
        holds uidmap of 2 0 0 1
        holds gidmap of 2 0 0 1
        fails "the uid map of terminal 2 is: 0 0 1" uidmap of 2 0 1000 1
        fails "the uid map of terminal 2 is: 0 0 1" uidmap of 2 empty
        fails "the gid map of terminal 2 is: 0 0 1" gidmap of 2 empty
        read -r inside outside count </proc/1/uid_map
        holds uidmap of 3 "$inside" "$outside" "$count"
        holds root of 3 mapped
        unknown "terminal 4 is not open" uidmap of 4 empty
        unknown "terminal 4 is not open" root of 4 mapped
        wrong "*is no line of a map*" uidmap of 2 0 0 many
    '
}

@test "how mounts are propagated" {
    in_lab '
        mkdir -p "$DIR/shared" "$DIR/slave" "$DIR/private" "$DIR/unbindable"
        for kind in shared slave private unbindable; do
            mount -t tmpfs none "$DIR/$kind"
            mount --make-shared "$DIR/$kind"
        done
        # A slave needs a master that goes on being shared: a mount namespace with a copy of it.
        nap 2 unshare --mount --propagation unchanged
        for kind in slave private unbindable; do mount --make-$kind "$DIR/$kind"; done
        nap 1
        for kind in shared slave private unbindable; do
            holds mount "$DIR/$kind" propagation $kind
            holds mount "$DIR/$kind" propagation $kind of 1
        done
        fails "the mount on $DIR/slave is slave" mount "$DIR/slave" propagation shared
        fails "the mount on $DIR/private is private" mount "$DIR/private" propagation slave
        holds mount "$DIR/private" propagation shared of 2
        fails "the mount on $DIR/private is shared as terminal 2 sees it" mount "$DIR/private" propagation private of 2
        mount --make-shared "$DIR/slave"
        holds mount "$DIR/slave" propagation shared
        holds mount "$DIR/slave" propagation slave
        fails "nothing is mounted on $DIR" mount "$DIR" propagation private
        wrong "*is no propagation*" mount "$DIR/slave" propagation open
    '
}

@test "a claim it does not know is answered with those it knows" {
    wrong "assert: \`fiel $DIR\`: expected file, or directory, or *" fiel "$DIR"
    wrong "assert: \`file\`: expected \`file PATH\`, or \`file PATH contains TEXT\`" file
    wrong "assert: \`link a into b\`: expected \`link PATH\`, or \`link PATH to TARGET\`" link a into b
    wrong "assert: nothing: expected file*"
    wrong "*" not
    wrong "*" file a contains b c
}

@test "its help lists every claim, from the table that is checked against" {
    run assert --help
    [ "$status" -eq 0 ]
    [[ $output == *"file PATH contains TEXT"*"process PATTERN root PATH"*"last command PATTERN"* ]]
}

# Overlays for the claims below: three lowers and an upper, a read-only stack, one mounted by fd with odd names.
overlays() {
    cd "$DIR" || return
    mkdir -p 1 2 3/dir 4 work mnt 'a:b' 'c,d' two
    echo one >1/same; echo two >2/same; echo two >2/changed; echo three >3/gone; echo three >3/dir/below; echo three >3/deep
    mount -t overlay overlay -o "lowerdir=1:2:3,upperdir=4,workdir=work$1" mnt
    echo more >>mnt/changed
    rm mnt/gone
    touch mnt/new
    mount -t overlay overlay -o 'lowerdir=a\:b:c\,d' two
}

overlay_claims() {
    overlays "$1"
    holds overlay mnt
    holds overlay "$DIR/mnt/"
    holds overlay mnt lowers 3
    fails "the overlay on mnt has 3 lower directories" overlay mnt lowers 4
    fails "the overlay on two has 2 lower directories" overlay two lowers 1
    fails "nothing is mounted on work" overlay work
    fails "what is mounted on /proc is no overlay but of type proc" overlay /proc
    fails "there is no nowhere*" overlay nowhere
    wrong "*is no number of lower directories*" overlay mnt lowers many
    wrong "*is no number of lower directories*" overlay mnt lowers 0
    holds overlay mnt file new in upper
    holds overlay mnt file new in ./4
    holds overlay mnt file changed in upper
    holds overlay mnt file same in lower
    holds overlay mnt file same in "$DIR/1"
    holds overlay mnt file dir/below in ./3
    fails "same of mnt is in 1, a lower layer" overlay mnt file same in "$DIR/2"
    fails "same of mnt is in 1, a lower layer" overlay mnt file same in upper
    fails "new of mnt is in 4, the upper layer" overlay mnt file new in lower
    fails "gone is deleted in mnt: there is a whiteout in 4" overlay mnt file gone in lower
    fails "no layer of mnt has never" overlay mnt file never in upper
    wrong "*is no layer*" overlay mnt file new in layer4
    holds whiteout 4/gone
    fails "4/new is no whiteout but a file" whiteout 4/new
    fails "3/dir is no whiteout but a directory" whiteout 3/dir
    fails "/dev/null is no whiteout but another device" whiteout /dev/null
    fails "there is no 4/never*" whiteout 4/never
    fails "3/dir is not opaque*" opaque 3/dir
    fails "4/new is no directory" opaque 4/new
    if [ -n "$2" ]; then
        rm -r mnt/dir
        holds whiteout 4/dir
        mkdir mnt/dir
        holds opaque 4/dir
        fails "dir/never is deleted in mnt: what 4 has there hides all below it" overlay mnt file dir/never in lower
        fails "dir/below is deleted in mnt: what 4 has there hides all below it" overlay mnt file dir/below in lower
    fi
}

# overlay_claims of a mount with options $2, as `unshare --mount $1` sees it.
in_mounts() {
    # shellcheck disable=SC2086 # several options
    unshare --mount $1 bash -ec "$(declare -f assert holds fails wrong overlays overlay_claims)
run() { output=\$(\"\$@\" 2>&1) && status=0 || status=\$?; mapfile -t lines <<<\"\$output\"; [ -n \"\$output\" ] || lines=(); }
DIR=$DIR
overlay_claims '$2' '$3'" 3>&-
}

@test "overlays: how many layers, which of them has a file, what is deleted" {
    [ "$(id -u)" -eq 0 ] || skip "root's own overlays are for root"
    in_mounts "" "" opaque
}

@test "overlays in a user namespace, with the attributes it may have and without" {
    in_mounts "--user --map-root-user" ,userxattr opaque
    rm -rf "$DIR" && mkdir "$DIR"
    in_mounts "--user --map-root-user" "" ""
}

@test "images: there, of so many layers, with a file, sharing layers, by two names; containers and their state" {
    local docker=("$TEACHROOT_TOOLS" docker)
    export TEACHROOT_STORE=$DIR/store
    fails "there is no image and no container yet" image base
    fails "there is no image and no container yet" container box
    [ ! -e "$DIR/store" ]
    mkdir -p "$DIR/root/etc" "$DIR/other"
    echo hello >"$DIR/root/etc/motd"
    echo one >"$DIR/other/one"
    tar -C "$DIR/root" -c . | "${docker[@]}" import --change 'CMD ["sh"]' - base >/dev/null
    tar -C "$DIR/other" -c . | "${docker[@]}" import - other >/dev/null
    "${docker[@]}" tag base same
    holds image base
    fails "there is no image nothing" image nothing
    holds image base of 1 layers
    fails "image base has 1 layer, of 2" image base of 2 layers
    wrong "*no number of layers*" image base of many layers
    for state in packed unpacked; do
        holds image base has /etc/motd
        holds image base has etc
        fails "image base has no /etc/mot" image base has /etc/mot
        fails "image base has no /etc/motd/x*" image base has /etc/motd/x
        [ $state = unpacked ] || "${docker[@]}" create --name box base >/dev/null
    done
    holds image base is same
    fails "base and other are two images" image base is other
    holds image base shares same
    fails "*no layer in common*" image base shares other
    holds container box
    holds container box state created
    fails "container box is created" container box state running
    fails "there is no container nothing" container nothing
    wrong "*is no state*" container box state asleep
    tar -C "$DIR/other" -cz . | "${docker[@]}" import - packed >/dev/null
    unknown "image packed: layer sha256:* is compressed, and not unpacked yet*" image packed has /nothing
}
