/* What is said of the words of a line. What the calls are is held against strace in tests/explain.bats. */
#include "repl/tutor/explain.h"
#include "repl/tutor/explain_tables.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A line, a word of it as it is said, a part of what it means (NULL: nothing is said of it), and its call (NULL: none; "*": any). */
static const struct {
    const char *line, *word, *meaning, *call;
} cases[] = {
    /* our tools, by their own tables */
    { "unshare --pid --fork bash", "unshare", "run a program in new namespaces", "unshare" },
    { "unshare --pid --fork bash", "--pid", "new pid namespace", "unshare(CLONE_NEWPID)" },
    { "unshare --pid --fork bash", "--fork", "in a child", "clone(SIGCHLD), wait4" },
    { "unshare --pid --fork bash", "bash", "a shell", "execve" },
    { "unshare -muf bash", "-m", "new mount namespace", "unshare(CLONE_NEWNS)" },
    { "unshare -muf bash", "-u", "new UTS namespace", "unshare(CLONE_NEWUTS)" },
    { "unshare -muf bash", "-f", "in a child", "clone(SIGCHLD), wait4" },
    { "unshare --mou bash", "--mou", NULL, NULL }, /* --mount or --mount-proc */
    { "unshare --fo bash", "--fo", "in a child", "*" },
    { "unshare --uts=/run/name true", "--uts=/run/name", "its own host name", "unshare(CLONE_NEWUTS)" },
    { "unshare --propagation slave true", "slave", "do not go out", "mount(NULL, \"/\", MS_REC|MS_SLAVE)" },
    { "unshare --propagation=slave true", "slave", "do not go out", "mount(NULL, \"/\", MS_REC|MS_SLAVE)" },
    { "unshare --propagation=slave true", "--propagation=slave", "whether mounts still travel",
      "mount(NULL, \"/\", MS_REC|MS_SLAVE)" },
    { "unshare --propagation=sla", "sla", NULL, NULL },
    { "unshare -Ur --setgroups deny id", "deny", "give up its groups", "write(/proc/self/setgroups)" },
    { "unshare --kill-child=KILL true", "KILL", "9: ended by the kernel", "prctl(PR_SET_PDEATHSIG)" },
    { "unshare -R /srv -w /tmp true", "/srv", "DIR: the program's root directory", "chroot, chdir(\"/\")" },
    { "nsenter -t 12 -a bash", "12", "PID: the process whose namespaces", "pidfd_open" },
    { "nsenter --target 12 --mount bash", "--mount", "its mount namespace", "setns(CLONE_NEWNS)" },
    { "chroot /srv/root ls /", "/srv/root", "the directory the program will see as `/`",
      "chroot(\"/srv/root\"), chdir(\"/\")" },
    { "chroot /srv/root ls /", "ls", "list a directory", "getdents64" },
    { "chroot /srv/root ls /", "/", "the root directory: of this process", "openat(\"/\", O_DIRECTORY), getdents64" },
    { "chroot --userspec=1:1 / id", "--userspec=1:1", "run as this user", "setgroups, setgid, setuid" },
    { "pivot_root . old", ".", "becomes `/`", "pivot_root(\".\", …)" },
    { "pivot_root . old", "old", "where the old root goes", "pivot_root(…, \"old\")" },
    { "lsns -t net", "net", "network namespaces", NULL },
    { "cgcreate -g cpu,memory:/box", "cpu", "the controller of processor time", NULL },
    { "cgcreate -g cpu,memory:/box", "memory", "the controller of memory", NULL },
    { "cgcreate -g cpu,memory:/box", "/box", "the group, as a path", "mkdir(\"/sys/fs/cgroup/…\")" },
    { "cgexec -g pids:bombs sh -c ':(){ :|:& }; :'", "cgexec", "enter a control group", "*" },
    { "cgset -r cpu.max='50000 100000' box", "cpu.max=50000 100000", "half a processor",
      "write(\"…/cpu.max\", \"50000 100000\")" },
    { "cgset -r memory.max", "memory.max", "the kernel kills in it", "write(\"…/memory.max\", \"…\")" },
    { "cgget -r pids.current box", "pids.current", "how many it has", "read(\"…/pids.current\")" },
    { "cgget -r pids.current box", "box", "the control group", "*" },
    { "chroot \"$root\" ls", "$root", "replaced by the value of the variable root", NULL },
    { "chroot $root ls", "$root", "the directory the program will see", "chroot(\"$root\"), chdir(\"/\")" },
    { "cgclassify -g cpu:/box $$", "$$", "the number of this shell", "getpid" },
    { "ldd /bin/ls", "/bin/ls", "the program or library", "openat(\"/bin/ls\")" },
    { "ldcopy bash ls /srv/root", "ls", "a program to copy", NULL },
    { "ldcopy bash ls /srv/root", "/srv/root", "the root filesystem", NULL },
    { "debootstrap --variant=minbase bookworm /srv/d", "minbase", "only what is essential", NULL },
    { "debootstrap --variant=minbase bookworm /srv/d", "bookworm", "the release", NULL },
    { "debootstrap --variant=minbase bookworm /srv/d", "/srv/d", "the tree is made in", "mkdir(\"/srv/d\")" },
    { "docker run -it --rm alpine sh", "-t", "gets a terminal", "*" },
    { "docker run -it --rm alpine sh", "alpine", "the image", NULL },
    { "docker run -it --rm alpine sh", "sh", "a shell", "execve" },
    { "docker exec -it box ps aux", "box", "the container", NULL },
    { "docker exec -it box ps aux", "x", "without a terminal", NULL },
    { "docker images -q", "-q", "only the ids", NULL },
    { "docker image ls", "ls", "list them", NULL },
    { "strace -f -e mount ls", "mount", "SET: only these calls", NULL },
    { "strace -f -e mount ls", "ls", "list a directory", "getdents64" },
    /* mounts */
    { "mount -t proc proc /proc", "-t", "what kind of filesystem", "mount(…, \"proc\")" },
    { "mount -t proc proc /proc", "/proc", "where it appears", "mount(…, \"/proc\", …)" },
    { "mount --bind a b", "--bind", "in one more place", "mount(MS_BIND)" },
    { "mount --make-rprivate /", "--make-rprivate", "nor are those of all mounts below", "mount(MS_REC|MS_PRIVATE)" },
    { "mount -t overlay o -o lowerdir=a:b,upperdir=c,workdir=d m", "lowerdir=a:b", "topmost first", NULL },
    { "mount -t overlay o -o lowerdir=a:b,upperdir=c,workdir=d m", "upperdir=c", "the layer that is written", NULL },
    { "mount -t overlay o -o lowerdir=a:b,upperdir=c,workdir=d m", "workdir=d", "overlay's own", NULL },
    { "mount -oro,nosuid x y", "ro", "read-only", "mount(MS_RDONLY)" },
    { "mount -oro,nosuid x y", "nosuid", "mean nothing there", "mount(MS_NOSUID)" },
    { "mount -o lowerdir=\"$a\",upp", "lowerdir=$a", "topmost first", NULL },
    { "mount -o lowerdir=\"$a\",upp", "$a", "value of the variable a", NULL },
    { "umount -l /old", "-l", "when nobody uses it", "umount2(MNT_DETACH)" },
    { "umount -l /old", "/old", "where the mount is", "umount2(\"/old\")" },
    { "mknod null c 1 3", "c", "characters", NULL },
    /* ip: words, cut short */
    { "ip link add v0 type veth peer name v1", "v0", "the name of the new link", NULL },
    { "ip link add v0 type veth peer name v1", "veth", "joined by a cable", NULL },
    { "ip link add v0 type veth peer name v1", "v1", "NAME: the name of the new link", NULL },
    { "ip l set v1 netns 12", "l", "network cards", NULL },
    { "ip l set v1 netns 12", "netns", "into another network namespace", "*" },
    { "ip a", "a", "addresses of links", NULL },
    { "ip addr add 10.0.0.1/24 dev v0", "10.0.0.1/24", "how much of it is the network's", NULL },
    { "ip addr add 10.0.0.1/24 dev v0", "v0", "the link that gets it", NULL },
    { "ip route add default via 10.0.0.1", "default", "no better way", NULL },
    { "ip netns exec box ip link", "link", "network cards", NULL },
    { "ip -o link", "-o", "on one line", NULL },
    { "hostname box", "box", "for the whole UTS namespace", "sethostname(\"box\")" },
    { "nft add table inet box", "add", "make a table", "*" },
    /* processes and signals */
    { "ps aux", "a", "of all users", NULL },
    { "ps -ef", "-e", "every process", NULL },
    { "ps -ef", "-f", "with parent", NULL },
    { "ps -o pid,comm -p 1", "pid,comm", "COLUMNS", NULL },
    { "kill -9 12", "-9", "no process can refuse", "kill(…, SIGKILL)" },
    { "kill -KILL 12", "-KILL", "no process can refuse", "kill(…, SIGKILL)" },
    { "kill -s SIGTERM 12", "SIGTERM", "please end", "kill(…, SIGTERM)" },
    { "kill -9 12", "12", "by its number", "kill(12, …)" },
    { "pkill -x sleep", "-x", "the whole name", NULL },
    { "pkill -KILL sleep", "-KILL", "no process can refuse", "kill(…, SIGKILL)" },
    { "timeout -s INT 5 yes", "INT", "Ctrl-C", "kill(…, SIGINT)" },
    { "timeout -s INT 5 yes", "5", "after this", NULL },
    { "timeout -s INT 5 yes", "yes", "a processor busy", "*" },
    { "env -i A=1 cat x", "-i", "an empty one", NULL },
    { "env -i A=1 cat x", "A=1", "in the program's environment", NULL },
    { "env -i A=1 cat x", "cat", "print files", "*" },
    { "sudo -u bob id -u", "bob", "USER: as this user", "setuid" },
    { "sudo -u bob id -u", "id", "who am I", "*" },
    { "sh -c 'cd /srv; ls -l'", "cd", "go to another directory", "chdir" },
    { "sh -c 'cd /srv; ls -l'", "-l", "with mode, owner", "statx" },
    { "bash -c \"unshare -p", "-p", "new pid namespace", "unshare(CLONE_NEWPID)" },
    { "nohup sleep 5 &", "5", "for so long", "clock_nanosleep" },
    { "xargs -n 1 rm -f", "rm", "remove files", "unlinkat" },
    { "busybox ls -a", "-a", "hidden ones", NULL },
    { "nice -n 5 setsid sleep 1", "setsid", "a session of its own", "setsid" },
    /* files and archives */
    { "tar -xzf a.tgz -C /x", "-z", "by gzip", "clone, execve(gzip)" },
    { "tar -xzf a.tgz -C /x", "-f", "the archive's name", NULL },
    { "tar -xzf a.tgz -C /x", "/x", "DIR: go there first", "openat(\"/x\", O_DIRECTORY)" },
    { "tar xf a.tar etc", "x", "unpack", "*" },
    { "tar xf a.tar etc", "a.tar", "ARCHIVE", NULL },
    { "tar xf a.tar etc", "etc", "a file or directory of the archive", NULL },
    { "tar --exclude=a -cf - .", "-", "ARCHIVE", NULL },
    { "ls -la /proc", "/proc", "of the pid namespace it was mounted in", "*" },
    { "ls -la /proc", "-a", "hidden", NULL },
    { "cat /proc/self/uid_map", "/proc/self/uid_map", "INSIDE OUTSIDE COUNT",
      "openat(\"/proc/self/uid_map\", O_RDONLY)" },
    { "readlink /proc/$$/ns/pid", "/proc/$$/ns/pid", "the pid namespace of a process", "*" },
    { "cp -a /bin/ls /srv/bin", "-a", "all as it is", "utimensat" },
    { "cp -a /bin/ls /srv/bin", "/srv/bin", "where to", "openat(\"/srv/bin\", O_WRONLY|O_CREAT)" },
    { "cp a", "a", "what is copied", "openat(\"a\", O_RDONLY)" },
    { "mkdir -p a/b", "a/b", "the directory to make", "mkdir(\"a/b\", 0777)" },
    { "rm -rf --no-preserve-root /", "--no-preserve-root", "even `/` itself", NULL },
    { "ln -s a b", "-s", "a link that holds a path", "symlinkat" },
    { "find / -name x -exec ls -d {} \\;", "-name", "whose name fits", NULL },
    { "find / -name x -exec ls -d {} \\;", "ls", "list a directory", "getdents64" },
    { "find / -type d", "d", "directories", NULL },
    { "dd if=/dev/zero of=x bs=1M", "if=/dev/zero", "from this file", "openat(\"/dev/zero\", O_RDONLY)" },
    { "grep -c x", "x", "the pattern", NULL },
    { "head -n5 f", "-n5", "so many lines", NULL },
    { "/usr/bin/tail -f log", "-f", "go on with what is added", "inotify_add_watch" },
    { "ls -- -l", "-l", "what is listed", "*" },
    /* the shell's own */
    { "a | wc -l", "|", "what the right one reads", "pipe2, clone, dup2" },
    { "a && ls", "&&", "went well", NULL },
    { "a || ls", "||", "failed", NULL },
    { "ls & ps", "&", "in the background", "clone" },
    { "ls > out", ">", "emptied first", "openat(O_WRONLY|O_CREAT|O_TRUNC), dup2" },
    { "ls > out", "out", "the file it goes into", "openat(\"out\", O_WRONLY|O_CREAT|O_TRUNC), dup2" },
    { "ls >> out", ">>", "at the end", "openat(O_WRONLY|O_CREAT|O_APPEND), dup2" },
    { "ls 2> /dev/null", "2>", "said as an error goes into a file", "*" },
    { "ls 2> /dev/null", "/dev/null", "nothing", "openat(\"/dev/null\", O_WRONLY|O_CREAT|O_TRUNC), dup2" },
    { "ls > out 2>&1", "2>&1", "another descriptor", "dup2(1, 2)" },
    { "wc < f", "f", "the file that is read", "openat(\"f\", O_RDONLY), dup2" },
    { "echo 64M > /sys/fs/cgroup/box/memory.max", "/sys/fs/cgroup/box/memory.max", "the kernel kills in it", "*" },
    { "echo $(ls -a)", "$(", "what the command in it prints", "pipe2, clone" },
    { "echo $(ls -a)", "-a", "hidden", NULL },
    { "echo `ls -a`", "-a", "hidden", NULL },
    { "echo \"$(ls -a)\"", "-a", "hidden", NULL },
    { "echo '$(ls -a)'", "-a", NULL, NULL },
    { "echo $$ $! $?", "$!", "started last in the background", NULL },
    { "echo $HOME ${x}", "$HOME", "your own directory", NULL },
    { "echo $HOME ${x}", "${x}", "value of the variable x", NULL },
    { "echo $((1 + 2))", "$((1 + 2))", "the result of the sum", NULL },
    { "diff <(ls a) b", "<(", "a file in which", "pipe2, clone" },
    { "X=1 ls", "X=1", "in that command's environment", NULL },
    { "X=1 ls", "ls", "list a directory", "*" },
    { "exec bash", "exec", "become this program", "execve" },
    { "cd /srv", "/srv", "where to", "chdir(\"/srv\")" },
    { "export PATH=/bin", "export", "hand a variable on", NULL },
    { "for f in a b; do cat $f; done", "f", "each of the words in turn", NULL },
    { "for f in a b; do cat $f; done", "cat", "print files", "*" },
    { "if test -e x; then ls; fi", "-e", "is it there", "newfstatat(\"x\")" },
    { "if [ -d x ]; then ls; fi", "-d", "is it a directory", "newfstatat(\"x\")" },
    { "while true; do sleep 1; done", "while", "again and again", NULL },
    { "time ls", "time", "how long that took", "*" },
    { "(cd /; ls)", "(", "a shell of its own", "clone" },
    { "trap 'ls' INT", "INT", "at this signal", "*" },
    { "ls * # all", "*", "the names that fit", "getdents64" },
    { "ls * # all", "# all", "a comment", NULL },
    { "cat > f <<END\nls -l\nEND\nls -a", "-a", "hidden", NULL },
    { "cat > f <<END\nls -l\nEND\nls -a", "-l", NULL, NULL },
    { "cat > f <<END\nls -l", "END", "text of the here-document", NULL },
    /* what nobody knows */
    { "xyzzy -l", "xyzzy", NULL, NULL },
    { "xyzzy -l /proc", "/proc", "of the pid namespace", NULL },
    { "ls --nonsense", "--nonsense", NULL, NULL },
    { "'ls' \"-l\"", "-l", "with mode", "statx" },
};
#define CASES (sizeof cases / sizeof *cases)

static const struct explain_word *find(const struct explanation *explanation, const char *word, const char *meaning)
{
    const struct explain_word *found = NULL;
    for (size_t i = 0; i < explanation->count; i++)
        if (strcmp(explanation->words[i].word, word) == 0 &&
            (!found || (meaning && strstr(explanation->words[i].meaning, meaning))))
            found = &explanation->words[i];
    return found;
}

static void each_word_means_what_its_table_says(void **state)
{
    unsigned wrong = 0;
    assert_true(CASES >= 120);
    for (size_t i = 0; i < CASES; i++) {
        struct explanation explanation;
        assert_int_equal(explain_line(cases[i].line, &explanation), 0);
        const struct explain_word *word = find(&explanation, cases[i].word, cases[i].meaning);
        const char *call = cases[i].call;
        bool as_said =
            !cases[i].meaning
                ? !word
                : word && strstr(word->meaning, cases[i].meaning) &&
                      (call ? word->syscall && (*call == '*' || strcmp(word->syscall, call) == 0) : !word->syscall);
        if (!as_said) {
            print_error("`%s`: `%s` is said to mean `%s`, call `%s`\n", cases[i].line, cases[i].word,
                        word ? word->meaning : "-", word && word->syscall ? word->syscall : "-");
            wrong++;
        }
        explanation_free(&explanation);
    }
    assert_int_equal(wrong, 0);
}

/* Words lie in the line, in order, and inside one another or apart. */
static void places_are_those_of_the_words(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        struct explanation explanation;
        explain_line(cases[i].line, &explanation);
        for (size_t w = 0; w < explanation.count; w++) {
            const struct explain_word *word = &explanation.words[w];
            assert_true(word->len > 0 && word->start + word->len <= strlen(cases[i].line));
            if (w > 0)
                assert_true(word[-1].start <= word->start);
        }
        explanation_free(&explanation);
    }
}

/* Each beginning of each line, as it is while one types, at each place of the cursor: something or nothing, and always in the width. */
static void no_line_that_is_cut_short_is_too_much(void **state)
{
    for (size_t i = 0; i < CASES; i++)
        for (size_t len = 0; len <= strlen(cases[i].line); len++) {
            char *line = strndup(cases[i].line, len), text[256];
            for (unsigned width = 0; width <= 100; width += 25)
                if (explain_at(line, len, width, false, text, sizeof text))
                    assert_true(mbstowcs(NULL, text, 0) <= width);
            struct explain_place place;
            assert_int_equal(explain_place(line, len, &place), 0);
            explain_place_free(&place);
            free(line);
        }
}

static void the_word_at_the_cursor_is_the_innermost(void **state)
{
    static const struct {
        const char *line; /* the cursor at the ^ */
        const char *begins;
    } at[] = {
        { "unshare --pid^ bash", "--pid  new pid" },
        { "unshare --p^id bash", "--pid  new pid" },
        { "unshare --pid ^bash", "bash  a shell" },
        { "unshare --pid  ^", "--pid  new pid" }, /* the last one still */
        { "unshare --pid xyzzy^", "" },
        { "xyzzy ^", "" },
        { "^ls", "ls  list" },
        { "ls^ -l", "ls  list" },
        { "tar -xz^f a.tgz", "-f  the archive" },
        { "tar -xzf^ a.tgz", "-f  the archive" },
        { "tar -x^zf a.tgz", "-z  compressed" },
        { "ls| ^", "|  what the left" },
        { "ls^| wc", "|  what the left" },
        { "mount -o ro,upperdir=/x^,lo m", "upperdir=/x  the layer" },
        { "sh -c 'ls -l^", "-l  with mode" },
        { "sh -c 'xyzzy^'", "" },
        { "echo a$HOME^", "$HOME  your own" },
        { "cat <<END\nls^", "END  text of" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char line[128], text[256] = "";
        size_t point = strcspn(at[i].line, "^");
        snprintf(line, sizeof line, "%.*s%s", (int)point, at[i].line, at[i].line[point] ? at[i].line + point + 1 : "");
        bool known = explain_at(line, point, 200, false, text, sizeof text);
        if (known != (*at[i].begins != '\0') || strncmp(text, at[i].begins, strlen(at[i].begins)) != 0)
            fail_msg("`%s`: `%s`, expected `%s`", at[i].line, text, at[i].begins);
    }
}

static void one_line_says_the_call_even_where_there_is_little_room(void **state)
{
    char text[256];
    assert_true(explain_at("unshare --pid", 13, 74, false, text, sizeof text));
    assert_string_equal(text, "--pid  new pid namespace for the children: the fi… · unshare(CLONE_NEWPID)");
    assert_true(explain_at("unshare --pid", 13, 40, false, text, sizeof text));
    assert_string_equal(text, "--pid  new pid namespace for the childr…");
    assert_true(explain_at("cgexec -g cpu:x yes", 9, 60, true, text, sizeof text));
    for (const char *p = text; *p; p++)
        assert_true((unsigned char)*p < 0x80);
    char *line = malloc(1 << 20);
    memset(line, 'a', (1 << 20) - 1);
    line[(1 << 20) - 1] = '\0';
    assert_false(explain_at(line, 5, 80, false, text, sizeof text));
    free(line);
}

static char offered[8192];

static void note_offer(const char *word, void *data)
{
    size_t len = strlen(offered);
    snprintf(offered + len, sizeof offered - len, "|%s", word);
}

static void what_comes_next_is_known(void **state)
{
    static const struct {
        const char *line;
        enum explain_expects expects;
        const char *root, *offers; /* some of them, each with a | before it; "": none */
        bool dash;
    } next[] = {
        { "", EXPLAIN_COMMAND, NULL, "", false },
        { "ls | ", EXPLAIN_COMMAND, NULL, "", false },
        { "sudo ", EXPLAIN_COMMAND, NULL, "", false },
        { "unshare --pid --fork ", EXPLAIN_COMMAND, NULL, "|--mount|--uts", true },
        { "unshare --propagation ", EXPLAIN_WORD, NULL, "|private|slave", false },
        { "unshare --propagation=", EXPLAIN_WORD, NULL, "|private|slave", false },
        { "chroot ", EXPLAIN_DIRECTORY, NULL, "", false },
        { "unshare -p chroot /srv ", EXPLAIN_COMMAND, "/srv", "", false },
        { "chroot /srv ls ", EXPLAIN_WORD, "/srv", "|--all", true },
        { "chroot '/my root' ls ", EXPLAIN_WORD, "/my root", "", false },
        { "cgset -r ", EXPLAIN_GROUP_LIMIT, NULL, "", false },
        { "cgget -r ", EXPLAIN_GROUP_FILE, NULL, "", false },
        { "cgexec -g ", EXPLAIN_GROUP, NULL, "", false },
        { "cgdelete ", EXPLAIN_GROUP, NULL, "", false },
        { "cgset -r cpu.weight=1 ", EXPLAIN_GROUP_PATH, NULL, "", false },
        { "mount -t ", EXPLAIN_WORD, NULL, "|proc|sysfs|tmpfs", false },
        { "mount -o ro,", EXPLAIN_WORD, NULL, "|lowerdir=|upperdir=", false },
        { "mount ", EXPLAIN_WORD, NULL, "|--types=|--options=", true },
        { "ip ", EXPLAIN_WORD, NULL, "|link|address|addr|route|netns", false },
        { "ip link ", EXPLAIN_WORD, NULL, "|show|list|add", false },
        { "ip link add v0 ", EXPLAIN_WORD, NULL, "|dev|name|type", false },
        { "ip link add v0 type ", EXPLAIN_WORD, NULL, "|veth|bridge", false },
        { "docker ", EXPLAIN_WORD, NULL, "|run|create|exec", false },
        { "kill -s ", EXPLAIN_WORD, NULL, "|TERM|KILL", false },
        { "find / ", EXPLAIN_WORD, NULL, "|-name|-path", true },
        { "find / -exec ", EXPLAIN_COMMAND, NULL, "", false },
        { "ls > ", EXPLAIN_FILE, NULL, "", false },
        { "ls >", EXPLAIN_FILE, NULL, "", false },
        { "echo $(", EXPLAIN_COMMAND, NULL, "", false },
        { "cd ", EXPLAIN_DIRECTORY, NULL, "", false },
        { "ls -- ", EXPLAIN_WORD, NULL, "", true },
        { "cat <<END\n", EXPLAIN_WORD, NULL, "", false },
    };
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        struct explain_place place;
        const char *line = next[i].line;
        assert_int_equal(explain_place(line, strlen(line), &place), 0);
        if (place.expects != next[i].expects ||
            strcmp(place.root ? place.root : "", next[i].root ? next[i].root : "") != 0)
            fail_msg("`%s`: expects %d, root %s", line, place.expects, place.root ? place.root : "none");
        explain_place_free(&place);
        offered[0] = '\0';
        explain_offers(line, strlen(line), next[i].dash, note_offer, NULL);
        if (*next[i].offers ? !strstr(offered, next[i].offers) : *offered)
            fail_msg("`%s`: offered %s", line, offered);
    }
}

/* ---- the tables themselves ---- */

static void check_text(const char *owner, const char *text)
{
    size_t len = strlen(text);
    bool short_enough = mbstowcs(NULL, text, 0) <= 112;
    if (len == 0 || !short_enough || (text[len - 1] == '.' && strcmp(text + (len > 2 ? len - 2 : 0), "..") != 0))
        fail_msg("%s: `%s` is empty, longer than 112 letters, or ends with a full stop", owner, text);
}

static void check_entries(const char *owner, const struct explain_entry *entries)
{
    for (; entries && entries->name; entries++)
        check_text(owner, entries->meaning);
}

static void check_program(const struct explain_program *program)
{
    const struct tool_option *row;
    check_text(program->names, program->meaning);
    check_entries(program->names, program->operands);
    if (program->last)
        check_text(program->names, program->last->meaning);
    for (size_t i = 0; (row = program->ours || (program->options && program->options[i].meaning)
                                  ? (program->ours ? (i < program->ours->count ? &program->ours->rows[i] : NULL)
                                                   : &program->options[i])
                                  : NULL);
         i++) {
        check_text(program->names, row->meaning);
        if (!row->letter && !row->name)
            fail_msg("%s: an option without a name: %s", program->names, row->meaning);
        if (!program->ours && row->argument == required_argument && !row->value)
            fail_msg("%s: what is the value of %s?", program->names, row->name ? row->name : row->meaning);
    }
    for (const struct explain_values *values = program->values; values && values->id; values++) {
        bool found = false;
        for (size_t i = 0;
             !found && (program->ours ? i < program->ours->count : program->options && program->options[i].meaning);
             i++)
            found = (program->ours ? program->ours->rows : program->options)[i].id == values->id;
        if (!found)
            fail_msg("%s: values of an option %d that it has not", program->names, values->id);
        if (values->kind == VALUES_WORD || values->kind == VALUES_LIST)
            check_entries(program->names, values->entries);
    }
    for (const struct explain_program *verb = program->verbs; verb && verb->names; verb++)
        check_program(verb);
}

static void every_table_keeps_to_its_rules(void **state)
{
    static const struct explain_program *const tables[] = { explain_tools,     explain_mounting, explain_network,
                                                            explain_processes, explain_files,    explain_texts,
                                                            explain_builtins };
    static const struct explain_entry *const entries[] = { explain_keywords,    explain_operators,  explain_variables,
                                                           explain_signals,     explain_paths,      explain_group_files,
                                                           explain_controllers, explain_filesystems };
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct explain_program *program = tables[t]; program->names; program++)
            check_program(program);
    for (size_t t = 0; t < sizeof entries / sizeof *entries; t++)
        check_entries(entries[t]->name, entries[t]);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_means_what_its_table_says),
        cmocka_unit_test(places_are_those_of_the_words),
        cmocka_unit_test(no_line_that_is_cut_short_is_too_much),
        cmocka_unit_test(the_word_at_the_cursor_is_the_innermost),
        cmocka_unit_test(one_line_says_the_call_even_where_there_is_little_room),
        cmocka_unit_test(what_comes_next_is_known),
        cmocka_unit_test(every_table_keeps_to_its_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
