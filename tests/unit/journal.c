/* The journal is read back as it was written, whatever was printed, however it was torn, and whoever wrote at the same time. */
#include "repl/lesson/journal.h"

#include <fcntl.h>
#include <setjmp.h>
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

static char directory[] = "/tmp/teachroot-journal-XXXXXX";
static char file[256];

static int make_directory(void **state)
{
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/state/journal/01-a.md.jsonl", directory);
    return 0;
}

static int remove_directory(void **state)
{
    char command[320];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static uint64_t command(struct journal *journal, unsigned step, const char *line)
{
    struct err err = { 0 };
    uint64_t number = journal_command(journal, step, 1, line, &err);
    if (!number)
        fail_msg("journal_command: %s", err.message);
    return number;
}

static void ended(struct journal *journal, uint64_t number, int status, const char *output)
{
    struct err err = { 0 };
    if (journal_ended(journal, number, &(struct journal_end){ .status = status, .output = output }, &err) < 0)
        fail_msg("journal_ended: %s", err.message);
}

static struct journal_record read_back(const struct journal *journal)
{
    struct err err = { 0 };
    struct journal_record record;
    if (journal_read(journal, &record, &err) < 0)
        fail_msg("journal_read: %s", err.message);
    return record;
}

static void append(const char *bytes, size_t len)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void what_was_done_is_read_back_in_its_order(void **state)
{
    static const char *const calls[] = { "chroot(\"/x\") = 0", "execve(\"/bin/sh\", …) = -1 ENOENT", NULL };
    struct err err = { 0 };
    struct stat st;
    struct journal *journal = journal_new(file);
    assert_int_equal(access(file, F_OK), -1); /* nothing was done yet */
    uint64_t outer = command(journal, 2, "bash"), inner = command(journal, 2, "ls\n-l");
    assert_int_equal(journal_ended(journal, outer, &(struct journal_end){ .nested = true, .output = "hello\n" }, &err),
                     0);
    assert_int_equal(
        journal_ended(journal, inner, &(struct journal_end){ .status = 2, .output = "none", .calls = calls }, &err), 0);
    ended(journal, outer, 3, NULL);
    assert_int_equal(journal_answer(journal, 2, "Which?", "this one", true, &err), 0);
    assert_int_equal(journal_passed(journal, 2, &err), 0);
    command(journal, 3, "reboot");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    struct journal_record record = read_back(journal);
    assert_int_equal(record.count, 5);
    assert_int_equal(record.damaged, 0);
    const struct journal_entry *entry = record.entries;
    assert_string_equal(entry[0].text, "bash");
    assert_string_equal(entry[0].output, "hello\n"); /* what it printed before its shell was there */
    assert_true(entry[0].ended && !entry[0].nested);
    assert_int_equal(entry[0].status, 3);
    assert_string_equal(entry[1].text, "ls\n-l");
    assert_int_equal(entry[1].status, 2);
    assert_string_equal(entry[1].calls[1], calls[1]);
    assert_null(entry[1].calls[2]);
    assert_int_equal(entry[2].kind, JOURNAL_ANSWER);
    assert_true(entry[2].right);
    assert_string_equal(entry[2].output, "Which?");
    assert_int_equal(entry[3].kind, JOURNAL_PASSED);
    assert_int_equal(entry[4].step, 3);
    assert_false(entry[4].ended);
    assert_true(entry[4].time > 1000000000);
    journal_record_free(&record);
    journal_free(journal);
}

#define TORN "{\"s\":\"x\",\"n\":9,\"t\":1,\"step\":1,\"comm"
#define OTHERS "garbage\n\n[1]\n{\"step\":0,\"command\":\"no step\"}\n{\"a\":\"\\u0000\"}\nnul \0 byte\n"
static void no_torn_line_hides_another(void **state)
{
    struct journal *journal = journal_new(file);
    ended(journal, command(journal, 1, "one"), 0, "1");
    append(TORN, sizeof TORN - 1); /* the power went */
    ended(journal, command(journal, 1, "two"), 0, "2");
    append(OTHERS, sizeof OTHERS - 1);
    ended(journal, command(journal, 1, "three"), 0, "3");
    struct journal_record record = read_back(journal);
    assert_int_equal(record.count, 3);
    assert_string_equal(record.entries[1].text, "two");
    assert_string_equal(record.entries[1].output, "2");
    assert_string_equal(record.entries[2].output, "3");
    assert_int_equal(record.damaged, 6);
    journal_record_free(&record);
    journal_free(journal);
}

static void what_programs_print_is_kept_as_text(void **state)
{
    struct journal *journal = journal_new(file);
    ended(journal, command(journal, 1, "\xff\x1b[31m\xc3\xa4\xc2\x9b"), 0, "a\tb\nc\x07\x7f\xe2\x82");
    struct journal_record record = read_back(journal);
    assert_string_equal(record.entries[0].text, "\xef\xbf\xbd[31m\xc3\xa4");
    assert_string_equal(record.entries[0].output, "a\tb\nc\xef\xbf\xbd\xef\xbf\xbd");
    journal_record_free(&record);
    journal_free(journal);
}

static void much_output_is_cut_in_its_middle_and_that_is_said(void **state)
{
    struct journal *journal = journal_new(file);
    size_t size = 300000;
    char *much = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        much[i] = "\xc3\xa4"[i % 2];
    much[size] = '\0';
    much[0] = 'B';
    much[1] = 'B';
    much[size - 1] = much[size - 2] = 'E';
    ended(journal, command(journal, 1, much), 0, much);
    struct journal_record record = read_back(journal);
    const char *output = record.entries[0].output;
    assert_true(strlen(output) < JOURNAL_OUTPUT + 100);
    assert_true(strlen(record.entries[0].text) < 4200);
    assert_int_equal(strncmp(output, "BB", 2), 0);
    assert_string_equal(output + strlen(output) - 2, "EE");
    assert_non_null(strstr(output, "bytes are left out here]"));
    assert_null(strstr(output, "\xef\xbf\xbd")); /* no character was cut */
    journal_record_free(&record);
    free(much);
    journal_free(journal);
}

static void it_does_not_grow_without_end(void **state)
{
    struct journal *journal = journal_new(file);
    char output[JOURNAL_OUTPUT], line[32], aside[300];
    struct stat st;
    memset(output, 'x', sizeof output - 1);
    output[sizeof output - 1] = '\0';
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "echo %d", i);
        ended(journal, command(journal, 1, line), 0, output);
    }
    snprintf(aside, sizeof aside, "%s.1", file);
    assert_true(stat(file, &st) == 0 && st.st_size <= (off_t)JOURNAL_FILE);
    assert_true(stat(aside, &st) == 0 && st.st_size <= (off_t)JOURNAL_FILE);
    struct journal_record record = read_back(journal);
    assert_true(record.count > 60 && record.count < 200);
    assert_int_equal(record.damaged, 0);
    assert_string_equal(record.entries[record.count - 1].text, "echo 199"); /* the newest are there … */
    assert_true(record.entries[record.count - 1].ended);
    for (size_t i = 1; i < record.count; i++) /* … without a gap */
        assert_int_equal(atoi(record.entries[i].text + 5), atoi(record.entries[i - 1].text + 5) + 1);
    journal_record_free(&record);
    journal_free(journal);
}

static void programs_that_write_at_the_same_time_lose_nothing(void **state)
{
    enum { WRITERS = 4, COMMANDS = 100 };
    pid_t writers[WRITERS];
    char output[4200];
    memset(output, 'y', sizeof output - 1);
    output[sizeof output - 1] = '\0';
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = fork();
        assert_true(writers[w] >= 0);
        if (writers[w] > 0)
            continue;
        struct err err;
        struct journal *journal = journal_new(file); /* the file is set aside once in between */
        for (int i = 0; journal && i < COMMANDS; i++) {
            char line[32];
            snprintf(line, sizeof line, "%d %d", w, i);
            uint64_t number = journal_command(journal, 1, 1, line, &err);
            if (!number ||
                journal_ended(journal, number, &(struct journal_end){ .status = i, .output = output }, &err) < 0)
                _exit(1);
        }
        _exit(journal ? 0 : 1);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        assert_int_equal(waitpid(writers[w], &status, 0), writers[w]);
        assert_int_equal(status, 0);
    }
    struct journal *journal = journal_new(file);
    struct journal_record record = read_back(journal);
    assert_int_equal(record.count, WRITERS * COMMANDS);
    assert_int_equal(record.damaged, 0);
    int next[WRITERS] = { 0 };
    for (size_t i = 0; i < record.count; i++) {
        int w = record.entries[i].text[0] - '0';
        assert_int_equal(atoi(record.entries[i].text + 2), next[w]++);
        assert_true(record.entries[i].ended && record.entries[i].status == next[w] - 1);
    }
    journal_record_free(&record);
    journal_free(journal);
}

static void in_memory_it_leaves_no_file_and_no_output(void **state)
{
    struct journal *journal = journal_new(NULL);
    ended(journal, command(journal, 1, "ls"), 0, "secret");
    struct journal_record record = read_back(journal);
    assert_string_equal(record.entries[0].text, "ls");
    assert_string_equal(record.entries[0].output, "");
    journal_record_free(&record);
    journal_free(journal);
    setenv("XDG_STATE_HOME", directory, 1);
    setenv("TEACHROOT_JOURNAL", "off", 1);
    journal = journal_of_lesson(NULL, "/lessons/01-a.md", true);
    command(journal, 1, "ls");
    journal_free(journal);
    unsetenv("TEACHROOT_JOURNAL");
    journal = journal_of_lesson(NULL, "/lessons/01-a.md", false);
    command(journal, 1, "ls");
    journal_free(journal);
    char made[300];
    snprintf(made, sizeof made, "%s/teachroot", directory);
    assert_int_equal(access(made, F_OK), -1);
    journal = journal_of_lesson(NULL, "/lessons/01-a.md", true);
    command(journal, 1, "ls");
    journal_free(journal);
    snprintf(made, sizeof made, "%s/teachroot/journal/01-a.md.jsonl", directory);
    assert_int_equal(access(made, F_OK), 0);
    unsetenv("XDG_STATE_HOME");
}

static void what_cannot_be_written_is_an_error_and_no_link_is_followed(void **state)
{
    struct err err = { 0 };
    struct journal *journal = journal_new("/proc/nonexistent/journal");
    assert_int_equal(journal_command(journal, 1, 1, "ls", &err), 0);
    assert_non_null(strstr(err.message, "/proc/nonexistent"));
    journal_free(journal);
    char target[300];
    snprintf(target, sizeof target, "%s/target", directory);
    journal = journal_new(file);
    command(journal, 1, "ls");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink(target, file), 0);
    assert_int_equal(journal_command(journal, 1, 1, "ls", &err), 0);
    assert_int_equal(access(target, F_OK), -1);
    journal_free(journal);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        TEST(what_was_done_is_read_back_in_its_order),
        TEST(no_torn_line_hides_another),
        TEST(what_programs_print_is_kept_as_text),
        TEST(much_output_is_cut_in_its_middle_and_that_is_said),
        TEST(it_does_not_grow_without_end),
        TEST(programs_that_write_at_the_same_time_lose_nothing),
        TEST(in_memory_it_leaves_no_file_and_no_output),
        TEST(what_cannot_be_written_is_an_error_and_no_link_is_followed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
