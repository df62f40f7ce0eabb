/* assert: is the lab as a lesson's step wants it? Silent when it is; else one line that says what was found instead. */
#include "engine/tools/assert.h"

#include "engine/tools/options.h"
#include "engine/tools/tools.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row a claim. Small words are written as they are, CAPITALS stand for a word of the writer's, [and so on] for words that the check reads. Parsing, --help and the message for a wrong claim all read it. */
static const struct claim_row {
    const char *syntax;
    claim_fn *check;
    const char *what;
} rows[] = {
    { "file PATH", claim_file, "there is a regular file" },
    { "file PATH contains TEXT", claim_file_contains, "and TEXT is somewhere in it" },
    { "directory PATH", claim_directory, "there is a directory" },
    { "executable PATH", claim_executable, "there is a file that may be executed" },
    { "link PATH", claim_link, "there is a symbolic link" },
    { "link PATH to TARGET", claim_link_to, "and it reads TARGET" },
    { "runs ROOT PROGRAM", claim_runs, "the root directory ROOT holds PROGRAM, its loader and all its libraries" },
    { "rootfs PATH", claim_rootfs, "a whole root filesystem: a shell, /etc/passwd, and a system's directories" },
    { "rootfs PATH of DISTRIBUTION", claim_rootfs_of, "and its os-release says DISTRIBUTION (debian, 12, bookworm …)" },
    { "names ROOT PROGRAM COUNT", claim_names, "at least COUNT names in ROOT are symbolic links to PROGRAM" },
    { "mount PATH", claim_mount, "something is mounted there" },
    { "mount PATH type TYPE", claim_mount_type, "and it is of this type (proc, tmpfs, overlay …)" },
    { "mount PATH of N", claim_mount_of, "the same, as terminal N's foreground process sees it" },
    { "mount PATH type TYPE of N", claim_mount_type_of, "and it is of this type" },
    { "mount PATH propagation WORD", claim_mount_propagation,
      "something is mounted there and is shared, slave, private or unbindable" },
    { "mount PATH propagation WORD of N", claim_mount_propagation_of,
      "the same, as terminal N's foreground process sees it" },
    { "overlay PATH", claim_overlay, "an overlay is mounted there" },
    { "overlay PATH lowers COUNT", claim_overlay_lowers, "and it has COUNT lower directories" },
    { "overlay PATH file FILE in LAYER", claim_overlay_file,
      "what it shows as FILE lies in this layer: upper, lower (any of them), or a layer's directory" },
    { "whiteout PATH", claim_whiteout,
      "PATH, in a layer, is an overlay's whiteout: what has its name below is deleted" },
    { "opaque PATH", claim_opaque, "PATH, in a layer, is a directory that hides all that layers below have in it" },
    { "process PATTERN", claim_process, "a process runs whose command line holds PATTERN (a glob)" },
    { "process PATTERN running", claim_process, "the same" },
    { "process PATTERN gone", claim_process_gone, "no such process runs" },
    { "process PATTERN root PATH", claim_process_root, "one runs whose root directory is PATH" },
    { "process PATTERN isolated KIND from terminal N", claim_process_isolated,
      "one runs in another KIND of namespace (mnt, pid, net …) than terminal N's foreground process" },
    { "process PATTERN visible from terminal N", claim_process_visible,
      "one runs that has a number in the pid namespace of terminal N's foreground process" },
    { "process PATTERN pid NUMBER", claim_process_pid, "one runs that is NUMBER in its own pid namespace" },
    { "terminal N pid NUMBER", claim_terminal_pid,
      "terminal N's foreground process is NUMBER in its own pid namespace" },
    { "terminal N root PATH", claim_terminal_root, "the root directory of terminal N's foreground process is PATH" },
    { "namespace KIND of N differs", claim_namespace_differs,
      "terminal N's foreground process is not in the lab's own namespace of this kind" },
    { "namespace KIND of N same", claim_namespace_same, "it is" },
    { "namespace KIND of N differs from M", claim_namespace_differs_from,
      "the foreground processes of terminals N and M are in different ones" },
    { "namespace KIND of N same as M", claim_namespace_same_as, "they are in the same one" },
    { "uidmap of N INSIDE OUTSIDE COUNT", claim_uidmap,
      "this is a line of /proc/PID/uid_map of terminal N's foreground process" },
    { "uidmap of N empty", claim_uidmap_empty, "there is none" },
    { "gidmap of N INSIDE OUTSIDE COUNT", claim_gidmap, "the same of gid_map" },
    { "gidmap of N empty", claim_gidmap_empty, "there is none" },
    { "root of N mapped", claim_root_mapped, "the maps give somebody the numbers of root" },
    { "hostname of N NAME", claim_hostname, "the host name terminal N's foreground process sees" },
    { "cgroup CONTROLLER GROUP", claim_cgroup, "there is such a control group where the controller is mounted" },
    { "cgroup CONTROLLER GROUP holds PATTERN", claim_cgroup_holds,
      "a process whose command line holds PATTERN is in it" },
    { "terminal N cgroup CONTROLLER GROUP", claim_terminal_cgroup, "terminal N's foreground process is in it" },
    { "limit GROUP FILE VALUE", claim_limit,
      "the kernel has VALUE (80M, max …) in this file of the group; names of cgroup v1 and v2 both work" },
    { "throttled GROUP", claim_throttled, "the group's processes had to wait because their CPU time was used up" },
    { "oom-killed GROUP", claim_oom_killed, "the kernel killed a process of the group because memory ran out" },
    { "frozen GROUP", claim_frozen, "the group is frozen" },
    { "image NAME", claim_image, "there is an image of this name or id" },
    { "image NAME of COUNT layers", claim_image_layers, "and it has so many layers" },
    { "image NAME has PATH", claim_image_has, "and this file is in it, in one of its layers" },
    { "image NAME shares OTHER", claim_image_shares, "two images have at least their lowest layer in common" },
    { "image NAME is OTHER", claim_image_same, "two names are of one image" },
    { "container NAME", claim_container, "there is a container of this name or id" },
    { "container NAME state STATE", claim_container_state, "and it is created, running, paused, exited or dead" },
    { "syscall NAME [succeeded] [failed] [failed ERRNO] [by PROGRAM] [with TEXT] [from terminal N]", claim_syscall,
      "in this step a program made this syscall, and it ended so; TEXT is part of the arguments as strace writes "
      "them" },
    { "last exit STATUS", claim_last_exit, "the last command ended with STATUS: a number, or `nonzero`" },
    { "last command PATTERN", claim_last_command, "the last command matches PATTERN (a glob)" },
};
static const size_t row_count = sizeof rows / sizeof *rows;

enum verdict see(struct claim *claim, enum verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(claim->seen, sizeof claim->seen, format, args);
    va_end(args);
    return verdict;
}

/* How many words of @argv the row takes from the start: the claim is of this row if that is all of both. */
static size_t match(const struct claim_row *row, char **argv, struct claim *claim, size_t *row_words)
{
    size_t matched = 0;
    bool going = true;
    claim->count = *row_words = 0;
    for (const char *word = row->syntax; *word && *word != '['; ++*row_words) {
        size_t len = strcspn(word, " ");
        bool capital = isupper((unsigned char)*word);
        const char *given = going ? argv[matched] : NULL;
        going = given && (capital || (strlen(given) == len && memcmp(given, word, len) == 0));
        if (going) {
            matched++;
            if (capital && claim->count < sizeof claim->words / sizeof *claim->words)
                claim->words[claim->count++] = given;
        }
        word += len + strspn(word + len, " ");
    }
    return matched;
}

static const struct claim_row *find_row(char **argv, size_t words, struct claim *claim, size_t *nearest)
{
    *nearest = 0;
    for (size_t i = 0; i < row_count; i++) {
        size_t row_words, matched = match(&rows[i], argv, claim, &row_words);
        claim->rest = argv + matched;
        if (matched == row_words && (matched == words || strchr(rows[i].syntax, '[')))
            return &rows[i];
        if (matched > *nearest)
            *nearest = matched;
    }
    return NULL;
}

static int not_a_claim(char **argv, size_t nearest)
{
    fprintf(stderr, "assert: ");
    for (char **word = argv; *word; word++)
        fprintf(stderr, "%s%s", word == argv ? "`" : " ", *word);
    fprintf(stderr, "%s: expected", *argv ? "`" : "nothing");
    const char *before = " ";
    for (size_t i = 0; i < row_count;
         i++) { /* where not even the first word is known, the first words are enough to say */
        struct claim claim;
        size_t row_words;
        if (match(&rows[i], argv, &claim, &row_words) < nearest)
            continue;
        size_t first = strcspn(rows[i].syntax, " ");
        if (nearest > 0)
            fprintf(stderr, "%s`%s`", before, rows[i].syntax);
        else if (i == 0 || strncmp(rows[i].syntax, rows[i - 1].syntax, first + 1) != 0)
            fprintf(stderr, "%s%.*s", before, (int)first, rows[i].syntax);
        else
            continue;
        before = ", or ";
    }
    fputc('\n', stderr);
    return 2;
}

static int help(void)
{
    tool_text("usage: assert [not] CLAIM\n"
              "\n"
              "Is the lab as this step wants it? Exit status 0, and nothing printed, if it is; 1, and one line of what "
              "was found instead, if not; 2 for a claim it does not know. Made for the `check` of a lesson's step.\n"
              "\n"
              "The claims:\n"
              "\n",
              stdout);
    for (size_t i = 0; i < row_count; i++) {
        char line[512];
        bool wide = strlen(rows[i].syntax) > 36;
        snprintf(line, sizeof line, "  %-36s%s%*s%s\n", rows[i].syntax, wide ? "\n" : "", wide ? 40 : 2, "",
                 rows[i].what);
        tool_text(line, stdout);
    }
    tool_text("\n`not` (or `no`) in front turns a claim round. What cannot be told, as when terminal 2 is not open, is "
              "neither.\n",
              stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

int assert_main(int argc, char **argv)
{
    struct claim claim = { .count = 0 };
    size_t nearest;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
    bool negated = argc > 1 && (strcmp(argv[1], "not") == 0 || strcmp(argv[1], "no") == 0);
    char **words = argv + (argc > 0) + negated;
    const struct claim_row *row = find_row(words, (size_t)(argv + argc - words), &claim, &nearest);
    if (!row)
        return not_a_claim(words, nearest);
    enum verdict verdict = row->check(&claim);
    if (verdict == CLAIM_WRONG)
        return tool_usage("assert", "%s", claim.seen);
    if (verdict == (negated ? CLAIM_FAILS : CLAIM_HOLDS))
        return 0;
    puts(claim.seen);
    return fflush(stdout) == 0 ? 1 : 2;
}
