#!/usr/bin/env bats
# docker's light verbs, and containers that were never started: what they print is docker's, and what they leave on disk is what other tools read.

bats_require_minimum_version 1.5.0

setup_file() {
    export DIR
    DIR=$(mktemp -d /tmp/teachroot-docker.XXXXXX)
    mkdir "$DIR/bin" "$DIR/root"
    ln -s "$TEACHROOT_BUILD/teachroot-tools" "$DIR/bin/docker"
    mkdir -p "$DIR/root/etc" "$DIR/root/bin"
    cp /bin/busybox "$DIR/root/bin/busybox"
    ln -s busybox "$DIR/root/bin/sh"
    ln "$DIR/root/bin/busybox" "$DIR/root/bin/second"
    echo "app:x:7:8::/home:/bin/sh" >"$DIR/root/etc/passwd"
    printf 'app:x:8:\nextra:x:99:app\n' >"$DIR/root/etc/group"
    chown 7:8 "$DIR/root/etc/group"
    chmod 4755 "$DIR/root/bin/second"
    touch -d '2001-02-03 04:05:06' "$DIR/root/etc/passwd" "$DIR/root"
    setfattr -n user.kept -v yes "$DIR/root/etc/group" 2>/dev/null || true
    export TEACHROOT_STORE=$DIR/store PATH=$DIR/bin:$PATH
    tar -C "$DIR/root" --xattrs -c . | docker import --change 'CMD ["sh"]' --change 'ENV A=image' --change 'LABEL kind=base' - base
}

teardown_file() {
    rm -rf "$DIR"
}

setup() {
    export TEACHROOT_STORE=$DIR/store
}

teardown() {
    docker ps -aq | xargs -r docker rm >/dev/null
}

@test "what was asked wrongly is said in docker's words, with its exit status" {
    run -125 docker nosuch
    [[ $output == *"unknown command: docker nosuch"* ]]
    run -125 docker image nosuch
    [[ $output == *"unknown command: docker image nosuch"* ]]
    # What docker has and we do not: no word of a typing mistake.
    for verb in run start exec "container run" "container logs"; do
        run -125 docker $verb base
        [[ $output == "docker: docker $verb is not here yet: "*"docker create"*"docker --help" ]]
    done
    for verb in build volume "image build" "container cp"; do
        run -125 docker $verb
        [ "$output" = "docker: docker $verb is not here yet. What is here: docker --help" ]
    done
    run -125 docker image run
    [[ $output == *"unknown command: docker image run"* ]]
    run -125 docker images --nosuch
    run -125 docker rmi
    [[ ${lines[0]} == "docker rmi: requires at least 1 argument, not 0" ]]
    run -125 docker tag one
    [[ $output == *"requires 2 arguments"* ]]
    run -125 docker ps -f nosuch=1
    run -125 docker ps -f status=nosuch
    run -125 docker create -m 1g base
    [[ $output == *"--memory takes effect when a container runs"* ]]
    run -1 docker rm nosuch
    [[ $output == *"No such container: nosuch" ]]
    run -0 docker rm -f nosuch
    run -1 docker rmi nosuch
    [[ $output == *"No such image: nosuch:latest" ]]
    run -125 docker images --format '{{.NoSuch}}'
    [[ $output == *"no field .NoSuch"*"Repository"* ]]
    run -1 docker push tools
    [[ $output != *"The push refers"*  && $output == *"no such image"* ]]
    run -1 docker create 127.0.0.1:1/bsae
    [[ ${lines[-1]} == "docker create: there is no image \`127.0.0.1:1/bsae:latest\` here "* ]]
}

@test "every verb answers --help by itself, by its group, and by help" {
    for verb in create export history images import inspect load ps pull push rm rmi save tag; do
        run -0 docker $verb --help
        [[ $output == "usage: docker $verb "* ]]
        [ "$output" = "$(docker help $verb)" ]
        [ "$(wc -L <<<"$output")" -le 80 ]
    done
    # As wide as the terminal.
    [ "$(script -qec "stty cols 100; $TEACHROOT_TOOLS docker create --help" /dev/null | tr -d '\r' | wc -L)" -gt 90 ]
    [ "$(script -qec "stty cols 60; $TEACHROOT_TOOLS docker create --help" /dev/null | tr -d '\r' | wc -L)" -le 60 ]
    [ "$(docker image ls --help)" = "$(docker images --help)" ]
    [ "$(docker container rm --help)" = "$(docker rm --help)" ]
    run -0 docker --help
    [[ $output == *"images"*"ps"* ]]
    for group in "" image container; do # no line is cut or wrapped on 80 columns
        [ "$(docker $group --help | wc -L)" -le 80 ]
    done
    run -0 docker --version
}

@test "tables fit the terminal: texts that may be cut are, ids and names are whole" {
    id=$(docker create --name quite_a_long_name base sh -c 'echo and so on, for a long while')
    on_terminal() { script -qec "stty cols $1; docker $2" /dev/null | tr -d '\r'; }
    for columns in 70 72 80; do
        [ "$(on_terminal $columns 'ps -a' | wc -L)" -le $columns ]
        on_terminal $columns 'ps -a' | grep "^${id:0:12}  .*….*  quite_a_long_name$"
        [ "$(on_terminal $columns images | wc -L)" -le $columns ]
        [ "$(on_terminal $columns 'history base' | wc -L)" -le $columns ]
    done
    # Where there is room, and where no terminal is, it is docker's own table.
    [ "$(on_terminal 200 'ps -a' | head -n 1)" = "$(docker ps -a | head -n 1)" ]
    docker ps -a | head -n 1 | grep -E '^CONTAINER ID   IMAGE     COMMAND +CREATED +STATUS    PORTS     NAMES$'
    [ "$(on_terminal 72 'ps -a --no-trunc')" = "$(docker ps -a --no-trunc)" ]
}

@test "images are listed, filtered and shown by template as docker does" {
    docker tag base team/other:2
    run -0 docker images
    [[ ${lines[0]} == "REPOSITORY   TAG       IMAGE ID       CREATED"*"SIZE" ]]
    [ "${#lines[@]}" -eq 3 ]
    [ "$(docker images --format '{{.Repository}}:{{.Tag}}' | sort | xargs)" = "base:latest team/other:2" ]
    [ "$(docker images -q base)" = "$(docker images -q --no-trunc base | cut -c 8-19)" ]
    [ "$(docker images -f reference='team/*' --format '{{.Tag}}')" = 2 ]
    [ "$(docker images -f label=kind=base -q | wc -l)" -eq 2 ]
    [ -z "$(docker images -f label=kind=none -q)" ]
    [ -z "$(docker images -f dangling=true -q)" ]
    [ "$(docker images --format '{{json .}}' base | python3 -c 'import json,sys; print(json.load(sys.stdin)["Repository"])')" = base ]
    [ "$(docker images --format 'table {{.Tag}}\t{{.Repository}}' base)" = $'TAG       REPOSITORY\nlatest    base' ]
    [ "$(docker inspect -f '{{index .Config.Labels "kind"}} {{json .Config.Cmd}} {{join .Config.Env ","}}' base)" = 'base ["sh"] A=image' ]
    [ "$(docker image inspect -f '{{len .RepoTags}} {{.RootFS.Type}}' base)" = "2 layers" ]
    docker rmi team/other:2
}

@test "names are taken away one by one, and with the last the image and the layers that no other has" {
    docker tag base copy
    mkdir -p "$DIR/small"
    echo one >"$DIR/small/file"
    tar -C "$DIR/small" -c . | docker import - small >/dev/null
    layer=$(docker inspect -f '{{index .RootFS.Layers 0}}' small)
    [ "$(docker rmi copy)" = "Untagged: copy:latest" ]
    docker create --name user small true
    run -1 docker rmi small
    [[ $output == *"conflict: unable to remove repository reference \"small\" (must force) - container "*" is using its referenced image "* ]]
    run -0 docker rmi -f small
    [ "${lines[0]}" = "Untagged: small:latest" ]
    [[ ${lines[1]} == "Deleted: sha256:"* ]]
    [ "${lines[2]}" = "Deleted: $layer" ]
    [ ! -e "$DIR/store/blobs/sha256/${layer#sha256:}" ]
    # The container keeps what it stands on.
    docker export user | tar xO file | grep -qx one
    docker rm user
    docker image prune -f
    [ -z "$(find "$DIR/store/.layers" -mindepth 1 -name "${layer#sha256:}")" ]
}

@test "the state of what was created is told by ps and inspect" {
    id=$(docker create --name box -e A=1 -e B=2 -w /etc -h inside -l k=v --read-only base sh -c 'echo $A')
    [ "${#id}" -eq 64 ]
    [ -z "$(docker ps -q)" ]
    [ "$(docker ps -a --format '{{.ID}} {{.Image}} {{.Command}} {{.Status}} {{.Names}} {{.Labels}}')" = "${id:0:12} base \"sh -c 'echo \$A'\" Created box k=v,kind=base" ] ||
        [ "$(docker ps -a --format '{{.ID}} {{.Image}} {{.Command}} {{.Status}} {{.Names}} {{.Labels}}')" = "${id:0:12} base \"sh -c 'echo \$A'\" Created box kind=base,k=v" ]
    [ "$(docker ps -aq --no-trunc -f name=bo -f status=created -f ancestor=base)" = "$id" ]
    [ -z "$(docker ps -aq -f name=nosuch)" ]
    [ "$(docker inspect -f '{{.State.Status}} {{.Config.Hostname}} {{.Config.WorkingDir}} {{.HostConfig.ReadonlyRootfs}} {{join .Config.Env " "}}' "${id:0:6}")" = \
        "created inside /etc true PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin A=1 B=2" ]
    run -1 docker create --name box base
    [[ $output == *"Conflict. The container name \"/box\" is already in use by container \"$id\". You have to remove (or rename) that container to be able to reuse that name."* ]]
    run -1 docker create --name 'b/x' base
    [[ $output == *"Invalid container name (b/x)"* ]]
    second=$(docker create base)
    [[ $(docker inspect -f '{{.Name}}' "$second") =~ ^/[a-z]+_[a-z]+$ ]]
    [ "$(docker ps -lq --no-trunc)" = "$second" ]
    [ "$(docker ps -n 1 -q --no-trunc)" = "$second" ]
    [ "$(docker rm box "$second")" = "box
$second" ]
    [ -z "$(docker ps -aq)" ]
    [ -z "$(find "$DIR/store/containers" -mindepth 1 -not -name .lock)" ]
}

@test "the bundle is one that a runtime accepts, and names of users are the image's own" {
    id=$(docker create --name box -u app -t base id)
    bundle=$DIR/store/containers/$id/bundle
    python3 - "$bundle/config.json" <<'PYTHON'
import json, sys
config = json.load(open(sys.argv[1]))
assert config["process"]["user"] == {"uid": 7, "gid": 8, "additionalGids": [99]}, config["process"]["user"]
assert config["process"]["args"] == ["id"] and config["process"]["terminal"] is True
assert config["root"] == {"path": "rootfs", "readonly": False}
assert config["ociVersion"].startswith("1.")
PYTHON
    run -1 docker create -u nosuch base
    [[ $output == *"unable to find user nosuch"* ]]
    # crun needs a cgroup hierarchy of one kind: in a mount namespace where only one is seen it runs what we wrote.
    data() { docker inspect -f "{{.GraphDriver.Data.$1}}" box; }
    python3 - "$bundle/config.json" <<'PYTHON'
import json, sys
config = json.load(open(sys.argv[1]))
config["process"]["args"] = ["/bin/busybox", "id"]
config["process"]["terminal"] = False
json.dump(config, open(sys.argv[1], "w"))
PYTHON
    lower=$(data LowerDir) upper=$(data UpperDir) work=$(data WorkDir)
    run unshare -m sh -c "umount /sys/fs/cgroup/unified 2>/dev/null
        mount -t overlay overlay -o lowerdir=$lower,upperdir=$upper,workdir=$work $bundle/rootfs &&
        crun --root $DIR/crun run --bundle $bundle box$$"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"uid=7(app) gid=8(app) groups=99(extra)"* || $output == *"uid=7(app) gid=8(app) groups=8(app),99(extra)"* ]]
}

@test "what is exported of a container that was never started is the image's tree in every attribute" {
    docker create --name box base >/dev/null
    docker export -o "$DIR/box.tar" box
    mkdir "$DIR/out"
    tar -C "$DIR/out" --xattrs --xattrs-include='*' -xpf "$DIR/box.tar"
    list() { (cd "$1" && find . -printf '%P %y %m %U %G %s %T@ %n %l\n' | sed 's/\(^.* d [0-9]* [0-9]* [0-9]*\) [0-9]* /\1 - /' | sort; find . -type f -exec sha256sum {} + | sort; getfattr -R -d -m user. . 2>/dev/null); }
    diff <(list "$DIR/root") <(list "$DIR/out")
    # And again: the same bytes.
    docker export box | cmp - "$DIR/box.tar"
    run -125 script -qec "docker export box" /dev/null
    [[ $output == *"terminal"* ]]
}

@test "a create that is killed leaves no container, and the next one clears it away" {
    for round in $(seq 30); do
        docker create --name "killed$round" base >/dev/null 2>&1 &
        sleep "0.00$((RANDOM % 10))"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
    done
    sleep 0.3
    for id in $(docker ps -aq --no-trunc); do
        python3 -m json.tool "$DIR/store/containers/$id/bundle/config.json" >/dev/null
        docker export "$id" | tar t >/dev/null
    done
    docker create --name after base
    [ -z "$(find "$DIR/store/containers" -mindepth 1 -maxdepth 1 -name '.new-*' -o -maxdepth 1 -name '.gone-*')" ]
    run -0 "$TEACHROOT_BUILD/teachroot-transfer" image fsck
}

@test "a container whose record is damaged is said to be, and removed by force" {
    id=$(docker create --name broken base)
    echo '{"Name":' >"$DIR/store/containers/$id/container.json"
    run -1 docker rm "$id"
    [[ $output == *"container.json"*"not JSON"*"\`docker rm --force ${id:0:12}\` removes it as it is" ]]
    run -1 docker rm broken
    [[ $output == *"No such container: broken" ]]
    docker rm --force "${id:0:8}"
    [ ! -e "$DIR/store/containers/$id" ]
}

@test "two who ask for one name at the same moment do not both get it" {
    for n in $(seq 8); do docker create --name same base >"$DIR/same.$n" 2>/dev/null & done
    wait
    [ "$(cat "$DIR"/same.* | wc -l)" -eq 1 ]
    [ "$(docker ps -aq --no-trunc)" = "$(cat "$DIR"/same.*)" ]
}
