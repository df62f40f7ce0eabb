#include "engine/image/reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define TEN "abcdefghij"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

struct row {
    const char *text, *full, *familiar, *repository;
};
static const struct row names[] = {
    { "debian", "docker.io/library/debian:latest", "debian:latest", "debian" },
    { "debian:12", "docker.io/library/debian:12", "debian:12", "debian" },
    { "docker.io/debian", "docker.io/library/debian:latest", "debian:latest", "debian" },
    { "index.docker.io/library/debian:12", "docker.io/library/debian:12", "debian:12", "debian" },
    { "team/tool", "docker.io/team/tool:latest", "team/tool:latest", "team/tool" },
    { "library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest", "library/a/b" },
    { "localhost/tool", "localhost/tool:latest", "localhost/tool:latest", "localhost/tool" },
    { "localhost:5000/team/tool:v1", "localhost:5000/team/tool:v1", "localhost:5000/team/tool:v1",
      "localhost:5000/team/tool" },
    { "127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x" },
    { "[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest", "[::1]:5000/x" },
    { "Host/x", "Host/x:latest", "Host/x:latest", "Host/x" },
    { "a.b-c/d__e/f-g/h---i/j.k:A_b.c-D", "a.b-c/d__e/f-g/h---i/j.k:A_b.c-D", "a.b-c/d__e/f-g/h---i/j.k:A_b.c-D",
      "a.b-c/d__e/f-g/h---i/j.k" },
    { "debian@" DIGEST, "docker.io/library/debian@" DIGEST, "debian@" DIGEST, "debian" },
    { "r.io/x:1@" DIGEST, "r.io/x:1@" DIGEST, "r.io/x:1@" DIGEST, "r.io/x" },
    { "localhost:5000", "docker.io/library/localhost:5000", "localhost:5000", "localhost" },
};

static void names_are_read_as_docker_reads_them(void **state)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct reference reference;
        struct err err = { 0 };
        char text[800];
        if (reference_parse(names[i].text, &reference, &err) < 0)
            fail_msg("%s: %s", names[i].text, err.message);
        reference_full(&reference, text, sizeof text);
        assert_string_equal(text, names[i].full);
        reference_familiar(&reference, text, sizeof text);
        assert_string_equal(text, names[i].familiar);
        reference_familiar_repository(&reference, text, sizeof text);
        assert_string_equal(text, names[i].repository);
    }
}

/* What was written whole is read to the same. */
static void names_survive_being_written(void **state)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct reference one, two, three;
        char text[800];
        assert_int_equal(reference_parse(names[i].text, &one, NULL), 0);
        reference_full(&one, text, sizeof text);
        assert_int_equal(reference_parse(text, &two, NULL), 0);
        assert_memory_equal(&one, &two, sizeof one);
        reference_familiar(&one, text, sizeof text);
        assert_int_equal(reference_parse(text, &three, NULL), 0);
        assert_memory_equal(&one, &three, sizeof one);
    }
}

static const char *const refused[][2] = {
    { "", "empty" },
    { "Debian", "must be lowercase" },
    { "library/Debian", "must be lowercase" },
    { "debian:", "tag is empty" },
    { "debian:-x", "a tag begins with" },
    { "debian:a b", "a tag has letters" },
    { "debian:" HUNDRED TEN TEN "123456789", "longer than 128" },
    { "/debian", "repository name" },
    { "debian/", "repository name" },
    { "a//b", "repository name" },
    { "a..b", "repository name" },
    { "a___b", "repository name" },
    { "-a", "repository name" },
    { "a-", "repository name" },
    { "../../etc", "no registry" },
    { "a/../b", "repository name" },
    { "a b", "repository name" },
    { "a\nb", "repository name" },
    { "h\xc3\xa4user", "repository name" },
    { "localhost:5000/", "no repository name" },
    { "localhost:/x", "no registry" },
    { "localhost:123456/x", "no registry" },
    { "host:5x/x", "no registry" },
    { "-host.io/x", "no registry" },
    { "host..io/x", "no registry" },
    { "user@host.io/x", "stands a digest" },
    { "http://host/x", "no registry" },
    { "[::1/x", "no registry" },
    { "debian@sha256:abc", "stands a digest" },
    { "debian@", "stands a digest" },
    { "@" DIGEST, "no repository name" },
    { HEX, "an image's id" },
    { HUNDRED HUNDRED HUNDRED, "longer than 255" },
    { "localhost/" HUNDRED HUNDRED TEN TEN TEN TEN "123456", "longer than 255" },
};

static void what_is_no_name_is_refused_and_said(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reference reference;
        struct err err = { 0 };
        if (reference_parse(refused[i][0], &reference, &err) == 0)
            fail_msg("accepted: %s", refused[i][0]);
        assert_int_not_equal(err.code, 0);
        if (!strstr(err.message, refused[i][1]) || strpbrk(err.message, "\n\xc3"))
            fail_msg("`%s`: %s", refused[i][0], err.message);
    }
}

static void the_longest_name_has_255_characters(void **state)
{
    struct reference reference;
    assert_int_equal(reference_parse("localhost/" HUNDRED HUNDRED TEN TEN TEN TEN "12345", &reference, NULL), 0);
    assert_int_equal(reference_parse("x:" HUNDRED TEN TEN "12345678", &reference, NULL), 0);
    assert_int_equal(strlen(reference.tag), 128);
}

/* A buffer that is too small gets what fits, ended. */
static void a_name_is_cut_to_its_buffer(void **state)
{
    struct reference reference;
    char text[8];
    assert_int_equal(reference_parse("localhost:5000/team/tool:v1", &reference, NULL), 0);
    reference_full(&reference, text, sizeof text);
    assert_string_equal(text, "localho");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_docker_reads_them), cmocka_unit_test(names_survive_being_written),
        cmocka_unit_test(what_is_no_name_is_refused_and_said), cmocka_unit_test(the_longest_name_has_255_characters),
        cmocka_unit_test(a_name_is_cut_to_its_buffer),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
