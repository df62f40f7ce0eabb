/* The Jupyter kernel: the protocol's bytes, and a real kernel with a real lab as a client sees it. */
#include "engine/base/cleanup.h"
#include "engine/lab/lab.h"
#include "repl/kernel/install.h"
#include "tests/unit/kernel_client.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

/* The wire. */

static void the_signature_is_hmac_sha256_of_the_four_texts(void **state)
{
    char signature[WIRE_SIGNATURE + 1];
    /* RFC 4231, test case 2, its text in four parts. */
    const char *const texts[4] = { "what do ya ", "want ", "for ", "nothing?" };
    wire_sign("Jefe", texts, signature);
    assert_string_equal(signature, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    wire_sign("", texts, signature);
    assert_string_equal(signature, "");
}

static struct wire_frames composed(const struct wire *wire)
{
    struct wire_frames frames;
    json_t *content = json_pack("{s:s}", "code", "true");
    assert_int_equal(wire_compose(wire, NULL, "execute_request", "{\"msg_id\":\"x\"}", NULL, content, &frames, NULL),
                     0);
    json_decref(content);
    return frames;
}

static void a_message_comes_back_as_it_was_made(void **state)
{
    static char key[] = "key";
    struct wire wire = { .key = key };
    struct wire_frames frames = composed(&wire);
    struct wire_message *message = wire_parse(&wire, &frames, NULL);
    assert_non_null(message);
    assert_string_equal(message->type, "execute_request");
    assert_string_equal(json_string_value(json_object_get(message->content, "code")), "true");
    assert_string_equal(message->header_text, frames.list[2].data);
    const char *date = json_string_value(json_object_get(message->header, "date"));
    assert_int_equal(date[strlen(date) - 1], 'Z');
    wire_message_free(message);
    wire_frames_free(&frames);
}

static void what_is_changed_on_its_way_is_refused(void **state)
{
    static char key[] = "key", other[] = "kez", none[] = "";
    struct wire wire = { .key = key }, stranger = { .key = other }, unsigned_wire = { .key = none };
    struct wire_frames frames = composed(&wire);
    struct err err;
    for (size_t i = 1; i < frames.count; i++) {
        char *byte = &frames.list[i].data[frames.list[i].len / 2];
        *byte ^= 1;
        assert_null(wire_parse(&wire, &frames, &err));
        assert_int_equal(err.code, EACCES);
        *byte ^= 1;
    }
    assert_null(wire_parse(&stranger, &frames, &err));
    struct wire_message *message = wire_parse(&unsigned_wire, &frames, &err); /* an empty key asks for no signature */
    assert_non_null(message);
    wire_message_free(message);
    wire_frames_free(&frames);
}

static void what_is_no_message_is_refused(void **state)
{
    static char none[] = "";
    struct wire wire = { .key = none };
    struct err err;
    static const char *const bad[][7] = {
        { "<IDS|MSG>", "", "{\"msg_type\":\"a\"}", "{}", "{}" },
        { "", "{\"msg_type\":\"a\"}", "{}", "{}", "{}", "{}", "{}" },
        { "<IDS|MSG>", "", "{\"msg_type\":\"a\"}", "{}", "{}", "[]" },
        { "<IDS|MSG>", "", "{\"msg_type\":7}", "{}", "{}", "{}" },
        { "<IDS|MSG>", "", "{\"msg_type\":\"a\"", "{}", "{}", "{}" },
        { "<IDS|MSG>", "", "{\"msg_type\":\"a\"}", "{}", "{}", "{\"code\":\"\377\"}" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wire_frame list[7];
        struct wire_frames frames = { list, 0 };
        for (; frames.count < 7 && bad[i][frames.count]; frames.count++)
            list[frames.count] =
                (struct wire_frame){ (char *)(uintptr_t)bad[i][frames.count], strlen(bad[i][frames.count]) };
        assert_null(wire_parse(&wire, &frames, &err));
        assert_int_equal(err.code, EBADMSG);
    }
}

static void a_connection_file_that_lacks_something_is_told_of(void **state)
{
    static const char whole[] =
        "{\"transport\":\"tcp\",\"ip\":\"127.0.0.1\",\"key\":\"k\",\"signature_scheme\":\"hmac-sha256\","
        "\"shell_port\":1,\"control_port\":2,\"stdin_port\":3,\"iopub_port\":4,\"hb_port\":5}";
    static const struct {
        const char *cut, *put, *said;
    } wrong[] = {
        { "\"hb_port\":5", "\"hb\":5", "hb_port" },
        { "\"iopub_port\":4", "\"iopub_port\":70000", "iopub_port" },
        { "\"ip\":\"127.0.0.1\"", "\"ip\":1", "`ip`" },
        { "sha256", "md5", "hmac-md5" },
        { "\"tcp\"", "\"udp\"", "udp" },
        { "{", "[", "JSON" },
    };
    struct connection connection;
    char address[160];
    struct err err;
    assert_int_equal(connection_parse(whole, &connection, &err), 0);
    connection_address(&connection, CHANNEL_STDIN, address, sizeof address);
    assert_string_equal(address, "tcp://127.0.0.1:3");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[512];
        const char *at = strstr(whole, wrong[i].cut);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, wrong[i].put, at + strlen(wrong[i].cut));
        assert_int_equal(connection_parse(text, &connection, &err), -1);
        assert_non_null(strstr(err.message, wrong[i].said));
    }
}

static void the_spec_is_what_jupyter_reads(void **state)
{
    char directory[512], path[600];
    struct err err;
    assert_int_equal(install_directory(base, false, directory, sizeof directory, &err), 0);
    assert_int_equal(install_spec(directory, "/opt/bin/teachroot", &err), 0);
    snprintf(path, sizeof path, "%s/share/jupyter/kernels/teachroot/kernel.json", base);
    json_t *spec = json_load_file(path, 0, NULL);
    assert_string_equal(json_string_value(json_array_get(json_object_get(spec, "argv"), 0)), "/opt/bin/teachroot");
    assert_string_equal(json_string_value(json_array_get(json_object_get(spec, "argv"), 3)), "{connection_file}");
    assert_string_equal(json_string_value(json_object_get(spec, "interrupt_mode")), "message");
    json_decref(spec);
    setenv("JUPYTER_DATA_DIR", "/data", 1);
    assert_int_equal(install_directory(NULL, true, directory, sizeof directory, &err), 0);
    assert_string_equal(directory, "/data/kernels/teachroot");
    unsetenv("JUPYTER_DATA_DIR");
}

/* A kernel. */

static struct client client;

static const char *program(void)
{
    const char *named = getenv("TEACHROOT");
    return named ? named : "build/teachroot";
}

static int start_kernel(void **state)
{
    client_start(&client, (const char *const[]){ program(), "kernel", "-f", "{connection_file}", NULL });
    return client_subscribed(&client) ? 0 : -1;
}

static int end_kernel(void **state)
{
    client_end(&client);
    return 0;
}

static int start_all(void **state)
{
    return set_up(state) < 0 ? -1 : start_kernel(state);
}

static int another_kernel(void **state)
{
    client_end(&client);
    return start_kernel(state);
}

static int end_all(void **state)
{
    end_kernel(state);
    return tear_down(state);
}

/* The next thing published in answer to the request with @header; what is still on its way of earlier ones is passed over. NULL: not in @ms. */
static struct wire_message *published(const char *header, long ms)
{
    struct wire_message *message;
    while ((message = client_receive(&client, CHANNEL_IOPUB, ms)) && strcmp(message->parent_text, header) != 0)
        wire_message_free(message);
    return message;
}

/* What one cell did. */
struct done {
    char output[8192], types[512];
    char error[1024]; /* ename: evalue */
    struct wire_message *reply;
    double ms;
};

/* @answer: what is given to whoever asks for input; NULL: nothing can be. */
static void run(const char *code, const char *answer, struct done *done)
{
    double began = client_now();
    bool idle = false;
    *done = (struct done){ .reply = NULL };
    cleanup_free char *header = client_send(&client, CHANNEL_SHELL, "execute_request", client_cell(code, answer));
    while (!idle || !done->reply) {
        struct wire_message *asked = answer ? client_receive(&client, CHANNEL_STDIN, 0) : NULL;
        if (asked) {
            bool password = json_is_true(json_object_get(asked->content, "password"));
            snprintf(done->types + strlen(done->types), sizeof done->types - strlen(done->types), "%s(%s) ",
                     password ? "password" : "input", json_string_value(json_object_get(asked->content, "prompt")));
            free(client_send(&client, CHANNEL_STDIN, "input_reply", json_pack("{s:s}", "value", answer)));
            wire_message_free(asked);
        }
        if (!done->reply)
            done->reply = client_receive(&client, CHANNEL_SHELL, 0);
        struct wire_message *message = published(header, 5);
        if (!message && client_now() - began > CLIENT_WAIT_MS)
            fail_msg("`%s` has not ended", code);
        if (!message)
            continue;
        const char *text = json_string_value(json_object_get(message->content, "text"));
        const char *execution = json_string_value(json_object_get(message->content, "execution_state"));
        if (strcmp(message->type, "stream") == 0)
            snprintf(done->output + strlen(done->output), sizeof done->output - strlen(done->output), "%s", text);
        if (strcmp(message->type, "error") == 0)
            snprintf(done->error, sizeof done->error, "%s: %s",
                     json_string_value(json_object_get(message->content, "ename")),
                     json_string_value(json_object_get(message->content, "evalue")));
        snprintf(done->types + strlen(done->types), sizeof done->types - strlen(done->types), "%s ",
                 execution ? execution : message->type);
        idle = idle || (execution && strcmp(execution, "idle") == 0);
        wire_message_free(message);
    }
    done->ms = client_now() - began;
}

static const char *reply_status(const struct done *done)
{
    return json_string_value(json_object_get(done->reply->content, "status"));
}

/* The cell succeeds and prints exactly @output. */
#define PRINTS(code, text)                                                                                             \
    do {                                                                                                               \
        struct done done_;                                                                                             \
        run(code, NULL, &done_);                                                                                       \
        assert_string_equal(done_.error, "");                                                                          \
        assert_string_equal(reply_status(&done_), "ok");                                                               \
        assert_string_equal(done_.output, text);                                                                       \
        wire_message_free(done_.reply);                                                                                \
    } while (0)

static void every_request_is_busy_answered_and_idle(void **state)
{
    cleanup_free char *header = client_send(&client, CHANNEL_SHELL, "kernel_info_request", json_object());
    static const char *const states[] = { "busy", "idle" };
    for (int i = 0; i < 2; i++) {
        struct wire_message *message = published(header, CLIENT_WAIT_MS);
        assert_non_null(message);
        assert_string_equal(json_string_value(json_object_get(message->content, "execution_state")), states[i]);
        wire_message_free(message);
    }
    struct wire_message *reply = client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    assert_string_equal(reply->type, "kernel_info_reply");
    assert_string_equal(json_string_value(json_object_get(reply->content, "protocol_version")), "5.3");
    wire_message_free(reply);
    struct done done;
    run("echo one", NULL, &done);
    assert_string_equal(done.types, "busy execute_input stream idle ");
    wire_message_free(done.reply);
}

static void an_answers_parent_is_the_requests_header_byte_for_byte(void **state)
{
    struct wire_frames frames;
    cleanup_free char *header = client_send(&client, CHANNEL_SHELL, "kernel_info_request", json_object());
    zmq_pollitem_t item = { .socket = client.sockets[CHANNEL_SHELL], .events = ZMQ_POLLIN };
    assert_int_equal(zmq_poll(&item, 1, CLIENT_WAIT_MS), 1);
    assert_int_equal(wire_receive_frames(client.sockets[CHANNEL_SHELL], &frames, NULL), 1);
    assert_int_equal(frames.count, 6); /* the delimiter is the first one at a client's end */
    assert_string_equal(frames.list[3].data, header);
    wire_frames_free(&frames);
}

static void a_wrongly_signed_request_is_not_executed(void **state)
{
    static char other[] = "another key";
    char *key = client.wire.key;
    client.wire.key = other;
    free(client_send(&client, CHANNEL_SHELL, "execute_request", client_cell("touch /root/forged", false)));
    client.wire.key = key;
    PRINTS("ls /root/forged 2>&1 | wc -l; test -e /root/forged || echo none", "1\nnone\n");
}

static void a_cell_is_typed_as_a_person_would(void **state)
{
    PRINTS("for i in 1 2\ndo\n  echo $i\ndone\ncat <<E\n  a b\nE", "1\n2\n  a b\n");
    PRINTS("x=7", "");
    PRINTS("# a comment\n\necho $x", "7\n");
    PRINTS("printf 'no newline'", "no newline");
    PRINTS("printf '\\xffa\\xc3\\xa4\\n'", "\xef\xbf\xbd"
                                           "a\xc3\xa4\n");
    PRINTS("printf '\\033[31mred\\033[0m\\033[5;5H\\n'", "\033[31mred\033[0m\n");
    PRINTS("false\necho the last one counts", "the last one counts\n");
}

static void a_failure_is_told_on_both_channels(void **state)
{
    struct done done;
    run("ls /nowhere-at-all", NULL, &done);
    assert_string_equal(done.error, "CommandFailed: exit status 2: ls /nowhere-at-all");
    assert_string_equal(reply_status(&done), "error");
    assert_string_equal(json_string_value(json_object_get(done.reply->content, "evalue")),
                        "exit status 2: ls /nowhere-at-all");
    wire_message_free(done.reply);
    run("echo )", NULL, &done); /* nothing of it was run, and yet its shell said why */
    assert_non_null(strstr(done.output, "syntax error near unexpected token"));
    wire_message_free(done.reply);
    run("echo 'open", NULL, &done);
    assert_non_null(strstr(done.error, "IncompleteCommand"));
    wire_message_free(done.reply);
    PRINTS("echo and the shell is there", "and the shell is there\n");
}

/* A trap of lessons/traps.md is known for it: what happened and the way out stand in the traceback. */
static void a_failure_is_explained(void **state)
{
    struct done done;
    run("mkdir -p /root/empty; chroot /root/empty bash", NULL, &done);
    json_t *lines = json_object_get(done.reply->content, "traceback");
    size_t words = 0;
    for (size_t i = 0; i < json_array_size(lines); i++)
        words += strlen(json_string_value(json_array_get(lines, i)));
    assert_true(json_array_size(lines) >= 4 && words > 150);
    wire_message_free(done.reply);
}

static void cells_after_a_failure_are_not_run(void **state)
{
    free(client_send(&client, CHANNEL_SHELL, "execute_request", client_cell("sleep 0.2; false", false)));
    free(client_send(&client, CHANNEL_SHELL, "execute_request", client_cell("touch /root/not-run", false)));
    static const char *const expected[] = { "error", "aborted" };
    for (int i = 0; i < 2; i++) {
        struct wire_message *reply = client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS);
        assert_non_null(reply);
        assert_string_equal(json_string_value(json_object_get(reply->content, "status")), expected[i]);
        wire_message_free(reply);
    }
    PRINTS("test -e /root/not-run || echo none", "none\n");
}

static void terminals_are_chosen_by_a_magic(void **state)
{
    PRINTS("here=1", "");
    PRINTS("%%terminal 2\necho \"${here-not here}\"", "not here\n");
    PRINTS("echo $here", "1\n");
    PRINTS("%terminal 2", "");
    PRINTS("echo \"${here-not here}\"", "not here\n");
    PRINTS("%terminal 1\necho $here", "1\n");
}

/* Returns the milliseconds from the interrupt to the answer. */
static double interrupted(const char *code)
{
    free(client_send(&client, CHANNEL_SHELL, "execute_request", client_cell(code, false)));
    assert_null(client_receive(&client, CHANNEL_SHELL, 300));
    double began = client_now();
    free(client_send(&client, CHANNEL_CONTROL, "interrupt_request", json_object()));
    struct wire_message *reply = client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    double took = client_now() - began;
    assert_non_null(reply);
    assert_string_equal(json_string_value(json_object_get(reply->content, "ename")), "Interrupted");
    wire_message_free(reply);
    wire_message_free(client_receive(&client, CHANNEL_CONTROL, CLIENT_WAIT_MS));
    return took;
}

static void a_nested_shell_gets_the_next_cells(void **state)
{
    PRINTS("level=$SHLVL; bash", "");
    PRINTS("echo $((SHLVL - 1))", "1\n");
    PRINTS("exit", "exit\n");
    PRINTS("env -i sh", ""); /* it makes no marks: that it reads its terminal tells */
    PRINTS("echo \"${SHLVL-none}\" in sh", "none in sh\n");
    interrupted("sleep 100");
    PRINTS("echo \"${SHLVL-none}\" in sh", "none in sh\n");
    PRINTS("exit", "");
    PRINTS("test $SHLVL = $level && echo back", "back\n");
}

static void who_reads_asks_for_input(void **state)
{
    struct done done;
    run("read -p 'Name: ' name; echo \"<$name>\"", "Ada", &done);
    assert_string_equal(done.types, "busy execute_input input(Name: ) stream idle ");
    assert_string_equal(done.output, "<Ada>\n");
    wire_message_free(done.reply);
    run("read -s -p 'Secret: ' secret; echo; echo \"<$secret>\"", "quiet", &done);
    assert_non_null(strstr(done.types, "password(Secret: )"));
    assert_string_equal(done.output, "\n<quiet>\n");
    wire_message_free(done.reply);
    run("head -n 1", NULL, &done); /* nobody can be asked: it would wait for ever */
    assert_non_null(strstr(done.error, "InputNotPossible"));
    wire_message_free(done.reply);
}

static void an_interrupt_ends_what_runs_in_half_a_second(void **state)
{
    assert_true(interrupted("sleep 100\necho not reached") < 500);
    PRINTS("echo next", "next\n");
}

static json_t *asked(const char *type, json_t *content)
{
    free(client_send(&client, CHANNEL_SHELL, type, content));
    struct wire_message *reply = client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    assert_non_null(reply);
    json_t *answer = json_incref(reply->content);
    wire_message_free(reply);
    return answer;
}

static void a_word_is_completed_where_it_stands(void **state)
{
    /* Positions count characters: an umlaut is one. */
    json_t *answer =
        asked("complete_request", json_pack("{s:s, s:i}", "code", "echo \xc3\xa4\nls /etc/host", "cursor_pos", 19));
    json_t *matches = json_object_get(answer, "matches");
    bool found = false;
    for (size_t i = 0; i < json_array_size(matches); i++)
        found |= strcmp(json_string_value(json_array_get(matches, i)), "/etc/hostname") == 0;
    assert_true(found);
    assert_int_equal(json_integer_value(json_object_get(answer, "cursor_start")), 10);
    assert_int_equal(json_integer_value(json_object_get(answer, "cursor_end")), 19);
    json_decref(answer);
}

static void a_flood_of_output_comes_whole_in_few_messages(void **state)
{
    size_t bytes = 0, messages = 0;
    bool idle = false;
    cleanup_free char *header =
        client_send(&client, CHANNEL_SHELL, "execute_request", client_cell("seq 200000", false));
    while (!idle) {
        struct wire_message *message = published(header, CLIENT_WAIT_MS);
        assert_non_null(message);
        const char *execution = json_string_value(json_object_get(message->content, "execution_state"));
        idle = execution && strcmp(execution, "idle") == 0;
        if (strcmp(message->type, "stream") == 0) {
            bytes += json_string_length(json_object_get(message->content, "text"));
            messages++;
        }
        wire_message_free(message);
    }
    wire_message_free(client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS));
    assert_int_equal(bytes, 1288895);
    assert_true(messages < 400);
}

static void a_lesson_is_followed_from_cell_to_cell(void **state)
{
    struct done done;
    char path[128], open[160];
    snprintf(path, sizeof path, "%s/01-tiny.md", base);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("# Tiny\n\n## A file\n\nMake it.\n\n```bash\ntouch /root/made\n```\n\n<!-- check\ntest -e /root/made || { "
          "echo \"there is no /root/made\"; exit 1; }\n-->\n\n"
          "## A status\n\n```bash |{\"exit\":\"3\"}\n(exit 3)\n```\n\n"
          "## Slow\n\n```bash\nsleep 100\n```\n\n## After it\n\n```bash\ntrue\n```\n",
          file);
    fclose(file);
    snprintf(open, sizeof open, "%%lesson %s", path);
    run(open, NULL, &done);
    assert_string_equal(done.error, "");
    json_t *payload = json_array_get(json_object_get(done.reply->content, "payload"), 0);
    assert_string_equal(json_string_value(json_object_get(payload, "source")), "set_next_input");
    assert_string_equal(json_string_value(json_object_get(payload, "text")), "touch /root/made\n");
    wire_message_free(done.reply);
    run("%check", NULL, &done);
    assert_string_equal(done.error, "CheckFailed: step 1: there is no /root/made");
    wire_message_free(done.reply);
    PRINTS("touch /root/made", "");
    run("%check", NULL, &done);
    assert_non_null(strstr(done.output, "Step 1 passed."));
    wire_message_free(done.reply);
    PRINTS("(exit 3)", ""); /* as the lesson says that it ends */
    run("(exit 4)", NULL, &done);
    assert_non_null(strstr(done.error, "exit status 4"));
    wire_message_free(done.reply);
    assert_true(interrupted("%goto 4") < 5000); /* the replay ends */
    run("%goto 1", NULL, &done);
    wire_message_free(done.reply);
    PRINTS("test -e /root/made || echo a fresh lab", "a fresh lab\n");
}

static void the_state_is_shown_as_text_tables_and_picture(void **state)
{
    cleanup_free char *header = client_send(&client, CHANNEL_SHELL, "execute_request", client_cell("%state", false));
    bool shown = false;
    for (struct wire_message *message; !shown && (message = published(header, CLIENT_WAIT_MS));) {
        json_t *data = json_object_get(message->content, "data");
        shown = json_object_get(data, "text/plain") && json_object_get(data, "text/html") &&
                json_object_get(data, "image/svg+xml");
        wire_message_free(message);
    }
    assert_true(shown);
    wire_message_free(client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS));
}

static void a_newer_client_is_welcomed(void **state)
{
    client.version = "5.5";
    free(client_send(&client, CHANNEL_SHELL, "kernel_info_request", json_object()));
    struct wire_message *message = published("{}", CLIENT_WAIT_MS); /* nobody asked for it */
    assert_string_equal(message->type, "iopub_welcome");
    assert_string_equal(json_string_value(json_object_get(message->content, "subscription")), "");
    wire_message_free(message);
    message = client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    assert_string_equal(json_string_value(json_object_get(message->content, "protocol_version")), "5.5");
    wire_message_free(message);
    client.version = "5.3";
}

static char the_lab[64];
static enum { LAB_GONE, LAB_LIVES, LAB_DEAD } found;

static void look_for_lab(const struct lab_entry *entry, void *data)
{
    if (strcmp(entry->name, the_lab) == 0)
        found = entry->alive ? LAB_LIVES : LAB_DEAD;
}

static void a_killed_kernel_takes_its_lab_with_it(void **state)
{
    struct done done;
    run("%lab", NULL, &done);
    assert_int_equal(sscanf(done.output, "Lab %63s", the_lab), 1);
    wire_message_free(done.reply);
    lab_list(look_for_lab, NULL, NULL);
    assert_int_equal(found, LAB_LIVES);
    kill(client.pid, SIGKILL);
    for (int i = 0; i < 500 && found == LAB_LIVES; i++) {
        usleep(10000);
        found = LAB_GONE;
        lab_list(look_for_lab, NULL, NULL);
    }
    assert_int_not_equal(found, LAB_LIVES);
    lab_gc(NULL);
    found = LAB_GONE;
    lab_list(look_for_lab, NULL, NULL);
    assert_int_equal(found, LAB_GONE);
}

/* Nobody has asked who it is: so it has begun no lab yet. */
static int kernel_without_a_lab(void **state)
{
    client_end(&client);
    client_start(&client, (const char *const[]){ program(), "kernel", "-f", "{connection_file}", NULL });
    return 0;
}

static void a_cell_that_waits_for_its_lab_is_not_run_after_an_interrupt(void **state)
{
    json_decref(asked("comm_info_request", json_object())); /* it is there */
    free(client_send(&client, CHANNEL_SHELL, "execute_request", client_cell("echo not reached", false)));
    usleep(5000); /* the lab is being built now */
    free(client_send(&client, CHANNEL_CONTROL, "interrupt_request", json_object()));
    struct wire_message *reply = client_receive(&client, CHANNEL_SHELL, CLIENT_WAIT_MS);
    assert_non_null(reply);
    assert_string_equal(json_string_value(json_object_get(reply->content, "status")), "aborted");
    wire_message_free(reply);
    wire_message_free(client_receive(&client, CHANNEL_CONTROL, CLIENT_WAIT_MS));
}

static void a_shutdown_ends_the_kernel_at_once(void **state)
{
    free(client_send(&client, CHANNEL_CONTROL, "shutdown_request", json_pack("{s:b}", "restart", 0)));
    struct wire_message *reply = client_receive(&client, CHANNEL_CONTROL, CLIENT_WAIT_MS);
    assert_non_null(reply);
    assert_string_equal(reply->type, "shutdown_reply");
    wire_message_free(reply);
    int status = -1;
    for (int i = 0; i < 200 && waitpid(client.pid, &status, WNOHANG) == 0; i++)
        usleep(10000);
    assert_int_equal(status, 0);
}

static void a_kernel_ends_with_the_client_that_started_it(void **state)
{
    char number[16];
    pid_t owner = fork();
    if (owner == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    snprintf(number, sizeof number, "%d", owner);
    setenv("JPY_PARENT_PID", number, 1);
    assert_int_equal(another_kernel(state), 0);
    unsetenv("JPY_PARENT_PID");
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    int status = -1;
    for (int i = 0; i < 300 && waitpid(client.pid, &status, WNOHANG) == 0; i++)
        usleep(10000);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signature_is_hmac_sha256_of_the_four_texts),
        cmocka_unit_test(a_message_comes_back_as_it_was_made),
        cmocka_unit_test(what_is_changed_on_its_way_is_refused),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(a_connection_file_that_lacks_something_is_told_of),
        cmocka_unit_test(the_spec_is_what_jupyter_reads),
        cmocka_unit_test(every_request_is_busy_answered_and_idle),
        cmocka_unit_test(an_answers_parent_is_the_requests_header_byte_for_byte),
        cmocka_unit_test(a_wrongly_signed_request_is_not_executed),
        cmocka_unit_test(a_cell_is_typed_as_a_person_would),
        cmocka_unit_test(a_failure_is_told_on_both_channels),
        cmocka_unit_test(a_failure_is_explained),
        cmocka_unit_test(cells_after_a_failure_are_not_run),
        cmocka_unit_test(terminals_are_chosen_by_a_magic),
        cmocka_unit_test(a_nested_shell_gets_the_next_cells),
        cmocka_unit_test(who_reads_asks_for_input),
        cmocka_unit_test(an_interrupt_ends_what_runs_in_half_a_second),
        cmocka_unit_test(a_word_is_completed_where_it_stands),
        cmocka_unit_test(a_flood_of_output_comes_whole_in_few_messages),
        cmocka_unit_test(a_lesson_is_followed_from_cell_to_cell),
        cmocka_unit_test(the_state_is_shown_as_text_tables_and_picture),
        cmocka_unit_test(a_newer_client_is_welcomed),
        cmocka_unit_test(a_killed_kernel_takes_its_lab_with_it),
        cmocka_unit_test_setup(a_cell_that_waits_for_its_lab_is_not_run_after_an_interrupt, kernel_without_a_lab),
        cmocka_unit_test(a_shutdown_ends_the_kernel_at_once),
        cmocka_unit_test(a_kernel_ends_with_the_client_that_started_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_all, end_all);
}
