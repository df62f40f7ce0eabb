/* The directory of containers: whatever lies in it, whoever dies at work in it and however many work in it at once, the others are listed, opened and removed. */
#include "tests/unit/block_syscalls.h"
#include "tests/unit/containers.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* --- what may lie there --- */

static void write_at(int dir, const char *path, const char *text, size_t size)
{
    cleanup_close int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
}

/* Let the record of @id be @text. */
static void spoil(const char *id, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/container.json", id);
    write_at(containers, path, text, strlen(text));
}

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RECORD(name, id, created, layers, config)                                                                      \
    "{\"Name\":" name ",\"Image\":\"base\",\"ImageID\":" id ",\"Created\":" created ",\"Layers\":" layers              \
    ",\"Config\":" config "}"
#define WHEN "\"2001-02-03T04:05:06.000000000Z\""

static void a_damaged_record_is_said_to_be_one_and_can_be_removed(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "", "not JSON" },
        { "{\"Name\":\"cut", "not JSON" },
        { "[]", "missing" },
        { "null", "not JSON" },
        { "{}", "missing" },
        { "{\"Name\":\"a\",\"Name\":\"b\"}", "duplicate" },
        { RECORD("1", "\"" DIGEST "\"", WHEN, "[]", "{}"), "missing" },
        { RECORD("\"\"", "\"" DIGEST "\"", WHEN, "[]", "{}"), "missing" },
        { RECORD("\"it\"", "\"sha256:../../etc\"", WHEN, "[]", "{}"), "missing" },
        { RECORD("\"it\"", "\"" DIGEST "\"", "\"yesterday\"", "[]", "{}"), "missing" },
        { RECORD("\"it\"", "\"" DIGEST "\"", "7", "[]", "{}"), "missing" },
        { RECORD("\"it\"", "\"" DIGEST "\"", WHEN, "{}", "{}"), "missing" },
        { RECORD("\"it\"", "\"" DIGEST "\"", WHEN, "[]", "[]"), "missing" },
        { RECORD("\"\xff\"", "\"" DIGEST "\"", WHEN, "[]", "{}"), "not JSON" },
        { RECORD("\"it\\u0000\"", "\"" DIGEST "\"", WHEN, "[]", "{}"), "not JSON" },
    };
    made("good");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = { 0 };
        const char *id = made("it");
        spoil(id, rows[i].text);
        struct census census = counted();
        if (census.whole != 1 || census.damaged != 1 || !strstr(census.damage, rows[i].says))
            fail_msg("row %zu: %u whole, %u damaged: %s", i, census.whole, census.damaged, census.damage);
        assert_int_equal(open_fails(id, &err), EINVAL);
        assert_int_equal(open_fails("it", &err), ENOENT); /* whose name nobody can tell */
        removed(id);
    }
    assert_int_equal(counted().whole, 1);
}

/* What may be in the place of a record. */
static void put_nothing(const char *path)
{
}

static void put_directory(const char *path)
{
    assert_int_equal(mkdirat(containers, path, 0700), 0);
}

/* To which nobody writes. */
static void put_pipe(const char *path)
{
    assert_int_equal(mkfifoat(containers, path, 0600), 0);
}

static void put_link(const char *path)
{
    char outside[128];
    const char record[] = RECORD("\"outside\"", "\"" DIGEST "\"", WHEN, "[]", "{}");
    snprintf(outside, sizeof outside, "%s/outside.json", base);
    write_at(AT_FDCWD, outside, record, strlen(record));
    assert_int_equal(symlinkat(outside, containers, path), 0);
}

static void put_terabyte(const char *path)
{
    cleanup_close int fd = openat(containers, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
}

static void what_is_no_record_is_not_followed_nor_waited_for(void **state)
{
    static void (*const put[])(const char *path) = { put_nothing, put_directory, put_pipe, put_link, put_terabyte };
    for (size_t i = 0; i < sizeof put / sizeof *put; i++) {
        struct err err = { 0 };
        char path[128];
        const char *id = made("it");
        snprintf(path, sizeof path, "%s/container.json", id);
        assert_int_equal(unlinkat(containers, path, 0), 0);
        put[i](path);
        alarm(10);
        assert_int_equal(counted().damaged, 1);
        assert_int_equal(open_fails(id, &err), EINVAL);
        assert_int_equal(open_fails("outside", &err), ENOENT);
        alarm(0);
        removed(id);
    }
}

static void what_is_no_container_is_passed_over_or_removed_as_what_it_is(void **state)
{
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char outside[128], id[CONTAINER_ID];
    snprintf(outside, sizeof outside, "%s/outside", base);
    mkdir(outside, 0700);
    /* Names that are no ids are nobody's. */
    write_at(containers, "file", "x", 1);
    mkdirat(containers, "0123", 0700);
    mkdirat(containers, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", 0700);
    assert_int_equal(counted().whole + counted().damaged, 0);
    /* One that is, but leads elsewhere, or is no directory. */
    symlinkat(outside, containers, hex);
    assert_int_equal(counted().damaged, 1);
    removed(hex);
    assert_int_equal(access(outside, F_OK), 0);
    write_at(containers, hex, "", 0);
    assert_int_equal(counted().damaged, 1);
    removed("0123456789a");
    strcpy(id, made("good"));
    assert_int_equal(entries(), 4);
    assert_int_equal(unlinkat(containers, "file", 0), 0);
    assert_int_equal(unlinkat(containers, "0123", AT_REMOVEDIR), 0);
    assert_int_equal(
        unlinkat(containers, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", AT_REMOVEDIR), 0);
}

static void with_one_goes_all_it_has_written_and_nothing_that_leads_out_of_it(void **state)
{
    char outside[128], path[256];
    const char *id = made("it");
    snprintf(outside, sizeof outside, "%s/kept", base);
    mkdir(outside, 0700);
    snprintf(path, sizeof path, "%s/upper/closed", id);
    mkdirat(containers, path, 0700);
    snprintf(path, sizeof path, "%s/upper/closed/below", id);
    mkdirat(containers, path, 0);
    snprintf(path, sizeof path, "%s/upper/closed/out", id);
    symlinkat(outside, containers, path);
    snprintf(path, sizeof path, "%s/upper/gone", id);
    mknodat(containers, path, S_IFCHR, 0);
    snprintf(path, sizeof path, "%s/upper/closed", id);
    fchmodat(containers, path, 0, 0);
    removed("it");
    assert_int_equal(entries(), 0);
    assert_int_equal(access(outside, F_OK), 0);
    struct container container = { .dir = -1 };
    struct err err = { 0 };
    memcpy(container.id, id, CONTAINER_ID);
    assert_int_equal(container_remove(store, &container, &err), -1);
    assert_int_equal(err.code, ENOENT);
}

static void the_layers_of_one_are_kept_and_while_one_is_damaged_all(void **state)
{
    struct container container;
    struct digest layer, other;
    assert_int_equal(digest_parse(DIGEST, &other, NULL), 0);
    const char *id = made("it");
    assert_int_equal(container_open(store, "it", &container, NULL), 0);
    assert_int_equal(digest_parse(json_string_value(json_object_get(
                                      json_array_get(json_object_get(container.json, "Layers"), 0), "DiffID")),
                                  &layer, NULL),
                     0);
    container_close(&container);
    assert_true(container_uses_layer(&layer, store));
    assert_false(container_uses_layer(&other, store));
    spoil(id, "{");
    assert_true(container_uses_layer(&layer, store));
    assert_true(container_uses_layer(&other, store));
    removed(id);
    assert_false(container_uses_layer(&layer, store));
}

/* --- death --- */

/* @work in a child that is killed at its first syscall @number. */
static void killed_at(int number, void (*work)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        if (answer_syscalls((int[]){ number, 0 }, SECCOMP_RET_KILL_PROCESS) == 0)
            work();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status))
        fail_msg("syscall %d was not made: status %#x", number, (unsigned)status);
}

static void create_it(void)
{
    struct container container;
    container_create(store, &(struct container_spec){ .image = "base", .name = "it", .user = "app" }, &container, NULL);
}

static void remove_it(void)
{
    removed("it");
}

static void who_dies_making_one_leaves_none_and_nothing_the_next_does_not_clear_away(void **state)
{
    static const int calls[] = { SYS_mkdirat, SYS_fchownat, SYS_utimensat, SYS_fsopen,
                                 SYS_write,   SYS_fsync,    SYS_renameat2 };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        killed_at(calls[i], create_it);
        assert_int_equal(counted().whole + counted().damaged, 0);
        assert_int_equal(entries(), calls[i] == SYS_mkdirat ? 0 : 1);
        made("it");
        assert_int_equal(entries(), 1);
        removed("it");
    }
}

static void who_dies_removing_one_leaves_it_or_nothing_the_next_does_not_clear_away(void **state)
{
    made("it");
    killed_at(SYS_renameat, remove_it);
    assert_int_equal(counted().whole, 1);
    killed_at(SYS_unlinkat, remove_it);
    assert_int_equal(counted().whole + counted().damaged, 0);
    assert_int_equal(entries(), 1);
    made("it");
    assert_int_equal(entries(), 1);
}

/* --- several at once --- */

static pid_t in_child(void (*work)(unsigned which), unsigned which)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        store = store_open(base, STORE_WRITE, NULL, NULL);
        if (store)
            work(which);
        _exit(1);
    }
    return pid;
}

static void make_the_same(unsigned which)
{
    struct container container;
    struct err err = { 0 };
    int result = create("same", &container, &err);
    _exit(result == 0 ? 0 : err.code == EEXIST ? 2 : 1);
}

static void make_and_remove(unsigned which)
{
    char name[16];
    for (int i = 0; i < 10; i++) {
        struct container named, nameless;
        struct err err = { 0 };
        snprintf(name, sizeof name, "own%u", which);
        if (create(name, &named, &err) < 0 || create(NULL, &nameless, &err) < 0 ||
            container_remove(store, &named, &err) < 0) {
            fprintf(stderr, "%s\n", err.message);
            _exit(1);
        }
        container_close(&named);
        container_close(&nameless);
    }
    _exit(0);
}

/* How many of the children ended with @code, which all others do not. */
static unsigned ended(pid_t *pids, size_t count, int code)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        found += WEXITSTATUS(status) == code;
    }
    return found;
}

static void of_several_who_want_a_name_one_gets_it(void **state)
{
    pid_t pids[8];
    for (unsigned i = 0; i < 8; i++)
        pids[i] = in_child(make_the_same, i);
    assert_int_equal(ended(pids, 8, 0), 1);
    assert_int_equal(counted().whole, 1);
}

static int note_name(struct container *container, const char *damage, void *data)
{
    json_object_set_new(data, container->name, json_true());
    return 0;
}

static void while_some_come_and_go_none_is_seen_that_is_not_whole(void **state)
{
    pid_t pids[4];
    unsigned looks = 0;
    for (unsigned i = 0; i < 4; i++)
        pids[i] = in_child(make_and_remove, i);
    for (siginfo_t first = { 0 }; first.si_pid == 0; looks++) {
        struct census census = counted();
        if (census.damaged)
            fail_msg("%s", census.damage);
        assert_int_equal(waitid(P_PID, (id_t)pids[0], &first, WEXITED | WNOHANG | WNOWAIT), 0);
    }
    assert_int_equal(ended(pids, 4, 0), 4);
    assert_true(looks > 0);
    assert_int_equal(counted().whole, 40);
    json_t *names = json_object();
    assert_int_equal(container_each(store, note_name, names, NULL), 0);
    assert_int_equal(json_object_size(names), 40); /* made up, each another */
    json_decref(names);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_damaged_record_is_said_to_be_one_and_can_be_removed, remove_all),
        cmocka_unit_test_teardown(what_is_no_record_is_not_followed_nor_waited_for, remove_all),
        cmocka_unit_test_teardown(what_is_no_container_is_passed_over_or_removed_as_what_it_is, remove_all),
        cmocka_unit_test_teardown(with_one_goes_all_it_has_written_and_nothing_that_leads_out_of_it, remove_all),
        cmocka_unit_test_teardown(the_layers_of_one_are_kept_and_while_one_is_damaged_all, remove_all),
        cmocka_unit_test_teardown(who_dies_making_one_leaves_none_and_nothing_the_next_does_not_clear_away, remove_all),
        cmocka_unit_test_teardown(who_dies_removing_one_leaves_it_or_nothing_the_next_does_not_clear_away, remove_all),
        cmocka_unit_test_teardown(of_several_who_want_a_name_one_gets_it, remove_all),
        cmocka_unit_test_teardown(while_some_come_and_go_none_is_seen_that_is_not_whole, remove_all),
    };
    return cmocka_run_group_tests(tests, set_up_containers, tear_down_containers);
}
