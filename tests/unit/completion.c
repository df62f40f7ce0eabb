#include "repl/screen/completion.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static pid_t shell;

/* A process whose working directory is a directory of ours, and whose root is the machine's. */
static int set_up(void **state)
{
    strcpy(directory, "/tmp/completion-XXXXXX");
    if (!mkdtemp(directory) || chdir(directory) < 0)
        return -1;
    if (mkdir("libs", 0755) < 0 || mkdir("with blank", 0755) < 0 || symlink("libs", "link") < 0)
        return -1;
    fclose(fopen("libs/libc.so", "w"));
    fclose(fopen(".hidden", "w"));
    fclose(fopen("library", "w"));
    shell = fork();
    if (shell == 0) {
        setenv("PATH", "/usr/bin:/bin", 1);
        execlp("sleep", "sleep", "1000", NULL);
        _exit(127);
    }
    usleep(50000);
    return shell < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    kill(shell, SIGKILL);
    waitpid(shell, NULL, 0);
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

/* All candidates for the last word of @line, joined with `|`. */
static char *find(const char *line, size_t start)
{
    static char joined[65536];
    char **list = completion_find(shell, line, line + start, start);
    joined[0] = '\0';
    for (size_t i = 0; list && list[i]; i++) {
        if (strlen(joined) + strlen(list[i]) + 2 < sizeof(joined)) {
            strcat(joined, i ? "|" : "");
            strcat(joined, list[i]);
        }
        free(list[i]);
    }
    free(list);
    return joined;
}

static void files_are_those_of_the_shells_directory(void **state)
{
    assert_string_equal(find("cat lib", 4), "library|libs/");
    assert_string_equal(find("cat libs/", 4), "libs/libc.so");
    assert_string_equal(find("cat lin", 4), "link/");
    assert_string_equal(find("cat .h", 4), ".hidden");
    assert_string_equal(find("cat nothing", 4), "");
}

static void names_with_blanks_are_escaped_unless_in_quotes(void **state)
{
    assert_string_equal(find("cd wi", 3), "with\\ blank/");
    assert_string_equal(find("cd with\\ b", 3), "with\\ blank/");
    assert_string_equal(find("cd 'wi", 4), "with blank/");
}

static void programs_and_teaching_commands_come_where_a_command_begins(void **state)
{
    assert_non_null(strstr(find("slee", 0), "sleep"));
    assert_non_null(strstr(find("ls | slee", 5), "sleep"));
    assert_string_equal(find("lesson", 0), "lessons");
    assert_string_equal(find("ls; lesson", 4), "");
    assert_string_equal(find("pwd", 0), "pwd|pwdx");
}

static void a_shell_that_is_gone_completes_nothing(void **state)
{
    assert_null(completion_find(0x3fffffff, "ls", "ls", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_those_of_the_shells_directory),
        cmocka_unit_test(names_with_blanks_are_escaped_unless_in_quotes),
        cmocka_unit_test(programs_and_teaching_commands_come_where_a_command_begins),
        cmocka_unit_test(a_shell_that_is_gone_completes_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
