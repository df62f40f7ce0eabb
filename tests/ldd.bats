#!/usr/bin/env bats
# ldd and ldcopy against the loader itself: glibc's ldd, and `ld.so --list` inside the roots that ldcopy made.

load common

setup_file() {
    export WORK LOADER TOOLS="$TEACHROOT_BUILD/teachroot-tools"
    LOADER=$(find /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-*.so.[123] 2>/dev/null | head -n 1)
    WORK=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    find /usr/bin /usr/sbin -maxdepth 1 -xtype f | sort >"$WORK/all"
}

teardown_file() {
    rm -rf "$WORK"
}

setup() {
    unset LD_LIBRARY_PATH LD_PRELOAD
    cd "$WORK" || return
}

# glibc's lines without the load addresses, which differ from run to run.
without_addresses() {
    sed 's/ (0x[0-9a-f]*)$//'
}

compare_ldd() {
    local ours glibc
    "$TOOLS" ldd "$@" >ours.out 2>ours.err && ours=0 || ours=$?
    /usr/bin/ldd "$@" 2>glibc.err | without_addresses >glibc.out; glibc=${PIPESTATUS[0]}
    diff glibc.out ours.out
    [ "$ours" -eq "$glibc" ]
}

# What glibc's ldd does for each file, without its shell and its tries of other loaders: several times faster.
ask_loader() {
    local file status
    for file; do
        echo "$file:"
        status=1
        if [ "$(head -c 4 "$file" | tr -d '\0')" = $'\177ELF' ]; then
            "$LOADER" --verify "$file" && status=0 || status=$?
        fi
        case $status in
        0 | 2) LD_TRACE_LOADED_OBJECTS=1 "$LOADER" "$file" ;;
        *) printf '\tnot a dynamic executable\n' ;;
        esac
    done
}

compare_loader() {
    ask_loader "$@" 2>&1 | without_addresses >loader.out
    "$TOOLS" ldd "$@" >ours.out 2>&1 || true
    diff loader.out ours.out
}

compile() { # OUTPUT ARGUMENT… with the C source on standard input
    local output=$1
    shift
    gcc -o "$output" -x c - -x none "$@"
}

@test "ldd agrees with glibc's ldd on every program of /usr/bin and /usr/sbin" {
    export -f ask_loader
    split -l 100 -a 4 all chunk.
    # Chunks take turns on the processors; each keeps an output of its own.
    printf '%s\n' chunk.* | xargs -P "$(nproc)" -I{} bash -c 'mapfile -t files <"{}"; ask_loader "${files[@]}" >"{}.glibc" 2>&1'
    cat chunk.????.glibc | without_addresses >all.glibc
    xargs -d '\n' -a all "$TOOLS" ldd >all.ours 2>&1 || true
    [ "$(grep -c ':$' all.ours)" -eq "$(wc -l <all)" ]
    [ "$(grep -c 'libc\.so' all.ours)" -gt 100 ]
    diff all.glibc all.ours
    rm -f chunk.*
}

@test "ldd agrees with glibc's own ldd, output, errors and exit status, on a sample of them" {
    local sample
    mapfile -t sample < <(awk -v step="$(($(wc -l <all) / 25 + 1))" 'NR % step == 1' all)
    compare_ldd "${sample[@]}"
    diff glibc.err ours.err
}

@test "ldd agrees with glibc's on libraries and on the loader" {
    compare_ldd "$(ldconfig -p | sed -n 's/.*libc\.so\.6 (.*x86-64.*=> //p')" "$LOADER" /usr/lib/*-linux-gnu/lib[mz].so.?
}

@test "ldd agrees with glibc's on what is no program" {
    mkdir -p directory
    echo text >text
    : >empty
    echo 'int main(void) { return 0; }' | compile static -static
    echo 'int x;' | compile object.o -c
    for file in directory text empty static object.o gone ./text; do
        compare_ldd "$file" || { echo "$file"; false; }
        diff glibc.err ours.err
    done
    compare_ldd text /bin/ls gone
}

@test "ldd agrees with glibc's on every order of RPATH, RUNPATH, \$ORIGIN and LD_LIBRARY_PATH" {
    mkdir -p d/one d/two
    echo 'int a(void) { return 1; }' | compile d/two/liba.so -shared -fPIC
    echo 'int a(void); int b(void) { return a(); }' | compile d/one/libb.so -shared -fPIC -Ld/two -la
    cp d/two/liba.so d/one/liba.so
    main='int a(void), b(void); int main(void) { return a() + b(); }'
    for tags in --enable-new-dtags --disable-new-dtags; do
        for path in '$ORIGIN/d/one:$ORIGIN/d/two' '${ORIGIN}/d/two:$ORIGINd/one' 'd/one/' '/nowhere:' '$LIB:$FOO:$ORIGIN/d//one//'; do
            compile prog -Ld/one -Ld/two -lb -la "-Wl,$tags,-rpath,$path" <<<"$main"
            for environment in '' d/two : 'd/one;d/two' '/nowhere:$ORIGIN' "$WORK/d/../d/one"; do
                export LD_LIBRARY_PATH=$environment
                [ -n "$environment" ] || unset LD_LIBRARY_PATH
                compare_loader ./prog "$WORK/prog" ./d/one/libb.so || { echo "$tags $path $environment"; false; }
            done
            unset LD_LIBRARY_PATH
        done
    done
    ln -sf d/prog link
    mv prog d/prog
    compare_loader ./link ./d/prog ./d/../d/prog
}

@test "ldd agrees with glibc's about preloaded libraries" {
    export LD_PRELOAD=libm.so.6
    compare_ldd /bin/ls
}

@test "ldd -v lists the versions glibc's lists" {
    for program in /bin/ls /usr/bin/ssh "$TOOLS"; do
        compare_ldd -v "$program"
    done
}

@test "a damaged library is an error that names it" {
    mkdir -p bad
    echo 'int a(void) { return 1; }' | compile bad/liba.so -shared -fPIC
    echo 'int a(void); int main(void) { return a(); }' | compile needs_a -Lbad -la -Wl,-rpath,"$WORK/bad"
    echo text that is no library >bad/liba.so
    run "$TOOLS" ldd ./needs_a
    [ "$status" -eq 1 ]
    [[ "$output" == *"$WORK/bad/liba.so: "* ]]
}

@test "ldd agrees with musl's loader" {
    command -v musl-gcc >/dev/null || skip "there is no musl here"
    mkdir -p musl
    echo 'int a(void) { return 1; }' >a.c
    musl-gcc -shared -fPIC a.c -o musl/liba.so
    echo 'int a(void); int main(void) { return a(); }' >main.c
    musl-gcc main.c -o musl/prog -Lmusl -la -Wl,-rpath,'$ORIGIN'
    ln -sf "$(readlink -f /lib/ld-musl-*.so.1)" musl/ldd
    "$TOOLS" ldd musl/prog >ours.out
    musl/ldd musl/prog | without_addresses >musl.out
    cat ours.out
    diff musl.out ours.out
}

@test "every tool answers --help, and wrong usage is exit status 2" {
    for tool in $("$TOOLS" --help | sed -n 's/^  \([a-z][a-z_]*\) .*/\1/p'); do
        run "$TOOLS" "$tool" --help
        [ "$status" -eq 0 ] || { echo "$tool"; false; }
        [ -n "$output" ]
        [ "$(wc -L <<<"$output")" -le 80 ] || { echo "$tool"; false; }
    done
    for line in '' nothing 'ldd' 'ldd -r /bin/ls' 'ldd --nonsense' 'ldcopy' 'ldcopy bash' 'ldcopy --nonsense a b'; do
        # shellcheck disable=SC2086 # words on purpose
        run "$TOOLS" $line
        [ "$status" -eq 2 ] || { echo "$line: $status"; false; }
    done
    ln -sf "$TOOLS" ldd
    run ./ldd
    [ "$status" -eq 2 ]
    [[ "$output" == "ldd: "* ]]
}

@test "ldcopy into what is no directory says what to do" {
    run "$TOOLS" ldcopy bash "$WORK/absent"
    [ "$status" -eq 1 ]
    [[ "$output" == *mkdir* ]]
}

@test "in the root ldcopy makes, the loader finds everything each program of /usr/bin and /usr/sbin needs" {
    local root="$WORK/root"
    mkdir "$root"
    # Real files only: a link would bring the same file again. Static programs have no loader to ask.
    xargs -d '\n' -a all realpath -e 2>/dev/null | sort -u | xargs -d '\n' "$TOOLS" ldd 2>/dev/null |
        awk '/^\//{ name = substr($0, 1, length($0) - 1) } /^\t.*ld-linux/{ print name }' | sort -u >dynamic
    [ "$(wc -l <dynamic)" -gt 100 ]
    xargs -d '\n' -a dynamic "$TOOLS" ldd | grep -c 'not found' >missing || true
    xargs -d '\n' -a dynamic sh -c '"$TOOLS" ldcopy "$@" "$WORK/root"' ldcopy >copied 2>errors || [ "$(cat missing)" -ne 0 ]
    cat errors
    [ "$(cat missing)" -ne 0 ] || [ ! -s errors ]
    "$TOOLS" ldcopy bash "$root"
    cp dynamic "$root/dynamic"
    chroot "$root" /bin/bash -c 'while read -r program; do
            echo "== $program"
            '"$LOADER"' --list "$program" || echo "$program: failed"
        done </dynamic' >listed 2>&1
    [ "$(grep -c '^== ' listed)" -eq "$(wc -l <dynamic)" ]
    run grep -B 3 'failed$\|error while' listed
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c 'not found' listed)" -eq "$(cat missing)" ]
    [ -z "$(find "$root" -name '.copy-*')" ]
}

@test "thirty programs start in the root ldcopy made" {
    local root="$WORK/root" started=0 program
    for program in bash cat chmod cp cut date dd df dir du env expr find grep gzip head id ln ls mkdir mv od paste rm sed sort stat \
        tail tar tee touch tr uname uniq wc; do
        [ -x "$root/usr/bin/$program" ] || continue
        chroot "$root" "$program" --version >/dev/null </dev/null || { echo "$program"; false; }
        started=$((started + 1))
    done
    [ "$started" -ge 30 ]
    rm -rf "$root"
}

@test "a library found only through ld.so.cache is found in the new root too" {
    [ "$(id -u)" = 0 ] || skip "only root can put another ld.so.cache over the machine's, in a mount namespace of its own"
    mkdir -p far cacheroot
    echo 'int far(void) { return 0; }' | compile far/libfar.so -shared -fPIC
    echo 'int far(void); int main(void) { return far(); }' | compile needs_far -Lfar -lfar
    { cat /etc/ld.so.conf.d/*.conf; echo "$WORK/far"; } >ld.so.conf
    ldconfig -X -C "$WORK/ld.so.cache" -f "$WORK/ld.so.conf"
    unshare --mount sh -e -c '
        mount --bind "$WORK/ld.so.cache" /etc/ld.so.cache
        "$TOOLS" ldd ./needs_far >ours.out
        "$LOADER" --list ./needs_far >loader.out
        "$TOOLS" ldcopy ./needs_far cacheroot'
    diff <(without_addresses <loader.out) ours.out
    cmp ld.so.cache cacheroot/etc/ld.so.cache
    run chroot cacheroot "$LOADER" --list "$WORK/needs_far"
    echo "$output"
    [[ "$output" == *"$WORK/far/libfar.so"* ]]
}
