/* A request for a root filesystem: what it lets through, its name, debootstrap's words while it works, the machine's own mirror; and copying a finished tree. */
#include "engine/base/cleanup.h"
#include "engine/rootfs/bootstrap.h"
#include "engine/rootfs/copy_tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char dir[64];

static int make_directory(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/teachroot-test.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_directory(void **state)
{
    struct err err;
    cleanup_close int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return rootfs_remove_tree(tmp, dir + 5, &err);
}

static struct bootstrap_request request_of(const char *text)
{
    struct bootstrap_request request;
    struct err err;
    char copy[BOOTSTRAP_TEXT];
    snprintf(copy, sizeof copy, "%s", text);
    if (bootstrap_from_text(&request, copy, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return request;
}

#define PLAIN "suite bookworm\narch amd64\nmirror http://deb.debian.org/debian\n"

static void only_names_of_such_things_pass(void **state)
{
    static const struct {
        const char *name, *value;
        int good;
    } cases[] = {
        { "suite", "bookworm", 1 },
        { "suite", "bookworm-backports", 1 },
        { "suite", "../bookworm", 0 },
        { "suite", "a/b", 0 },
        { "suite", "-option", 0 },
        { "suite", "a b", 0 },
        { "suite", "a\nmirror http://h/d", 0 },
        { "arch", "amd64", 1 },
        { "arch", "AMD64", 0 },
        { "variant", "minbase", 1 },
        { "variant", "$(reboot)", 0 },
        { "mirror", "http://deb.debian.org/debian/", 1 },
        { "mirror", "https://h.example:8080/a~b/c%20d", 1 },
        { "mirror", "file:///srv/mirror", 1 },
        { "mirror", "file:///", 0 },
        { "mirror", "file:///srv/../root", 0 },
        { "mirror", "http://", 0 },
        { "mirror", "ssh://h/debian", 0 },
        { "mirror", "/srv/mirror", 0 },
        { "mirror", "http://user@h/debian", 0 },
        { "include", "g++,libstdc++6,a.b", 1 },
        { "include", "a b", 0 },
        { "include", "-y", 0 },
        { "components", "main,non-free-firmware", 1 },
        { "components", "main|*)reboot", 0 },
        { "merged-usr", "yes", 1 },
        { "merged-usr", "se", 0 },
        { "resolve-deps", "no", 1 },
        { "resolve-deps", "on", 0 },
        { "target", "/etc", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bootstrap_request request = { .suite = "" };
        struct err err;
        int got = bootstrap_set(&request, cases[i].name, cases[i].value, &err);
        if ((got == 0) != (cases[i].good == 1))
            fail_msg("%s `%s`: %d, %s", cases[i].name, cases[i].value, got, got < 0 ? err.message : "let through");
    }
    struct bootstrap_request request = { .suite = "" };
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(bootstrap_set(&request, "suite", longer, NULL), -1);
    assert_int_equal(request.suite[0], '\0');
}

static void a_request_survives_being_written_down(void **state)
{
    struct bootstrap_request request = request_of(
                                 PLAIN "variant minbase\ninclude vim,less\nmerged-usr no\nresolve-deps no\n"),
                             again;
    char text[BOOTSTRAP_TEXT];
    struct err err;
    assert_true(bootstrap_to_text(&request, text, sizeof text, &err) > 0);
    assert_int_equal(bootstrap_from_text(&again, text, &err), 0);
    assert_memory_equal(&request, &again, sizeof request);
    char incomplete[] = "suite bookworm\narch amd64\n";
    assert_int_equal(bootstrap_from_text(&again, incomplete, &err), -1);
    char wrong[] = PLAIN "suite\n";
    assert_int_equal(bootstrap_from_text(&again, wrong, &err), -1);
}

static void other_requests_have_other_names(void **state)
{
    static const char *const texts[] = {
        PLAIN,
        PLAIN "variant minbase\n",
        PLAIN "include minbase\n",
        PLAIN "exclude minbase\n",
        PLAIN "components minbase\n",
        PLAIN "include a,b\n",
        PLAIN "include a\nexclude b\n",
        PLAIN "merged-usr no\n",
        PLAIN "resolve-deps no\n",
        "suite bookworm\narch arm64\nmirror http://deb.debian.org/debian\n",
        "suite bookworm\narch amd64\nmirror https://deb.debian.org/debian\n",
        "suite trixie\narch amd64\nmirror http://deb.debian.org/debian\n",
    };
    enum { COUNT = sizeof texts / sizeof *texts };
    char names[COUNT][256];
    struct err err;
    for (size_t i = 0; i < COUNT; i++) {
        struct bootstrap_request request = request_of(texts[i]);
        assert_int_equal(bootstrap_name(&request, names[i], sizeof names[i], &err), 0);
        assert_null(strchr(names[i], '/'));
        assert_int_not_equal(names[i][0], '.');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
    struct bootstrap_request slash = request_of("suite bookworm\narch amd64\nmirror http://deb.debian.org/debian/\n");
    char name[256], many[1024];
    assert_int_equal(bootstrap_name(&slash, name, sizeof name, &err), 0);
    assert_string_equal(name, names[0]);
    snprintf(many, sizeof many, PLAIN "include %0600d\n", 1);
    struct bootstrap_request large = request_of(many);
    assert_int_equal(bootstrap_name(&large, name, sizeof name, &err), -1);
    assert_int_equal(err.code, ENAMETOOLONG);
}

static void the_command_line_says_all_of_it(void **state)
{
    struct bootstrap_request request = request_of(PLAIN "variant minbase\ninclude vim\nmerged-usr no\n");
    struct bootstrap_argv argv;
    struct err err;
    char line[2048] = "";
    assert_int_equal(bootstrap_argv(&request, "/usr/sbin/debootstrap", "/t", "/p", &argv, &err), 0);
    for (size_t i = 4; argv.words[i]; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %s", argv.words[i]);
    assert_string_equal(
        line,
        " /t /usr/sbin/debootstrap --debian-installer --arch=amd64 --variant=minbase --include=vim --cache-dir=/p "
        "--no-merged-usr bookworm /t http://deb.debian.org/debian");
}

/* Words of debootstrap 1.0.128, in an installer's form. */
static const char said[] =
    "P: 0 100 DOWNREL\nPF: Downloading Release file\nI: RETRIEVING\nIA: InRelease\nIA: \nIF: Retrieving %s %s\n"
    "P: 33 100\nP: 100 100 DOWNREL\nPF: x\nP: 0 50060337 DOWNPKGS\nP: 25030168 50060337\n"
    "P: 0 1 SIZEDEBS\nP: 88 88 SIZEDEBS\nP: 0 31870120 DOWNDEBS\n"
    "I: RETRIEVING\nIA: libaudit1\nIA: 1:3.0.9-1\nIF: Retrieving %s %s\n"
    "I: VALIDATING\nIA: libaudit1\nIA: 1:3.0.9-1\nIF: Validating %s %s\nP: 15935060 31870120\nP: 318701 31870120\n";

static void progress_is_read_from_its_words(void **state)
{
    struct bootstrap_progress progress = { .phase = 0 };
    for (const char *byte = said; *byte; byte++) /* however the pipe cuts it */
        bootstrap_progress_feed(&progress, byte, 1, NULL, NULL);
    assert_int_equal(progress.phase, 3);
    assert_int_equal(progress.total, 88);
    assert_int_equal(progress.done, 1);
    assert_int_equal(progress.percent, 50);
    assert_string_equal(progress.item, "libaudit1 1:3.0.9-1");
    assert_string_equal(progress.doing, "downloading packages");
    static const char later[] =
        "P: 44 88 UNPACKREQ\nPF: Unpacking required packages\nI: UNPACKING\nIA: libc6:amd64\nIF: Unpacking %s...\n";
    bootstrap_progress_feed(&progress, later, sizeof later - 1, NULL, NULL);
    assert_int_equal(progress.phase, 5);
    assert_int_equal(progress.done, 44);
    assert_int_equal(progress.total, 88);
    assert_string_equal(progress.item, "libc6");
    static const char error[] = "E: COULDNTDL\nEA: http://h/x.deb\nEF: Couldn't download %s, or %s %%\n";
    bootstrap_progress_feed(&progress, error, sizeof error - 1, NULL, NULL);
    assert_non_null(strstr(progress.error, "Couldn't download http://h/x.deb, or "));
}

static void rubbish_is_no_progress(void **state)
{
    struct bootstrap_progress progress = { .phase = 0 };
    char noise[5000];
    for (unsigned i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 7919 % 251);
    bootstrap_progress_feed(&progress, noise, sizeof noise, NULL, NULL);
    static const char odd[] =
        "\nP:\nP: \nP: 5\nP: 9 3 X\nP: 1 0 EXTRACTPKGS\nIA: a\nIA: b\nIA: c\nIA: d\nIF: %s%s%s%s%s\nE: \nEF: %";
    bootstrap_progress_feed(&progress, odd, sizeof odd - 1, NULL, NULL);
    assert_true(progress.percent <= 100);
    assert_true(progress.argument_count <= 3);
}

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void make_apt(void)
{
    static const char *const directories[] = { "etc",
                                               "etc/apt",
                                               "etc/apt/sources.list.d",
                                               "usr",
                                               "usr/share",
                                               "usr/share/debootstrap",
                                               "usr/share/debootstrap/scripts" };
    char path[256];
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, directories[i]);
        mkdir(path, 0755);
    }
    snprintf(path, sizeof path, "%s/usr/share/debootstrap/scripts/trixie", dir);
    symlink("sid", path);
    snprintf(path, sizeof path, "%s/usr/share/debootstrap/scripts/noble", dir);
    symlink("gutsy", path);
}

static void the_mirror_is_the_one_apt_has(void **state)
{
    char mirror[256];
    struct err err;
    make_apt();
    assert_int_equal(bootstrap_mirror(dir, "bookworm", mirror, sizeof mirror, &err), -1);
    assert_int_equal(err.code, ENOENT);
    put("etc/apt/sources.list",
        "# deb http://comment/debian bookworm main\ndeb-src http://source/debian bookworm main\n"
        "deb cdrom:[x]/ bookworm main\ndeb [arch=amd64 signed-by=/k] http://one/debian/ bookworm main\n");
    assert_int_equal(bootstrap_mirror(dir, "bookworm", mirror, sizeof mirror, &err), 0);
    assert_string_equal(mirror, "http://one/debian");
    /* Another suite of the same distribution is in the same archive; one of another distribution is not. */
    assert_int_equal(bootstrap_mirror(dir, "trixie", mirror, sizeof mirror, &err), 0);
    assert_string_equal(mirror, "http://one/debian");
    assert_int_equal(bootstrap_mirror(dir, "noble", mirror, sizeof mirror, &err), -1);
    put("etc/apt/sources.list.d/more.sources",
        "Types: deb\n# a comment\nURIs: http://off/ubuntu\nSuites: noble\nEnabled: no\n\n"
        "Types: deb deb-src\nURIs: http://two/ubuntu/\nSuites: noble noble-updates\nComponents: main\n");
    put("etc/apt/sources.list.d/ignored.save", "deb http://three/debian sid main\n");
    assert_int_equal(bootstrap_mirror(dir, "noble", mirror, sizeof mirror, &err), 0);
    assert_string_equal(mirror, "http://two/ubuntu");
}

static void a_tree_is_copied_as_it_is(void **state)
{
    struct err err;
    struct copy_tree_counts counts;
    struct stat a, b;
    char from[80], to[80], path[256];
    snprintf(from, sizeof from, "%s/from", dir);
    snprintf(to, sizeof to, "%s/to", dir);
    mkdir(from, 0751);
    mkdir(to, 0700);
    cleanup_close int in = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int out = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdirat(in, "closed", 0700);
    for (int i = 0; i < 300; i++) { /* enough for several threads */
        char name[64];
        snprintf(name, sizeof name, "from/closed/%d", i);
        put(name, i % 3 ? "some text\n" : "");
    }
    put("from/program", "#!/bin/sh\n");
    fchmodat(in, "program", 04755, 0);
    if (geteuid() == 0) {
        fchownat(in, "closed/7", 123, 456, 0);
        fchmodat(in, "closed/7", 06711, 0);
    }
    linkat(in, "program", in, "closed/same", 0);
    symlinkat("/etc/nowhere", in, "link");
    const struct timespec times[2] = { { .tv_sec = 1000000 }, { .tv_sec = 2000000 } };
    utimensat(in, "closed", times, 0);
    utimensat(in, "closed/9", times, 0);
    fchmodat(in, "closed", 0500, 0);
    if (rootfs_copy_tree(in, out, &counts, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(counts.entries, 304);
    static const char *const same[] = { ".", "closed", "closed/7", "closed/9", "program", "closed/same", "closed/0" };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_int_equal(fstatat(in, same[i], &a, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(fstatat(out, same[i], &b, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(a.st_mode, b.st_mode);
        assert_int_equal(a.st_uid, b.st_uid);
        assert_int_equal(a.st_gid, b.st_gid);
        assert_int_equal(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
        assert_int_equal(a.st_nlink, b.st_nlink);
        if (S_ISREG(a.st_mode))
            assert_int_equal(a.st_size, b.st_size);
    }
    fstatat(out, "program", &a, 0);
    fstatat(out, "closed/same", &b, 0);
    assert_int_equal(a.st_ino, b.st_ino);
    char text[32] = "";
    assert_true(readlinkat(out, "link", text, sizeof text) == 12 && memcmp(text, "/etc/nowhere", 12) == 0);
    fchmodat(in, "closed", 0700, 0);
    fchmodat(out, "closed", 0700, 0);
    snprintf(path, sizeof path, "diff -r --no-dereference %s %s", from, to);
    assert_int_equal(system(path), 0);
}

static void removing_a_tree_does_not_follow_links(void **state)
{
    struct err err;
    struct stat st;
    char path[256];
    snprintf(path, sizeof path, "%s/kept", dir);
    mkdir(path, 0755);
    put("kept/file", "x");
    cleanup_close int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdirat(at, "gone", 0755);
    symlinkat(path, at, "gone/link");
    assert_int_equal(rootfs_remove_tree(at, "gone", &err), 0);
    assert_int_equal(fstatat(at, "gone", &st, 0), -1);
    assert_int_equal(fstatat(at, "kept/file", &st, 0), 0);
    assert_int_equal(rootfs_remove_tree(at, "gone", &err), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
#define IN_DIRECTORY(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_such_things_pass),    cmocka_unit_test(a_request_survives_being_written_down),
        cmocka_unit_test(other_requests_have_other_names),   cmocka_unit_test(the_command_line_says_all_of_it),
        cmocka_unit_test(progress_is_read_from_its_words),   cmocka_unit_test(rubbish_is_no_progress),
        IN_DIRECTORY(the_mirror_is_the_one_apt_has),         IN_DIRECTORY(a_tree_is_copied_as_it_is),
        IN_DIRECTORY(removing_a_tree_does_not_follow_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
