# bats file_tags=repository
# What the repository itself promises: dependencies, the build's own correctness, installing, and documents that say what is true.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || exit
    source_dir=$PWD
    # Not in bats' own directory, which an ordinary user may not enter.
    shared=$(mktemp -d)
    chmod 755 "$shared"
}

teardown() {
    rm -rf "$shared"
}

# A PATH with the base tools and the fake package managers named; each records how it was called and, asked what is installed, knows nothing.
fake_managers() {
    fakes=$shared/fakes
    mkdir -p "$fakes"
    local tool
    for tool in sh bash env cat sed tr id ls sleep date; do
        ln -s "$(command -v "$tool")" "$fakes/$tool"
    done
    for tool; do
        printf '#!/bin/sh\necho "%s $* [${DEBIAN_FRONTEND:-}]" >>"%s/calls"\n%s\n' "$tool" "$shared" \
            "case $tool in apt-get | dnf | apk | zypper) [ \"\$1\" != info ] ;; pacman) [ \"\$1\" != -T ] || { shift; printf '%s\\n' \"\$@\"; exit 127; } ;; *) exit 1 ;; esac" \
            >"$fakes/$tool"
        chmod +x "$fakes/$tool"
    done
}

@test "deps is silent and quick when nothing is missing" {
    run scripts/deps test
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    # Processor time in milliseconds, the best of five: how busy the machine is does not count.
    local best=1000000 took _ TIMEFORMAT='%3U %3S'
    for _ in 1 2 3 4 5; do
        took=$({ time scripts/deps test; } 2>&1 | tr -d . | { read -r user system; echo $((10#$user + 10#$system)); })
        ((took >= best)) || best=$took
    done
    echo "best of five: $best ms"
    ((best < 150))
}

@test "deps prints the command that would install what is missing, for each package manager" {
    local row managers words
    while IFS='|' read -r managers words; do
        rm -rf "$shared/fakes"
        # shellcheck disable=SC2086 # names are words
        fake_managers $managers
        run env PATH="$fakes" scripts/deps all --print
        echo "$managers: $output"
        [ "$status" -eq 0 ]
        [ "${#lines[@]}" -eq 1 ]
        [[ $output == "$words "* ]]
        [[ " $output " != *" - "* ]]
        [[ $output != *+* ]]
        row=$(tr ' ' '\n' <<<"${output#"$words "}" | sort | uniq -d)
        [ -z "$row" ]
    done <<'MANAGERS'
apt-get dpkg-query apt-cache|apt-get install --yes --no-install-recommends gcc libc6-dev make pkg-config
dnf rpm|dnf install --assumeyes gcc glibc-devel make pkgconf-pkg-config
apk|apk add gcc musl-dev linux-headers make pkgconf
pacman|pacman -S --needed --noconfirm gcc make pkgconf
zypper rpm|zypper --non-interactive install gcc glibc-devel make pkgconf-pkg-config
MANAGERS
}

@test "deps names only what is missing" {
    fake_managers apt-get apt-cache
    printf '#!/bin/sh\nshift 3\nfor package; do [ "$package" = libmnl-dev ] || echo "$package installed"; done\n' >"$fakes/dpkg-query"
    chmod +x "$fakes/dpkg-query"
    run env PATH="$fakes" scripts/deps build --print
    [ "$output" = "apt-get install --yes --no-install-recommends libmnl-dev" ]
}

@test "deps installs as root, fetching the lists of packages first where they are not known" {
    [ "$(id -u)" -eq 0 ] || skip "installing is root's"
    fake_managers apt-get dpkg-query apt-cache
    run env PATH="$fakes" scripts/deps build --yes
    [ "$status" -eq 0 ]
    grep -n 'apt-get' "$shared/calls" >"$BATS_TEST_TMPDIR/order"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/order")" -eq 2 ]
    sed -n 1p "$BATS_TEST_TMPDIR/order" | grep 'apt-get update \[noninteractive\]'
    sed -n 2p "$BATS_TEST_TMPDIR/order" | grep 'apt-get install --yes .* libmnl-dev.* \[noninteractive\]'
}

@test "deps without root says the command and stops" {
    fake_managers apt-get dpkg-query apt-cache
    local deps=$shared/deps as=()
    cp scripts/deps "$deps"
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    cd /
    run "${as[@]}" env PATH="$fakes" sh "$deps" build
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"sudo apt-get install --yes --no-install-recommends gcc "* ]]
    [ -z "$(grep apt-get "$shared/calls")" ]
}

@test "deps refuses a word it does not know" {
    run scripts/deps bulid
    [ "$status" -eq 2 ]
    [[ $output == *'`bulid`'* ]]
}

@test "nothing is asked of pkg-config or a compiler before the dependencies are there" {
    local bare=$BATS_TEST_TMPDIR/bare tool
    mkdir "$bare"
    for tool in sh make nproc sed rm echo rmdir; do
        ln -s "$(type -P "$tool")" "$bare/$tool"
    done
    for tool in help 'clean BUILD=none'; do
        # shellcheck disable=SC2086 # a target and its variables
        run env -u MAKEFLAGS PATH="$bare" make $tool
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output != *" Error "* && $output != *"not found"* && $output != *"No such file"* ]]
    done
}

# A small tree under the real Makefile, so that what is rebuilt can be counted.
small_tree() {
    mkdir -p "$BATS_TEST_TMPDIR/tree/engine/base"
    cd "$BATS_TEST_TMPDIR/tree" || exit
    cp "$source_dir/Makefile" .
    echo 'int one(void);' >engine/base/one.h
    printf '#include "engine/base/one.h"\nint one(void)\n{\n    return 1;\n}\n' >engine/base/one.c
    printf 'int two(void);\nint two(void)\n{\n    return 2;\n}\n' >engine/base/two.c
}
compiled() { # the sources compiled by a make of the library with these arguments
    env -u MAKEFLAGS -u MAKELEVEL make "$@" build/libengine.a | sed -n 's/^  CC  *//p' | sort | tr '\n' ' '
}

@test "a build compiles again just what changed: a header, the flags, a source that is gone" {
    small_tree
    [ "$(compiled)" = "engine/base/one.c engine/base/two.c " ]
    [ "$(compiled)" = "" ]
    sleep 0.01
    touch engine/base/one.h
    [ "$(compiled)" = "engine/base/one.c " ]
    [ "$(compiled CFLAGS=-O1)" = "engine/base/one.c engine/base/two.c " ]
    [ "$(compiled CFLAGS=-O1)" = "" ]
    rm engine/base/two.c
    [ "$(compiled CFLAGS=-O1)" = "" ]
    [ "$(ar t build/libengine.a)" = one.o ]
}

@test "V=1 shows whole commands" {
    small_tree
    run env -u MAKEFLAGS -u MAKELEVEL make V=1 build/libengine.a
    [[ $output == *"-Wall"*"-c engine/base/one.c"* ]]
}

@test "what install puts in place runs, and uninstall removes all of it" {
    local into=$BATS_TEST_TMPDIR/into
    # MAKEFLAGS holds the variables of the make that runs the tests, so nothing is built anew.
    run make BUILD="$TEACHROOT_BUILD" DESTDIR="$into" install
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"  CC "* ]]
    local prefix=$into/usr/local
    [ -x "$prefix/libexec/teachroot/teachroot-tools" ]
    [ -f "$prefix/share/man/man1/teachroot.1" ]
    [ -f "$prefix/share/man/man5/teachroot-lesson.5" ]
    [ -f "$prefix/share/teachroot/lessons.md" ]
    local lesson
    for lesson in lessons/*.md; do
        cmp "$lesson" "$prefix/share/teachroot/$lesson"
    done
    run "$prefix/bin/teachroot" --version
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == "teachroot "[0-9]* ]]
    run env -u TEACHROOT_TOOLS "$prefix/bin/teachroot" lab enter --new -- sh -c 'echo "in a lab as $(id -u)"'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = "in a lab as 0" ]
    run make BUILD="$TEACHROOT_BUILD" DESTDIR="$into" uninstall
    [ "$status" -eq 0 ]
    run find "$into" ! -type d -o -name 'teachroot*'
    echo "$output"
    [ -z "$output" ]
}

@test "every word of the program's own help is in the manual page and in each completion" {
    local words word file
    words=$({ "$TEACHROOT" --help && "$TEACHROOT" help && for word in play test adopt lessons doctor lab; do "$TEACHROOT" help "$word"; done; } |
        grep -oE -- '--[a-z][a-z-]*' | sort -u)
    [[ $words == *--keep-going*--no-lab*--timeout* ]]
    for word in $words; do
        for file in man/teachroot.1 completions/teachroot.bash completions/_teachroot completions/teachroot.fish; do
            echo "$word in $file"
            # mdoc writes --plain as "Fl -plain", fish as "-l plain".
            grep -qE -- "(--|Fl -|-l )${word#--}([^a-z-]|$)" "$file"
        done
    done
}

# What bash would offer for a line, cursor at its end.
complete_line() {
    (
        PATH=$(dirname "$TEACHROOT"):$PATH
        # shellcheck source=/dev/null
        source completions/teachroot.bash
        compopt() { :; } # only there while bash itself completes
        read -ra COMP_WORDS <<<"$1"
        [[ $1 != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _teachroot teachroot "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    )
}

@test "bash completes the lessons that are there, the options of each verb and their arguments" {
    local lessons number
    export XDG_STATE_HOME="$BATS_TEST_TMPDIR/state"
    lessons=$(grep -cE '^\| *[0-9]+ *\|' lessons.md)
    [ "$lessons" -gt 1 ]
    run complete_line 'teachroot play '
    for ((number = 0; number < lessons; number++)); do
        grep -qx "$number" <<<"$output"
    done
    [ "$(grep -cxE '[0-9]+' <<<"$output")" -eq "$lessons" ]
    run complete_line 'teachroot 1'
    grep -qx 1 <<<"$output"
    [ "$(grep -cx 0 <<<"$output")" -eq 0 ]
    run complete_line 'teachroot test --k'
    [ "$output" = $'--keep-going\n--keep' ]
    run complete_line 'teachroot play --timeout '
    [ -z "$output" ]
    run complete_line 'teachroot play --format t'
    [ "$output" = $'text\ntap' ]
    run complete_line 'teachroot doctor --n'
    [ "$output" = --no-lab ]
    run complete_line 'teachroot image f'
    [ "$output" = $'from-rootfs\nfrom-host\nfsck' ]
    run complete_line 'teachroot lab re'
    [ "$output" = reset ]
}

# The other shells may not be there: what they make of the list is a regex in a line of theirs.
@test "the completions of zsh and fish know the lines of the list of lessons" {
    local list line
    export XDG_STATE_HOME="$BATS_TEST_TMPDIR/state"
    list=$("$TEACHROOT" lessons)
    line=$(sed -n "s/.*sed -n '\(.*\)')\"})/\1/p" completions/_teachroot | head -n 1)
    [ "$(sed -n "$line" <<<"$list" | grep -c '^[0-9][0-9]*:[^ ]')" -eq "$(grep -cE '^ *[0-9]+ ' <<<"$list")" ]
    line=$(sed -n "s/.*teachroot lessons .*replace -rf '\(.*\)' '.*/\1/p" completions/teachroot.fish)
    [ "$(grep -cE "$line" <<<"$list")" -eq "$(grep -cE '^ *[0-9]+ ' <<<"$list")" ]
}

@test "make run without a terminal plays lesson 1" {
    run env -u CI make BUILD="$TEACHROOT_BUILD" run </dev/null
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"$(sed -n 's/^title: *//p' lessons/01-*.md)"* ]]
}

@test "a screenshot shows the text and colours that the program printed, and the keys that were typed" {
    local svg=$BATS_TEST_TMPDIR/screen.svg shot=$TEACHROOT_BUILD/tests/screen/screenshot
    "$shot" "$svg" 30x6 sh -c 'printf "\033[31mred\033[0m <&> \346\274\242\n"; read -r line; echo "got $line"; sleep 60' <<'ACTIONS'
wait red
type a key\n
wait got a key
ACTIONS
    grep -q 'fill="#e06c5f">red</text>' "$svg"
    grep -q '&#60;&#38;&#62; 漢' "$svg"
    grep -q 'got a key' "$svg"
    run "$shot" "$svg" 30x6 sh -c 'sleep 60' <<<'bake it'
    [ "$status" -ne 0 ]
    [[ $output == *"expected wait, type, sleep, press or cut, not: bake"* ]]
}

@test "a recording has what was shown when, as a film and as an asciicast" {
    local film=$BATS_TEST_TMPDIR/film.svg cast=$BATS_TEST_TMPDIR/film.cast
    "$TEACHROOT_BUILD/tests/screen/screenshot" --film "$film" --cast "$cast" "$BATS_TEST_TMPDIR/end.svg" 30x6 \
        sh -c 'stty -echo; while read -r line; do printf "\033[H\303\244 %s" "$line"; done' <<'ACTIONS'
type first\n
wait first
sleep 0.3
type second\n
wait second
press 0.1 third\n third
cut
type fourth\n
wait fourth
ACTIONS
    # What came and went is there for its time; what was there at the cut is there without animation, too.
    grep -A 1 '^<g visibility="hidden"><set .*to="visible" begin="film.begin+' "$film" | grep -q 'ä first'
    grep -A 1 '^<g><set .*to="hidden" begin="film.begin"' "$film" | grep -q 'ä third'
    [ "$(grep -c fourth "$film")" -eq 0 ]
    jq -es '.[0].version == 2 and .[0].width == 30 and ([.[1:][] | .[2]] | join("") | contains("ä fourth"))
        and ([.[1:][] | .[0]] | . == sort)' "$cast"
}

@test "every file the README names is there" {
    local path
    while read -r path; do
        echo "$path"
        [ -e "$path" ]
    done < <(grep -oE '\]\([^)#:]+\)' README.md | sed 's/^](//; s/)$//')
}
