#!/usr/bin/env bats
# debootstrap in a lab: its words, what it keeps and for whom, and that a try that was stopped, by whatever, leaves nothing and can be repeated.

load common

setup_file() {
    make_learner
    # What the first of these tests makes is kept from one run to the next: build/tests/cache.
    export KEPT=$XDG_CACHE_HOME FRESH=$DIR/cache SUITE=bookworm
    mkdir -p "$KEPT" "$FRESH"
}

teardown_file() {
    remove_learner
}

# Only where the mirror truly cannot be reached: what else goes wrong is to fail.
need_mirror() {
    local mirror
    mirror=$(grep -rhoE 'https?://[^ ]*/(debian|ubuntu)/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
    wget -q --spider -T 10 -t 2 "${mirror:-http://deb.debian.org/debian}/dists/$SUITE/Release" ||
        skip "no network: ${mirror:-http://deb.debian.org/debian} cannot be reached from this machine"
}

in_lab() { # COMMAND… in a lab of its own, with the cache FRESH
    XDG_CACHE_HOME=$FRESH "$TEACHROOT" lab enter --new "$@"
}

# No half tree, no builder's lab, in at most a minute: what is killed has to die, and what it began to be removed.
nothing_begun() {
    for _ in $(seq 600); do
        if [ -z "$(find "$FRESH/teachroot/trees" -mindepth 1 2>/dev/null)" ] && ! "$TEACHROOT" lab ls | grep -q '^build-.*\(running\|starting\)'; then
            return 0
        fi
        sleep 0.1
    done
    find "$FRESH/teachroot/trees" -mindepth 1 -maxdepth 1
    "$TEACHROOT" lab ls
    return 1
}

# Start a bootstrap in a lab in the background, as $program, its words in $DIR/said; wait until it downloads.
begin() {
    XDG_CACHE_HOME=$FRESH setsid "$TEACHROOT" lab enter --new -- debootstrap --variant=minbase "$SUITE" /better-root \
        >"$DIR/said" 2>&1 3>&- &
    program=$!
    for _ in $(seq 600); do
        ! grep -q '^\[2/6\]' "$DIR/said" || return 0
        kill -0 $program || break
        sleep 0.1
    done
    cat "$DIR/said"
    return 1
}

child_of() { # PID: the first child of that name
    pgrep -P "$1" -x teachroot-cache | head -n 1
}

@test "a wrong command line is answered at once, with 2, and a target that is not empty with 1" {
    in_lab --offline -- bash -c '
        check() { local wanted=$1; shift; debootstrap "$@" >out 2>&1; got=$?; cat out; [ $got = $wanted ] || { echo "debootstrap $*: $got, not $wanted"; exit 1; }; }
        check 0 --help; grep -q "^usage: debootstrap" out
        check 0 --version; grep -q "^debootstrap 1" out
        check 2; check 2 bookworm; check 2 --variant bookworm; check 2 --variant= bookworm /x
        check 2 "bookworm;reboot" /x; check 2 ../../etc /x; check 2 bookworm /x ssh://host/debian; check 2 --include="a b" bookworm /x
        check 1 --no-such-option bookworm /x
        check 1 nosuchsuite /x; grep -q "knows no suite" out
        check 1 bookworm /usr; grep -q "not empty" out
        check 1 bookworm /etc/passwd; check 1 bookworm .
        [ ! -e /x ] && [ -z "$(find / -maxdepth 1 -name ".*.new-*")" ]'
}

@test "an option it does not know is the machine's own debootstrap's" {
    run in_lab --offline -- debootstrap --print-debs --no-such-option bookworm /x
    [ "$status" -eq 1 ]
    [[ "$output" == *"E: unrecognized or invalid option --no-such-option"* ]]
}

@test "that there is no network is said before anything is begun" {
    SECONDS=0
    run in_lab --offline -- bash -c 'debootstrap --variant=minbase bookworm /x; echo "status $?"; ls -A / | grep -x x'
    echo "$output"
    [[ "$output" == *"without a network"* ]]
    [[ "$output" == *"status 1"* ]]
    [ "${lines[-1]}" = "status 1" ]
    run in_lab -- bash -c 'debootstrap --variant=minbase bookworm /x http://127.0.0.1:9/debian; echo "status $?"; ls -A / | grep -x x'
    echo "$output"
    [[ "$output" == *"does not answer"* || "$output" == *"no network"* ]]
    [ "${lines[-1]}" = "status 1" ]
    [ "$SECONDS" -lt 40 ]
    nothing_begun
}

@test "a root filesystem is made, kept, and whole in the next lab, owners and all" {
    [ -n "$(find "$KEPT/teachroot/trees" -mindepth 1 -maxdepth 1 -name "$SUITE,*" 2>/dev/null)" ] || need_mirror
    run timeout 900 "$TEACHROOT" lab enter --new -- debootstrap --variant=minbase "$SUITE" /better-root
    echo "$output"
    [ "$status" -eq 0 ]
    run "$TEACHROOT" lab enter --new --offline -- bash -e -c '
        debootstrap --variant=minbase bookworm /better-root
        assert rootfs /better-root of bookworm
        assert not rootfs /better-root of trixie
        assert not rootfs /opt
        chroot /better-root bash -c "dpkg --audit; id -un; cat /etc/hostname"
        hostname
        stat -c "%U:%G %a" /better-root /better-root/etc/shadow /better-root/usr/bin/passwd
        unshare --user --map-root-user chroot /better-root true
        mkdir /elsewhere; mount --bind /better-root /elsewhere; chroot /elsewhere true; umount /elsewhere
        find /better-root -uid +65000 -o -gid +65000 | wc -l
        command -p rm -rf /better-root; ls -A / | grep -c better || true
        ls -A /var/cache/teachroot/trees'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"kept from before"* ]]
    [[ "$output" == *$'root:root 755\nroot:shadow 640\nroot:root 4755\n0\n0\n'* ]]
    [ "$(grep -c "^lab[0-9]*$" <<<"$output")" -eq 2 ] # its host name is the lab's, as debootstrap itself would have it
    [[ "$output" == *"$SUITE,"* ]]
    [[ "$output" != *".new,"* ]]
    # An aim of under a second, on a machine that does nothing else; here others may be at work (tests/bench/bootstrap.sh measures).
    took=$(sed -n 's/^Done in \([0-9]*\)\..*/\1/p' <<<"$output")
    [ "$took" -lt 10 ]
}

@test "what is kept cannot be changed from a lab" {
    before=$(find "$KEPT/teachroot" | wc -l)
    [ "$before" -gt 2 ]
    run "$TEACHROOT" lab enter --new --offline -- bash -c '
        cd /var/cache/teachroot || exit 9
        touch trees/x; mkdir packages/x; rm -rf trees/*; mount -o remount,rw /var/cache/teachroot
        mount -o remount,bind,rw /var/cache/teachroot; umount /var/cache/teachroot
        mount --bind . /mnt && mount -o remount,bind,rw /mnt; touch /mnt/trees/y
        chmod 777 trees; chown 1 trees; echo over'
    echo "$output"
    [ "$status" -eq 0 ]
    [ ! -e "$KEPT/teachroot/trees/x" ] && [ ! -e "$KEPT/teachroot/trees/y" ] && [ ! -e "$KEPT/teachroot/packages/x" ]
    [ "$(stat -c '%u %a' "$KEPT/teachroot" "$KEPT/teachroot/trees" | paste -sd' ')" = "$(id -u) 700 $(id -u) 755" ]
    [ "$before" = "$(find "$KEPT/teachroot" | wc -l)" ]
}

@test "a forged request is refused, and the service goes on" {
    run in_lab --offline -- perl -MIO::Socket::UNIX -e '
        $| = 1;
        $SIG{PIPE} = "IGNORE"; # who is refused may hear it before all was sent
        sub ask { my ($text, $open) = @_; my $s = IO::Socket::UNIX->new(Peer => "/run/teachroot/host") or die "connect: $!"; $s->send($text);
            $s->shutdown(1) unless $open; my $said = join "", <$s>; $said =~ s/\n$//; $said }
        my $good = "suite bookworm\narch amd64\nmirror http://127.0.0.1:9/debian\n";
        for my $text ("", "\n\n", "keep\n\n", "rm\n$good\n", "keep\nsuite ../../../etc\narch amd64\nmirror http://h/d\n\n", "keep\n${good}variant \$(reboot)\n\n",
            "keep\n${good}mirror file://../../etc\n\n", "keep\n${good}mirror file:///var/../root\n\n", "keep\n${good}mirror ssh://h/d\n\n", "keep\n${good}include -o=x\n\n", "keep\n${good}include a b\n\n",
            "keep\n${good}target /etc\n\n", "keep\n${good}mirror http://h/\x01\n\n", "keep\n$good\0\n\n", "keep\n${good}suite bookworm\n", "keep\n" . "include a\n" x 2000,
            "keep\n${good}merged-usr maybe\n\n", "keep\n${good}arch " . "a" x 99 . "\n\n") {
            my $said = ask($text);
            die "answered <$said> to <$text>" unless $said =~ /^E [^\n]+$/;
        }
        my @many = map { IO::Socket::UNIX->new(Peer => "/run/teachroot/host") or die } 1 .. 4;
        select undef, undef, undef, 0.3;
        my $said = ask("keep\n$good\n");
        die "answered <$said> to the fifth" unless $said =~ /^E too many/;
        @many = ();
        for (1 .. 100) { $said = ask("keep\n$good\n"); last unless $said =~ /too many/; select undef, undef, undef, 0.1 }
        die "answered <$said> to a good one" unless $said =~ /^E this lab was made without a network/;
        my $slow = IO::Socket::UNIX->new(Peer => "/run/teachroot/host"); $slow->send("keep\n"); $said = join "", <$slow>;
        die "answered <$said> to a silent one" unless $said =~ /^E the request did not come/;
        print "all refused\n"'
    echo "$output"
    [ "$output" = "all refused" ]
    [ -z "$(find "$FRESH/teachroot/trees" -mindepth 1)" ]
}

@test "stopped by Ctrl-C it leaves nothing, and the lab goes on" {
    need_mirror
    # Job control, or bash would have its background jobs ignore the signal.
    run in_lab -- bash -c '
        set -m
        for phase in Source "\[1/6\]" "\[2/6\]"; do
            debootstrap --variant=minbase bookworm /better-root >said 2>&1 & pid=$!
            for _ in $(seq 900); do ! grep -q "^$phase" said || break; sleep 0.1; done
            grep -q "^$phase" said || cat said
            kill -INT $pid
            wait $pid 2>/dev/null
            echo "status $?"
            for _ in $(seq 300); do [ -n "$(ls -A /var/cache/teachroot/trees)" ] || break; sleep 0.1; done
            find / -maxdepth 1 -name "*better-root*" | sed "s/^/left: /"
            ls -A /var/cache/teachroot/trees | sed "s/^/left: /"
        done'
    echo "$output"
    [ "$(grep -c '^status 130$' <<<"$output")" -eq 3 ]
    [ "$(grep -c '^left: ' <<<"$output")" -eq 0 ]
    nothing_begun
}

@test "killed with -9, program and lab, it leaves nothing" {
    need_mirror
    begin
    kill -9 $program
    wait $program || true
    nothing_begun
    "$TEACHROOT" lab gc
    run left_behind
    [ "$(grep -c build- <<<"$output")" -eq 0 ]
}

@test "what makes it killed with -9, it is said, nothing is left after the next try, and that one works" {
    need_mirror
    begin
    service=$(child_of $program)
    job=$(child_of "$service")
    [ -n "$job" ]
    kill -9 "$job"
    status=0
    wait $program || status=$?
    cat "$DIR/said"
    [ "$status" -eq 1 ]
    grep -q 'type the command again' "$DIR/said"
    # The next one, of any kind, clears what was left.
    in_lab -- debootstrap --variant=minbase "$SUITE" /x file:///nowhere || true
    nothing_begun
    begin
    kill -9 "$(child_of $program)"
    wait $program || true
    in_lab -- debootstrap --variant=minbase "$SUITE" /x file:///nowhere || true
    nothing_begun
    run left_behind
    [ "$(grep -c build- <<<"$output")" -eq 0 ]
}

@test "a second lab that wants the same waits for the first, and takes over when that is killed" {
    need_mirror
    begin
    XDG_CACHE_HOME=$FRESH setsid "$TEACHROOT" lab enter --new -- debootstrap --variant=minbase "$SUITE" /better-root >"$DIR/second" 2>&1 3>&- &
    second=$!
    for _ in $(seq 100); do ! grep -q 'waiting for it' "$DIR/second" || break; sleep 0.1; done
    grep -q 'waiting for it' "$DIR/second"
    kill -9 $program
    wait $program || true
    for _ in $(seq 600); do ! grep -q '^\[1/6\]' "$DIR/second" || break; sleep 0.1; done
    grep -q '^\[1/6\]' "$DIR/second"
    kill -9 $second
    wait $second || true
    nothing_begun
}

@test "a full disk of the cache is named, and leaves nothing" {
    [ "$(id -u)" = 0 ] || skip "only root can make a small disk"
    need_mirror
    run unshare --mount bash -c '
        mount -t tmpfs -o size=100m none "$FRESH" || exit 9
        XDG_CACHE_HOME=$FRESH "$TEACHROOT" lab enter --new -- debootstrap --variant=minbase bookworm /better-root
        echo "status $?"
        find "$FRESH/teachroot/trees" -mindepth 1
        mount -o remount,size=90m "$FRESH"
        dd if=/dev/zero of="$FRESH/filler" bs=1M count=40 status=none
        XDG_CACHE_HOME=$FRESH "$TEACHROOT" lab enter --new -- debootstrap --variant=minbase bookworm /better-root
        echo "status $?"
        find "$FRESH/teachroot/trees" -mindepth 1'
    echo "$output"
    [ "$(grep -c 'no space left for the cache' <<<"$output")" -eq 2 ]
    [ "$(grep -c '^status 1$' <<<"$output")" -eq 2 ]
    [ "${lines[-1]}" = "status 1" ]
}

@test "a full disk of the lab is named, leaves nothing, and with room it works" {
    [ -n "$(find "$KEPT/teachroot/trees" -mindepth 1 -maxdepth 1 -name "$SUITE,*" 2>/dev/null)" ] || skip "no tree was made: see the test that makes one"
    [ "$(id -u)" = 0 ] || skip "an ordinary user's lab has no disk of its own"
    run "$TEACHROOT" lab enter --new --offline -- bash -c '
        fallocate -l $(( ($(df --output=avail -k / | tail -n 1) - 51200) * 1024 )) /opt/filler
        debootstrap --variant=minbase bookworm /better-root
        echo "status $?"
        ls -A / | grep better
        rm /opt/filler
        debootstrap --variant=minbase bookworm /better-root >/dev/null && chroot /better-root true && echo repeated'
    echo "$output"
    [[ "$output" == *"no space left for /better-root"* ]]
    [ "${lines[-2]}" = "status 1" ]
    [ "${lines[-1]}" = repeated ]
}

@test "killed with -9 while it copies, a guard removes the half tree" {
    [ -n "$(find "$KEPT/teachroot/trees" -mindepth 1 -maxdepth 1 -name "$SUITE,*" 2>/dev/null)" ] || skip "no tree was made: see the test that makes one"
    run "$TEACHROOT" lab enter --new --offline -- bash -c '
        for _ in 1 2 3; do
            debootstrap --variant=minbase bookworm /better-root >/dev/null & pid=$!
            until [ -e /.better-root.new-$pid/usr ] || [ -e /better-root ]; do :; done
            kill -9 $pid; wait $pid
            for _ in $(seq 100); do [ -e /.better-root.new-$pid ] || break; sleep 0.1; done
            ls -A / | grep "better-root.new"
            rm -rf /better-root
        done
        echo clean'
    echo "$output"
    [ "${lines[-1]}" = clean ]
    [ "$(grep -c 'better-root.new' <<<"$output")" -eq 0 ]
}

@test "an ordinary user has it with the right owners, and without a range of ids is told what is missing" {
    [ "$(id -u)" = 0 ] || skip "only root can make the user"
    [ -n "$(find "$KEPT/teachroot/trees" -mindepth 1 -maxdepth 1 -name "$SUITE,*" 2>/dev/null)" ] || skip "no tree was made: see the test that makes one"
    give_learner_trees
    run as_learner "$DIR/bin/teachroot lab enter --new -- bash -c 'debootstrap --variant=minbase bookworm /better-root && chroot /better-root id -un && stat -c %U:%G /better-root/etc/shadow && rm -rf /better-root && echo removed'"
    echo "$output"
    [[ "$output" == *$'\nroot\nroot:shadow\nremoved' ]]
    run as_learner "unshare --user --map-root-user $DIR/bin/teachroot-tools debootstrap --variant=minbase bookworm ~/tree"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"--add-subuids"* ]]
}
