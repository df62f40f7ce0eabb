/* The READMEs of tests/readmes, each in another style, play as their readers would have typed them. What they printed is compared, and what they did is read from the kernel and from
 * the lab's own files while the lab still runs. */
#include "engine/observe/links.h"
#include "engine/observe/observe.h"
#include "repl/play/run.h"

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static pid_t init; /* the lab's first process */
static struct session *session;

/* The file as the lab has it. */
static bool file_is(const char *path, const char *expected)
{
    char text[4096] = "", whole[512];
    snprintf(whole, sizeof whole, "/proc/%d/root%s", init, path);
    FILE *file = fopen(whole, "re");
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    if (!file || strcmp(text, expected) != 0)
        print_error("%s: %s `%s`, expected `%s`\n", path, file ? "holds" : "is not there", text, expected);
    return file && strcmp(text, expected) == 0;
}

static mode_t mode_of(const char *path)
{
    char whole[512];
    struct stat st;
    snprintf(whole, sizeof whole, "/proc/%d/root%s", init, path);
    return lstat(whole, &st) == 0 ? st.st_mode : 0;
}

/* The host pid of a process of the lab whose command line holds @part; 0: none. */
static pid_t process(const char *part)
{
    pid_t pids[256];
    struct err err;
    ssize_t count = observe_processes_below(init, pids, 256, &err);
    for (ssize_t i = 0; i < count; i++) {
        struct observe_process one;
        if (observe_process(pids[i], &one, &err) == 0 && strstr(one.command, part))
            return pids[i];
    }
    return 0;
}

static bool apart(const char *kind)
{
    uint64_t of_lab[NAMESPACE_KINDS], of_shell[NAMESPACE_KINDS];
    struct err err;
    pid_t shell = terminal_foreground(session_terminal(session, 1));
    size_t i = namespace_find(kind);
    return shell > 0 && observe_namespaces(init, of_lab, &err) == 0 && observe_namespaces(shell, of_shell, &err) == 0 &&
           of_lab[i] != of_shell[i];
}

static bool did_plain(void)
{
    return file_is("/root/greeter/page.html", "<li>Ada</li>\n<li>Grace</li>\n") &&
           (mode_of("/root/greeter/bin/greet") & 0111);
}

static bool did_dollar(void)
{
    return file_is("/tmp/numbers", "1\n2\n3\n") && file_is("/tmp/sum", "1+2+3\n6\n");
}

static bool did_dollar_colon(void)
{
    char path[64], line[512];
    bool mounted = false;
    snprintf(path, sizeof path, "/proc/%d/mountinfo", init);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        mounted |= strstr(line, " /mnt/scratch ") && strstr(line, " - tmpfs scratch ") && strstr(line, "size=4096k");
    if (file)
        fclose(file);
    return mounted;
}

static bool did_root_console(void)
{
    return apart("uts");
}

static bool did_container_prompt(void)
{
    return !apart("pid"); /* its shell was left */
}

static bool did_session(void)
{
    return S_ISLNK(mode_of("/srv/packrat/latest")) && (mode_of("/srv/packrat/new") & 0777) == 0700;
}

static bool did_background(void)
{
    pid_t other = process("sleep 4712");
    return !process("sleep 4711") && other && getpriority(PRIO_PROCESS, (id_t)other) == 7;
}

static bool did_two_terminals(void)
{
    return file_is("/tmp/log", "hello from the other side\n1\n2\n3\n") && !process("tail -f") &&
           session_terminals(session) == 2 && session_shell(session, 2) > 0;
}

static bool did_docable(void)
{
    return file_is("/srv/site/index.html", "<h1>It works</h1>\n") && file_is("/srv/site/hits", "1\n");
}

static bool did_runme(void)
{
    return (mode_of("/srv/heart/beat") & 0777) && session_shell(session, 2) > 0 && (mode_of("/srv/heart") & S_IFDIR);
}

static bool did_myst(void)
{
    struct observe_link links[8];
    bool partly, there = false;
    struct err err;
    ssize_t count = observe_links(terminal_foreground(session_terminal(session, 1)), links, 8, &partly, &err);
    for (ssize_t i = 0; i < count; i++)
        there |= strcmp(links[i].name, "fish") == 0 && strcmp(links[i].kind, "veth") == 0;
    return apart("net") && there;
}

/* What its blocks printed, a line `--` after each: a glob. */
static const struct readme {
    const char *name;
    size_t steps;
    bool (*did)(void);
    const char *printed;
} readmes[] = {
    { "plain", 2, did_plain, "--\n2\n--\n" },
    { "dollar", 3, did_dollar, "1\n2\n3\na word that goes on here and there\n# 1\n# 2\n# 3\n--\n1+2+3\n--\n6\n--\n" },
    { "dollar-colon", 2, did_dollar_colon, "tmpfs\n--\n3145728\n--\n" },
    { "root-console", 2, did_root_console, "aquarium\n--\n1\ndiffers\n--\n" },
    { "container-prompt", 1, did_container_prompt, "1\nbash\nps\nexit\nback\n--\n" },
    { "session", 2, did_session, "cur  new\n--\ncur\n700\n--\n" },
    { "background", 3, did_background,
      "\\[1] *\n\\[2] *\n\\[1]-  Running *sleep 4711 &\n\\[2]+  Running *sleep 4712 &\n--\n"
      "\\[1]-  Terminated *sleep 4711\nit ended with 143\n--\n*old priority 0, new priority 7\n--\n" },
    { "two-terminals", 4, did_two_terminals, "--\n--\n2\n--\nsame terminal\n--\n" },
    { "docable", 5, did_docable,
      "--\n--\nnobody\n<h1>--\n<h1>It works</h1>\n--\ncat: /srv/site/missing.html: No such file or directory\n--\n" },
    { "runme", 3, did_runme, "--\n--\nalive\n--\n" },
    { "myst", 3, did_myst, "lo\nlo\n--\nDevice \"fish\" does not exist.\n--\nfish@bowl\n--\n" },
};
#define READMES (sizeof readmes / sizeof *readmes)

static struct outcome {
    char printed[4096], trouble[512];
    size_t passed;
    bool did;
} outcomes[READMES];

static struct outcome *outcome(struct run_sink *sink)
{
    const char *path = session_lesson(sink->run->session)->path, *name = strrchr(path, '/') + 1;
    for (size_t i = 0; i < READMES; i++)
        if (strncmp(name, readmes[i].name, strlen(readmes[i].name)) == 0 &&
            strcmp(name + strlen(readmes[i].name), ".md") == 0)
            return &outcomes[i];
    fail_msg("no README `%s`", path);
    return NULL;
}

static void on_block(struct run_sink *sink, const struct step *step, const struct block *block,
                     const struct block_result *result)
{
    struct outcome *to = outcome(sink);
    size_t len = strlen(to->printed);
    snprintf(to->printed + len, sizeof to->printed - len, "%s--\n", result->output);
}

static void on_done(struct run_sink *sink, const struct run_step *step)
{
    struct outcome *to = outcome(sink);
    to->passed += step->outcome == RUN_STEP_PASSED;
    if (step->outcome != RUN_STEP_PASSED)
        snprintf(to->trouble, sizeof to->trouble, "step %u: %s", step->step->number, step->why);
    if (step->step->number != step->lesson->step_count || !session_lab(sink->run->session))
        return;
    session = sink->run->session;
    init = lab_init_pid(session_lab(session));
    to->did = readmes[to - outcomes].did();
}

static void each_readme_plays_as_its_reader_would_have_typed_it(void **state)
{
    static const struct run_format format = { .name = "told", .block = on_block, .done = on_done };
    struct run_options options = { .formats = { &format }, .format_count = 1, .keep_going = true };
    const char *source = getenv("TEACHROOT_SOURCE");
    char *names[READMES];
    options.lab.offline = true;
    for (size_t i = 0; i < READMES; i++)
        assert_true(asprintf(&names[i], "%s/tests/readmes/%s.md", source ? source : ".", readmes[i].name) > 0);
    assert_int_equal(run_lessons(names, READMES, &options), RUN_OK);
    for (size_t i = 0; i < READMES; i++) {
        const struct readme *readme = &readmes[i];
        if (outcomes[i].passed != readme->steps || outcomes[i].trouble[0])
            fail_msg("%s: %zu of %zu steps passed: %s", readme->name, outcomes[i].passed, readme->steps,
                     outcomes[i].trouble);
        if (fnmatch(readme->printed, outcomes[i].printed, 0) != 0)
            fail_msg("%s printed:\n%s\nexpected:\n%s", readme->name, outcomes[i].printed, readme->printed);
        if (!outcomes[i].did)
            fail_msg("%s did not do what it says", readme->name);
        free(names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_readme_plays_as_its_reader_would_have_typed_it) };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
