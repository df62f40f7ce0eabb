# bats file_tags=viewers
# What a lesson's page and recordings are in the programs of others: Chromium, and asciinema in tmux. `make test-viewers` runs this; pictures of the page are left in build/viewers.

setup_file() {
    export WORK PICTURES=$TEACHROOT_BUILD/viewers
    WORK=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    mkdir -p "$PICTURES"
    cat >"$WORK/views.md" <<'END'
# Views

Words.

## One

```bash
printf '\033[31mred\033[0m <b>&amp;</b> \344\270\255 \377\n'
cat <<HERE
one
  two

HERE
```
<!-- check
true
-->

## Two

```bash
for i in 1 2 3; do
  echo "row $i"
done
seq 30
```
<!-- check
true
-->
END
    "$TEACHROOT" play --offline --format html,cast,text -o "$WORK" "$WORK/views.md"
    # Its screen at the end, by the transcript: the last 23 lines, and the prompt.
    sed -n '/^1\. One/,/^ok: the check passes$/p; /^2\. Two/,/^ok: the check passes$/p' "$WORK/views.txt" |
        grep -vE '^$|^(1\. One|2\. Two|ok: .*)$' | tail -n 23 >"$WORK/expected"
    [ "$(tail -n 1 "$WORK/expected")" = 30 ]
}

teardown_file() {
    rm -rf "$WORK"
}

# What tmux's own terminal shows when asciinema has played $1, $2 rows high.
played() {
    tmux -L "viewers$$" -f /dev/null new-session -d -x 80 -y "$2" "asciinema cat $1; tmux -L viewers$$ wait-for -S over; sleep 60"
    tmux -L "viewers$$" wait-for over
    tmux -L "viewers$$" capture-pane -p
    tmux -L "viewers$$" kill-server
}

# A prompt of the lab is `$ ` in the transcript.
as_transcript() {
    sed -E 's/^lab[0-9]*:~# /$ /; s/^lab[0-9]*:~#$/$/; /^$/d'
}

@test "asciinema plays each cast to the screen that the transcript ends with" {
    played "$WORK/views.terminal-1.cast" 24 | as_transcript >"$WORK/seen"
    diff "$WORK/seen" <(cat "$WORK/expected"; echo '$')
    played "$WORK/views.cast" 25 | as_transcript >"$WORK/seen"
    grep -q '^ 2/2  Two' "$WORK/seen"
    diff <(tail -n +2 "$WORK/seen") <(cat "$WORK/expected"; echo '$')
}

@test "the page says nothing in the console, asks nothing of a network, fits its width, and its film plays by keys and buttons" {
    for view in 390-light 390-dark 1280-light 1280-dark; do
        "$TEACHROOT_SOURCE/tests/viewers/page.py" "$WORK/views.html" "${view%-*}" "$PICTURES/page-$view.png" "${view#*-}" >"$WORK/told.json"
        jq 'del(.screen)' "$WORK/told.json"
        jq -e '.messages == [] and (.requests | length) == 1 and .overflow == 0' "$WORK/told.json"
        jq -e '.played > 0 and .paused and .at_home == 0 and .second_step == "2. Two" and .watched == "1. One"' "$WORK/told.json"
        jq -r '.screen[1:][]' "$WORK/told.json" | as_transcript >"$WORK/seen"
        diff "$WORK/seen" <(cat "$WORK/expected"; echo '$')
    done
}

@test "a script that is not the page's own does not run there, and is told of" {
    sed 's|</main>|<script>document.title = "taken"</script><img src="http://127.0.0.1:9/x.png"></main>|' "$WORK/views.html" >"$WORK/taken.html"
    "$TEACHROOT_SOURCE/tests/viewers/page.py" "$WORK/taken.html" 1280 "$WORK/taken.png" >"$WORK/told.json"
    jq -e '.title == "Views" and (.messages | length) >= 2' "$WORK/told.json"
}
