/* Every trap is provoked in a real lab: the kernel really fails, and the right trap is found. */
#include "tests/unit/diagnose_learner.h"

#include "repl/tutor/diagnose.h"

#include <locale.h>

/* Lines to type, parted by newlines. Of the one that begins with "! " the diagnosis has to be @trap; one that begins with "^" is followed by Ctrl-C; "@2" goes to terminal 2; for "{}" what
 * stands in the lab's /root/number is typed. */
struct scene {
    const char *trap, *lines;
};

static const struct scene line_scenes[] = {
    { "prompt-typed", "! $ ls /" },
    { "curly-quotes", "! cat “/etc/hostname”" },
    { "long-dash", "! ls –l" },
    { "unfinished-quote", "! ^echo don't" },
    { "syntax-error", "! ls )" },
    { "quote-open-in-script", "! bash -c \"echo 'a\"" },
    { "spaces-around-equals", "! loader = /lib64" },
    { "bracket-without-space", "! [-e /tmp ]" },
    { "sudo", "! sudo chroot /nope ls" },
    { "ambiguous-redirect", "! echo 64M > $limit" },
    { "path-lacks", "PATH=/usr/local/bin\n! "
                    "lsns\nPATH=/run/teachroot/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    { "needs-dot-slash", "printf '#!/bin/sh\\necho hi\\n' > container.sh\n! container.sh" },
    { "teaching-word", "! Hint" },
    { "teaching-word", "! hint me" },
    { "teaching-word", "! slution" },
    { "answer-without-question", "! 2" },
    { "teachroot-in-the-lab", "! teachroot doctor" },
    { "teachroot-in-the-lab", "! transcript" },
    { "command-misspelt", "! chrot /r bash" },
    { "command-missing", "! frobnicate-it" },
    { "remembered-path",
      "cp /bin/true /usr/local/bin/shortlived\nshortlived\nrm /usr/local/bin/shortlived\n! shortlived" },
    { "program-is-directory", "! /tmp" },
    { "script-crlf", "printf '#!/bin/sh\\r\\necho hi\\r\\n' > crlf; chmod +x crlf\n! ./crlf" },
    { "script-crlf", "printf 'cd /tmp\\r\\nls\\r\\n' > crlf2\n! bash crlf2" },
    { "interpreter-missing", "printf '#!/bin/nosuch\\n' > lost; chmod +x lost\n! ./lost" },
    { "other-machine", "head -c 64 /bin/ls > foreign; printf '\\0363\\0' | dd of=foreign bs=1 seek=18 conv=notrunc 2> "
                       "/dev/null; chmod +x foreign\n! ./foreign" },
    { "no-x-bit", "chmod -x container.sh\n! ./container.sh" },
    { "noexec", "mkdir ne; mount -t tmpfs -o noexec none ne; cp /bin/true ne\n! ne/true\numount ne" },
    { "unknown-option", "! unshare --forkk bash" },
    { "unknown-option", "! ps -Q" },
    { "missing-operand", "! mkdir" },
    { "missing-operand", "! cp /bin/bash" },
    { "stopped", "set -m\n! (kill -TSTP $BASHPID)\nkill -KILL %1; wait" },
    { "killed", "! sh -c 'kill -9 $$'" },
    { "crashed", "! sh -c 'kill -SEGV $$'" },
};

static const struct scene root_scenes[] = {
    { "chroot-no-directory", "! chroot /nowhere bash" },
    { "program-not-in-root", "mkdir /my-new-root; echo secret > /my-new-root/secret.txt\n! chroot /my-new-root bash" },
    { "program-not-in-root", "! chroot /my-new-root" },
    { "chroot-not-directory", "! chroot /my-new-root/secret.txt bash" },
    { "program-is-no-path", "! cp bash /my-new-root" },
    { "file-for-directory-in-root", "cp /bin/bash /my-new-root/bin\n! chroot /my-new-root bash\nrm /my-new-root/bin" },
    { "loader-missing", "mkdir /my-new-root/bin; cp /bin/bash /bin/ls /my-new-root/bin\n! chroot /my-new-root bash" },
    { "loader-elsewhere",
      "mkdir /my-new-root/lib; cp -L /lib*/ld-linux* /my-new-root/lib\n! chroot /my-new-root bash" },
    { "loader-dangling", "L=$(ldd /bin/bash | grep -o '/[^ ]*/ld-[^ ]*'); mkdir -p /my-new-root${L%/*}; ln -s "
                         "/nowhere/ld.so /my-new-root$L\n! chroot /my-new-root bash\nrm /my-new-root$L" },
    { "library-missing", "cp --parents -L $L /my-new-root\n! chroot /my-new-root bash" },
    { "library-elsewhere", "cp -L /lib/*/libtinfo.so.6 /my-new-root/bin\n! chroot /my-new-root bash" },
    { "denied-in-root",
      "mkdir /better; ldcopy bash ls ps cat mkdir mount umount kill unshare chroot pivot_root hostname /better > "
      "/dev/null\n! chroot /better /usr" },
    { "no-x-bit-in-root",
      "cp /bin/true /better/usr/bin/plain; chmod -x /better/usr/bin/plain\n! chroot /better plain" },
    { "no-shebang", "echo 'echo hi' > /better/run.me; chmod +x /better/run.me; mv /better/usr/bin/bash "
                    "/better/usr/bin/b; \n! chroot /better /run.me\nmv /better/usr/bin/b /better/usr/bin/bash" },
    { "script-crlf-in-root", "printf '#!/bin/bash\\r\\n' > /better/dos; chmod +x /better/dos\n! chroot /better /dos" },
    { "libc-mismatch", "sed 's/GLIBC_2\\.34/GLIBC_2.94/g' /bin/ls > /better/usr/bin/newer; chmod +x "
                       "/better/usr/bin/newer\n! chroot /better newer" },
    { "no-user-name", "mkdir -p /tiny/bin; cp /bin/busybox /tiny/bin\n! chroot /tiny /bin/busybox whoami" },
    { "no-proc", "! chroot /tiny /bin/busybox ps" },
    { "no-proc", "! chroot /better ps aux" },
    { "chroot-not-permitted", "! chroot --userspec=65534:65534 / chroot / ls" },
    /* inside another root */
    { "not-in-this-root", "chroot /better bash\n! ldd /bin/bash\nexit" },
    { "path-from-outside", "echo x > /better/note\nchroot /better bash\n! cat /better/note\nexit" },
    { "outside-this-root", "chroot /better bash\n! cat /my-new-root/secret.txt\nexit" },
    { "unshare-in-chroot", "chroot /better bash\n! unshare --mount ls\nexit" },
    { "pivot-from-chroot", "chroot /better bash\n! pivot_root . usr\nexit" },
};

static const struct scene file_scenes[] = {
    { "slash-missing", "mkdir /at-the-top\n! ls at-the-top" },
    { "slash-too-many", "mkdir rootfs\n! ls /rootfs" },
    { "slash-too-many", "! chroot /rootfs /bin/busybox echo" },
    { "wrong-directory", "touch bomb.txt; cd /tmp\n! cat bomb.txt\ncd" },
    { "dangling-link", "ln -s /nowhere dl\n! cp dl /tmp/" },
    { "path-misspelt", "! cat /etc/hostnme" },
    { "path-misspelt", "! cd /at-the-tpo" },
    { "parent-missing", "! mkdir /a/b/c" },
    { "parent-missing", "! cp /bin/ls /a/b/ls" },
    { "directory-exists", "! mkdir rootfs" },
    { "copy-needs-r", "! cp rootfs /tmp" },
    { "copy-through-link", "! cp /bin/ls dl" },
    { "copy-no-directory", "! cp /bin/ls rootfs/bin/" },
    { "remove-needs-r", "! rm rootfs" },
    { "not-empty", "touch rootfs/x\n! rmdir rootfs" },
    { "wrote-to-directory", "! echo x > rootfs" },
    { "read-directory", "! cat rootfs" },
    { "text-busy",
      "cp /bin/sleep rootfs/busy; rootfs/busy 60 &\nuntil [ \"$(readlink /proc/$!/exe)\" = /root/rootfs/busy ]; do "
      "sleep 0.02; done\n! cp /bin/sleep rootfs/busy\nkill $!; wait" },
    { "remove-mounted",
      "mkdir rootfs/proc; mount -t proc proc rootfs/proc\n! rm -rf rootfs/proc 2>&1 | head -n 5; false" },
    { "mounts-below-removed",
      "umount rootfs/proc; mount -t tmpfs none rootfs/proc\n! rm -rf rootfs\numount rootfs/proc" },
    { "no-space-on-file-system",
      "mkdir small; mount -t tmpfs -o size=64k none small\n! head -c 1M /dev/zero > small/x\nrm small/x" },
    { "no-space-on-file-system", "! cp /bin/bash small\numount small" },
    { "no-space-left",
      "! sh -c 'mkdir q; mount -t tmpfs -o size=16k none q; head -c 1M /dev/zero > q/x; echo ended; false'\numount q" },
    { "read-only", "! touch /var/cache/teachroot/x" },
    { "tar-no-archive", "! tar xf /bin/ls" },
    { "tar-from-terminal", "! tar x" },
    { "tar-archive-missing", "! tar xf nope.tar" },
    { "tar-nothing-to-pack", "! tar -C rootfs -cf b.tar nofile" },
    { "tar-directory-missing", "tar -C rootfs -cf a.tar .\n! tar xf a.tar -C no-such" },
    { "port-in-use", "busybox httpd -p 127.0.0.1:5080 -h /root\n! busybox httpd -f -p 127.0.0.1:5080 -h /root" },
    { "connection-refused", "! echo > /dev/tcp/127.0.0.1/81" },
    { "no-route", "! busybox wget http://debian.org/" },
};

static const struct scene mount_scenes[] = {
    { "mount-type-forgotten", "! mount tmpfs /mnt" },
    { "mount-device", "! mount /dev/loop0 /mnt" },
    { "not-superuser", "! chroot --userspec=65534:65534 / mount -t tmpfs none /mnt" },
    { "mount-point-missing", "! mount -t tmpfs none /no/where" },
    { "mount-type-unknown", "! mount -t prco proc /mnt" },
    { "bind-source-missing", "! mount --bind /no-such /mnt" },
    { "mount-source-missing", "! mount -t tmpfs /mnt" },
    { "umount-not-mounted", "! umount /mnt" },
    { "umount-no-place", "! umount /no-such" },
    { "umount-busy-process", "mkdir busy; mount -t tmpfs none busy; cd busy\n! umount /root/busy\ncd; umount busy" },
    { "umount-busy-below",
      "mount -t tmpfs none busy; mkdir busy/in; mount -t tmpfs none busy/in\n! umount busy\numount -R busy" },
    { "mknod-refused", "! mknod /root/null c 1 3" },
    { "mknod-refused", "python3 -c 'import tarfile as t; f=t.open(\"/root/dev.tar\",\"w\"); i=t.TarInfo(\"null\"); "
                       "i.type=t.CHRTYPE; i.devmajor=1; i.devminor=3; f.addfile(i); f.close()'\n! tar xf dev.tar" },
    { "overlay-space", "mkdir l1 l2 up work mnt; touch l1/file; mkdir l1/dir; touch l1/dir/x\n! mount -t overlay "
                       "overlay -o lowerdir=l1, upperdir=up,workdir=work mnt" },
    { "overlay-colon", "mkdir a:b\n! mount -t overlay overlay -o lowerdir=a:b:l1,upperdir=up,workdir=work mnt" },
    { "overlay-lower-missing", "! mount -t overlay overlay -o lowerdir=l1:l9,upperdir=up -o workdir=work mnt" },
    { "overlay-upper-missing", "! mount -t overlay overlay -o lowerdir=l1,upperdir=upp,workdir=work mnt" },
    { "overlay-work-missing", "! mount -t overlay overlay -o lowerdir=l1,upperdir=up,workdir=wrk mnt" },
    { "overlay-no-lower", "! mount -t overlay overlay -o lower=l1,upperdir=up,workdir=work mnt" },
    { "overlay-no-work", "! mount -t overlay overlay -o lowerdir=l1,upperdir=up mnt" },
    { "overlay-one-lower", "! mount -t overlay overlay -o lowerdir=l1 mnt" },
    { "overlay-work-in-upper",
      "mkdir up/work\n! mount -t overlay overlay -o lowerdir=l1,upperdir=up,workdir=up/work mnt\nrmdir up/work" },
    { "overlay-on-overlay",
      "mkdir -p /usr/up /usr/work\n! mount -t overlay overlay -o lowerdir=l1,upperdir=/usr/up,workdir=/usr/work mnt" },
    { "overlay-work-elsewhere",
      "mkdir /tmp/work\n! mount -t overlay overlay -o lowerdir=l1,upperdir=up,workdir=/tmp/work mnt" },
    { "userxattr-missing", "mount -t overlay overlay -o lowerdir=l1,upperdir=up,workdir=work mnt\n! rm -rf mnt/dir" },
    { "whiteout-opened", "rm mnt/file\n! cat up/file\numount mnt" },
};

static const struct scene namespace_scenes[] = {
    { "hostname-of-everybody", "hostname > name\n! hostname renamed\nhostname $(cat name)" },
    { "kill-gone", "! kill 99999" },
    { "kill-nobody", "! kill $(pgrep -x nobody-is-called-so)" },
    { "nsenter-which", "! nsenter --mount bash" },
    { "nsenter-gone", "! nsenter --target 99999 --mount bash" },
    { "nsenter-own-user", "! nsenter --target $$ --user bash" },
    { "nsenter-time", "! nsenter --target 1 --all true" },
    { "too-many-namespaces",
      "M=$(cat /proc/sys/user/max_user_namespaces); echo 0 > /proc/sys/user/max_user_namespaces\n! unshare --user "
      "bash\necho $M > /proc/sys/user/max_user_namespaces" },
    { "unshare-not-root", "! chroot --userspec=65534:65534 / unshare --mount true" },
    { "setgroups-denied", "! unshare -Ur chroot --groups=1 / id" },
    { "pivot-not-permitted", "! unshare -Ur pivot_root . ." },
    { "children-elsewhere", "unshare --pid bash\nls / > /dev/null\n! ls /\nexit" },
    { "stale-proc", "unshare --pid --fork bash\n! ps aux" },
    { "kill-other-namespace",
      "@2\nsleep 300 & echo $! > /root/number\n@1\nN=$(cat /root/number)\n! kill $N\nexit\n@2\nkill $!; wait\n@1" },
    { "nobody-here", "unshare --user bash\n! mount -t tmpfs none /mnt" },
    { "map-from-inside", "! echo 0 0 1 > /proc/self/uid_map\nexit" },
    { "hostname-refused", "unshare --user --map-root-user bash\n! hostname mine" },
    { "mount-in-whose-table", "! mount -t tmpfs none /mnt" },
    { "id-not-mapped", "touch mine\n! chown 5 mine" },
    { "tar-owner", "exit\ntouch five; chown 5:7 five; tar cf five.tar five; mkdir out\nunshare --user --map-root-user "
                   "bash\n! tar xf five.tar -C out\nexit" },
    { "proc-not-your-processes", "unshare --user --map-root-user --mount bash\n! mount -t proc none /proc" },
    { "sysfs-not-your-network", "! mount -t sysfs none /sys" },
    { "umount-locked", "! umount /tmp\nexit" },
    { "proc-not-your-processes-yet", "! unshare --user --map-root-user --mount --mount-proc bash" },
    { "proc-covered", "mount --bind /dev/null /proc/cmdline; unshare --user --map-root-user --mount --pid --fork "
                      "bash\n! mount -t proc none /proc\nexit\numount /proc/cmdline" },
    { "map-written-twice", "unshare --user sleep 300 & echo $! > /root/number\nuntil echo 0 0 1 > /proc/$!/uid_map; do "
                           "sleep 0.02; done 2> /dev/null\n! echo 0 0 1 > /proc/{}/uid_map" },
    { "map-format", "! echo 0 x > /proc/{}/gid_map\nkill $!; wait" },
    { "setgroups-first",
      "chroot --userspec=65534:65534 / unshare --user sleep 300 & echo $! > /root/number\nuntil [ "
      "\"$(readlink /proc/$!/ns/user)\" != \"$(readlink /proc/1/ns/user)\" ]; do sleep 0.02; done\n! chroot "
      "--userspec=65534:65534 / bash -c 'echo 0 65534 1 > /proc/{}/gid_map'\nkill $!; wait" },
    { "kill-not-permitted", "! chroot --userspec=65534:65534 / bash -c 'kill 1'" },
    /* The sign is laid here, as this kernel may have no AppArmor; that ordinary users may not is the kernel's. */
    { "apparmor-userns", "mount -t tmpfs none /proc/sys/kernel; echo 1 > "
                         "/proc/sys/kernel/apparmor_restrict_unprivileged_userns\n! chroot --userspec=65534:65534 / "
                         "unshare --mount true\numount /proc/sys/kernel" },
    { "loopback-down", "unshare --net bash\n! echo > /dev/tcp/127.0.0.1/80\nexit" },
};

static const struct scene pivot_scenes[] = {
    { "pivot-not-mount-point",
      "mkdir -p rootfs/oldroot /new; unshare --mount bash\ncd /root/rootfs\n! pivot_root . oldroot" },
    { "pivot-went-before-mount", "cd /new; mount --bind /root/rootfs /new\n! pivot_root . oldroot" },
    { "pivot-old-missing", "cd /new\n! pivot_root . old" },
    { "pivot-old-on-root", "! pivot_root . /mnt" },
    { "pivot-shared", "mount --make-shared /\n! pivot_root . oldroot" },
    { "pivot-old-not-below",
      "mount --make-private /; mount -t tmpfs none /mnt; mkdir /mnt/x\n! pivot_root . /mnt/x\nexit" },
    { "umount-needs-proc",
      "mkdir -p rootfs/proc; ldcopy bash ls mount umount pivot_root rootfs > /dev/null; unshare --mount "
      "--pid --fork --user --map-root-user bash\nmount --bind rootfs /new; cd /new; pivot_root . "
      "oldroot; cd /; hash -r\n! umount -l /oldroot" },
    { "proc-none-left",
      "mount -t proc proc /proc; umount -l /oldroot; umount -l /proc\n! mount -t proc proc /proc\nexit" },
};

static const struct scene group_scenes[] = {
    { "cg-group-misspelt", "cgcreate -g memory,cpu,pids:/sandbox\n! cgset -r cpu.shares=2 sandbxo" },
    { "cg-group-missing", "! cgset -r cpu.shares=2 elsewhere" },
    { "controller-misspelt", "! cgcreate -g memroy:/x" },
    { "controller-unknown", "! cgcreate -g gravity:/x" },
    { "cg-process-gone", "! cgclassify -g memory:sandbox 99999" },
    { "cg-no-such-file", "! cgset -r memory.limit=80M sandbox" },
    { "cg-value", "! cgset -r memory.limit_in_bytes=80MB sandbox" },
    { "cgroup-value", "! echo 80MB > /sys/fs/cgroup/memory/sandbox/memory.limit_in_bytes" },
    { "cgroup-process-gone", "! echo 99999 > /sys/fs/cgroup/memory/sandbox/cgroup.procs" },
    { "cgroup-removed-as-files", "! rm -rf /sys/fs/cgroup/memory/sandbox" },
    { "cgroup-has-children", "mkdir -p /sys/fs/cgroup/cpu/outer/inner\n! rmdir /sys/fs/cgroup/cpu/outer" },
    { "cgroup-has-processes", "sleep 300 & echo $! > /sys/fs/cgroup/cpu/outer/inner/cgroup.procs\n! rmdir "
                              "/sys/fs/cgroup/cpu/outer/inner\nkill $!; wait" },
    { "cgroup-own-limit", "! echo max > /sys/fs/cgroup/pids/pids.max" },
    { "v2-name-on-v1", "! echo 80M > /sys/fs/cgroup/memory/sandbox/memory.max" },
    { "v2-name-on-v1", "! cat /sys/fs/cgroup/memory/sandbox/memory.max" },
    { "v1-name-on-v2", "mkdir /sys/fs/cgroup/unified/q\n! echo 80M > /sys/fs/cgroup/unified/q/memory.limit_in_bytes" },
    { "controller-off", "! echo 80M > /sys/fs/cgroup/unified/q/memory.max" },
    { "controller-not-in-tree", "! echo +memory > /sys/fs/cgroup/unified/cgroup.subtree_control" },
    { "no-internal-processes", "sleep 300 & echo $! > /sys/fs/cgroup/unified/q/cgroup.procs\n! echo +hugetlb > "
                               "/sys/fs/cgroup/unified/q/cgroup.subtree_control\nkill $!; wait" },
    { "cgroup-hands-on", "echo +hugetlb > /sys/fs/cgroup/unified/q/cgroup.subtree_control\n! echo $$ > "
                         "/sys/fs/cgroup/unified/q/cgroup.procs" },
    { "devices-refused", "mkdir /sys/fs/cgroup/devices/d\n! echo a > /sys/fs/cgroup/devices/d/devices.allow" },
    { "cpuset-empty", "mkdir /sys/fs/cgroup/cpuset/c\n! echo $$ > /sys/fs/cgroup/cpuset/c/tasks" },
    { "cpuset-empty-by-tool", "! cgclassify -g cpuset:c $$" },
    { "fork-refused", "cgset -r pids.max=1 sandbox\n! cgexec -g pids:sandbox sh -c 'ls; ls'" },
    { "limit-below-use", "cgexec -g memory:sandbox perl -e '$x = q(x) x 30000000; sleep 300' &\nuntil [ $(cat "
                         "/sys/fs/cgroup/memory/sandbox/memory.usage_in_bytes) -gt 30000000 ]; do sleep 0.02; done\n! "
                         "cgset -r memory.limit_in_bytes=5M sandbox\nkill $!; wait" },
    { "killed-for-memory",
      "cgset -r memory.limit_in_bytes=8M sandbox\n! cgexec -g memory:sandbox perl -e '$x = q(x) x 40000000'" },
};

static const struct scene image_scenes[] = {
    { "docker-not-here", "! docker run base" },
    { "docker-unknown-verb", "! docker frob" },
    { "docker-upper-case", "mkdir rootfs; touch rootfs/x; tar -C rootfs -cf a.tar .\n! docker import a.tar Base" },
    { "docker-no-command", "docker import a.tar base\n! docker create --name box base" },
    { "docker-name-taken", "docker create --name box base sh\n! docker create --name box base sh" },
    { "docker-image-used", "! docker rmi base" },
    { "docker-image-unknown", "! docker rmi nope" },
    { "docker-container-unknown", "! docker rm bax" },
    { "docker-no-such-tag", "! docker create base:v2" },
    { "docker-no-such-image", "! docker pull greeter" },
    { "docker-no-registry", "! docker pull localhost:5080/greeter" },
    { "docker-no-image-inside", "! docker load -i a.tar" },
    { "debootstrap-no-network", "! debootstrap --variant=minbase --include=no-such bookworm /better-root" },
    { "debootstrap-suite", "! debootstrap --variant=minbase bokworm /better-root" },
    { "debootstrap-no-directory", "! debootstrap bookworm" },
    { "debootstrap-not-empty", "! debootstrap --variant=minbase bookworm /root" },
    { "debootstrap-noexec", "mkdir /y; mount -t tmpfs -o noexec none /y\n! /usr/sbin/debootstrap --variant=minbase "
                            "bookworm /y/root file:///nowhere" },
};

static const char with_lens[] = "# Traps\n\n## One\n\nWords.\n\n```text\nnothing\n```\n\n<!-- check\nfalse\n-->\n";

static const char *provoked[1024];
static size_t provoked_count;

static void put_number(struct learner *learner, const char *line, char *typed, size_t size)
{
    char path[64], number[32] = "";
    const char *at = strstr(line, "{}");
    snprintf(path, sizeof path, "/proc/%d/root/root/number", (int)lab_init_pid(session_lab(learner->session)));
    FILE *file = at ? fopen(path, "re") : NULL;
    if (file && fgets(number, sizeof number, file))
        number[strcspn(number, "\n")] = '\0';
    if (file)
        fclose(file);
    snprintf(typed, size, "%.*s%s%s", at ? (int)(at - line) : (int)strlen(line), line, number, at ? at + 2 : "");
}

/* Of control groups, this machine has the trees that the scene writes to. */
static bool has_trees(const char *lines)
{
    static const char above[] = "/sys/fs/cgroup/";
    for (const char *at = lines; (at = strstr(at, above)); at += strlen(above)) {
        char tree[128];
        snprintf(tree, sizeof tree, "%.*s", (int)(strlen(above) + strcspn(at + strlen(above), "/ )\n")), at);
        if (access(tree, F_OK) < 0)
            return false;
    }
    return true;
}

static void play_scene(struct learner *learner, const struct scene *scene, unsigned *wrong)
{
    char *copy = strdup(scene->lines), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        bool judged = strncmp(line, "! ", 2) == 0;
        line += judged ? 2 : 0;
        bool interrupted = *line == '^';
        line += interrupted;
        if (*line == '@') {
            learner_terminal(learner, (unsigned)(line[1] - '0'));
            continue;
        }
        char typed[1024];
        put_number(learner, line, typed, sizeof typed);
        learner_type(learner, typed);
        if (judged && strcmp(learner->trap, scene->trap) != 0) {
            const struct session_evidence *evidence = session_evidence(learner->session);
            print_message("# `%s` is %s, expected %s; status %d, output: %s\n", line,
                          *learner->trap ? learner->trap : "none", scene->trap, evidence ? evidence->status : 0,
                          evidence ? evidence->output : "");
            ++*wrong;
        } else if (judged && !*learner->said) {
            print_message("# `%s`: %s is not said\n", line, scene->trap);
            ++*wrong;
        }
        if (judged)
            provoked[provoked_count++] = scene->trap;
        if (interrupted)
            learner_interrupt(learner);
    }
    free(copy);
}

static void play_in(const char *lesson, const struct scene *scenes, size_t count)
{
    struct learner learner;
    unsigned wrong = 0;
    learner_start(&learner, "/tmp/07-traps.md", lesson, 1);
    for (size_t i = 0; i < count; i++)
        if (has_trees(scenes[i].lines)) {
            play_scene(&learner, &scenes[i], &wrong);
        } else {
            print_message("# this machine cannot show %s\n", scenes[i].trap);
            provoked[provoked_count++] = scenes[i].trap;
        }
    learner_stop(&learner);
    assert_int_equal(wrong, 0);
}

/* The calls that failed make it exact where the lens sees them; without it the rest has to be enough. */
static void play_scenes(const struct scene *scenes, size_t count)
{
    char without[sizeof with_lens + 32];
    snprintf(without, sizeof without, "---\nlens: off\n---\n\n%s", with_lens);
    play_in(with_lens, scenes, count);
    play_in(without, scenes, count);
}
#define PLAY(scenes) play_scenes(scenes, sizeof(scenes) / sizeof *(scenes))

static void what_is_wrong_with_the_line_is_told(void **state)
{
    PLAY(line_scenes);
}

static void what_is_missing_in_another_root_is_told(void **state)
{
    PLAY(root_scenes);
}

static void which_file_was_meant_is_told(void **state)
{
    PLAY(file_scenes);
}

static void why_a_mount_is_refused_is_told(void **state)
{
    PLAY(mount_scenes);
}

static void whose_namespace_it_is_is_told(void **state)
{
    PLAY(namespace_scenes);
}

static void each_reason_of_pivot_root_is_told_apart(void **state)
{
    PLAY(pivot_scenes);
}

static void why_a_group_does_not_take_it_is_told(void **state)
{
    PLAY(group_scenes);
}

static void what_images_and_their_tools_miss_is_told(void **state)
{
    PLAY(image_scenes);
}

static void each_trap_of_the_table_was_provoked(void **state)
{
    struct err err = { 0 };
    struct traps *traps = traps_open(&err);
    unsigned left = 0;
    assert_non_null(traps);
    for (size_t i = 0; i < traps_count(traps); i++) {
        bool found = false;
        for (size_t k = 0; k < provoked_count && !found; k++)
            found = strcmp(provoked[k], traps_name(traps, i)) == 0;
        if (!found)
            print_message("# never provoked: %s\n", traps_name(traps, i));
        left += !found;
    }
    traps_free(traps);
    assert_int_equal(left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_the_line_is_told),
        cmocka_unit_test(what_is_missing_in_another_root_is_told),
        cmocka_unit_test(which_file_was_meant_is_told),
        cmocka_unit_test(why_a_mount_is_refused_is_told),
        cmocka_unit_test(whose_namespace_it_is_is_told),
        cmocka_unit_test(each_reason_of_pivot_root_is_told_apart),
        cmocka_unit_test(why_a_group_does_not_take_it_is_told),
        cmocka_unit_test(what_images_and_their_tools_miss_is_told),
        cmocka_unit_test(each_trap_of_the_table_was_provoked),
    };
    setlocale(LC_ALL, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
