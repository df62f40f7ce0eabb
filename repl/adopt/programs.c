/* What the programs of a README want: a user at the terminal, the network, something of the kernel that not every machine has. */
#include "repl/adopt/plan.h"

#include "engine/base/cleanup.h"
#include "repl/tutor/trap.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Programs that have the terminal until a user ends them. With an argument like @unless (a glob), or without one like @only, they end by themselves. */
static const struct {
    const char *program, *only, *unless;
    const char *keys; /* lines of a `keys` block that end it; NULL: it cannot be said */
    bool reads;       /* it ends by itself where a pipe or a file is its input */
} interactive[] = {
    { "vim", NULL, NULL, "Type \":q!\"\nEnter\n", false },
    { "vi", NULL, NULL, "Type \":q!\"\nEnter\n", false },
    { "nvim", NULL, NULL, "Type \":q!\"\nEnter\n", false },
    { "nano", NULL, NULL, "Ctrl+X\n", false },
    { "less", NULL, NULL, "Type \"q\"\n", false },
    { "more", NULL, NULL, "Type \"q\"\n", false },
    { "man", NULL, "-[fkwP]*", "Type \"q\"\n", false },
    { "top", NULL, "-*b*", "Type \"q\"\n", false },
    { "htop", NULL, NULL, "Type \"q\"\n", false },
    { "watch", NULL, NULL, "Ctrl+C\n", false },
    { "read", NULL, "-t*", "Enter\n", true },
    { "python3", NULL, "?*", "Ctrl+D\n", true },
    { "python", NULL, "?*", "Ctrl+D\n", true },
    { "bc", NULL, "?*", "Ctrl+D\n", true },
    { "ssh", NULL, "-*V*", NULL, true },
    { "telnet", NULL, NULL, NULL, false },
    { "ftp", NULL, NULL, NULL, false },
    { "sftp", NULL, "-b", NULL, false },
    { "tmux", NULL, "[klns]*", NULL, false },
    { "screen", NULL, "-*[dX]*", NULL, false },
    { "emacs", NULL, "--batch", NULL, false },
    { "mysql", NULL, "-e*", NULL, true },
    { "psql", NULL, "-c*", NULL, true },
    { "passwd", NULL, "-*", NULL, false },
    { "adduser", NULL, "--disabled*", NULL, false },
    { "visudo", NULL, "-c", NULL, false },
    { "crontab", "-e", NULL, NULL, false },
};

/* What a command needs of this machine: features as doctor lists them. @word: a glob that one of its words must match. */
static const struct {
    const char *program, *word, *feature;
} needs[] = {
    { "curl", "*://*", "network" },
    { "curl", NULL, "curl" },
    { "wget", NULL, "network" },
    { "git", "clone", "network" },
    { "git", "pull", "network" },
    { "git", "fetch", "network" },
    { "git", "push", "network" },
    { "apt", "[iu]*", "network" },
    { "apt-get", "[iu]*", "network" },
    { "dnf", NULL, "network" },
    { "yum", NULL, "network" },
    { "apk", "add", "network" },
    { "pip", "install", "network" },
    { "pip3", "install", "network" },
    { "npm", "[ic]*", "network" },
    { "go", "[gi]*", "network" },
    { "cargo", "install", "network" },
    { "docker", "pull", "network" },
    { "docker", "push", "network" },
    { "podman", NULL, "network" },
    { "kubectl", NULL, "network" },
    { "helm", NULL, "network" },
    { "ssh", NULL, "network" },
    { "scp", NULL, "network" },
    { "rsync", "*:*", "network" },
    { "ping", "*.*", "network" },
    { "dig", NULL, "network" },
    { "host", NULL, "network" },
    { "nslookup", NULL, "network" },
    { "traceroute", NULL, "network" },
    { "debootstrap", NULL, "bootstrap" },
    { "unshare", "--user", "userns" },
    { "unshare", "-[!-]*U*", "userns" },
    { "unshare", "-r", "userns" },
    { "unshare", "--pid", "pidns" },
    { "unshare", "--net", "netns" },
    { "unshare", "--mount", "mntns" },
    { "unshare", "--uts", "utsns" },
    { "unshare", "--ipc", "ipcns" },
    { "unshare", "--cgroup", "cgroupns" },
    { "unshare", "--time", "timens" },
    { "mount", "overlay", "overlay" },
    { "losetup", NULL, "loop" },
    { "mkfs.ext4", NULL, "mke2fs" },
    { "cgcreate", NULL, "cgroup" },
    { "cgexec", NULL, "cgroup" },
    { "cgset", NULL, "cgroup" },
    { "ip", NULL, "ip" },
    { "ip", "veth", "veth" },
    { "ip", "bridge", "bridge" },
    { "ip", "tuntap", "tun" },
    { "nft", NULL, "nft" },
    { "strace", NULL, "strace" },
    { "busybox", NULL, "busybox" },
    { "cc", NULL, "cc" },
    { "gcc", NULL, "cc" },
    { "perl", NULL, "perl" },
    { "qemu-system-*", NULL, "qemu" },
};

/* What is no file: the shell's own, and what the lab brings. */
static const char *const builtins[] = {
    ".",          ":",        "[",        "[[",      "alias",   "bg",         "break",   "builtin",     "case",
    "cd",         "command",  "continue", "declare", "dirs",    "disown",     "echo",    "enable",      "esac",
    "eval",       "exec",     "exit",     "export",  "false",   "fc",         "fg",      "for",         "function",
    "getopts",    "hash",     "help",     "history", "in",      "jobs",       "kill",    "let",         "local",
    "logout",     "mapfile",  "popd",     "printf",  "pushd",   "pwd",        "read",    "readonly",    "return",
    "select",     "set",      "shift",    "shopt",   "source",  "suspend",    "test",    "times",       "trap",
    "true",       "type",     "typeset",  "ulimit",  "umask",   "unalias",    "unset",   "wait",        "assert",
    "cgclassify", "cgcreate", "cgdelete", "cgexec",  "cgget",   "cgset",      "chroot",  "debootstrap", "docker",
    "ldcopy",     "ldd",      "lscgroup", "lsns",    "nsenter", "pivot_root", "unshare",
};

static bool has_word(const struct simple_command *command, const char *glob)
{
    for (size_t i = 1; i < command->plain; i++)
        if (fnmatch(glob, command->words[i].text, 0) == 0)
            return true;
    return false;
}

static bool in_path(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *at;) {
        size_t len = strcspn(at, ":");
        char file[4096];
        struct stat st;
        snprintf(file, sizeof file, "%.*s/%s", (int)len, at, name);
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

static bool is_plain_name(const char *name)
{
    return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-")] == '\0';
}

static bool is_builtin(const char *name)
{
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (strcmp(builtins[i], name) == 0)
            return true;
    return false;
}

static void add_need(struct adopt_block *block, const char *feature)
{
    char padded[sizeof block->requires + 2], name[64];
    snprintf(padded, sizeof padded, " %s ", block->requires);
    snprintf(name, sizeof name, " %s ", feature);
    size_t len = strlen(block->requires);
    block->network |= strcmp(feature, "network") == 0;
    if (!strstr(padded, name) && len + strlen(name) < sizeof block->requires)
        snprintf(block->requires + len, sizeof block->requires - len, "%s%s", len ? " " : "", feature);
}

static void read_simple(struct adopt_block *block, const struct simple_command *command, bool fed)
{
    const char *name = last_part(command->words[0].text);
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (fnmatch(needs[i].program, name, 0) == 0 && (!needs[i].word || has_word(command, needs[i].word)))
            add_need(block, needs[i].feature);
    for (size_t i = 0; i < sizeof interactive / sizeof *interactive; i++) {
        if (strcmp(interactive[i].program, name) != 0 ||
            (interactive[i].only && !has_word(command, interactive[i].only)) ||
            (interactive[i].unless && has_word(command, interactive[i].unless)) || (interactive[i].reads && fed))
            continue;
        block->program = interactive[i].program;
        block->keys = interactive[i].keys;
    }
    if (strcmp(name, "docker") == 0 && (has_word(command, "-it") || has_word(command, "-ti")))
        block->program = "docker -it";
    if (!block->absent[0] && is_plain_name(command->words[0].text) && !is_builtin(name) && !in_path(name))
        snprintf(block->absent, sizeof block->absent, "%.90s", name);
}

bool adopt_is_sudo(const char *line, const char *at)
{
    static const char *const before[] = { "do", "then", "else", "time", "if", "while", "until" };
    const char *end = at;
    if (strncmp(at, "sudo ", 5) != 0 || at[5] == '-' || at[5] == ' ' || at[5] == '\0')
        return false;
    while (end > line && strchr(" \t", end[-1]))
        end--;
    if (end == line || strchr("|;&($#>:`{!", end[-1])) /* an operator, or a prompt */
        return true;
    const char *word = end;
    while (word > line && !strchr(" \t;|&", word[-1]))
        word--;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (strlen(before[i]) == (size_t)(end - word) && memcmp(word, before[i], (size_t)(end - word)) == 0)
            return true;
    return false;
}

void adopt_read_command(struct adopt_block *block, const char *line)
{
    struct command_list list = { 0 };
    bool fed = strpbrk(line, "|<");
    if (command_list_read(line, &list) == 0)
        for (size_t i = 0; i < list.count; i++)
            if (list.commands[i].plain > 0)
                read_simple(block, &list.commands[i], fed);
    command_list_free(&list);
    for (const char *at = line; (at = strstr(at, "sudo ")) && !block->sudo; at++) {
        const char *start = at;
        while (start > line && start[-1] != '\n')
            start--;
        block->sudo = adopt_is_sudo(start, at);
    }
}
