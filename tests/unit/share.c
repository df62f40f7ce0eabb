/* Sharing a session: what is put is what is seen, and nobody who watches, or only holds the socket, can do anything to the program that is watched. */
#include "repl/share/client.h"

#include "repl/screen/theme.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static struct loop *loop;
static struct share *share;
static unsigned joined;

static void on_joined(void *data)
{
    joined++;
}

/* A program that watches. */
struct follower {
    int fd;
    struct share_reader reader;
    struct share_screen screen;
    unsigned screens, notes;
    char said[64];
};

static void on_message(const struct json_t *message, void *data)
{
    struct follower *follower = data;
    const char *said = json_string_value(json_object_get(json_object_get(message, "notes"), "said"));
    follower->screens += share_screen_take(&follower->screen, message);
    if (said) {
        follower->notes++;
        snprintf(follower->said, sizeof(follower->said), "%s", said);
    }
}

static struct follower follow(const char *path)
{
    struct follower follower = { 0 };
    struct err err = { 0 };
    follower.fd = share_connect(path, false, &err);
    if (follower.fd < 0)
        fail_msg("%s", err.message);
    return follower;
}

static void unfollow(struct follower *follower)
{
    close(follower->fd);
    share_reader_free(&follower->reader);
    share_screen_free(&follower->screen);
}

/* Let both sides run until nothing moves. */
static void settle(struct follower *follower)
{
    struct err err = { 0 };
    for (int quiet = 0; quiet < 5;) {
        quiet = loop_once(loop, 2) > 0 ? 0 : quiet + 1;
        unsigned before = follower->screens + follower->notes;
        assert_int_equal(share_read(&follower->reader, follower->fd, on_message, follower, &err), 1);
        if (follower->screens + follower->notes != before)
            quiet = 0;
    }
}

/* A screen of one letter. */
static void put_letter(uint32_t letter, unsigned rows, unsigned cols)
{
    struct share_cell *cells = calloc((size_t)rows * cols, sizeof(*cells));
    for (size_t i = 0; i < (size_t)rows * cols; i++)
        cells[i] = (struct share_cell){ .chars = { letter }, .fg = -1, .bg = -1 };
    share_put_screen(share, cells, rows, cols, 0, 0);
    free(cells);
}

static const char *listen_own(bool notes)
{
    struct err err = { 0 };
    const char *path = share_listen_own(share, notes ? "demo" : "lesson", notes, &err);
    if (!path)
        fail_msg("%s", err.message);
    return path;
}

static const char *listen_at(const char *name, const char *group)
{
    char path[128];
    struct err err = { 0 };
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    const char *at = share_listen(share, path, group, &err);
    if (!at)
        fail_msg("%s", err.message);
    return at;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_mode & 0777 : 0;
}

static void the_follower_has_the_very_cells_and_the_cursor(void **state)
{
    struct share_cell cells[2 * 6] = { 0 };
    for (size_t i = 0; i < 12; i++)
        cells[i] = (struct share_cell){ .chars = { ' ' }, .fg = -1, .bg = -1 };
    cells[0] = (struct share_cell){ .chars = { 0x4e2d }, .fg = 9, .bg = 231, .attributes = STYLE_BOLD };
    cells[1] = (struct share_cell){ .chars = { 0 }, .fg = 9, .bg = 231, .attributes = STYLE_BOLD };
    cells[2] = (struct share_cell){ .chars = { 'e', 0x301 }, .fg = -1, .bg = -1, .attributes = STYLE_REVERSE };
    cells[7] = (struct share_cell){ .chars = { '"' }, .fg = 16, .bg = -1 };
    struct follower follower = follow(listen_own(false));
    share_put_screen(share, cells, 2, 6, 1, 2);
    settle(&follower);
    assert_int_equal(follower.screen.rows, 2);
    assert_int_equal(follower.screen.cols, 6);
    assert_memory_equal(follower.screen.cells, cells, sizeof(cells));
    assert_int_equal(follower.screen.cursor_row, 1);
    assert_int_equal(follower.screen.cursor_col, 2);
    cells[11].chars[0] = 'x'; /* a change is sent, and the rest stays */
    share_put_screen(share, cells, 2, 6, -1, 0);
    settle(&follower);
    assert_memory_equal(follower.screen.cells, cells, sizeof(cells));
    assert_int_equal(follower.screen.cursor_row, -1);
    put_letter('z', 3, 4); /* and another size */
    settle(&follower);
    assert_int_equal(follower.screen.rows, 3);
    assert_int_equal(follower.screen.cells[11].chars[0], 'z');
    unfollow(&follower);
}

static void whoever_comes_late_gets_the_screen_as_it_is(void **state)
{
    const char *path = listen_own(false);
    put_letter('a', 4, 4);
    put_letter('b', 4, 4);
    assert_int_equal(joined, 0);
    struct follower follower = follow(path);
    settle(&follower);
    assert_int_equal(joined, 1);
    assert_int_equal(follower.screens, 1);
    assert_int_equal(follower.screen.cells[0].chars[0], 'b');
    unfollow(&follower);
    assert_true(share_watched(share));
    while (loop_once(loop, 5) > 0)
        ;
    assert_false(share_watched(share));
}

static void one_that_does_not_read_holds_nothing_up_and_then_sees_the_newest(void **state)
{
    struct follower follower = follow(listen_own(false));
    while (loop_once(loop, 5) > 0)
        ;
    put_letter('a', 50, 200);
    size_t before = mallinfo2().uordblks;
    uint64_t began = loop_now();
    for (unsigned i = 0; i < 3000; i++) {
        put_letter('a' + i % 26, 50, 200);
        loop_once(loop, 0);
    }
    assert_true(loop_now() - began < 3000);                 /* a millisecond each; it takes a tenth of that */
    assert_true(mallinfo2().uordblks < before + (1 << 20)); /* one message of it */
    settle(&follower);
    assert_int_equal(follower.screen.cells[0].chars[0], 'a' + 2999 % 26);
    assert_true(follower.screens < 300);
    unfollow(&follower);
}

static void what_a_client_says_is_refused_by_the_kernel(void **state)
{
    struct follower follower = follow(listen_own(true));
    while (loop_once(loop, 5) > 0)
        ;
    assert_int_equal(send(follower.fd, "{\"quit\":1}\n", 11, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    put_letter('a', 2, 2);
    settle(&follower);
    assert_int_equal(follower.screen.cells[0].chars[0], 'a');
    unfollow(&follower);
}

static void no_more_than_so_many_are_served(void **state)
{
    struct follower followers[SHARE_CLIENTS + 8];
    const char *path = listen_own(false);
    unsigned served = 0;
    put_letter('a', 2, 2);
    for (size_t i = 0; i < SHARE_CLIENTS + 8; i++) {
        followers[i] = follow(path);
        while (loop_once(loop, 1) > 0)
            ;
    }
    for (size_t i = 0; i < SHARE_CLIENTS + 8; i++) {
        served += share_read(&followers[i].reader, followers[i].fd, on_message, &followers[i], NULL) == 1;
        unfollow(&followers[i]);
    }
    assert_int_equal(served, SHARE_CLIENTS);
    while (loop_once(loop, 5) > 0) /* and when they have gone there is room again */
        ;
    struct follower another = follow(path);
    settle(&another);
    assert_int_equal(another.screens, 1);
    unfollow(&another);
}

static void notes_go_to_the_presenters_own_socket_alone(void **state)
{
    struct follower presenter = follow(listen_own(true)), other = follow(listen_at("others.sock", NULL));
    share_put_notes(share, json_pack("{ss}", "said", "the answer is 2"));
    put_letter('a', 2, 2);
    settle(&presenter);
    settle(&other);
    assert_string_equal(presenter.said, "the answer is 2");
    assert_int_equal(other.screens, 1);
    assert_int_equal(other.notes, 0);
    unfollow(&presenter);
    unfollow(&other);
}

static void sockets_are_for_whom_they_say_and_go_with_the_session(void **state)
{
    char own[128], others[128], members[128], path[128];
    struct err err = { 0 };
    snprintf(own, sizeof(own), "%s", listen_own(true));
    snprintf(others, sizeof(others), "%s", listen_at("others.sock", NULL));
    snprintf(members, sizeof(members), "%s", listen_at("members.sock", "root"));
    assert_int_equal(mode_of(own), 0600);
    assert_int_equal(mode_of(others), 0666);
    assert_int_equal(mode_of(members), 0660);
    snprintf(path, sizeof(path), "%s/file", directory);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_null(share_listen(share, path, NULL, &err)); /* what is there is left alone */
    assert_int_equal(err.code, EEXIST);
    assert_int_equal(access(path, F_OK), 0);
    assert_null(share_listen(share, others, NULL, &err));
    assert_null(share_listen(share, "/nowhere/at/all", NULL, &err));
    assert_null(share_listen(share, "x.sock", "no-such-group", &err));
    assert_true(share_close_others(share));
    assert_int_equal(mode_of(others), 0);
    assert_int_equal(mode_of(own), 0600);
    share_free(share);
    share = NULL;
    assert_int_equal(mode_of(own), 0);
}

static unsigned count_entries(void)
{
    char path[96];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/teachroot", directory);
    DIR *entries = opendir(path);
    for (struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static void what_a_killed_program_left_is_gone_after_the_next_start(void **state)
{
    char path[128];
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        listen_own(true);
        listen_at("left.sock", NULL);
        write(ready[1], "", 1);
        pause();
    }
    assert_int_equal(read(ready[0], path, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    snprintf(path, sizeof(path), "%s/left.sock", directory);
    assert_true(mode_of(path));
    assert_int_equal(count_entries(), 2); /* its socket, and the way to the other one */
    listen_own(true);
    assert_int_equal(count_entries(), 1); /* the new one */
    assert_false(mode_of(path));
    close(ready[0]);
    close(ready[1]);
}

static void several_sessions_are_named_and_none_is_said_to_be_none(void **state)
{
    struct err err = { 0 };
    assert_int_equal(share_connect(NULL, false, &err), -1);
    assert_int_equal(err.code, ENOENT);
    listen_own(false);
    assert_int_equal(share_connect(NULL, true, &err), -1); /* no demo */
    assert_int_equal(err.code, ENOENT);
    const char *demo = listen_own(true);
    close(share_connect(NULL, true, &err));
    assert_int_equal(share_connect(NULL, false, &err), -1);
    assert_int_equal(err.code, EEXIST);
    assert_non_null(strstr(err.message, demo));
}

static void what_is_no_session_is_not_believed(void **state)
{
    static const char *const lies[] = {
        "",
        "[]",
        "{\"share\":0}",
        "{\"share\":2}",
        "{\"share\":1",
        "GET / HTTP/1.1",
        "{\"screen\":{\"rows\":2,\"cols\":2,\"lines\":[]}}",
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        int pair[2];
        struct err err = { 0 };
        struct share_reader reader = { 0 };
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        write(pair[0], lies[i], strlen(lies[i]));
        write(pair[0], "\n", 1);
        assert_int_equal(share_read(&reader, pair[1], on_message, NULL, &err), -1);
        assert_int_equal(err.code, EPROTO);
        share_reader_free(&reader);
        close(pair[0]);
        close(pair[1]);
    }
}

static void count_message(const struct json_t *message, void *data)
{
    ++*(unsigned *)data;
}

static void one_reading_gives_out_one_message_however_many_came(void **state)
{
    static const char sent[] = "{\"share\":1}\n{\"a\":1}\n{\"b\":1}\n{\"c\":1";
    static const unsigned counts[] = { 0, 1, 2, 2 };
    struct share_reader reader = { 0 };
    struct err err = { 0 };
    unsigned count = 0;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    write(pair[0], sent, strlen(sent));
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        assert_int_equal(share_read(&reader, pair[1], count_message, &count, &err), 1);
        assert_int_equal(count, counts[i]);
    }
    close(pair[0]);
    assert_int_equal(share_read(&reader, pair[1], count_message, &count, &err), 0);
    share_reader_free(&reader);
    close(pair[1]);
}

static void a_screen_that_cannot_be_changes_nothing_beyond_itself(void **state)
{
    static const char *const frames[] = {
        "{\"screen\":{\"rows\":0,\"cols\":5,\"lines\":[]}}",
        "{\"screen\":{\"rows\":100000,\"cols\":100000,\"lines\":[]}}",
        "{\"screen\":7}",
        "{\"screen\":{\"rows\":2,\"cols\":3,\"cursor\":[9,-4],\"lines\":[[5,[[\"a\",1,1,1]]],[-1,[]],[\"x\"],7,null]}}",
        "{\"screen\":{\"rows\":2,\"cols\":3,\"lines\":[[0,[[\"\\u001b[2J\\u009b\",999,-7,4096],[\"\\u0301\\u0301\",0,0,"
        "0]]],"
        "[1,[[\"\\u4e2d\\u4e2d\\u4e2d\",\"a\",{},[]],[7],[]]]]}}",
        "{\"screen\":{\"rows\":2,\"cols\":3,\"lines\":[[0,[[\"\\u0301\",0,0,0]]]]}}",
    };
    struct share_screen screen = { 0 };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        json_t *message = json_loads(frames[i], 0, NULL);
        assert_non_null(message);
        share_screen_take(&screen, message);
        json_decref(message);
        for (size_t k = 0; k < (size_t)screen.rows * screen.cols; k++) {
            const struct share_cell *cell = &screen.cells[k];
            assert_false(cell->chars[0] &&
                         (cell->chars[0] < 0x20 || (cell->chars[0] >= 0x7f && cell->chars[0] < 0xa0)));
            assert_true(cell->fg >= -1 && cell->fg < 256 && cell->bg >= -1 && cell->bg < 256 && cell->attributes < 32);
        }
    }
    assert_int_equal(screen.rows, 2);
    assert_int_equal(screen.cursor_row, -1);
    share_screen_free(&screen);
}

static int set_up(void **state)
{
    strcpy(directory, "/tmp/share-test-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    setenv("XDG_RUNTIME_DIR", directory, 1);
    joined = 0;
    loop = loop_new(NULL);
    share = share_new(loop, on_joined, NULL);
    return loop && share ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    share_free(share);
    loop_free(loop);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

#define PROMISE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(the_follower_has_the_very_cells_and_the_cursor),
        PROMISE(whoever_comes_late_gets_the_screen_as_it_is),
        PROMISE(one_that_does_not_read_holds_nothing_up_and_then_sees_the_newest),
        PROMISE(what_a_client_says_is_refused_by_the_kernel),
        PROMISE(no_more_than_so_many_are_served),
        PROMISE(notes_go_to_the_presenters_own_socket_alone),
        PROMISE(sockets_are_for_whom_they_say_and_go_with_the_session),
        PROMISE(what_a_killed_program_left_is_gone_after_the_next_start),
        PROMISE(several_sessions_are_named_and_none_is_said_to_be_none),
        PROMISE(what_is_no_session_is_not_believed),
        PROMISE(one_reading_gives_out_one_message_however_many_came),
        PROMISE(a_screen_that_cannot_be_changes_nothing_beyond_itself),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
