/* Containers: what was asked for stands in them, what was asked wrongly is refused, and a name is one container's. */
#include "tests/unit/containers.h"

#include <errno.h>

/* --- what was asked for --- */

static const char *process(const char *id, const char *key, char *text, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/containers/%s/bundle/config.json", base, id);
    json_t *config = json_load_file(path, 0, NULL);
    char *dumped = json_dumps(json_object_get(json_object_get(config, "process"), key), JSON_COMPACT | JSON_ENCODE_ANY);
    snprintf(text, size, "%s", dumped ? dumped : "");
    free(dumped);
    json_decref(config);
    return text;
}

#define USUAL_PATH "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\""
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void settings_of_the_image_and_of_the_caller_become_the_process(void **state)
{
    const struct {
        struct container_spec spec;
        const char *key, *expected;
    } rows[] = {
        { { 0 }, "args", "[\"/enter\",\"from\",\"image\"]" },
        { { .argv = WORDS("mine") }, "args", "[\"/enter\",\"mine\"]" },
        { { .entrypoint = "/other" }, "args", "[\"/other\"]" },
        { { .entrypoint = "/other", .argv = WORDS("a", "b c") }, "args", "[\"/other\",\"a\",\"b c\"]" },
        { { .entrypoint = "", .argv = WORDS("mine") }, "args", "[\"mine\"]" },
        { { 0 }, "env", "[" USUAL_PATH ",\"A=image\",\"B=2\"]" },
        { { .env = WORDS("A=mine", "C=") }, "env", "[" USUAL_PATH ",\"A=mine\",\"B=2\",\"C=\"]" },
        { { .env = WORDS("PATH=/x") }, "env", "[\"PATH=/x\",\"A=image\",\"B=2\"]" },
        { { .tty = true }, "env", "[" USUAL_PATH ",\"A=image\",\"B=2\",\"TERM=xterm\"]" },
        { { 0 }, "cwd", "\"/work\"" },
        { { .workdir = "/mine" }, "cwd", "\"/mine\"" },
        { { .user = "7:9" }, "user", "{\"uid\":7,\"gid\":9,\"additionalGids\":[]}" },
        { { .user = "app" }, "user", "{\"uid\":7,\"gid\":8,\"additionalGids\":[99]}" },
        { { .user = "app:extra" }, "user", "{\"uid\":7,\"gid\":99,\"additionalGids\":[]}" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct container_spec spec = rows[i].spec;
        struct container container;
        struct err err = { 0 };
        char text[512];
        spec.image = "base";
        if (container_create(store, &spec, &container, &err) < 0)
            fail_msg("row %zu: %s", i, err.message);
        if (strcmp(process(container.id, rows[i].key, text, sizeof text), rows[i].expected) != 0)
            fail_msg("row %zu: %s, not %s", i, text, rows[i].expected);
        assert_int_equal(container.state, CONTAINER_CREATED);
        container_close(&container);
    }
}

static void what_was_asked_wrongly_is_refused_and_leaves_nothing(void **state)
{
    char long_name[200];
    memset(long_name, 'a', sizeof long_name);
    long_name[CONTAINER_NAME] = '\0';
    const struct {
        struct container_spec spec;
        int code;
        const char *says;
    } rows[] = {
        { { .name = "" }, EINVAL, "Invalid container name ()" },
        { { .name = "a" }, EINVAL, "Invalid container name (a)" },
        { { .name = "/" }, EINVAL, "Invalid container name ()" },
        { { .name = "-ab" }, EINVAL, "Invalid container name" },
        { { .name = ".." }, EINVAL, "Invalid container name" },
        { { .name = "a/../b" }, EINVAL, "Invalid container name" },
        { { .name = "a b" }, EINVAL, "Invalid container name" },
        { { .name = "caf\xc3\xa9" }, EINVAL, "Invalid container name" },
        { { .name = long_name }, EINVAL, "at most 128" },
        { { .hostname = "" }, EINVAL, "hostname" },
        { { .hostname = "a_b" }, EINVAL, "hostname" },
        { { .workdir = "below" }, EINVAL, "absolute path" },
        { { .user = "nobody-here" }, EINVAL, "unable to find user nobody-here" },
        { { .user = "app:nobody-here" }, EINVAL, "unable to find group nobody-here" },
        { { .argv = WORDS("fine", "\xff") }, EINVAL, "command is not UTF-8" },
        { { .env = WORDS("A=\xff") }, EINVAL, "environment is not UTF-8" },
        { { .labels = WORDS("\xff=a") }, EINVAL, "labels is not UTF-8" },
        { { .user = "\xff" }, EINVAL, "not UTF-8" },
        { { .entrypoint = "" }, EINVAL, "no command specified" },
        { { .image = "nosuch" }, ENOENT, "nosuch" },
        { { .image = "Not A Name" }, EINVAL, "Not A Name" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct container_spec spec = rows[i].spec;
        struct container container;
        struct err err = { 0 };
        spec.image = spec.image ? spec.image : "base";
        assert_int_equal(container_create(store, &spec, &container, &err), -1);
        if (err.code != rows[i].code || !strstr(err.message, rows[i].says))
            fail_msg("row %zu: %d, %s", i, err.code, err.message);
        assert_int_equal(container.dir, -1);
        assert_null(container.json);
    }
    assert_int_equal(entries(), 0);
}

static void nobody_else_may_look_into_them(void **state)
{
    struct stat st;
    char path[128];
    const char *id = made("private");
    snprintf(path, sizeof path, "%s/containers", base);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    snprintf(path, sizeof path, "%s/container.json", id);
    assert_int_equal(fstatat(containers, path, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* The top directory is as the image has it. */
    snprintf(path, sizeof path, "%s/upper", id);
    assert_int_equal(fstatat(containers, path, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    assert_int_equal(st.st_mtime, 1000);
}

/* --- names --- */

static void a_name_is_one_containers_until_it_is_removed(void **state)
{
    struct container container;
    struct err err = { 0 };
    char first[CONTAINER_ID];
    strcpy(first, made("/box"));
    assert_int_equal(create("box", &container, &err), -1);
    assert_int_equal(err.code, EEXIST);
    assert_non_null(strstr(err.message, first));
    assert_int_equal(counted().whole, 1);
    removed("box");
    assert_string_not_equal(made("box"), first);
}

static void one_is_found_by_its_name_before_the_digits_of_anothers_id(void **state)
{
    struct container container;
    struct err err = { 0 };
    char id[CONTAINER_ID], digits[8];
    strcpy(id, made("first"));
    snprintf(digits, sizeof digits, "%.6s", id);
    assert_int_equal(container_open(store, digits, &container, &err), 0);
    assert_string_equal(container.name, "first");
    container_close(&container);
    made(digits);
    assert_int_equal(container_open(store, digits, &container, &err), 0);
    assert_string_equal(container.name, digits);
    container_close(&container);
    assert_int_equal(container_open(store, id, &container, &err), 0);
    assert_string_equal(container.name, "first");
    container_close(&container);
    /* By now some ids begin alike. */
    for (int i = 0; i < 16; i++)
        made(NULL);
    unsigned ambiguous = 0;
    for (const char *digit = "0123456789abcdef"; *digit; digit++) {
        char one[2] = { *digit, '\0' };
        memset(&err, 0, sizeof err);
        if (container_open(store, one, &container, &err) == 0)
            container_close(&container);
        else if (err.code == EINVAL && strstr(err.message, "several containers' ids begin with"))
            ambiguous++;
        else
            assert_int_equal(err.code, ENOENT);
    }
    assert_true(ambiguous >= 1); /* 18 ids, 16 digits */
    static const char *const nobody[] = { "", "/", ".", "..", "../containers", "nosuch", "FIRST", "fi" };
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
        assert_int_equal(open_fails(nobody[i], &err), ENOENT);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(settings_of_the_image_and_of_the_caller_become_the_process, remove_all),
        cmocka_unit_test_teardown(what_was_asked_wrongly_is_refused_and_leaves_nothing, remove_all),
        cmocka_unit_test_teardown(nobody_else_may_look_into_them, remove_all),
        cmocka_unit_test_teardown(a_name_is_one_containers_until_it_is_removed, remove_all),
        cmocka_unit_test_teardown(one_is_found_by_its_name_before_the_digits_of_anothers_id, remove_all),
    };
    return cmocka_run_group_tests(tests, set_up_containers, tear_down_containers);
}
