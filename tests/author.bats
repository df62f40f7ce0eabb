#!/usr/bin/env bats
# bats file_tags=play
# shellcheck disable=SC2016 # what looks like an expansion is what the program says
# What a lesson's author is told: `teachroot test --lint`, `--strict` and `--watch`.

setup() {
    DIR=$(mktemp -d)
    export XDG_STATE_HOME=$DIR/state
}

teardown() {
    [ -z "${watch-}" ] || pkill -s "$watch" || true # the test may have ended before it
    rm -rf "$DIR"
}

# A lesson of two steps, clean but for what a test puts into it.
write_watched() {
    cat >"$DIR/watched.md.new" <<END
# Watched

## One

$2

\`\`\`bash
echo run >> /root/one
\`\`\`
<!-- check
assert file /root/one
-->

<details><summary>Hint</summary>

Type it.

</details>

<!-- essence: One. -->
<!-- notes
1 minute.
-->

## Two

\`\`\`bash
$1
\`\`\`
<!-- check
assert file /root/two
-->

<details><summary>Hint</summary>

Type it.

</details>

<!-- essence: Two. -->
<!-- notes
1 minute.
-->
END
    mv "$DIR/watched.md.new" "$DIR/watched.md"
}

@test "test --lint tells mistakes, errors and warnings apart, with file and line, and runs nothing" {
    write_watched 'touch /root/two'
    cd "$DIR"
    run "$TEACHROOT" test --lint watched.md
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    sed 's/^## Two/&\n\n[x](gone.md) ![](watched.md)/' watched.md >lint.md
    run "$TEACHROOT" test --lint lint.md watched.md
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'lint.md:27: error: the link `gone.md` leads to '*'[link]'*'1 error, 1 warning'* ]]
    sed 's/^## Two/&\n\n![](watched.md)/' watched.md >lint.md
    run "$TEACHROOT" test --lint lint.md
    [ "$status" -eq 0 ]
    [[ $output == *'lint.md:27: warning: '*'[image-alt]'* ]]
    run "$TEACHROOT" test --lint --strict lint.md
    [ "$status" -eq 1 ]
    sed 's/^```bash$/```bash |{"termnal":"2"}/' watched.md >lint.md
    run "$TEACHROOT" test --strict --lint lint.md
    [ "$status" -eq 2 ]
    [[ $output == *'lint.md:7: mistake: unknown key `termnal`'*'did you mean `terminal`?'* ]]
    run "$TEACHROOT" test --lint nowhere.md
    [ "$status" -eq 2 ]
    run "$TEACHROOT" test --lint --rootless watched.md
    [ "$status" -eq 2 ]
    [[ $output == *'--rootless'* ]]
}

@test "an error that lint finds fails a lesson whose steps all pass" {
    write_watched 'touch /root/two' '[x](gone.md)'
    run "$TEACHROOT" test --format tap "$DIR/watched.md"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'watched.md:5: error: the link'*$'\nok 1 '*$'\nok 2 '* ]]
}

# Wait until the watch has said so many lines like that.
said() {
    for _ in $(seq 200); do
        [ "$(grep -c "$2" "$DIR/said")" -lt "$1" ] || return 0
        sleep 0.05
    done
    cat "$DIR/said"
    return 1
}

@test "test --watch proves from the first changed step on at each save, waits a mistake out, and ends at Ctrl-C" {
    write_watched 'touch /root/two'
    setsid "$TEACHROOT" test --watch "$DIR/watched.md" >"$DIR/said" 2>&1 3>&- &
    watch=$!
    said 1 '2 passed'
    # words alone
    write_watched 'touch /root/two' 'More words.'
    said 1 'nothing has changed that is run'
    # what step 2 does: step 1 was replayed once, and not proved again
    write_watched 'touch /root/twoo; wc -l < /root/one; exit 1'
    said 1 'from step 2 on'
    said 1 'watched.md:[0-9]*: step 2, Two: '
    # a mistake
    printf '\n```bash |{"termnal":"2"}\ntrue\n```\n' >>"$DIR/watched.md"
    said 1 'did you mean `terminal`?'
    # a save while it runs ends that run
    write_watched 'sleep 30; touch /root/two'
    said 2 'from step 2 on'
    write_watched 'touch /root/two'
    said 1 ' 1 passed'
    kill -INT $watch
    wait $watch
    cat "$DIR/said"
    [ "$(grep -c passed "$DIR/said")" -eq 3 ]
    [ -z "$(pgrep -s $watch)" ]
}
