#!/usr/bin/env bats
# Images: what we write, other tools read to the same tree, and the other way round; killed at any instant, the store stays whole.
# IMAGE_KILLS=20: so many kills of each verb (and of pull, in registry.bats). IMAGE_TREE=/usr: what is taken through export and import.
load common

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    make_learner
    export T=$TEACHROOT_BUILD/teachroot-transfer
    python3 "$TEACHROOT_SOURCE/tests/tree.py" make "$DIR/tree"
    list "$DIR/tree" >"$DIR/tree.list"
}

teardown_file() {
    [ "$(id -u)" = 0 ] || return 0
    remove_learner
}

setup() {
    [ "$(id -u)" = 0 ] || skip "trees with owners and devices, and podman's storage, are root's"
    WORK=$(mktemp -d "$DIR/work.XXXXXX")
    export TEACHROOT_STORE=$WORK/store
    cd "$WORK" || return 1
}

teardown() {
    [ -n "${WORK:-}" ] || return 0
    cd /
    rm -rf "$WORK"
}

list() {
    python3 "$TEACHROOT_SOURCE/tests/tree.py" list "$1"
}

docker() {
    "$TEACHROOT_TOOLS" docker "$@"
}

my_podman() {
    podman --storage-driver vfs --root "$WORK/podman" --runroot "$WORK/podman-run" --tmpdir "$WORK/podman-tmp" "$@"
}

# The only layer of the image $1, as the store unpacks it.
unpacked() {
    local box id
    box=$("$T" create "$1" /x)
    docker rm "$box" >/dev/null
    id=$(docker inspect --type image --format '{{json .RootFS.Layers}}' "$1" | tr -d '[]"' | sed 's/sha256://')
    [ -d "$TEACHROOT_STORE/.layers/$id" ] && echo "$TEACHROOT_STORE/.layers/$id"
}

same_tree() {
    list "$1" >"$WORK/list"
    diff "$DIR/tree.list" "$WORK/list"
}

# Where podman mounts an image, the root directory's own time is that of the mount.
same_tree_below() {
    list "$1" >"$WORK/list"
    diff <(tail -n +2 "$DIR/tree.list") <(tail -n +2 "$WORK/list")
}

@test "the same programs give the same image, whoever makes it and when" {
    first=$("$T" image from-host bash ls tiny:1)
    sleep 1.1
    second=$(umask 077; cd /; TEACHROOT_STORE=$WORK/other "$T" image from-host bash ls tiny:2)
    [ "$first" = "$second" ]
    cp "$T" "$DIR/bin/"
    third=$(as_learner "TEACHROOT_STORE=\$HOME/images $DIR/bin/teachroot-transfer image from-host bash ls tiny:3")
    [ "$first" = "$third" ]
    [ "$(jq -r .manifests[0].digest "$WORK/store/index.json")" = "$(jq -r .manifests[0].digest "$DIR/home/images/index.json")" ]
}

@test "skopeo, umoci and podman read what we write, to the same tree" {
    "$T" image from-rootfs "$DIR/tree" team/tree:1
    [ "$(skopeo inspect "oci:store:docker.io/team/tree:1" | jq -r '.Os')" = linux ]
    umoci unpack --image "store:docker.io/team/tree:1" bundle 2>/dev/null
    same_tree bundle/rootfs
    skopeo copy -q "oci:store:docker.io/team/tree:1" oci:copy:x
    [ "$(jq -r '.manifests[0].digest' copy/index.json)" = "$(jq -r '.manifests[0].digest' store/index.json)" ]
    "$T" save -o saved.tar team/tree:1
    "$T" save team/tree:1 | cmp - saved.tar
    skopeo copy -q docker-archive:saved.tar oci:copy:docker
    skopeo copy -q oci-archive:saved.tar oci:copy:oci
    run my_podman load -q -i saved.tar
    [ "$status" = 0 ]
    [[ $output == *docker.io/team/tree:1* ]]
    same_tree_below "$(my_podman image mount docker.io/team/tree:1)"
    my_podman image unmount -a >/dev/null
    same_tree "$(unpacked team/tree:1)"
}

@test "we read what podman, skopeo and umoci write, to the same tree" {
    "$T" image from-rootfs "$DIR/tree" tree:1
    "$T" save -o saved.tar tree:1
    my_podman load -q -i saved.tar
    my_podman save -q --format docker-archive -o podman-docker.tar tree:1
    my_podman save -q --format oci-archive -o podman-oci.tar tree:1
    skopeo copy -q oci:store:docker.io/library/tree:1 docker-archive:skopeo-docker.tar:team/tree:2
    skopeo copy -q oci:store:docker.io/library/tree:1 oci-archive:skopeo-oci.tar:team/tree:2
    gzip -k podman-docker.tar
    xz -0 -k podman-oci.tar
    zstd -q skopeo-docker.tar
    for archive in podman-docker.tar podman-oci.tar skopeo-docker.tar skopeo-oci.tar podman-docker.tar.gz podman-oci.tar.xz skopeo-docker.tar.zst; do
        rm -rf loaded
        name=tree:1
        [[ $archive != skopeo* ]] || name=team/tree:2
        TEACHROOT_STORE=$WORK/loaded run "$T" load -i "$archive"
        echo "$archive: $output"
        [ "$output" = "Loaded image: $name" ]
        TEACHROOT_STORE=$WORK/loaded same_tree "$(TEACHROOT_STORE=$WORK/loaded unpacked "$name")"
        TEACHROOT_STORE=$WORK/loaded "$T" image fsck
    done
}

@test "layers that umoci made are one tree with ours below" {
    "$T" image from-rootfs "$DIR/tree" base:1
    skopeo copy -q oci:store:docker.io/library/base:1 oci:layout:base
    umoci unpack --image layout:base bundle 2>/dev/null
    # Not a name of a hard link: umoci would pack the other again without its directory, which then has other attributes in an overlay, for docker as for us.
    rm -r bundle/rootfs/tmp bundle/rootfs/fifo
    rm -r bundle/rootfs/deep && mkdir bundle/rootfs/deep && echo new >bundle/rootfs/deep/file
    echo changed >bundle/rootfs/empty
    umoci repack --image layout:top bundle 2>/dev/null
    umoci remove --image layout:base 2>/dev/null
    tar -cf layout.tar -C layout .
    "$T" load -i layout.tar
    box=$("$T" create --name box top /x)
    [ -n "$box" ]
    mkdir ours theirs
    "$T" export box | tar -xp --xattrs --xattrs-include='*' -C ours
    umoci unpack --image layout:top theirs-bundle 2>/dev/null
    list theirs-bundle/rootfs >theirs.list
    list ours >ours.list
    diff theirs.list ours.list
    docker rm box
}

@test "export, import, export: the same bytes" {
    "$T" image from-rootfs "$DIR/tree" tree:1
    "$T" create --name one tree:1 /x
    "$T" export -o one.tar one
    for compress in cat gzip "zstd -q" "xz -0"; do
        $compress <one.tar >packed
        "$T" import --change 'CMD ["/bin/set-id"]' --message "again" packed again:1
        "$T" create --name two again:1
        "$T" export two | cmp - one.tar
        docker rm two
    done
    [ "$(docker inspect --format '{{json .Config.Cmd}}' again:1)" = '["/bin/set-id"]' ]
    docker rm one
    [ -z "$(ls -A store/.ingest)" ]
}

@test "a tree of the machine, imported, is the same tree, and exported again the same bytes" {
    tree=${IMAGE_TREE:-/usr/sbin}
    "$T" image from-rootfs "$tree" tree:1
    "$T" create --name one tree:1 /x
    "$T" export -o one.tar one
    docker rm one
    docker rmi tree:1
    "$T" import one.tar again:1
    diff <(list "$tree") <(list "$(unpacked again:1)")
    "$T" create --name two again:1 /x
    "$T" export two | cmp - one.tar
    ls -l one.tar
    sha256sum one.tar
}

@test "wrong lines and wrong archives say what is wrong, with docker's exit statuses" {
    run "$T" import http://localhost/x.tar x
    [ "$status" = 125 ] && [[ $output == *"fetch it first: curl"* ]]
    run "$T" import nowhere.tar x
    [ "$status" = 1 ] && [[ $output == *"docker import: "*"nowhere.tar"*"No such file"* ]]
    run "$T" import --change "RUN x" - x
    [ "$status" = 125 ] && [[ $output == *"no instruction that changes an image"* ]]
    run "$T" import - "Not A Name"
    [ "$status" = 125 ]
    run "$T" import - x </dev/null
    [ "$status" = 1 ] && [[ $output == *"empty"* ]]
    echo "no archive" >text
    run "$T" import text x
    [ "$status" = 1 ]
    run "$T" load -i text
    [ "$status" = 1 ]
    mkdir layout
    echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
    echo '{"manifests":[]}' >layout/index.json
    for there in oci-layout index.json; do # one without the other is told by its name
        tar -C layout -cf half.tar $there
        run "$T" load -i half.tar
        [ "$status" = 1 ]
        case $there in
            oci-layout) [[ $output == *"oci-layout is in it, but no index.json"* ]] ;;
            index.json) [[ $output == *"index.json is in it, but not the file oci-layout"* ]] ;;
        esac
    done
    run "$T" image gc foo
    [ "$status" = 125 ] && [[ $output == *"unexpected argument \`foo\`"* ]]
    run "$T" image ls
    [ "$status" = 0 ] && [[ $output == *"there is no image in $TEACHROOT_STORE yet" ]]
    run "$T" save nowhere
    [ "$status" = 1 ] && [[ $output == *"No such image: nowhere:latest"* ]]
    run "$T" save -o /nowhere/x.tar nowhere
    [ "$status" = 1 ]
    run "$T" save
    [ "$status" = 125 ]
    run "$T" image from-host no-such-program x
    [ "$status" = 1 ] && [[ $output == *"no-such-program"* ]]
    run "$T" image
    [ "$status" = 125 ]
    for verb in import load save; do "$T" $verb --help | grep -q "usage: docker $verb"; done
    for verb in from-rootfs from-host ls gc fsck; do "$T" image $verb --help | grep -q "usage: teachroot image $verb"; done
    for verb in import load save; do "$T" image $verb --help | grep -q "usage: teachroot image $verb"; done
    for verb in ls gc fsck; do "$T" image $verb --help | grep -qx "usage: teachroot image $verb"; done
    [ -z "$(ls -A store/.ingest)" ] && [ -z "$(ls -A store/blobs/sha256)" ]
}

@test "what is interrupted leaves nothing, and what has the name already stays" {
    "$T" image from-host bash tiny:1
    echo old >out.tar
    mkfifo pipe
    tar -cf some.tar "$T"
    for signal in INT TERM HUP; do
        env --default-signal="$signal" "$T" import pipe x:1 2>/dev/null & # a job in the background has INT ignored
        pid=$!
        exec 9>pipe
        head -c 100000 some.tar >&9
        for _ in $(seq 100); do [ -z "$(ls -A store/.ingest)" ] || break; sleep 0.02; done
        [ -n "$(ls -A store/.ingest)" ]
        kill -$signal $pid
        status=0
        wait $pid || status=$?
        [ "$status" = $((128 + $(kill -l "$signal"))) ]
        exec 9>&- # not before: the archive's end would race with the signal
        [ -z "$(ls -A store/.ingest)" ]
    done
    "$T" save tiny:1 | head -c 1000 >/dev/null
    damaged=$(find store/blobs -size +1000k)
    printf x | dd of="$damaged" bs=1 seek=5000 conv=notrunc 2>/dev/null
    run "$T" save -o out.tar tiny:1
    [ "$status" = 1 ] && [[ $output == *damaged* ]]
    [ "$(cat out.tar)" = old ]
    run "$T" image fsck
    [ "$status" = 1 ] && [[ $output == *"is damaged"* ]]
    [ -z "$(find . -mindepth 1 -maxdepth 1 ! -name store ! -name out.tar ! -name pipe ! -name some.tar)" ]
}

# Work for load and gc: images without names, and blobs that nothing leads to.
prepare() {
    local file
    case $verb in
    load) echo '{"schemaVersion":2,"manifests":[]}' >store/index.json ;;
    gc) for file in rubbish.*; do cp "$file" "store/blobs/sha256/${file#rubbish.}"; done ;;
    esac
}

@test "killed -9 at any instant of import, load, save or gc, the store is whole, and the next that writes clears what was left" {
    kills=${IMAGE_KILLS:-2}
    "$T" image from-host bash tiny:1
    "$T" save -o saved.tar tiny:1
    head -c 4000000 /usr/bin/python3 >tree.bin
    tar -cf big.tar tree.bin
    gzip -k big.tar
    for i in $(seq 50); do
        blob=$(echo "rubbish $i" | sha256sum | cut -d' ' -f1)
        echo "rubbish $i" >"rubbish.$blob"
    done
    for verb in import load save gc; do
        case $verb in
        import) line=("$T" import big.tar.gz big:1) ;;
        load) line=("$T" load -i saved.tar) ;;
        save) line=("$T" save -o out.tar tiny:1) ;;
        gc) line=("$T" image gc) ;;
        esac
        for i in $(seq "$kills"); do
            prepare
            [ "$i" != 1 ] || { timed "${line[@]}"; prepare; }
            kill_at $((i * 100 / kills)) "${line[@]}"
            store_is_whole
        done
        "$T" load -q -i saved.tar
        [ -z "$(ls -A store/.ingest)" ]
    done
    [ -z "$(find . -mindepth 1 -maxdepth 1 ! -name 'rubbish.*' ! -name 'big.*' ! -name saved.tar ! -name store ! -name out.tar ! -name tree.bin)" ]
}
