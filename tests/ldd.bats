#!/usr/bin/env bats
# ldd and ldcopy against the loader itself: glibc's ldd, and `ld.so --list` inside the roots that ldcopy made.

load common

setup_file() {
    export WORK TOOLS="$TEACHROOT_BUILD/teachroot-tools"
    WORK=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    find /usr/bin /usr/sbin -maxdepth 1 \( -type f -o -type l \) | sort >"$WORK/all"
}

teardown_file() {
    rm -rf "$WORK"
}

setup() {
    unset LD_LIBRARY_PATH LD_PRELOAD
    cd "$WORK"
}

# glibc's lines without the load addresses, which differ from run to run.
without_addresses() {
    sed 's/ (0x[0-9a-f]*)$//'
}

compare_ldd() {
    local ours glibc
    "$TOOLS" ldd "$@" >ours.out 2>ours.err && ours=0 || ours=$?
    /usr/bin/ldd "$@" 2>glibc.err | without_addresses >glibc.out && glibc=0 || glibc=$?
    diff glibc.out ours.out
    [ "$ours" -eq "$glibc" ]
}

loader() {
    ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-*.so.[123] 2>/dev/null | head -n 1
}

compile() { # OUTPUT ARGUMENT… with the C source on standard input
    gcc -x c - -o "$@"
}

@test "ldd agrees with glibc's ldd on every program of /usr/bin and /usr/sbin" {
    split -l 60 -a 4 all chunk.
    # Chunks of glibc's take turns on the processors; each keeps an output of its own.
    printf '%s\n' chunk.* | xargs -P "$(nproc)" -I{} sh -c \
        'xargs -d "\n" -a {} ldd >{}.glibc 2>{}.glibc-err; xargs -d "\n" -a {} "$TOOLS" ldd >{}.ours 2>{}.ours-err; true'
    cat chunk.????.glibc | without_addresses >all.glibc
    cat chunk.????.ours >all.ours
    [ "$(grep -c ':$' all.ours)" -ge "$(wc -l <all)" ]
    diff all.glibc all.ours
    diff <(cat chunk.????.glibc-err) <(cat chunk.????.ours-err)
    rm -f chunk.*
}

@test "ldd agrees with glibc's on libraries and on the loader" {
    compare_ldd "$(ldconfig -p | sed -n 's/.*libc\.so\.6 (.*x86-64.*=> //p')" "$(loader)" /usr/lib/*-linux-gnu/lib[mz].so.?
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
                compare_ldd prog || { echo "$tags $path $environment"; false; }
                compare_ldd "$WORK/prog" d/one/libb.so
            done
            unset LD_LIBRARY_PATH
        done
    done
    ln -sf d/prog link
    mv prog d/prog
    compare_ldd link d/prog ./d/../d/prog
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
    "$TOOLS" ldd $(cat dynamic) | grep -c 'not found' >missing || true
    xargs -d '\n' -a dynamic sh -c '"$TOOLS" ldcopy "$@" "$WORK/root"' ldcopy >copied 2>errors || [ "$(cat missing)" -ne 0 ]
    cat errors
    [ "$(cat missing)" -ne 0 ] || [ ! -s errors ]
    "$TOOLS" ldcopy bash "$root"
    cp dynamic "$root/dynamic"
    chroot "$root" /bin/bash -c 'while read -r program; do
            echo "== $program"
            '"$(loader)"' --list "$program" || echo "$program: failed"
        done </dynamic' >listed 2>&1
    [ "$(grep -c '^== ' listed)" -eq "$(wc -l <dynamic)" ]
    ! grep -B 3 'failed$\|error while' listed
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
    library=$(ldconfig -p | sed -n 's/.*x86-64.*=> //p' | grep -v '^/lib/x86_64-linux-gnu/\|^/usr/lib/x86_64-linux-gnu/lib[^/]*$\|^/lib/lib\|^/usr/lib/lib' | head -n 1)
    [ -n "$library" ] || skip "this machine has no such library"
    mkdir -p cacheroot
    echo 'int main(void) { return 0; }' | compile needs_cache -Wl,--no-as-needed "$library" -Wl,--unresolved-symbols=ignore-all
    "$TOOLS" ldcopy ./needs_cache cacheroot
    [ -e cacheroot/etc/ld.so.cache ]
    run chroot cacheroot "$(loader)" --list "$WORK/needs_cache"
    echo "$output"
    [[ "$output" != *"not found"* ]]
    [[ "$output" == *"$library"* ]]
}
