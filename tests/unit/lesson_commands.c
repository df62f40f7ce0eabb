/* A block is cut into commands that each are complete: bash itself is asked (`bash -n`), and the pieces are compared with what was meant. */
#include "repl/lesson/lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct lesson *parse(const char *language, const char *body)
{
    char text[8192];
    struct lesson_mistakes mistakes;
    struct err err = { 0 };
    snprintf(text, sizeof text, "# T\n\n## S\n\n~~~~%s\n%s\n~~~~\n\n<!-- check\ntrue\n-->\n", language, body);
    struct lesson *lesson = lesson_parse("t.md", text, strlen(text), &mistakes, &err);
    if (!lesson)
        fail_msg("line %d: %s", mistakes.count ? mistakes.list[0].line : 0,
                 mistakes.count ? mistakes.list[0].what : err.message);
    return lesson;
}

static bool bash_accepts(const char *command)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execlp("bash", "bash", "-O", "extglob", "-n", "-c", command, (char *)NULL);
        _exit(126);
    }
    int status = -1;
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 126);
    return WEXITSTATUS(status) == 0;
}

/* Commands of one line each, then one long one each: parted by lines `%%`, which belong to neither. */
static const char *const bodies[] = {
    "ls\n%%\nid",
    "echo 'a\nb'\n%%\necho \"c\n$(echo 'd\n)')\"",
    "a=\"${x:-'it\n}'}\"\n%%\nid",
    "echo ${x#\"'\"}\n%%\nid",
    "echo a \\\n  b\n%%\nid",
    "cat <<EOF\n$(x\nif\nEOF\n%%\nid",
    "cat <<-'E F' >x\n\tit's\n\tE F\n%%\nid",
    "cat <<A <<B; id\na\nA\nb\nB\n%%\nid",
    "cat <<\\EOF | tr a b\nx\nEOF\n%%\ncat <<< 'x'\n%%\nid",
    "if true; then\n  cat <<E\nfi\nE\nfi\n%%\nid",
    "for i in 1 2 if; do\n  echo $i # it's done\ndone\n%%\nid",
    "for ((i = 0; i < 3; i++)); do\n  echo $((i << 2))\ndone | cat\n%%\nid",
    "while read -r x; do\n  case $x in\n    (a) echo;;\n    b|c) (echo if);;\n    *) break\n  esac\ndone < f\n%%\nid",
    "case $(id -u) in 0) echo root;; esac\n%%\nid",
    "f() {\n  echo }\n}\n%%\nf ()\n{\n  id\n}\n%%\nfunction g\n{\n  id\n}\n%%\nid",
    "(cd /\n  ls)\n%%\n{ id\n}\n%%\nid",
    "id |\n  cat &&\n  # and\n  ls ||\n  true\n%%\nid",
    "a=(1 'two\n3'\n  4 # )\n)\n%%\n[[ a == b &&\n  -n c ]]\n%%\nid",
    "diff <(echo a\n) <(echo b) > >(cat)\n%%\nid",
    "echo `echo '\n'`\n%%\nid",
    "echo $'it\\'s\nx'\n%%\nid",
    "cgset -r cpu.cfs_quota_us=$[ 5000 * $(getconf _NPROCESSORS_ONLN) ] sandbox\n%%\nid",
    "yes | tr \\\\n x | head -c 10 | grep n\n%%\nid",
    "echo a#b $# ${#x} if then { done\n%%\nid",
    "! id\n%%\ntime {\n  id\n}\n%%\nid",
    "ls @(a|b)\n%%\nid",
    "sleep 1 &\n%%\nid >&2 2>&1 &>x >|y\n%%\nid",
    "until false; do { { id; }; }; break; done; id\n%%\nid",
    "unshare --mount --uts --ipc --net --pid --fork --user --map-root-user chroot /better-root bash\n%%\nexit",
    "docker kill $(docker ps -q)\n%%\nid",
    "echo $\n%%\necho \"$\" '$'\n%%\nid",
    "echo 'é' “ü”\n%%\nid",
};

static void every_command_is_complete_and_none_is_held_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char body[1024] = "", expected[16][256];
        size_t count = 0;
        for (const char *at = bodies[i]; at;) {
            const char *next = strstr(at, "\n%%\n");
            int len = next ? (int)(next - at) : (int)strlen(at);
            snprintf(expected[count++], sizeof expected[0], "%.*s", len, at);
            snprintf(body + strlen(body), sizeof body - strlen(body), "%.*s\n", len, at);
            at = next ? next + 4 : NULL;
        }
        struct lesson *lesson = parse("bash", body);
        char **commands = lesson->steps[0].blocks[0].commands;
        for (size_t j = 0; j < count; j++) {
            if (!commands[j] || strcmp(commands[j], expected[j]) != 0)
                fail_msg("body %zu, command %zu is <%s>, expected <%s>", i, j, commands[j] ? commands[j] : "none",
                         expected[j]);
            if (!bash_accepts(commands[j]))
                fail_msg("bash -n refuses <%s>", commands[j]);
        }
        assert_null(commands[count]);
        lesson_free(lesson);
    }
}

static void blank_lines_and_comments_are_no_commands(void **state)
{
    (void)state;
    struct lesson *lesson = parse("bash", "# first\n\n  ls -l # here\n\n   \n# last");
    char **commands = lesson->steps[0].blocks[0].commands;
    assert_string_equal(commands[0], "  ls -l # here");
    assert_null(commands[1]);
    lesson_free(lesson);
}

static void prompts_are_stripped_and_other_lines_are_output(void **state)
{
    (void)state;
    static const struct {
        const char *language, *body, *stripped;
    } rows[] = {
        { "bash", "$ ls\na  b\n# total\n$: id\nuid=0\nC-$ exit", "ls\nid\nexit\n" },
        { "bash", "# a comment\nls", "# a comment\nls\n" },
        { "console", "# ls\na\n$ id", "ls\nid\n" },
        { "console", "$ for i in 1; do\n> echo $i\n> done\n1\n$ cat <<E\nx\nE\nx\n$ id",
          "for i in 1; do\necho $i\ndone\ncat <<E\nx\nE\nid\n" },
        { "sh", "echo '$ '\nls", "echo '$ '\nls\n" },
        { "bash", "$ echo a \\\n    b\na b\n$ echo 'c\n> d'\nc\nd", "echo a \\\n    b\necho 'c\nd'\n" },
        { "bash", "$\n$ ls\n$", "ls\n" },
        { "bash", "ann@box:~/a$ ls\na\n[root@box ~]# id\nuid=0\nbash-5.2$ pwd\n/", "ls\nid\npwd\n" },
        { "bash", "git@host:repo.git\nbash-5.2 -c ls", "git@host:repo.git\nbash-5.2 -c ls\n" },
        { "console", "# Now as root:\n# ls\n# PATH=/bin id -u\n0\n# Total 3 blocks", "ls\nPATH=/bin id -u\n" },
        { "terminal", "/ # ls\nbin\n/ # cat <<E\n# no prompt\nE\n# no prompt",
          "ls\ncat <<E\n# no prompt\nE\nno prompt\n" },
        { "Shell-Session", "# id\nuid=0", "id\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lesson *lesson = parse(rows[i].language, rows[i].body);
        assert_string_equal(lesson->steps[0].blocks[0].body, rows[i].stripped);
        lesson_free(lesson);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_complete_and_none_is_held_back),
        cmocka_unit_test(blank_lines_and_comments_are_no_commands),
        cmocka_unit_test(prompts_are_stripped_and_other_lines_are_output),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
