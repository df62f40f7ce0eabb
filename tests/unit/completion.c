/* Completion in a shell's own root: real directories, a real process that stands in them. */
#include "repl/screen/completion.h"
#include "engine/image/store.h"
#include "repl/screen/shell_words.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/teachroot-completion-XXXXXX";
static struct observe_place place;
static pid_t shell;

static const struct {
    const char *path;
    int mode; /* 0: a directory */
} tree[] = {
    { "bin", 0 },
    { "bin/unshare", 0755 },
    { "bin/unlink", 0755 },
    { "bin/notes", 0644 },
    { "usr", 0 },
    { "usr/bin", 0 },
    { "usr/bin/unshare", 0755 },
    { "usr/bin/nsenter", 0755 },
    { "root", 0 },
    { "root/my file", 0644 },
    { "root/my dir", 0 },
    { "root/my dir/inner", 0644 },
    { "root/it's", 0644 },
    { "root/dollar$x", 0644 },
    { "root/.hidden", 0644 },
    { "root/café", 0644 },
    { "root/日本語", 0 },
    { "root/Makefile", 0644 },
    { "root/main.c", 0644 },
    { "root/run.sh", 0755 },
    { "root/new\nline", 0644 },
    { "etc", 0 },
    { "etc/hostname", 0644 },
    { "etc/hosts", 0644 },
    { "srv", 0 },
    { "srv/jail", 0 },
    { "srv/jail/etc", 0 },
    { "srv/jail/etc/jailed", 0644 },
    { "srv/jail/bin", 0 },
    { "srv/jail/bin/sh", 0755 },
    { "sys", 0 },
    { "sys/fs", 0 },
    { "sys/fs/cgroup", 0 },
    { "sys/fs/cgroup/cpu", 0 },
    { "sys/fs/cgroup/cpu/box", 0 },
    { "sys/fs/cgroup/cpu/box/cpu.shares", 0644 },
    { "sys/fs/cgroup/cpu/box/cpu.stat", 0444 },
    { "sys/fs/cgroup/memory", 0 },
    { "sys/fs/cgroup/memory/box", 0 },
    { "sys/fs/cgroup/memory/box/inner", 0 },
    { "sys/fs/cgroup/memory/box/memory.limit_in_bytes", 0644 },
    { "sys/fs/cgroup/memory/box/tasks", 0644 },
};
#define TREE (sizeof tree / sizeof *tree)

static const struct {
    const char *path, *target;
} links[] = {
    { "root/etc-link", "/etc" },       /* the lab's /etc, not the host's */
    { "root/up-link", "../../../.." }, /* stays at the lab's root */
    { "root/dangling", "/nowhere" },
    { "bin/nslink", "/usr/bin/nsenter" },
};
#define LINKS (sizeof links / sizeof *links)

/* The candidates of the word that readline would see at the end of @line, joined by `|`. */
static const char *candidates_of(const char *line, bool ignore_case)
{
    static char joined[65536];
    static const char *const teaching[] = { "next", "hint", "unstuck", NULL };
    static const char *const variables[] = { "LESSON", NULL };
    struct completion_options options = { &place, teaching, variables, ignore_case };
    size_t start = strlen(line);
    const char *breaks = shell_word_breaks(line, start);
    char open = shell_open_quote(line, start);
    if (open) {
        while (start > 0 && shell_open_quote(line, start - 1) == open)
            start--;
    } else {
        while (start > 0 && (!strchr(breaks, line[start - 1]) || shell_is_quoted(line, start - 1)))
            start--;
    }
    char **list = completion_candidates(&options, line, line + start, start);
    joined[0] = '\0';
    for (char **c = list; c && *c; c++) {
        if (strlen(joined) + strlen(*c) + 2 > sizeof joined)
            break;
        strcat(strcat(joined, c == list ? "" : "|"), *c);
    }
    completion_free(list);
    return joined;
}

static void the_word_is_completed_by_where_it_stands(void **state)
{
    static const struct {
        const char *line, *candidates;
    } cases[] = {
        /* commands: the PATH's programs, bash's words, teaching commands first on the line only */
        { "un", "unalias|unlink|unset|unshare|unstuck|until" },
        { "ls; un", "unalias|unlink|unset|unshare|until" },
        { "nse", "nsenter" },
        { "nsl", "nslink" },
        { "not", "" },
        { "true && nse", "nsenter" },
        { "true | nse", "nsenter" },
        { "A=1 B=2 nse", "nsenter" },
        { "if nse", "nsenter" },
        { "sudo nse", "nsenter" },
        { "echo $(nse", "nsenter" },
        { "./r", "./run.sh" },
        { "./m", "./my\\ dir/" },
        { "/usr/bin/n", "/usr/bin/nsenter" },
        { "hin", "hint" },
        /* files */
        { "cat m", "main.c|my\\ dir/|my\\ file" },
        { "cat ma", "main.c" },
        { "cat my\\ f", "my\\ file" },
        { "cat my\\ dir/", "my\\ dir/inner" },
        { "cat it", "it\\'s" },
        { "cat do", "dollar\\$x" },
        { "cat .h", ".hidden" },
        { "cat caf", "café" },
        { "cd 日", "日本語/" },
        { "cat /etc/ho", "/etc/hostname|/etc/hosts" },
        { "cat ../etc/hostn", "../etc/hostname" },
        { "cat ../../../../etc/hostn", "../../../../etc/hostname" },
        { "cat ~/ma", "~/main.c" },
        { "cat $HOME/ma", "$HOME/main.c" },
        { "cat zzz", "" },
        { "cat n", "" }, /* a newline cannot be typed into one line */
        { "cat /nowhere/x", "" },
        { "cat dang", "dangling" },
        { "echo hi > ma", "main.c" },
        { ">ma", "main.c" },
        { "dd if=/etc/hostn", "/etc/hostname" },
        { "mount -o lowerdir=/srv,upperdir=/sr", "/srv/" },
        /* symlinks are followed inside the root */
        { "cat etc-l", "etc-link/" },
        { "cat etc-link/ho", "etc-link/hostname|etc-link/hosts" },
        { "cat up-link/et", "up-link/etc/" },
        /* directories only */
        { "cd m", "my\\ dir/" },
        { "cd et", "etc-link/" },
        { "rmdir m", "my\\ dir/" },
        /* quotes */
        { "cat \"my", "my dir/|my file" },
        { "cat 'my", "my dir/|my file" },
        { "cat 'it", "it'\\''s" },
        { "cat \"it", "it's" },
        { "cat \"doll", "dollar\\$x" },
        { "cat 'doll", "dollar$x" },
        { "cat my\" f", " file" },
        { "cat \"my dir/", "my dir/inner" },
        { "cat /etc/\"hostn", "hostname" },
        /* variables */
        { "echo $HOM", "$HOME" },
        { "echo ${HOM", "${HOME}" },
        { "echo a$HOM", "a$HOME" },
        { "echo \"$HOM", "$HOME" },
        { "echo $LES", "$LESSON" },
        { "echo '$HOM", "" },
        { "echo \\$HOM", "" },
        /* inside the directory that chroot is given */
        { "chroot /srv/jail /bin/", "/bin/sh" },
        { "chroot /srv/jail /etc/j", "" }, /* no program */
        { "chroot /srv/jail cat /etc/j", "/etc/jailed" },
        { "chroot /srv/jail s", "sh" },
        { "unshare --pid --fork chroot /srv/jail s", "sh" },
        { "chroot --userspec=0 ../srv/jail /bin/", "/bin/sh" },
        { "chroot /srv/ja", "/srv/jail/" },
        { "chroot /srv/jail /bin/sh; cat /etc/ho", "/etc/hostname|/etc/hosts" },
        /* options, verbs and values of the explain tables */
        { "unshare --mo", "--monotonic=|--mount|--mount-proc" },
        { "unshare --pid nse", "nsenter" },
        { "unshare --propagation=sl", "slave" },
        { "mount --make-rp", "--make-rprivate" },
        { "mount -t over", "overlay" },
        { "mount -o ro,nos", "ro,nosuid" },
        { "mount -o lowerdir=/srv,upp", "upperdir=" },
        { "ip li", "link" },
        { "ip link s", "set|show" },
        { "docker ima", "image|images" },
        { "kill -s KI", "KILL" },
        { "dd of", "of=" },
        { "explain unshare --ut", "--uts" },
        { "sh --zzz", "" },
        /* control groups */
        { "cgset -r cpu", "cpu.shares=" },
        { "cgget -r cpu", "cpu.shares|cpu.stat" },
        { "cgset -r memory.l", "memory.limit_in_bytes=" },
        { "cgexec -g c", "cpu:/" },
        { "cgcreate -g cpu,m", "cpu,memory:/" },
        { "cgexec -g cpu:/b", "cpu:/box" },
        { "cgexec -g memory:box/", "memory:box/inner" },
        { "cgset -r cpu.shares=5 b", "box" },
        { "cgdelete memory:/box/i", "memory:/box/inner" },
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = candidates_of(cases[i].line, false);
        if (strcmp(got, cases[i].candidates) != 0) {
            print_error("`%s`: `%s`, expected `%s`\n", cases[i].line, got, cases[i].candidates);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_string_equal(candidates_of("cat MA", true), "Makefile|main.c");
    assert_non_null(strstr(candidates_of("", false), "nsenter|"));
}

/* What a store of the lab's has, written into it by our own code. */
static void make_store(void)
{
    static const char *const names[] = { "docker.io/library/base:latest", "docker.io/library/base:old",
                                         "localhost:5080/team/tool:v1" };
    char path[512];
    struct err err = { 0 };
    struct digest manifest;
    snprintf(path, sizeof path, "%s/var/lib/docker", directory);
    struct store *store = store_open(path, STORE_WRITE, NULL, &err);
    if (!store)
        fail_msg("%s", err.message);
    assert_int_equal(store_add(store, "{}", 2, &manifest, NULL), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(store_set_name(store, names[i], &manifest, MEDIA_MANIFEST, 2, NULL), 0);
    store_close(store);
}

static void write_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void docker_s_words_are_completed_by_its_tables(void **state)
{
    static const struct {
        const char *line, *candidates;
    } cases[] = {
        { "docker ", "--help|--version|container|create|export|help|history|image|images|import|inspect|load|ps|pull|"
                     "push|rm|rmi|save|tag" },
        { "docker im", "image|images|import" },
        { "docker help ta", "tag" },
        { "docker image l", "list|load|ls" },
        { "docker container ", "--help|create|export|inspect|list|ls|prune|ps|remove|rm" },
        { "docker nosuch ", "" },
        { "docker create --e", "--entrypoint|--env|--env-file" },
        { "docker container create --e", "--entrypoint|--env|--env-file" },
        { "docker create --name box ba", "base|base:latest|base:old" },
        { "docker create -e A=1 -ti base:o", "base:old" },
        { "docker create --rm base m", "main.c|my\\ dir/|my\\ file" }, /* a program's own line */
        { "docker create --env-file ma", "main.c" },
        { "docker create base --en", "" },
        { "docker rmi base loc", "localhost:5080/team/tool:v1" },
        { "docker rmi localhost:50", "localhost:5080/team/tool:v1" },
        { "docker rmi localhost:5080/t", "localhost:5080/team/tool:v1" },
        { "docker rm ", "box" },
        { "docker export -o ma", "main.c" },
        { "docker export ", "box" },
        { "docker inspect b", "base|base:latest|base:old|box" },
        { "docker import ma", "main.c" },
        { "docker load < ma", "main.c" },
        { "docker ps --al", "--all" },
        { "docker ps ", "" },
        { "docker rm -- --", "" },
    };
    char line[512], path[600];
    int wrong = 0;
    make_store();
    mkdir((snprintf(path, sizeof path, "%s/var/lib/docker/containers", directory), path), 0700);
    mkdir((snprintf(path, sizeof path, "%s/var/lib/docker/containers/aa", directory), path), 0700);
    mkdir((snprintf(path, sizeof path, "%s/var/lib/docker/containers/bb", directory), path), 0700);
    mkdir((snprintf(path, sizeof path, "%s/var/lib/docker/containers/cc", directory), path), 0700);
    write_file("var/lib/docker/containers/aa/container.json", "{\"Name\":\"box\"}");
    write_file("var/lib/docker/containers/bb/container.json", "{\"Name\":\"$(reboot)\"}");
    assert_int_equal(
        mkfifo((snprintf(path, sizeof path, "%s/var/lib/docker/containers/cc/container.json", directory), path), 0600),
        0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(line, sizeof line, "%s", cases[i].line);
        const char *got = candidates_of(line, false);
        if (strcmp(got, cases[i].candidates) != 0) {
            print_error("`%s`: `%s`, expected `%s`\n", line, got, cases[i].candidates);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    /* The store is the lab's to write. */
    write_file("var/lib/docker/index.json",
               "{\"manifests\":[7,{\"annotations\":{\"org.opencontainers.image.ref.name\":\"a b;c\"}},"
               "{\"annotations\":{\"org.opencontainers.image.ref.name\":\"good:1\"}}]}");
    assert_string_equal(candidates_of("docker rmi ", false), "good:1");
    unlink((snprintf(path, sizeof path, "%s/var/lib/docker/index.json", directory), path));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_string_equal(candidates_of("docker rmi ", false), "");
}

/* On version 2 there is one hierarchy, and a file names its controllers. */
static void groups_of_version_2_are_completed_too(void **state)
{
    static const struct {
        const char *line, *candidates;
    } cases[] = {
        { "cgcreate -g m", "memory:/" },
        { "cgcreate -g memory,c", "memory,cpu:/" },
        { "cgexec -g memory,cpu:/m", "memory,cpu:/memory" }, /* what was a hierarchy is a group now */
        { "cgset -r memory.l", "memory.limit_in_bytes=" },
        { "cgget -r memory.limit_in_bytes memory/b", "memory/box" },
    };
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/sys/fs/cgroup/cgroup.controllers", directory);
    FILE *file = fopen(path, "we");
    fputs("cpu memory pids\n", file);
    fclose(file);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(candidates_of(cases[i].line, false), cases[i].candidates);
    unlink(path);
}

/* Bash reads every candidate back as the file it stands for. */
static void quoted_names_are_read_back_by_bash(void **state)
{
    static const char *const names[] = { "plain",     "my file", "it's", "a\"b", "$HOME",   "a`b",       "a\\b",
                                         "*?[x]",     "~",       "#x",   "x#~",  "a;b|c&d", "(x)<y>{z}", "!x!",
                                         "tab\there", "日本 語", "-n",   "a=b",  "^x" };
    static const char quotes[] = { 0, '"', '\'' };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t q = 0; q < sizeof quotes; q++) {
            char command[512], output[256] = "";
            char *quoted = shell_quote(names[i], quotes[q]), *back = shell_unquote(quoted, quotes[q]);
            char mark[2] = { quotes[q], '\0' };
            snprintf(command, sizeof command, "printf %%s %s%s%s", mark, quoted, mark);
            int fds[2];
            assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
            pid_t child = fork();
            if (child == 0) {
                dup2(fds[1], 1);
                execl("/bin/bash", "bash", "--norc", "-c", command, (char *)NULL);
                _exit(127);
            }
            close(fds[1]);
            ssize_t n = read(fds[0], output, sizeof output - 1);
            close(fds[0]);
            waitpid(child, NULL, 0);
            assert_true(n > 0);
            assert_string_equal(output, names[i]);
            assert_string_equal(back, names[i]);
            free(quoted);
            free(back);
        }
}

static void a_process_that_is_gone_is_an_error(void **state)
{
    struct observe_place gone;
    struct err err;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    assert_int_equal(observe_place(child, &gone, &err), -1);
    assert_int_equal(err.code, ESRCH);
}

static int set_up(void **state)
{
    char path[512];
    struct err err;
    for (size_t i = 0; i < TREE; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, tree[i].path);
        if (tree[i].mode == 0) {
            assert_int_equal(mkdir(path, 0755), 0);
            continue;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(fchmod(fd, (mode_t)tree[i].mode), 0);
        close(fd);
    }
    for (size_t i = 0; i < LINKS; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, links[i].path);
        assert_int_equal(symlink(links[i].target, path), 0);
    }
    /* The environment a process shows is that of its exec, so the one that stands there is a program: this one again. */
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    int self = open("/proc/self/exe", O_RDONLY);
    shell = fork();
    if (shell == 0) {
        char program[32];
        static char *const environment[] = { (char *)(uintptr_t) "PATH=/bin:/usr/bin", (char *)(uintptr_t) "HOME=/root",
                                             NULL };
        dup2(fds[1], 1);
        snprintf(program, sizeof program, "/proc/self/fd/%d", self);
        char *const arguments[] = { program, directory, NULL };
        execve(program, arguments, environment);
        _exit(127);
    }
    close(self);
    close(fds[1]);
    char byte;
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    if (observe_place(shell, &place, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(place.cwd, "/root");
    return 0;
}

static int tear_down(void **state)
{
    char path[512];
    observe_place_free(&place);
    kill(shell, SIGKILL);
    waitpid(shell, NULL, 0);
    snprintf(path, sizeof path, "rm -rf %s", directory);
    return system(path);
}

/* Started again with a directory: a process whose root that is. */
static int stand_in(const char *root)
{
    if (chroot(root) < 0 || chdir("/root") < 0 || write(1, "r", 1) != 1)
        return 1;
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return stand_in(argv[1]);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (geteuid() != 0) {
        printf("1..0 # SKIP chroot needs root\n");
        return 0;
    }
    if (!mkdtemp(directory))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_word_is_completed_by_where_it_stands),
        cmocka_unit_test(docker_s_words_are_completed_by_its_tables),
        cmocka_unit_test(groups_of_version_2_are_completed_too),
        cmocka_unit_test(quoted_names_are_read_back_by_bash),
        cmocka_unit_test(a_process_that_is_gone_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
