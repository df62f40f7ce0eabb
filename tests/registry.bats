# docker pull and docker push against registries on loopback: Debian's docker-registry, filled and read by skopeo, and small ones of our own (registry_peers.py) that cut, forget, redirect and lie.
load common
bats_require_minimum_version 1.5.0

SIZE=600000 # about that many bytes in a layer

setup_file() {
    export DIR PEERS DOCKER HUB HUB_LOG
    DIR=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    PEERS=$TEACHROOT_SOURCE/tests/registry_peers.py
    DOCKER=$TEACHROOT_BUILD/teachroot-transfer
    mkdir -p "$DIR/home/run"
    export HOME=$DIR/home XDG_CONFIG_HOME=$DIR/home/.config XDG_RUNTIME_DIR=$DIR/home/run
    unset REGISTRY_AUTH_FILE DOCKER_CONFIG SSL_CERT_FILE http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
    python3 "$PEERS" layout "$DIR/layout" "$SIZE"
    python3 "$PEERS" multi "$DIR/multi"
    start_registry hub
    HUB=$PORT
    for image in one two single; do skopeo_copy "oci:$DIR/layout:$image" "docker://127.0.0.1:$HUB/t/$image:v1"; done
    skopeo_copy --format v2s2 "oci:$DIR/layout:one" "docker://127.0.0.1:$HUB/t/docker:v1"
    skopeo_copy --all "oci:$DIR/multi:multi" "docker://127.0.0.1:$HUB/t/multi:v1"
}

teardown_file() {
    for pid in "$DIR"/*.pid; do kill "$(cat "$pid")" 2>/dev/null; done
    rm -rf "$DIR"
}

setup() {
    export TEACHROOT_STORE=$BATS_TEST_TMPDIR/store
    rm -rf "$HOME/.config" "$HOME/.docker"
    mkdir -p "$HOME/.config/teachroot" "$HOME/.docker"
}

# What a test started ends with it; a pull or push that failed left nothing half done in the store.
teardown() {
    for pid in "$BATS_TEST_TMPDIR"/*.pid; do [ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null; done
    true
}

skopeo_copy() {
    skopeo copy --quiet --src-tls-verify=false --dest-tls-verify=false "$@"
}

wait_for() { # FILE
    for _ in $(seq 200); do [ ! -s "$1" ] || return 0; sleep 0.02; done
    echo "nothing in $1" >&2
    return 1
}

# Debian's docker-registry, NAME, with more lines of config. $PORT is its port.
start_registry() { # NAME [CONFIG]
    local place=${BATS_TEST_TMPDIR:-$DIR}
    [ -n "${BATS_TEST_NAME-}" ] || place=$DIR
    mkdir "$place/$1"
    printf 'version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:0", secret: x}\n%s\n' \
        "$place/$1/data" "${2-}" >"$place/$1.yml"
    setpriv --pdeathsig KILL docker-registry serve "$place/$1.yml" >"$place/$1.log" 2>&1 3>&- &
    echo $! >"$place/$1.pid"
    for _ in $(seq 200); do
        PORT=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$place/$1.log")
        [ -z "$PORT" ] || return 0
        sleep 0.02
    done
    cat "$place/$1.log" >&2
    return 1
}

# One of registry_peers.py's. $PORT is its port, $LOG what it writes down.
start_peer() { # VERB [ARGUMENT]…
    local name=$BATS_TEST_TMPDIR/peer.$RANDOM$RANDOM verb=$1
    shift
    LOG=$name.log
    python3 "$PEERS" "$verb" "$name" "$LOG" "$@" 3>&- &
    echo $! >"$name.pid"
    wait_for "$name"
    PORT=$(cat "$name")
}

pull() {
    "$DOCKER" pull "$@"
}

push() {
    "$DOCKER" push "$@"
}

# Names a manifest of the store anew: as docker tag does.
tag() { # OLD NEW
    jq -c --arg old "$1" --arg new "$2" '.manifests += [.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $old) | .annotations[] = $new]' \
        "$TEACHROOT_STORE/index.json" >"$BATS_TEST_TMPDIR/index"
    cp "$BATS_TEST_TMPDIR/index" "$TEACHROOT_STORE/index.json"
}

blobs() { # STORE OR LAYOUT
    (cd "$1/blobs/sha256" && sha256sum -- * | sort)
}

# Every blob has the digest that is its name, and nothing is under way.
whole() {
    [ -d "$TEACHROOT_STORE/blobs/sha256" ] || return 0
    (cd "$TEACHROOT_STORE/blobs/sha256" && sha256sum -- * 2>/dev/null </dev/null | awk '$1 != $2 { print; wrong = 1 } END { exit wrong }')
}

# All that $1's layers hold is unpacked, as tar has it.
unpacked() { # NAME
    local manifest config layer id i=0
    manifest=$(jq -r --arg n "$1" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $n) | .digest[7:]' "$TEACHROOT_STORE/index.json")
    config=$(jq -r '.config.digest[7:]' "$TEACHROOT_STORE/blobs/sha256/$manifest")
    for layer in $(jq -r '.layers[].digest[7:]' "$TEACHROOT_STORE/blobs/sha256/$manifest"); do
        id=$(jq -r ".rootfs.diff_ids[$i][7:]" "$TEACHROOT_STORE/blobs/sha256/$config")
        tar -dzf "$TEACHROOT_STORE/blobs/sha256/$layer" -C "$TEACHROOT_STORE/.layers/$id"
        i=$((i + 1))
    done
    [ "$i" -gt 0 ]
}

config() {
    printf '%s' "$1" >"$HOME/.config/teachroot/registries.json"
}

login() { # HOST USER PASSWORD
    printf '{"auths": {"%s": {"auth": "%s"}}}' "$1" "$(printf '%s' "$2:$3" | base64 -w0)" >"$HOME/.docker/config.json"
}

@test "what is pulled is what skopeo copies, and its layers are unpacked" {
    for image in one docker; do
        pull "127.0.0.1:$HUB/t/$image:v1"
    done
    skopeo_copy "docker://127.0.0.1:$HUB/t/one:v1" "oci:$BATS_TEST_TMPDIR/one:x"
    # The two images have all in common but their manifests.
    blobs "$BATS_TEST_TMPDIR/one" >"$BATS_TEST_TMPDIR/theirs"
    blobs "$TEACHROOT_STORE" | comm -12 - "$BATS_TEST_TMPDIR/theirs" | cmp - "$BATS_TEST_TMPDIR/theirs"
    [ "$(blobs "$TEACHROOT_STORE" | wc -l)" = $(($(wc -l <"$BATS_TEST_TMPDIR/theirs") + 1)) ]
    skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$HUB/t/docker:v1" >"$BATS_TEST_TMPDIR/raw"
    cmp "$BATS_TEST_TMPDIR/raw" "$TEACHROOT_STORE/blobs/sha256/$(sha256sum <"$BATS_TEST_TMPDIR/raw" | cut -c1-64)"
    whole
    unpacked "127.0.0.1:$HUB/t/one:v1"
    unpacked "127.0.0.1:$HUB/t/docker:v1"
    [ -z "$(ls "$TEACHROOT_STORE/.ingest")" ]
}

@test "pull says what docker says, and a second pull fetches nothing but the manifest" {
    start_peer proxy "$HUB" 0 0 0
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://127.0.0.1:$HUB/t/one:v1")
    run --separate-stderr pull "127.0.0.1:$PORT/t/one:v1"
    [ "$output" = "$(printf 'Digest: %s\nStatus: Downloaded newer image for %s\n%s' "$digest" "127.0.0.1:$PORT/t/one:v1" "127.0.0.1:$PORT/t/one:v1")" ]
    [ "$(grep -c ': Pull complete$' <<<"$stderr")" = 3 ]
    [ "$(head -n 1 <<<"$stderr")" = 'v1: Pulling from t/one' ]
    before=$(cut -d' ' -f2 "$LOG")
    [ "$before" -gt $((3 * SIZE)) ]
    run --separate-stderr pull "127.0.0.1:$PORT/t/one:v1"
    [ "${lines[1]}" = "Status: Image is up to date for 127.0.0.1:$PORT/t/one:v1" ]
    [ "$(grep -c ': Already exists$' <<<"$stderr")" = 3 ]
    [ $(($(cut -d' ' -f2 "$LOG") - before)) -lt 4000 ]
    # Of another image only the layer that is new.
    run --separate-stderr pull -q "127.0.0.1:$PORT/t/two:v1"
    [ "$output" = "127.0.0.1:$PORT/t/two:v1" ]
    [ -z "$stderr" ]
    [ $(($(cut -d' ' -f2 "$LOG") - before)) -lt $((SIZE + SIZE / 10)) ]
}

@test "an image is pulled by its digest, and keeps that name" {
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://127.0.0.1:$HUB/t/one:v1")
    pull "127.0.0.1:$HUB/t/one@$digest"
    jq -e --arg n "127.0.0.1:$HUB/t/one@$digest" --arg d "$digest" '.manifests[] | select(.digest == $d and .annotations["org.opencontainers.image.ref.name"] == $n)' "$TEACHROOT_STORE/index.json"
    # That of an index leads to the image that was chosen from it.
    index=$(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$HUB/t/multi:v1" | sha256sum | cut -c1-64)
    pull --platform linux/arm64 "127.0.0.1:$HUB/t/multi@sha256:$index"
    "$TEACHROOT_BUILD/teachroot-tools" docker inspect --format '{{.Architecture}}' "127.0.0.1:$HUB/t/multi@sha256:$index" | grep -x arm64
    run pull "127.0.0.1:$HUB/t/one@sha256:$(printf 0%.0s {1..64})"
    [ "$status" = 1 ]
    [[ $output == *'there is no such image'*'404'* ]]
}

@test "a blob that the registry lacks is named with its path, and the image is not said to be missing" {
    start_registry gone
    skopeo_copy "oci:$DIR/layout:one" "docker://127.0.0.1:$PORT/t/one:v1"
    for digest in $(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/t/one:v1" | jq -r '.layers[0].digest, .config.digest'); do
        rm -r "$BATS_TEST_TMPDIR/gone/data/docker/registry/v2/repositories/t/one/_layers/sha256/${digest#sha256:}"
        run pull "127.0.0.1:$PORT/t/one:v1"
        [ "$status" = 1 ]
        [[ $output == *"answers 404 Not Found to GET /v2/t/one/blobs/$digest"* ]]
        [[ $output != *"no such image"* ]]
    done
}

@test "a pull cut at every tenth of a layer is taken up where it broke: hardly a byte comes twice" {
    start_peer proxy "$HUB" $((SIZE / 10)) 0 0
    pull "127.0.0.1:$PORT/t/one:v1" 2>"$BATS_TEST_TMPDIR/err"
    whole
    unpacked "127.0.0.1:$PORT/t/one:v1"
    read -r connections down up cuts <"$LOG"
    echo "connections $connections down $down up $up cuts $cuts"
    [ "$cuts" -ge 27 ]
    [ "$down" -lt $((3 * SIZE + 3 * SIZE / 10)) ]
    grep -q 'retrying in' "$BATS_TEST_TMPDIR/err"
}

@test "a pull that was interrupted ends at once, and the next takes up what it left" {
    start_peer hostile stall "$SIZE"
    # A shell's background jobs do not hear of Ctrl-C.
    env --default-signal=INT "$DOCKER" pull "127.0.0.1:$PORT/x" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    for _ in $(seq 200); do
        [ "$(stat -c %s "$TEACHROOT_STORE"/.ingest/????????????????????????????????????????????????????????????????* 2>/dev/null || echo 0)" -lt $((SIZE / 2)) ] || break
        sleep 0.02
    done
    start=$(date +%s%N)
    kill -INT $pid
    status=0
    wait $pid || status=$?
    [ $((($(date +%s%N) - start) / 1000000)) -lt 1000 ]
    [ "$status" = 130 ]
    grep -q 'interrupted; what has arrived is kept' "$BATS_TEST_TMPDIR/err"
    [ "$(find "$TEACHROOT_STORE/.ingest" -mindepth 1 | wc -l)" = 1 ]
    start_peer hostile none "$SIZE"
    pull "127.0.0.1:$PORT/x"
    from=$(sed -n 's/^GET .*Range=bytes=\([0-9]*\)-.*/\1/p' "$LOG")
    [ "$from" -ge $((SIZE / 2)) ]
    whole
}

# Every second time what the last one left is there. IMAGE_KILLS as in images.bats.
@test "killed -9 at any instant a pull leaves a sound store, and the next one ends it" {
    kills=${IMAGE_KILLS:-5}
    timed pull "127.0.0.1:$HUB/t/one:v1"
    for i in $(seq "$kills"); do
        [ $((i % 2)) = 0 ] || rm -rf "$TEACHROOT_STORE"
        kill_at $((i * 100 / kills)) "$DOCKER" pull "127.0.0.1:$HUB/t/one:v1"
        whole
        store_is_whole
    done
    pull "127.0.0.1:$HUB/t/one:v1"
    whole
    store_is_whole
    unpacked "127.0.0.1:$HUB/t/one:v1"
    [ -z "$(ls "$TEACHROOT_STORE/.ingest")" ]
}

@test "of an index the image for the platform is taken, or an earlier variant that runs there too" {
    declare -A wanted=([linux/arm64]=14 [linux/arm64/v8]=14 [linux/arm/v7]=13 [linux/arm/v6]=12 [linux/arm/v8]=13 [linux/arm]=13 [s390x]=15 [linux/amd64]=11)
    for platform in "${!wanted[@]}"; do
        rm -rf "$TEACHROOT_STORE"
        pull -q --platform "$platform" "127.0.0.1:$HUB/t/multi:v1"
        [ "$(ls -d "$TEACHROOT_STORE"/.layers/*/dir*)" = "$(echo "$TEACHROOT_STORE"/.layers/*/dir"${wanted[$platform]}")" ] || { echo "$platform"; false; }
    done
    run pull --platform linux/riscv64 "127.0.0.1:$HUB/t/multi:v1"
    [ "$status" = 1 ]
    [[ $output == *riscv64*linux/amd64*linux/s390x* ]]
    run pull --platform nonsense/ "127.0.0.1:$HUB/t/multi:v1"
    [ "$status" = 125 ]
}

@test "what is pushed is what skopeo copies back, and a second push sends no layer" {
    pull -q "127.0.0.1:$HUB/t/one:v1"
    start_registry other
    start_peer proxy "$PORT" 0 0 0
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/new/one:v2"
    run --separate-stderr push "127.0.0.1:$PORT/new/one:v2"
    [ "$(grep -c ': Pushed$' <<<"$stderr")" = 3 ]
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://127.0.0.1:$HUB/t/one:v1")
    [ "$output" = "v2: digest: $digest" ]
    skopeo_copy "docker://127.0.0.1:$PORT/new/one:v2" "oci:$BATS_TEST_TMPDIR/back:x"
    blobs "$BATS_TEST_TMPDIR/back" | cmp - <(blobs "$TEACHROOT_STORE")
    before=$(cut -d' ' -f3 "$LOG")
    run --separate-stderr push "127.0.0.1:$PORT/new/one:v2"
    [ "$(grep -c ': Layer already exists$' <<<"$stderr")" = 3 ]
    [ $(($(cut -d' ' -f3 "$LOG") - before)) -lt 5000 ]
    # Another repository of the same registry has them: they are mounted.
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/other/one:v2"
    push "127.0.0.1:$PORT/other/one:v2"
    [ $(($(cut -d' ' -f3 "$LOG") - before)) -lt 12000 ]
    skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/other/one:v2" | cmp - "$TEACHROOT_STORE/blobs/sha256/${digest#sha256:}"
}

@test "a layer that is kept plain is pushed compressed, the same each time, and unpacks to the same" {
    pull -q "127.0.0.1:$HUB/t/single:v1"
    manifest=$(jq -r '.manifests[0].digest[7:]' "$TEACHROOT_STORE/index.json")
    cd "$TEACHROOT_STORE/blobs/sha256"
    layer=$(jq -r '.layers[0].digest[7:]' "$manifest")
    gzip -dc <"$layer" >"$BATS_TEST_TMPDIR/plain"
    plain=$(sha256sum <"$BATS_TEST_TMPDIR/plain" | cut -c1-64)
    cp "$BATS_TEST_TMPDIR/plain" "$plain"
    jq -c --arg d "sha256:$plain" --argjson s "$(stat -c %s "$plain")" '.layers[0] = {mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $d, size: $s}' "$manifest" >new
    new=$(sha256sum <new | cut -c1-64)
    size=$(stat -c %s new)
    mv new "$new"
    rm "$layer"
    jq -c --arg d "sha256:$new" --argjson s "$size" --arg n "127.0.0.1:$HUB/p/plain:v1" '.manifests = [.manifests[0] | .digest = $d | .size = $s | .annotations[] = $n]' "$TEACHROOT_STORE/index.json" >"$BATS_TEST_TMPDIR/index"
    cp "$BATS_TEST_TMPDIR/index" "$TEACHROOT_STORE/index.json"
    run --separate-stderr push "127.0.0.1:$HUB/p/plain:v1"
    [[ $stderr == *': Pushed'* ]]
    first=$output
    run --separate-stderr push "127.0.0.1:$HUB/p/plain:v1"
    [[ $stderr == *': Layer already exists'* ]]
    [ "$output" = "$first" ]
    [ -z "$(ls "$TEACHROOT_STORE/.ingest")" ]
    skopeo_copy "docker://127.0.0.1:$HUB/p/plain:v1" "oci:$BATS_TEST_TMPDIR/back:x"
    sent=$(jq -r '.layers[0].digest[7:]' "$BATS_TEST_TMPDIR/back/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$BATS_TEST_TMPDIR/back/index.json")")
    gzip -dc <"$BATS_TEST_TMPDIR/back/blobs/sha256/$sent" | cmp - "$BATS_TEST_TMPDIR/plain"
}

@test "a push cut at every tenth of a layer goes on where it broke, where the registry keeps uploads" {
    python3 "$PEERS" layout "$BATS_TEST_TMPDIR/large" 2000000
    start_registry source
    skopeo_copy "oci:$BATS_TEST_TMPDIR/large:single" "docker://127.0.0.1:$PORT/t/single:v1"
    pull -q "127.0.0.1:$PORT/t/single:v1"
    from=127.0.0.1:$PORT/t/single:v1
    start_peer hostile none 1000
    registry_log=$LOG
    start_peer proxy "$PORT" 0 200000 0
    tag "$from" "127.0.0.1:$PORT/x:latest"
    push "127.0.0.1:$PORT/x"
    read -r connections down up cuts <"$LOG"
    echo "connections $connections down $down up $up cuts $cuts"
    [ "$cuts" -ge 9 ]
    [ "$up" -lt 2200000 ]
    [ "$(grep -c '^PATCH .*Content-Range=[1-9]' "$registry_log")" -ge 9 ]
    cmp "$registry_log.manifest" "$TEACHROOT_STORE/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$TEACHROOT_STORE/index.json")"
}

@test "a push cut once, at any tenth of a layer, gets through to a registry that forgets what was cut" {
    python3 "$PEERS" layout "$BATS_TEST_TMPDIR/large" 1500000
    start_registry target
    target=$PORT
    skopeo_copy "oci:$BATS_TEST_TMPDIR/large:single" "docker://127.0.0.1:$target/t/single:v1"
    pull -q "127.0.0.1:$target/t/single:v1"
    digest=$(jq -r '.manifests[0].digest' "$TEACHROOT_STORE/index.json")
    logs=() pids=()
    for tenth in 1 2 3 4 5 6 7 8 9; do
        start_peer proxy "$target" 0 $((tenth * 150000)) 1
        logs+=("$LOG")
        tag "127.0.0.1:$target/t/single:v1" "127.0.0.1:$PORT/cut$tenth/one:v1"
        push -q "127.0.0.1:$PORT/cut$tenth/one:v1" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for tenth in 1 2 3 4 5 6 7 8 9; do
        read -r connections down up cuts <"${logs[tenth - 1]}"
        echo "$tenth: connections $connections down $down up $up cuts $cuts"
        [ "$cuts" = 1 ]
        [ "$up" -gt $((1500000 + tenth * 150000)) ]
        [ "$up" -lt $((1500000 + tenth * 150000 + 60000)) ]
        skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$target/cut$tenth/one:v1" | sha256sum | grep -q "^${digest#sha256:}"
    done
}

@test "a registry that wants a password gets it from the auth file, and only who has it gets in" {
    printf 'learner:%s\n' "$(perl -e 'print crypt("secret", q($2y$05$abcdefghijklmnopqrstuu))')" >"$BATS_TEST_TMPDIR/htpasswd"
    pull -q "127.0.0.1:$HUB/t/one:v1"
    start_registry locked "auth: {htpasswd: {realm: r, path: $BATS_TEST_TMPDIR/htpasswd}}"
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/a/one:v1"
    run push "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    [[ $output == *'unauthorized'*'no auth file has one'* ]]
    login "127.0.0.1:$PORT" learner wrong
    run push "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    [[ $output == *'unauthorized'*'does not take the password'* ]]
    [[ $output != *wrong* ]]
    login "127.0.0.1:$PORT" learner secret
    push "127.0.0.1:$PORT/a/one:v1"
    skopeo inspect --raw --tls-verify=false --creds learner:secret "docker://127.0.0.1:$PORT/a/one:v1" | sha256sum |
        grep -q "^$(jq -r '.manifests[0].digest[7:]' "$TEACHROOT_STORE/index.json")"
    rm -rf "$TEACHROOT_STORE"
    pull "127.0.0.1:$PORT/a/one:v1"
    whole
    # The other files that are looked in.
    mkdir -p "$HOME/run/containers"
    mv "$HOME/.docker/config.json" "$HOME/run/containers/auth.json"
    pull "127.0.0.1:$PORT/a/one:v1"
    mv "$HOME/run/containers/auth.json" "$BATS_TEST_TMPDIR/auth"
    run pull "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth pull "127.0.0.1:$PORT/a/one:v1"
    echo '{"auths": {' >"$HOME/.docker/config.json"
    run pull "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    [[ $output == *"$HOME/.docker/config.json"*', line '* ]]
}

@test "tokens are fetched as the registry says, for what is to be done" {
    pull -q "127.0.0.1:$HUB/t/one:v1"
    start_registry behind
    start_peer token "$PORT"
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/a/one:v1"
    run push "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    [[ $output == *unauthorized* ]]
    [[ $output == *'no auth file has one'* ]]
    login "127.0.0.1:$PORT" learner wrong
    run push "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    [[ $output == *'does not take the password of the auth file'* ]]
    login "127.0.0.1:$PORT" learner secret
    push "127.0.0.1:$PORT/a/one:v1"
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/b/one:v1"
    push "127.0.0.1:$PORT/b/one:v1"
    rm -rf "$TEACHROOT_STORE"
    pull "127.0.0.1:$PORT/b/one:v1"
    whole
    grep -q '^GET /token?.*scope=repository:a/one:pull,push Auth' "$LOG"
    grep -q '^GET /token?.*scope=repository:b/one:pull,push&scope=repository:a/one:pull Auth' "$LOG"
    grep -q '^GET /token?.*scope=repository:b/one:pull Auth' "$LOG"
    # One for a pull, not one for each layer; and nobody but the token server is given the password.
    [ "$(grep -c 'scope=repository:b/one:pull Auth' "$LOG")" = 1 ]
    [ "$(grep -v '^GET /token' "$LOG" | grep -c 'Authorization=Basic')" = 0 ]
}

@test "an identity token of the auth file is what tokens are fetched with, and only the token server is sent it" {
    pull -q "127.0.0.1:$HUB/t/one:v1"
    start_registry behind
    start_peer oauth "$PORT"
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/a/one:v1"
    tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/b/one:v1"
    # As docker writes it: of user and password nothing but a user.
    identity() { printf '{"auths": {"127.0.0.1:%s": {"auth": "MDAwMDA6", "identitytoken": "%s"}}}' "$PORT" "$1" >"$HOME/.docker/config.json"; }
    for wrong in stale 'for ever'; do
        identity "$wrong"
        run push "127.0.0.1:$PORT/a/one:v1"
        [ "$status" = 1 ]
        [[ $output == *'get a token: unauthorized: '*'does not take the identity token of the auth file (nobody was given that)' ]]
        [[ $output != *"$wrong"* ]]
    done
    login "127.0.0.1:$PORT" learner secret # which this one never takes
    run push "127.0.0.1:$PORT/a/one:v1"
    [ "$status" = 1 ]
    [[ $output == *'405 Method Not Allowed to GET /token'* ]]
    identity 'for ever & a day/+=%'
    push "127.0.0.1:$PORT/a/one:v1"
    push "127.0.0.1:$PORT/b/one:v1"
    rm -rf "$TEACHROOT_STORE"
    pull "127.0.0.1:$PORT/b/one:v1"
    whole
    for scope in 'a/one:pull,push repository:b/one:pull' 'b/one:pull,push repository:a/one:pull' 'b/one:pull'; do
        [ "$(grep -cF "('refresh_token', 'for ever & a day/+=%'), ('scope', 'repository:$scope'), ('service', 'the service')]" "$LOG")" = 1 ]
    done
    [ "$(grep '^POST /token' "$LOG" | grep -c Authorization)" = 0 ]
    [ "$(grep -v '^POST form' "$LOG" | grep -c 'ever\|MDAwMDA6')" = 0 ]
}

@test "a redirect to another host is followed, without what is the registry's to know" {
    start_peer hostile elsewhere "$SIZE"
    login "127.0.0.1:$PORT" learner secret
    pull "127.0.0.1:$PORT/x"
    whole
    grep -q '^GET /v2/x/blobs/.*Authorization=Basic' "$LOG"
    grep -q '^GET /cdn/' "$LOG.elsewhere"
    run grep Authorization "$LOG.elsewhere"
    [ "$status" = 1 ]
}

@test "mirrors are asked first, and what they do not have is asked of the registry" {
    config "{\"mirrors\": {\"docker.io\": [\"http://127.0.0.1:1\", \"http://127.0.0.1:$HUB\"], \"127.0.0.1:$HUB\": [\"http://127.0.0.1:1\"]}}"
    run --separate-stderr pull t/one:v1
    [ "${lines[1]}" = 'Status: Downloaded newer image for t/one:v1' ]
    [[ $stderr == *'mirror http://127.0.0.1:1'*'Connection refused'* ]]
    jq -e '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "docker.io/t/one:v1")' "$TEACHROOT_STORE/index.json"
    run --separate-stderr pull "127.0.0.1:$HUB/t/two:v1"
    [ "$status" = 0 ]
    [[ $stderr == *'mirror http://127.0.0.1:1'* ]]
    config '{"mirrors": {"docker.io": "x"}}'
    run pull t/one:v1
    [ "$status" = 1 ]
    [[ $output == *registries.json*'array of URLs'* ]]
}

# What each fault is answered with, by words of the message.
hostile_case() { # FAULT WORDS
    run timeout 20 "$DOCKER" pull "127.0.0.1:$PORT/$1/x"
    echo "$1: $status $output"
    [ "$status" = 1 ]
    # shellcheck disable=SC2053 # a pattern
    [[ $output == *$2* ]]
    whole
    jq -e '.manifests == []' "$TEACHROOT_STORE/index.json" 2>/dev/null || [ ! -e "$TEACHROOT_STORE/index.json" ]
    [ "$(find "$TEACHROOT_STORE/.layers" -mindepth 1 | wc -l)" = 0 ]
    rm -rf "$TEACHROOT_STORE"
}

@test "hostile registries: manifests" {
    start_peer hostile any "$SIZE"
    hostile_case manifest-digest 'says that its digest is'
    hostile_case manifest-html 'manifest'
    hostile_case manifest-long 'more than 4194304 bytes'
    hostile_case manifest-endless 'more than 4194304 bytes'
    hostile_case manifest-schema1 'schema 1'
    hostile_case manifest-both 'an index and as a manifest'
    hostile_case manifest-gzip 'manifest'
    hostile_case headers-endless 'headers'
    hostile_case negative-size 'size'
    hostile_case path-digest 'digest'
}

@test "hostile registries: layers" {
    start_peer hostile any "$SIZE"
    hostile_case digest 'sends something else: its digest is'
    hostile_case endless 'sends more than'
    hostile_case length-more 'says that it has'
    hostile_case length-less 'says that it has'
    hostile_case gzip 'Content-Encoding'
    hostile_case loop 'redirects in circles'
    hostile_case file 'neither http nor https'
    hostile_case password "a user's name in it"
    hostile_case range-other 'another part of it than was asked for'
}

@test "hostile registries: what unpacks to something else than the config says is not kept unpacked" {
    start_peer hostile wrong-diff-id "$SIZE"
    run pull "127.0.0.1:$PORT/x"
    [ "$status" = 1 ]
    [[ $output == *'it unpacks to'* ]]
    [ "$(find "$TEACHROOT_STORE/.layers" "$TEACHROOT_STORE/.ingest" -mindepth 1 | wc -l)" = 0 ]
}

@test "hostile registries: a byte at a time does not go on for ever" {
    start_peer hostile trickle "$SIZE"
    run timeout 60 "$DOCKER" pull "127.0.0.1:$PORT/x"
    [ "$status" = 1 ]
    [ "$(grep -c '^GET /v2/x/blobs' "$LOG")" -lt 30 ]
}

@test "an answer that ends early without saying so is taken up, also where Range is not known" {
    for fault in cut no-range; do
        start_peer hostile $fault "$SIZE"
        rm -rf "$TEACHROOT_STORE"
        pull "127.0.0.1:$PORT/x"
        whole
        unpacked "127.0.0.1:$PORT/x:latest"
        [ "$(grep -c '^GET /v2/x/blobs/.*Range' "$LOG")" = 1 ]
    done
}

@test "a registry that is busy is asked again when it says, or when it says too late is left" {
    start_peer hostile any "$SIZE"
    for fault in 429 503; do
        rm -rf "$TEACHROOT_STORE"
        run --separate-stderr pull "127.0.0.1:$PORT/$fault/x"
        [ "$status" = 0 ]
        [ "$(grep -c 'retrying in' <<<"$stderr")" -ge 1 ]
    done
    run pull "127.0.0.1:$PORT/429-long/x"
    [ "$status" = 1 ]
    [[ $output == *'429 Too Many Requests'*'try again in 4000 s'* ]]
}

@test "an upload is sent to no other host, and to nothing but http" {
    pull -q "127.0.0.1:$HUB/t/one:v1"
    start_peer hostile any 1000
    for fault in 'upload-elsewhere another host' 'upload-file neither http nor https' 'upload-nowhere does not say where'; do
        tag "127.0.0.1:$HUB/t/one:v1" "127.0.0.1:$PORT/${fault%% *}/x:latest"
        run push "127.0.0.1:$PORT/${fault%% *}/x"
        echo "$output"
        [ "$status" = 1 ]
        [[ $output == *"${fault#* }"* ]]
        [ ! -s "$LOG.elsewhere" ]
    done
}

@test "TLS is verified, but for what is listed as insecure; one that does not speak it is pointed out" {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x.localhost -addext subjectAltName=DNS:x.localhost \
        -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/certificate" 2>/dev/null
    cat "$BATS_TEST_TMPDIR/key" "$BATS_TEST_TMPDIR/certificate" >"$BATS_TEST_TMPDIR/both"
    export PEER_CERTIFICATE=$BATS_TEST_TMPDIR/both
    start_peer hostile none 4000
    tls=$PORT
    unset PEER_CERTIFICATE
    run pull "x.localhost:$tls/x"
    [ "$status" = 1 ]
    [[ $output == *"certificate of \`x.localhost:$tls\` is not to be trusted"* ]]
    SSL_CERT_FILE=$BATS_TEST_TMPDIR/certificate pull "x.localhost:$tls/x"
    run env SSL_CERT_FILE="$BATS_TEST_TMPDIR/certificate" "$DOCKER" pull "y.localhost:$tls/x"
    [ "$status" = 1 ]
    pull "127.0.0.1:$tls/x"
    config "{\"insecure\": [\"x.localhost:$tls\"]}"
    pull "x.localhost:$tls/x"
    start_peer hostile none 4000
    run pull "x.localhost:$PORT/x"
    [ "$status" = 1 ]
    [[ $output == *"x.localhost:$PORT"*'does not speak https'*insecure*registries.json* ]]
    config '{"insecure": ["x.localhost"]}'
    pull "x.localhost:$PORT/x"
}

@test "what cannot be pulled or pushed is said in a sentence, with status 1; what was asked wrongly with 125" {
    run pull "127.0.0.1:1/x"
    [ "$status" = 1 ]
    [[ $output == *'127.0.0.1:1'*'Connection refused'* ]]
    run pull "127.0.0.1:$HUB/t/none:v1"
    [ "$status" = 1 ]
    [[ $output == *"127.0.0.1:$HUB/t/none:v1"*'there is no such image'*'404'*'GET /v2/t/none/manifests/v1'* ]]
    run push "127.0.0.1:$HUB/t/none:v1"
    [ "$status" = 1 ]
    [[ $output == *'no such image'* ]]
    run unshare --user --net "$DOCKER" pull registry.example/x
    [ "$status" = 1 ]
    [[ $output == *'no address is known for `registry.example`'*'is there a network?'* ]]
    for wrong in Upper 'a b' '' x:y:z; do
        run pull "$wrong"
        [ "$status" = 125 ]
        [[ $output == *'invalid reference format'* ]]
    done
    run pull
    [ "$status" = 125 ]
    run push a b
    [ "$status" = 125 ]
    run push "127.0.0.1:$HUB/t/one@sha256:$(printf 0%.0s {1..64})"
    [ "$status" = 1 ]
    [[ $output == *'give a tag'* ]]
    run pull --help
    [ "$status" = 0 ]
    [[ $output == *registries.json* ]]
}

@test "on a terminal a bar moves for each layer" {
    start_peer proxy "$HUB" $((SIZE / 3)) 0 0
    TERM=xterm script -qec "stty cols 100 rows 30; $DOCKER pull 127.0.0.1:$PORT/t/one:v1" /dev/null >"$BATS_TEST_TMPDIR/screen"
    grep -q 'Downloading \[=*> *\] [0-9.]*kB/[0-9.]*kB' "$BATS_TEST_TMPDIR/screen"
    grep -q $'\033\\[3A' "$BATS_TEST_TMPDIR/screen"
    [ "$(tail -n 6 "$BATS_TEST_TMPDIR/screen" | grep -c 'Pull complete')" = 3 ]
}
