#!/bin/bash
# Pulling and unpacking an image of 200 MB of this machine's /usr, in four gzip layers, from a docker-registry on loopback: ours against `skopeo copy` to an OCI layout plus `umoci unpack`, one after the other, ROUNDS times.
# Aim: at most half of their time, and under 64 MiB. What is dirty is written out between the runs, so that none waits for another's; a machine that is busy shows in the first line, and processor time tells more there.
set -euo pipefail
rounds=${ROUNDS:-3}
registry=''
rootless=()
[ "$(id -u)" = 0 ] || rootless=(--rootless)
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/teachroot-test.XXXXXX")
trap '[ -z "$registry" ] || kill "$registry"; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export HOME=$dir XDG_RUNTIME_DIR=$dir TEACHROOT_STORE=$dir/store
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

# The image: files in the order find gives them, until there are 50 MB in each of the layers.
blobs=$dir/layout/blobs/sha256
mkdir -p "$blobs"
add() { # FILE MEDIA: its descriptor
    local digest
    digest=$(sha256sum <"$1" | cut -c1-64)
    mv "$1" "$blobs/$digest"
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$2" "$digest" "$(stat -c %s "$blobs/$digest")"
}
find /usr -xdev -path /usr/local -prune -o -type f -size -20000k -perm -444 -printf "%s\t%P\n" |
    awk -F '\t' -v dir="$dir" '{ sum += $1; layer = int(sum / 50e6); if (layer < 4) print "usr/" $2 >(dir "/list" layer) }'
layers='' ids=''
for i in 0 1 2 3; do
    tar --create --file "$dir/plain" --directory / --no-recursion --verbatim-files-from --files-from "$dir/list$i"
    ids=$ids${ids:+,}'"sha256:'$(sha256sum <"$dir/plain" | cut -c1-64)'"'
    gzip -6 <"$dir/plain" >"$dir/packed"
    layers=$layers${layers:+,}$(add "$dir/packed" application/vnd.oci.image.layer.v1.tar+gzip)
done
rm "$dir/plain"
printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' "$ids" >"$dir/config"
config=$(add "$dir/config" application/vnd.oci.image.config.v1+json)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' "$config" "$layers" >"$dir/manifest"
manifest=$(add "$dir/manifest" application/vnd.oci.image.manifest.v1+json)
printf '{"schemaVersion":2,"manifests":[%s,"annotations":{"org.opencontainers.image.ref.name":"usr"}}]}' "${manifest%\}}" >"$dir/layout/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/layout/oci-layout"

printf 'version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: "127.0.0.1:0", secret: x}\n' "$dir" >"$dir/registry.yml"
docker-registry serve "$dir/registry.yml" >"$dir/log" 2>&1 &
registry=$!
port=''
for _ in $(seq 200); do
    port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/log")
    [ -z "$port" ] || break
    sleep 0.05
done
skopeo copy --quiet --dest-tls-verify=false "oci:$dir/layout:usr" "docker://127.0.0.1:$port/bench/usr:v1"
echo "image: $(du -sh --apparent-size "$blobs" | cut -f1) in 4 gzip layers; $(uptime | sed 's/.*load/load/')"

ours() {
    "$TEACHROOT_BUILD/teachroot-transfer" pull -q "127.0.0.1:$port/bench/usr:v1" >/dev/null
}
theirs() {
    skopeo copy --quiet --src-tls-verify=false "docker://127.0.0.1:$port/bench/usr:v1" "oci:$dir/theirs:usr"
    umoci unpack "${rootless[@]}" --image "$dir/theirs:usr" "$dir/bundle" >/dev/null 2>&1
}
TIMEFORMAT='%R %U %S'
for _ in $(seq "$rounds"); do
    for who in ours theirs; do
        rm -rf "$dir/store" "$dir/theirs" "$dir/bundle"
        sync -f "$dir"
        { time $who; } 2>"$dir/took"
        echo "$who $(tail -n 1 "$dir/took")" >>"$dir/times"
    done
done
rm -rf "$dir/store"
python3 - "$TEACHROOT_BUILD/teachroot-transfer" "127.0.0.1:$port/bench/usr:v1" >"$dir/peak" <<'PEAK'
import resource, subprocess, sys
subprocess.run([sys.argv[1], 'pull', '-q', sys.argv[2]], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PEAK
awk -v peak="$(cat "$dir/peak")" '{ cpu = $3 + $4; if (!($1 in best) || $2 < best[$1]) best[$1] = $2; if (!($1 in least) || cpu < least[$1]) least[$1] = cpu; all[$1] = all[$1] " " $2 }
    END {
        printf "pull and unpack: ours%s s; skopeo and umoci%s s; best to best %.2f (aim 0.5)\n", all["ours"], all["theirs"], best["ours"] / best["theirs"]
        printf "processor time: ours %.2f s, theirs %.2f s; peak %.1f MiB (aim 64)\n", least["ours"], least["theirs"], peak / 1024
    }' "$dir/times"
