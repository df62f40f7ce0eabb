#include "engine/image/registry_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/teachroot-test.XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_home(void **state)
{
    static const char *const gone[] = { "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG" };
    static const char *const directories[] = { ".config", ".config/teachroot", ".docker" };
    char path[256];
    if (!mkdtemp(home))
        return -1;
    for (size_t i = 0; i < 4; i++)
        unsetenv(gone[i]);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", home, directories[i]);
        mkdir(path, 0700);
    }
    return setenv("HOME", home, 1);
}

static int remove_home(void **state)
{
    static const char *const all[] = {
        ".config/teachroot/registries.json", ".docker/config.json", ".config/teachroot", ".config", ".docker", ""
    };
    char path[256];
    for (size_t i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s", home, all[i]);
        remove(path);
    }
    return 0;
}

static void loopback_and_what_is_listed_needs_no_tls(void **state)
{
    static const struct {
        const char *host;
        bool insecure;
    } rows[] = {
        { "localhost", true },
        { "localhost:5000", true },
        { "127.0.0.1", true },
        { "127.9.9.9:80", true },
        { "[::1]:5000", true },
        { "[::1]", true },
        { "docker.io", false },
        { "localhost.io", false },
        { "128.0.0.1", false },
        { "127.0.0.1.evil.io", false },
        { "[::2]", false },
        { "10.1.2.3:5000", true },
        { "10.1.2.3", true },
        { "11.1.2.3", false },
        { "registry.lan", true },
        { "REGISTRY.lan:99", true },
        { "ports.lan:5000", true },
        { "ports.lan:5001", false },
        { "ports.lan", false },
        { "[fd00::1]:5000", true },
        { "[fe00::1]:5000", false },
        { "0.0.0.0", false },
        { "", false },
    };
    struct registry_config config;
    struct err err = { 0 };
    write_file(
        ".config/teachroot/registries.json",
        "{\"insecure\": [\"10.0.0.0/8\", \"registry.lan\", \"ports.lan:5000\", \"fd00::/8\", \"1.1.1.1/x\", \"/\"]}");
    if (registry_config_read(&config, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (registry_insecure(&config, rows[i].host) != rows[i].insecure)
            fail_msg("%s", rows[i].host);
    registry_config_free(&config);
}

static void damaged_config_is_refused_with_its_place(void **state)
{
    static const char *const rows[][2] = {
        { "{", "line 1" },
        { "[]", "must be an object" },
        { "{\"insecure\": \"x\"}", "insecure" },
        { "{\"insecure\": [1]}", "insecure" },
        { "{\"mirrors\": []}", "mirrors" },
        { "{\"mirrors\": {\"a\": [\"x\"]}}", "is not a URL" },
        { "{\"mirrors\": {\"a\": [\"ftp://x\"]}}", "is not a URL" },
        { "{\"mirrors\": {\"a\": [\"http://x/\"]}}", "is not a URL" },
        { "{\"insecure\": [], \"insecure\": []}", "insecure" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct registry_config config;
        struct err err = { 0 };
        write_file(".config/teachroot/registries.json", rows[i][0]);
        assert_int_equal(registry_config_read(&config, &err), -1);
        if (!strstr(err.message, rows[i][1]) || !strstr(err.message, "registries.json"))
            fail_msg("%s: %s", rows[i][0], err.message);
    }
}

static void mirrors_come_in_their_order(void **state)
{
    struct registry_config config;
    write_file(".config/teachroot/registries.json", "{\"mirrors\": {\"docker.io\": [\"http://a\", \"https://b/c\"]}}");
    assert_int_equal(registry_config_read(&config, NULL), 0);
    assert_string_equal(registry_mirror(&config, "docker.io", 0), "http://a");
    assert_string_equal(registry_mirror(&config, "docker.io", 1), "https://b/c");
    assert_null(registry_mirror(&config, "docker.io", 2));
    assert_null(registry_mirror(&config, "quay.io", 0));
    registry_config_free(&config);
}

/* bGVhcm5lcjpzZWNyZXQ= is learner:secret, YTpi a:b, YTpiYw== a:bc. */
static void the_password_is_that_of_the_longest_match(void **state)
{
    static const char *const rows[][4] = {
        { "docker.io", "library/debian", "a", "b" },
        { "r.io:5000", "x", "learner", "secret" },
        { "r.io:5000", "team/tool", "a", "bc" },
        { "r.io:5000", "team2/tool", "learner", "secret" },
        { "r.io", "x", NULL, NULL },
        { "helper.io", "x", NULL, NULL },
        { "plain.io", "x", "u", "p:with:colons" },
    };
    write_file(".docker/config.json", "{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"YTpi\"}, "
                                      "\"r.io:5000\": {\"auth\": \"bGVhcm5lcjpzZWNyZXQ=\"},"
                                      "\"r.io:5000/team\": {\"auth\": \"YTpiYw==\"}, \"helper.io\": {}, \"plain.io\": "
                                      "{\"username\": \"u\", \"password\": "
                                      "\"p:with:colons\"}}}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct registry_login login;
        struct err err = { 0 };
        int found = registry_login_find(rows[i][0], rows[i][1], &login, &err);
        if (found != (rows[i][2] != NULL))
            fail_msg("%s/%s: %d %s", rows[i][0], rows[i][1], found, err.message);
        if (found) {
            assert_string_equal(login.user, rows[i][2]);
            assert_string_equal(login.password, rows[i][3]);
        }
        registry_login_free(&login);
    }
}

static void a_password_is_sent_as_it_was_stored(void **state)
{
    static const char *const rows[][3] = { { "learner", "secret", "Basic bGVhcm5lcjpzZWNyZXQ=" },
                                           { "a", "b", "Basic YTpi" },
                                           { "a", "bc", "Basic YTpiYw==" },
                                           { "\xc3\xa4", "\xff", "Basic w6Q6/w==" } };
    for (size_t i = 0; i < 4; i++) {
        struct registry_login login = { .user = strdup(rows[i][0]), .password = strdup(rows[i][1]) };
        char *text = registry_basic(&login);
        assert_string_equal(text, rows[i][2]);
        free(text);
        registry_login_free(&login);
    }
}

static void damaged_auth_files_are_refused(void **state)
{
    static const char *const rows[] = { "{", "{\"auths\": {\"r.io\": {\"auth\": \"!!\"}}}",
                                        "{\"auths\": {\"r.io\": {\"auth\": \"YWJj\"}}}",
                                        "{\"auths\": {\"r.io\": {\"auth\": \"AAAA\"}}}" };
    for (size_t i = 0; i < 4; i++) {
        struct registry_login login;
        struct err err = { 0 };
        write_file(".docker/config.json", rows[i]);
        assert_int_equal(registry_login_find("r.io", "x", &login, &err), -1);
        assert_non_null(strstr(err.message, "config.json"));
        registry_login_free(&login);
    }
}

static void challenges_are_read_and_bearer_is_preferred(void **state)
{
    struct registry_challenge c = { 0 };
    registry_challenge_parse("Digest realm=\"x\"", &c);
    assert_int_equal(c.scheme, REGISTRY_NO_SCHEME);
    registry_challenge_parse("basic realm=\"x\"", &c);
    assert_int_equal(c.scheme, REGISTRY_BASIC);
    registry_challenge_parse("Bearer realm=\"unended", &c);
    assert_int_equal(c.scheme, REGISTRY_BASIC);
    registry_challenge_parse("Bearer service=\"no realm\"", &c);
    assert_int_equal(c.scheme, REGISTRY_BASIC);
    registry_challenge_parse(
        "Bearer realm=\"https://a/t?x=1,2\" , service = plain,scope=\"repository:a/b:pull,push\",error=\"a\\\"b\"", &c);
    assert_int_equal(c.scheme, REGISTRY_BEARER);
    assert_string_equal(c.realm, "https://a/t?x=1,2");
    assert_string_equal(c.service, "plain");
    assert_string_equal(c.scope, "repository:a/b:pull,push");
    registry_challenge_parse("Basic realm=\"x\"", &c);
    assert_int_equal(c.scheme, REGISTRY_BEARER);
}

static void tokens_are_found_under_either_name(void **state)
{
    static const char *const rows[][2] = {
        { "{\"token\": \"a\"}", "a" },
        { "{\"access_token\": \"b\"}", "b" },
        { "{\"token\": \"\", \"access_token\": \"c\"}", "c" },
        { "{}", NULL },
        { "{\"token\": 1}", NULL },
        { "no json", NULL },
        { "{\"token\": \"a\\r\\nX: y\"}", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = { 0 };
        char *token = registry_token_parse(rows[i][0], strlen(rows[i][0]), &err);
        if (rows[i][1])
            assert_string_equal(token, rows[i][1]);
        else
            assert_true(!token && *err.message);
        free(token);
    }
}

static void tries_wait_longer_each_time_and_come_to_an_end(void **state)
{
    struct registry_backoff backoff = { 0 };
    int64_t last = 0;
    unsigned tries = 0;
    for (int64_t wait; (wait = registry_backoff_next(&backoff, false, -1)) >= 0; tries++) {
        assert_true(wait > last);
        last = wait;
    }
    assert_in_range(tries, 4, 10);
    /* Progress begins the row anew, but not for ever. */
    for (tries = 0; registry_backoff_next(&backoff, true, -1) >= 0; tries++)
        assert_true(tries < 1000);
    assert_true(tries > 50);
    backoff = (struct registry_backoff){ 0 };
    assert_int_equal(registry_backoff_next(&backoff, false, 7), 7000);
    assert_int_equal(registry_backoff_next(&backoff, false, 4000), -1);
}

static void what_headers_say_is_read_or_refused(void **state)
{
    uint64_t first, last, total;
    assert_int_equal(registry_retry_after("120", 0), 120);
    assert_int_equal(registry_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 40), 60);
    assert_int_equal(registry_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 400), 0);
    assert_int_equal(registry_retry_after("soon", 0), -1);
    assert_int_equal(registry_retry_after("99999999999999999999", 0), -1);
    assert_int_equal(registry_content_range("bytes 5-9/10", &first, &last, &total), 0);
    assert_true(first == 5 && last == 9 && total == 10);
    assert_int_equal(registry_content_range("bytes 5-9/*", &first, &last, &total), 0);
    assert_true(total == UINT64_MAX);
    static const char *const wrong[] = { "bytes 9-5/10",
                                         "bytes 5-10/10",
                                         "bytes */10",
                                         "5-9/10",
                                         "bytes 5-9",
                                         "bytes -5-9/10",
                                         "bytes 5-99999999999999999999/*",
                                         "" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(registry_content_range(wrong[i], &first, &last, &total), -1);
    assert_int_equal(registry_upload_range("0-9", &first), 0);
    assert_int_equal(first, 10);
    assert_int_equal(registry_upload_range("bytes=0-9", &first), 0);
    assert_int_equal(registry_upload_range("0-0", &first), 0);
    assert_int_equal(first, 0);
    assert_int_equal(registry_upload_range("5-9", &first), -1);
    assert_int_equal(registry_upload_range("0-18446744073709551615", &first), -1);
    assert_int_equal(registry_length("12"), 12);
    assert_int_equal(registry_length("-1"), -1);
    assert_int_equal(registry_length("1, 2"), -1);
    assert_int_equal(registry_length("18446744073709551615"), -1);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_and_what_is_listed_needs_no_tls),
        cmocka_unit_test(damaged_config_is_refused_with_its_place),
        cmocka_unit_test(mirrors_come_in_their_order),
        cmocka_unit_test(the_password_is_that_of_the_longest_match),
        cmocka_unit_test(a_password_is_sent_as_it_was_stored),
        cmocka_unit_test(damaged_auth_files_are_refused),
        cmocka_unit_test(challenges_are_read_and_bearer_is_preferred),
        cmocka_unit_test(tokens_are_found_under_either_name),
        cmocka_unit_test(tries_wait_longer_each_time_and_come_to_an_end),
        cmocka_unit_test(what_headers_say_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
