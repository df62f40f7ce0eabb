/* What is done in a container's root filesystem comes to the same where the kernel cannot mount detached: each scenario runs as the kernel is, and under a filter that answers ENOSYS. */
#include "tests/unit/containers.h"
#include "tests/unit/scenario.h"

#include <errno.h>

static void begin(void)
{
    struct err err = { 0 };
    strcpy(base, "/mnt/store");
    store = store_open(base, STORE_WRITE, NULL, &err);
    if (!store)
        fail_msg("%s", err.message);
    add_image(store);
}

static void a_user_is_looked_up(FILE *out)
{
    static const char *const users[] = { "app", "app:extra", "7", "nobody-here", "app:nobody-here" };
    begin();
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        struct container container;
        struct err err = { 0 };
        char path[256];
        struct container_spec spec = { .image = "base", .user = users[i] };
        if (container_create(store, &spec, &container, &err) < 0) {
            fprintf(out, "%s: %d %s\n", users[i], err.code, err.message);
            continue;
        }
        snprintf(path, sizeof path, "%s/containers/%s/bundle/config.json", base, container.id);
        json_t *config = json_load_file(path, 0, NULL);
        char *user = json_dumps(json_object_get(json_object_get(config, "process"), "user"), JSON_COMPACT);
        fprintf(out, "%s: %s\n", users[i], user ? user : "nobody");
    }
}

struct errand {
    char found[64]; /* what comes back */
    const char *write;
    int die, fail;
};

static int run_errand(int root, void *data, struct err *err)
{
    struct errand *errand = data;
    cleanup_close int file = openat(root, "etc/group", O_RDONLY | O_CLOEXEC);
    if (read(file, errand->found, sizeof errand->found - 1) < 0)
        return err_set(err, errno, "read");
    if (errand->die)
        raise(SIGKILL);
    if (errand->fail)
        return err_say(err, EBADMSG, "the errand failed");
    if (errand->write) {
        cleanup_close int made = openat(root, errand->write, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (made < 0)
            return err_set(err, errno, "write `%s`", errand->write);
    }
    return 17;
}

static unsigned overlays(void)
{
    char line[4096];
    unsigned number = 0;
    FILE *mounts = fopen("/proc/self/mounts", "re");
    while (fgets(line, sizeof line, mounts))
        number += strncmp(line, "overlay /mnt/", 13) == 0;
    fclose(mounts);
    return number;
}

static void errands_are_run(FILE *out)
{
    struct container container;
    struct err err = { 0 };
    begin();
    if (create("box", &container, &err) < 0)
        fprintf(out, "%s\n", err.message);
    for (int read_only = 0; read_only < 2; read_only++) {
        struct errand errands[] = { { .write = "made" }, { .fail = 1 }, { .write = "no/such/directory" } };
        for (size_t i = 0; i < sizeof errands / sizeof *errands; i++) {
            err_clear(&err);
            int result =
                container_with_root(store, &container, read_only, run_errand, &errands[i], sizeof *errands, &err);
            fprintf(out, "%d %zu: %d %d %s; it found %s; overlays here: %u\n", read_only, i, result, err.code,
                    err.message, errands[i].found, overlays());
        }
        fprintf(out, "written: %s\n", faccessat(container.dir, "upper/made", F_OK, 0) < 0 ? "no" : "yes");
        unlinkat(container.dir, "upper/made", 0);
    }
}

/* With a detached mount it is the caller itself that is ended. */
static void who_runs_an_errand_dies(FILE *out)
{
    struct container container;
    struct errand errand = { .die = 1 };
    struct err err = { 0 };
    begin();
    create("box", &container, &err);
    int result = container_with_root(store, &container, true, run_errand, &errand, sizeof errand, &err);
    fprintf(out, "%d %d %s; overlays here: %u\n", result, err.code, err.message, overlays());
}

static const int no_fsopen[] = { SYS_fsopen, 0 };

static void a_named_user_is_found_the_same_without_detached_mounts(void **state)
{
    scenario_same_without(a_user_is_looked_up, scenario_alone, 0, no_fsopen);
}

static void what_is_done_in_a_root_filesystem_is_the_same_without_detached_mounts(void **state)
{
    scenario_same_without(errands_are_run, scenario_alone, 0, no_fsopen);
}

static void a_child_that_is_killed_is_said_to_be(void **state)
{
    char text[SCENARIO_ROOM];
    scenario_record(who_runs_an_errand_dies, scenario_alone, 0, no_fsopen, text, sizeof text);
    assert_string_equal(text,
                        "-1 5 who worked in the root filesystem of `box` was ended by a signal; overlays here: 0\n");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_user_is_found_the_same_without_detached_mounts),
        cmocka_unit_test(what_is_done_in_a_root_filesystem_is_the_same_without_detached_mounts),
        cmocka_unit_test(a_child_that_is_killed_is_said_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
