/* `teachroot doctor` as it is run: its table, its JSON, its exit status, and what it says of lessons. */
#include "repl/play/doctor.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"

#include <fcntl.h>
#include <jansson.h>
#include <pty.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

static char home[] = "/tmp/doctor-XXXXXX";
static char text[200000];

static void put(const char *name, const char *content)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", home, name);
    assert_int_equal(replace_file(path, content, strlen(content), 0644, NULL), 0);
}

static int write_lessons(void **state)
{
    if (!mkdtemp(home))
        return -1;
    put("lessons.md", "# Lessons\n\n| | Lesson | What |\n|---|---|---|\n| 1 | [Fine](01-fine.md) | fine |\n| 2 | "
                      "[Lacking](02-lacking.md) | lacking |\n"
                      "| 3 | [Partly](03-partly.md) | partly |\n| 4 | [Wrong](04-wrong.md) | wrong |\n");
    put("01-fine.md",
        "---\ntitle: Fine\nrequires: userns, pidns\n---\n\n## One\n\n```bash\ntrue\n```\n<!-- check\ntrue\n-->\n");
    put("02-lacking.md", "---\ntitle: Lacking\nrequires: userns, debootstrap\n---\n\n## "
                         "One\n\n```bash\ntrue\n```\n<!-- check\ntrue\n-->\n");
    put("03-partly.md", "---\ntitle: Partly\n---\n\n## One\n\n```bash\ntrue\n```\n<!-- check\ntrue\n-->\n\n## Two\n\n"
                        "```bash |{\"requires\":\"debootstrap\"}\ntrue\n```\n<!-- check\ntrue\n-->\n");
    put("04-wrong.md",
        "---\ntitle: Wrong\nrequires: usernss\n---\n\n## One\n\n```bash\ntrue\n```\n<!-- check\ntrue\n-->\n");
    setenv("TEACHROOT_LESSONS", home, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    return 0;
}

static int remove_lessons(void **state)
{
    static const char *const names[] = { "lessons.md", "01-fine.md", "02-lacking.md", "03-partly.md", "04-wrong.md" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", home, names[i]);
        unlink(path);
    }
    return rmdir(home);
}

/* Nobody has debootstrap in here. */
static void hide_debootstrap(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(99);
    mount("/dev/null", "/usr/sbin/debootstrap", NULL, MS_BIND, NULL);
}

static int count_words(char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return argc;
}

/* Run it with its output in `text`, both streams. Returns its exit status. */
static int doctor(char **argv)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        hide_debootstrap();
        exit(doctor_main(count_words(argv), argv));
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
#define DOCTOR(...) doctor((char *[]){ (char[]){ "doctor" }, ##__VA_ARGS__, NULL })
#define ARG(word) ((char[]){ word })

static void has(const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("expected `%s` in:\n%s", wanted, text);
}

static void has_not(const char *unwanted)
{
    if (strstr(text, unwanted))
        fail_msg("did not expect `%s` in:\n%s", unwanted, text);
}

static void the_table_has_every_feature_and_every_lesson(void **state)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(DOCTOR(ARG("--no-lab")), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (size_t i = 0; i < host_feature_count; i++) {
        char name[64];
        snprintf(name, sizeof name, " %-15s ", host_features[i].name);
        has(name);
        has(host_features[i].group);
    }
    has("✓ yes    userns ");
    has("✗ no     debootstrap     debootstrap: no program debootstrap\n");
    has("what brings it: ");
    has("debootstrap\n");
    has("✓ yes    1               Fine\n");
    has("✗ no     2               Lacking: what it needs is not here: debootstrap\n");
    has("◐ partly 3               Partly: what some of its steps need is not here: debootstrap\n");
    has("✗ no     4               Wrong: ");
    has("`requires` names `usernss`");
    has_not("\033[");
    has_not("The lab this gives");
    assert_true(end.tv_sec - start.tv_sec <= 4); /* 0.2 s on an idle machine */
}

static void the_lab_it_builds_is_described_and_gone(void **state)
{
    int status = DOCTOR();
    has("The lab this gives\n");
    if (status == 0)
        has("limited to ");
    else
        assert_int_equal(status, 3);
    assert_int_equal(system("ls /run/teachroot/labs 2>/dev/null | grep -q '^doctor-'"), 256);
}

static void json_says_the_same(void **state)
{
    assert_int_equal(DOCTOR(ARG("--json"), ARG("--no-lab")), 0);
    json_error_t error;
    json_t *all = json_loads(text, 0, &error);
    if (!all)
        fail_msg("%s: %s", error.text, text);
    const json_t *features = json_object_get(all, "features"), *lessons = json_object_get(all, "lessons");
    assert_int_equal(json_array_size(features), host_feature_count);
    bool seen = false;
    for (size_t i = 0; i < host_feature_count; i++) {
        const json_t *feature = json_array_get(features, i);
        const char *name = json_string_value(json_object_get(feature, "name")),
                   *answer = json_string_value(json_object_get(feature, "answer"));
        assert_string_equal(name, host_features[i].name);
        assert_true(strcmp(answer, "yes") == 0 || strcmp(answer, "partly") == 0 || strcmp(answer, "no") == 0);
        assert_int_equal(json_object_get(feature, "brings") != NULL, strcmp(answer, "yes") != 0);
        seen |= strcmp(name, "debootstrap") == 0 && strcmp(answer, "no") == 0;
    }
    assert_true(seen);
    static const char *const answers[] = { "yes", "no", "partly", "no" };
    assert_int_equal(json_array_size(lessons), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(lessons, i), "answer")), answers[i]);
    assert_string_equal(json_string_value(json_object_get(json_array_get(lessons, 1), "lacks")), "debootstrap");
    assert_null(json_object_get(all, "lab"));
    json_decref(all);
}

static void features_asked_for_by_name_decide_the_exit_status(void **state)
{
    assert_int_equal(DOCTOR(ARG("userns"), ARG("ldd")), 0);
    has("userns");
    has_not("pidns");
    has_not("Lessons");
    assert_int_equal(DOCTOR(ARG("userns"), ARG("debootstrap")), 3);
    assert_int_equal(DOCTOR(ARG("--json"), ARG("debootstrap")), 3);
    has("\"answer\": \"no\"");
    assert_int_equal(DOCTOR(ARG("usernss")), 2);
    assert_string_equal(text, "teachroot doctor: no feature `usernss`; `teachroot doctor --help` lists them\n");
    assert_int_equal(DOCTOR(ARG("--jsn")), 2);
    assert_int_equal(DOCTOR(ARG("--help")), 0);
    has("usage: teachroot doctor");
    has("userns-overlay");
}

/* On a terminal of @columns; its output goes to `text`. */
static int doctor_on_terminal(unsigned short columns, const char *no_colour)
{
    struct winsize size = { .ws_row = 24, .ws_col = columns };
    int master;
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    assert_true(pid >= 0);
    if (pid == 0) {
        char name[] = "doctor", option[] = "--no-lab";
        setenv("NO_COLOR", no_colour, 1);
        hide_debootstrap();
        exit(doctor_main(2, (char *[]){ name, option, NULL }));
    }
    size_t len = 0;
    for (ssize_t n; (n = read(master, text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(master);
    int status;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void colour_is_for_terminals_without_no_color(void **state)
{
    assert_int_equal(doctor_on_terminal(100, ""), 0);
    has("\033[36m✓ yes   \033[0m userns");
    assert_int_equal(doctor_on_terminal(100, "1"), 0);
    has_not("\033[3");
    has_not("\033[1");
    has("✓ yes    userns");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    assert_int_equal(doctor_on_terminal(64, "1"), 0);
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        unsigned columns = 0;
        for (const char *c = line; *c && *c != '\r'; c++)
            columns += ((unsigned char)*c & 0xc0) != 0x80;
        const char *word = strrchr(line, ' ');
        if (columns > 64 && word && strlen(word) < 64 - 27 - 2)
            fail_msg("%u columns: %s", columns, line);
    }
}

static void without_utf8_the_marks_are_ascii(void **state)
{
    setenv("LC_ALL", "C", 1);
    assert_int_equal(DOCTOR(ARG("--no-lab"), ARG("userns")), 0);
    setenv("LC_ALL", "C.UTF-8", 1);
    has("+ yes    userns");
}

static void without_lessons_it_still_speaks_of_the_machine(void **state)
{
    setenv("TEACHROOT_LESSONS", "/nowhere", 1);
    assert_int_equal(DOCTOR(ARG("--no-lab")), 0);
    setenv("TEACHROOT_LESSONS", home, 1);
    has("✗ no     lessons         find the lessons: ");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_every_feature_and_every_lesson),
        cmocka_unit_test(the_lab_it_builds_is_described_and_gone),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(features_asked_for_by_name_decide_the_exit_status),
        cmocka_unit_test(colour_is_for_terminals_without_no_color),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(without_utf8_the_marks_are_ascii),
        cmocka_unit_test(without_lessons_it_still_speaks_of_the_machine),
    };
    return cmocka_run_group_tests_name("doctor", tests, write_lessons, remove_lessons);
}
