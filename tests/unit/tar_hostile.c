/* Archives that mean harm. Each is unpacked beside a tree that must be as it was; each ends in an error that names what is wrong, or in what the case says. */
#include "engine/base/cleanup.h"
#include "engine/layers/tar.h"
#include "engine/rootfs/copy_tree.h"
#include "tests/unit/archive.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cmocka.h>

static char home[] = "/tmp/tar-hostile-XXXXXX";
static int home_fd = -1, target = -1;
static char secret[PATH_MAX]; /* the absolute path of what is outside */
static struct archive a;
static unsigned skipped;

/* --- The world ------------------------------------------------------------------------------------------------------------------------ */

static void put(int at, const char *path, const char *text)
{
    cleanup_close int fd = openat(at, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static struct digest outside(void)
{
    struct digest digest = { "" };
    struct err err = { 0 };
    cleanup_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    cleanup_close int dir = openat(home_fd, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sink *to = sink_digest(sink_fd(null, NULL), &digest, NULL, NULL);
    if (tar_pack(dir, to, &(struct tar_pack){ 0 }, NULL, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(to->finish(to, NULL), 0);
    sink_close(to);
    return digest;
}

static int make_world(void **state)
{
    if (!mkdtemp(home))
        return -1;
    home_fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdirat(home_fd, "outside", 0700);
    mkdirat(home_fd, "outside/below", 0700);
    put(home_fd, "outside/secret", "secret");
    put(home_fd, "outside/below/kept", "kept");
    snprintf(secret, sizeof secret, "%s/outside/secret", home);
    return 0;
}

static int remove_world(void **state)
{
    free(a.data);
    close(home_fd);
    return rootfs_remove_tree(AT_FDCWD, home, NULL);
}

static bool there(const char *path)
{
    struct stat st;
    return fstatat(target, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void holds(const char *path, const char *text)
{
    char got[256] = "";
    struct stat st;
    assert_int_equal(fstatat(target, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    cleanup_close int fd = openat(target, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    assert_true(read(fd, got, sizeof got - 1) >= 0);
    assert_string_equal(got, text);
}

/* --- The archives --------------------------------------------------------------------------------------------------------------------- */

static void text(const char *name)
{
    archive_file(&a, name, "evil");
}

static void symlink_to(const char *name, const char *where)
{
    archive_link(&a, name, '2', where);
}

static void hard_link_to(const char *name, const char *where)
{
    archive_link(&a, name, '1', where);
}

static void dot_dot(void)
{
    text("../outside/evil");
}

static void dot_dot_in_the_middle(void)
{
    archive_directory(&a, "d");
    text("d/../../outside/evil");
}

static void dot_dot_alone(void)
{
    archive_directory(&a, "..");
}

static void dot_dot_of_pax(void)
{
    archive_text_record(&a, "path", "../outside/evil");
    text("harmless");
}

static void dot_dot_of_gnu(void)
{
    archive_data(&a, "././@LongLink", 'L', "../outside/evil", 16);
    text("harmless");
}

static void dot_dot_of_the_prefix(void)
{
    struct tar_header header = header_of("outside/evil", '0', 0);
    memcpy(header.prefix, "..", 2);
    archive_header(&a, header);
}

static void absolute(void)
{
    text(secret);
}

static void absolute_lands_inside(void)
{
    holds(secret + 1, "evil");
}

static void parent_link_absolute(void)
{
    char where[PATH_MAX];
    snprintf(where, sizeof where, "%s/outside", home);
    symlink_to("link", where);
    text("link/evil");
}

static void parent_link_relative(void)
{
    symlink_to("link", "../outside");
    text("link/evil");
}

static void parent_link_to_the_root(void)
{
    symlink_to("link", "/../..");
    text("link/evil");
}

static void root_is_the_target(void)
{
    holds("evil", "evil");
}

static void parent_becomes_a_link(void)
{
    archive_directory(&a, "d");
    text("d/first");
    symlink_to("d", "../outside");
    text("d/evil");
}

static void chain_of_links(void)
{
    archive_directory(&a, "a/b");
    symlink_to("a/b/up", "../../../..");
    symlink_to("over", "a/b/up/outside");
    text("over/evil");
}

static void link_is_written_through(void)
{
    symlink_to("s", "../outside/secret");
    text("s");
}

static void link_is_replaced(void)
{
    holds("s", "evil");
}

static void directory_over_a_link(void)
{
    symlink_to("s", "../outside");
    archive_directory(&a, "s");
    text("s/evil");
}

static void directory_replaced_the_link(void)
{
    holds("s/evil", "evil");
}

static void late_attributes_through_a_link(void)
{
    struct tar_header header = header_of("d", '5', 0);
    memcpy(header.mode, "0004777", 8);
    archive_header(&a, header);
    archive_directory(&a, "e");
    memcpy(header.name, "e/below", 8);
    archive_header(&a, header);
    symlink_to("d", "../outside");
    symlink_to("e", "../outside");
}

static void links_in_a_loop(void)
{
    symlink_to("x", "y");
    symlink_to("y", "x");
    text("x/evil");
}

static void hard_link_out(void)
{
    hard_link_to("h", secret);
}

static void hard_link_dot_dot(void)
{
    hard_link_to("h", "../outside/secret");
}

static void hard_link_through_a_link(void)
{
    symlink_to("s", "../outside");
    hard_link_to("h", "s/secret");
}

static void hard_link_to_a_link(void)
{
    symlink_to("s", "../outside/secret");
    hard_link_to("h", "s");
    text("h");
}

static void hard_link_replaced(void)
{
    struct stat st;
    holds("h", "evil");
    assert_int_equal(fstatat(target, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void hard_link_to_a_directory(void)
{
    archive_directory(&a, "d");
    hard_link_to("h", "d");
}

static void hard_link_to_the_target(void)
{
    hard_link_to("h", "/.");
}

static void hard_link_to_itself(void)
{
    hard_link_to("h", "h");
}

static void hard_link_to_itself_again(void)
{
    text("h");
    hard_link_to("h", "./h");
}

static void still_there(void)
{
    holds("h", "evil");
}

static void hard_link_with_data(void)
{
    struct tar_header header = header_of("h", '1', 512);
    text("f");
    memcpy(header.link, "f", 1);
    archive_header(&a, header);
    text("g"); /* its data, a program may think */
}

static void link_has_no_data(void)
{
    holds("h", "evil");
    holds("g", "evil");
}

static void device_written_to(void)
{
    struct tar_header header = header_of("d", '3', 0);
    memcpy(header.major, "0000001", 8);
    memcpy(header.minor, "0000007", 8); /* full: writing would fail */
    archive_header(&a, header);
    text("d");
}

static void device_is_replaced(void)
{
    holds("d", "evil");
}

static void fifo_written_to(void)
{
    archive_data(&a, "d", '6', "", 0); /* opening would wait */
    text("d");
}

static void device_number_too_large(void)
{
    struct tar_header header = header_of("d", '3', 0);
    memcpy(header.major, "7777777", 8);
    archive_header(&a, header);
}

static void whiteout_dot(void)
{
    text(".wh..");
}

static void whiteout_dot_dot(void)
{
    text("d/.wh...");
}

static void whiteout_nothing(void)
{
    text(".wh.");
}

static void whiteout_directory(void)
{
    archive_directory(&a, ".wh./");
}

static void whiteout_parent(void)
{
    text(".wh.d/evil");
}

static void whiteout_out(void)
{
    symlink_to("s", "../outside");
    text("s/.wh.secret");
    text("s/.wh..wh..opq");
}

static void whiteout_of_a_link(void)
{
    symlink_to("s", "../outside");
    archive_end(&a);
}

static void whiteout_meta(void)
{
    text(".wh..wh.plnk/12.34");
    text(".wh..wh.aufs");
}

static void meta_is_left_out(void)
{
    assert_false(there(".wh..wh.plnk"));
    assert_false(there(".wh..wh.aufs"));
    assert_int_equal(skipped, 2);
}

static void bomb_of_size(void)
{
    struct tar_header header = header_of("big", '0', 0);
    memcpy(header.size, "\x80\0\0\0\x01\0\0\0\0\0\0\0", 12);
    archive_header(&a, header);
}

static void big_is_not_there(void)
{
    assert_false(there("big"));
}

static void bomb_of_count(void)
{
    for (int i = 0; i < 101; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        text(name);
    }
}

static void sparse(const char *map, const char *size)
{
    char block[TAR_BLOCK] = "";
    strncpy(block, map, sizeof block - 1);
    archive_text_record(&a, "GNU.sparse.major", "1");
    archive_text_record(&a, "GNU.sparse.minor", "0");
    archive_text_record(&a, "GNU.sparse.realsize", size);
    archive_data(&a, "big", '0', block, sizeof block);
}

static void bomb_of_holes(void)
{
    sparse("0\n", "1152921504606846976");
}

static void sparse_beyond_the_end(void)
{
    sparse("1\n4096\n0\n", "1000");
}

static void sparse_backwards(void)
{
    sparse("2\n4096\n0\n100\n0\n", "10000");
}

static void sparse_more_than_stored(void)
{
    sparse("1\n0\n100\n", "10000");
}

static void sparse_countless(void)
{
    sparse("999999999999999999\n", "10000");
}

static void sparse_no_number(void)
{
    sparse("-1\n0\n", "10000");
}

static void sparse_old_form_wraps(void)
{
    struct tar_header header = header_of("big", 'S', 0);
    char *bytes = (char *)&header;
    memcpy(bytes + 386, "77777777777", 12); /* with the next the sum wraps: base-256 */
    memcpy(bytes + 398, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    memcpy(bytes + 483, "00000001000", 12);
    archive_header(&a, header);
}

static void the_same_name_again(void)
{
    text("f");
    archive_directory(&a, "f");
    text("f/g");
    archive_file(&a, "f", "last");
}

static void last_wins(void)
{
    holds("f", "last");
}

static void not_utf8(void)
{
    text("caf\xe9\xff");
}

static void bytes_are_kept(void)
{
    holds("caf\xe9\xff", "evil");
}

static void nul_in_pax(void)
{
    archive_record(&a, "path", "a\0../outside", 12);
    text("harmless");
}

static void nul_in_a_pax_link(void)
{
    archive_record(&a, "linkpath", "a\0b", 3);
    symlink_to("s", "harmless");
}

static void nul_in_gnu(void)
{
    archive_data(&a, "././@LongLink", 'L', "good\0evil", 10);
    text("harmless");
}

static void negative_size(void)
{
    struct tar_header header = header_of("f", '0', 0);
    memset(header.size, 0xff, sizeof header.size);
    archive_header(&a, header);
}

static void size_of_letters(void)
{
    struct tar_header header = header_of("f", '0', 0);
    memcpy(header.size, "0000000000x", 12);
    archive_header(&a, header);
}

static void negative_pax_size(void)
{
    archive_text_record(&a, "size", "-1");
    text("f");
}

static void pax_size_wraps(void)
{
    archive_text_record(&a, "size", "18446744073709551615");
    text("f");
}

/* CVE-2025-62518: who takes the size from the header sees a second archive in the data. */
static void pax_size_hides_an_entry(void)
{
    struct archive inner = { 0 };
    archive_file(&inner, "smuggled", "evil");
    char size[24];
    snprintf(size, sizeof size, "%zu", inner.size);
    archive_text_record(&a, "size", size);
    archive_header(&a, header_of("outer", '0', 0));
    archive_bytes(&a, inner.data, inner.size);
    free(inner.data);
}

static void nothing_smuggled(void)
{
    assert_true(there("outer"));
    assert_false(there("smuggled"));
}

static void global_path(void)
{
    const char *record = "25 path=../outside/globe\n";
    archive_data(&a, "g", 'g', record, strlen(record));
    text("f");
}

static void global_is_passed_over(void)
{
    holds("f", "evil");
}

static void truncated_header(void)
{
    text("f");
    a.size = TAR_BLOCK + 4 + 508 + 100;
    archive_zeros(&a, 0);
}

static void truncated_data(void)
{
    archive_header(&a, header_of("f", '0', 5000));
    archive_zeros(&a, 600);
}

static void truncated_pax(void)
{
    archive_header(&a, header_of("x", 'x', 5000));
    archive_zeros(&a, 600);
}

static void truncated_before_the_end_mark(void)
{
    text("f");
}

static void wrong_checksum(void)
{
    text("f");
    a.data[1] ^= 1;
}

static void no_archive(void)
{
    for (int i = 0; i < 200; i++)
        archive_bytes(&a, "plain text, ", 12);
}

static void long_name_of_a_gigabyte(void)
{
    archive_header(&a, header_of("././@LongLink", 'L', 1 << 30));
}

static void long_name(size_t size, char every, size_t step)
{
    char *name = malloc(size + 1);
    memset(name, 'n', size);
    for (size_t i = step; i < size; i += step)
        name[i] = every;
    name[size] = '\0';
    archive_record(&a, "path", name, size);
    free(name);
    text("f");
}

static void name_of_5000(void)
{
    long_name(5000, '/', 100);
}

static void part_of_300(void)
{
    long_name(300, '/', 300);
}

static void depth_of_300(void)
{
    long_name(600, '/', 2);
}

static void pax_of_gigabytes(void)
{
    archive_header(&a, header_of("x", 'x', (uint64_t)4 << 30));
}

static void records(const char *bytes)
{
    archive_data(&a, "x", 'x', bytes, strlen(bytes));
    text("f");
}

static void record_too_long(void)
{
    records("99999999999999999999 path=f\n");
}

static void record_beyond_the_end(void)
{
    records("500 path=f\n");
}

static void record_of_nothing(void)
{
    records("0 path=f\n");
}

static void record_without_end(void)
{
    records("10 path=f");
}

static void record_without_value(void)
{
    records("8 path\n\n");
}

static void too_many_attributes(void)
{
    for (int i = 0; i < 1100; i++) {
        char key[64];
        snprintf(key, sizeof key, "SCHILY.xattr.user.n%d", i);
        archive_text_record(&a, key, "v");
    }
    text("f");
}

static void extended_header_alone(void)
{
    archive_text_record(&a, "path", "f");
}

static void capability_of_garbage(void)
{
    archive_text_record(&a, "SCHILY.xattr.security.capability", "garbage");
    text("f");
}

static void overlay_attributes(void)
{
    static const char *const keys[] = { "trusted.overlay.opaque", "trusted.overlay.redirect", "user.overlay.opaque",
                                        "user.overlay.whiteout" };
    for (int i = 0; i < 4; i++) {
        char key[64];
        snprintf(key, sizeof key, "SCHILY.xattr.%s", keys[i]);
        archive_text_record(&a, key, i == 1 ? "/etc" : "y");
    }
    archive_directory(&a, "d");
}

static void no_overlay_attributes(void)
{
    char names[256];
    cleanup_close int dir = openat(target, "d", O_RDONLY | O_CLOEXEC);
    assert_int_equal(flistxattr(dir, names, sizeof names), 0);
    assert_int_equal(skipped, 4);
}

static void attribute_of_no_kind(void)
{
    archive_text_record(&a, "SCHILY.xattr.evil.name", "v");
    text("f");
}

static void one_skipped(void)
{
    holds("f", "evil");
    assert_int_equal(skipped, 1);
}

static void acl_of_names(void)
{
    archive_text_record(&a, "SCHILY.acl.access", "user::rw-,user:eve:rwx,group::r--,mask::rwx,other::r--");
    text("f");
}

static void acl_of_garbage(void)
{
    archive_text_record(&a, "SCHILY.xattr.system.posix_acl_access", "garbage");
    text("f");
}

static void set_uid(void)
{
    struct tar_header header = header_of("f", '0', 0);
    memcpy(header.mode, "0006755", 8);
    archive_header(&a, header);
}

static void no_set_uid(void)
{
    struct stat st;
    assert_int_equal(fstatat(target, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void owner_of_minus_one(void)
{
    archive_text_record(&a, "uid", "4294967295");
    text("f");
}

static void owner_without_place(void)
{
    archive_text_record(&a, "gid", "65536");
    text("f");
}

static void negative_owner(void)
{
    struct tar_header header = header_of("f", '0', 0);
    memset(header.uid, 0xff, sizeof header.uid);
    archive_header(&a, header);
}

static void unknown_type(void)
{
    archive_data(&a, "f", 'Z', "", 0);
}

static void no_name(void)
{
    text("");
}

static void target_as_a_file(void)
{
    archive_data(&a, "/", '0', "", 0); /* v7: a directory, for its slash */
    symlink_to(".", "../outside");
}

static void link_to_nothing(void)
{
    symlink_to("s", "");
}

/* --- Each in turn --------------------------------------------------------------------------------------------------------------------- */

enum { OWNED = 1, SQUASH = 2, MAPPED = 4, NO_END = 8 };

struct hostile {
    const char *name; /* the class, with a CVE of its kind where one is known for it */
    void (*make)(void);
    int code; /* 0: harmless, and @check says how */
    const char *says;
    void (*check)(void);
    int how;
};

static const struct hostile cases[] = {
    { "`..` in a name (CVE-2001-1267)", dot_dot, EINVAL, "../outside/evil", NULL, 0 },
    { "`..` in the middle of a name", dot_dot_in_the_middle, EINVAL, "`..`", NULL, 0 },
    { "`..` alone", dot_dot_alone, EINVAL, "`..`", NULL, 0 },
    { "`..` in a pax name", dot_dot_of_pax, EINVAL, "`..`", NULL, 0 },
    { "`..` in a GNU long name", dot_dot_of_gnu, EINVAL, "`..`", NULL, 0 },
    { "`..` in a prefix", dot_dot_of_the_prefix, EINVAL, "`..`", NULL, 0 },
    { "an absolute name (CVE-2002-0399)", absolute, 0, NULL, absolute_lands_inside, 0 },
    { "a parent that is an absolute link (CVE-2018-15664)", parent_link_absolute, ENOENT, "link", NULL, 0 },
    { "a parent that is a relative link (CVE-2021-29136)", parent_link_relative, ENOENT, "link", NULL, 0 },
    { "a parent that is a link to the root", parent_link_to_the_root, 0, NULL, root_is_the_target, 0 },
    { "a parent replaced by a link (CVE-2025-45582)", parent_becomes_a_link, ENOENT, "d/evil", NULL, 0 },
    { "links over links", chain_of_links, ENOENT, "over", NULL, 0 },
    { "a file written through a link (CVE-2021-32803)", link_is_written_through, 0, NULL, link_is_replaced, 0 },
    { "a directory over a link (CVE-2021-37701)", directory_over_a_link, 0, NULL, directory_replaced_the_link, 0 },
    { "late attributes through a link (CVE-2021-31566)", late_attributes_through_a_link, 0, NULL, NULL, 0 },
    { "links in a loop", links_in_a_loop, ELOOP, "x/evil", NULL, 0 },
    { "a hard link to an absolute name (CVE-2014-6407)", hard_link_out, ENOENT, "outside/secret", NULL, 0 },
    { "a hard link to `..`", hard_link_dot_dot, EINVAL, "`..`", NULL, 0 },
    { "a hard link through a link", hard_link_through_a_link, ENOENT, "s/secret", NULL, 0 },
    { "a hard link to a link that is then written (CVE-2018-20834)", hard_link_to_a_link, 0, NULL, hard_link_replaced,
      0 },
    { "a hard link to a directory", hard_link_to_a_directory, EINVAL, "directory", NULL, 0 },
    { "a hard link to the target", hard_link_to_the_target, EINVAL, "target itself", NULL, 0 },
    { "a hard link to itself, which is not there", hard_link_to_itself, ENOENT, "`h`", NULL, 0 },
    { "a hard link to itself", hard_link_to_itself_again, 0, NULL, still_there, 0 },
    { "a hard link with data (CVE-2016-5418)", hard_link_with_data, 0, NULL, link_has_no_data, 0 },
    { "a device that is then written", device_written_to, 0, NULL, device_is_replaced, 0 },
    { "a fifo that is then written", fifo_written_to, 0, NULL, device_is_replaced, 0 },
    { "a device number out of range", device_number_too_large, EINVAL, "device number", NULL, 0 },
    { "a whiteout of `.`", whiteout_dot, EINVAL, "whiteout", NULL, 0 },
    { "a whiteout of `..`", whiteout_dot_dot, EINVAL, "whiteout", NULL, 0 },
    { "a whiteout of nothing", whiteout_nothing, EINVAL, "whiteout", NULL, 0 },
    { "a whiteout of nothing, a directory", whiteout_directory, EINVAL, "whiteout", NULL, 0 },
    { "something in a whiteout", whiteout_parent, EINVAL, "whiteout", NULL, 0 },
    { "whiteouts through a link", whiteout_out, 0, NULL, NULL, 0 },
    { "a link to outside, left alone", whiteout_of_a_link, 0, NULL, NULL, 0 },
    { "reserved whiteout names", whiteout_meta, 0, NULL, meta_is_left_out, 0 },
    { "a bomb of size", bomb_of_size, EFBIG, "big", big_is_not_there, 0 },
    { "a bomb of entries", bomb_of_count, EFBIG, "100 entries", NULL, 0 },
    { "a bomb of holes", bomb_of_holes, EFBIG, "big", big_is_not_there, 0 },
    { "a sparse piece beyond the end", sparse_beyond_the_end, EINVAL, "pieces", NULL, 0 },
    { "sparse pieces out of order", sparse_backwards, EINVAL, "pieces", NULL, 0 },
    { "sparse pieces longer than the data", sparse_more_than_stored, EINVAL, "pieces", NULL, 0 },
    { "countless sparse pieces", sparse_countless, EINVAL, "pieces", NULL, 0 },
    { "sparse pieces of no number", sparse_no_number, EINVAL, "pieces", NULL, 0 },
    { "sparse pieces that wrap", sparse_old_form_wraps, EINVAL, "pieces", NULL, 0 },
    { "the same name as all kinds", the_same_name_again, 0, NULL, last_wins, 0 },
    { "a name that is not UTF-8", not_utf8, 0, NULL, bytes_are_kept, 0 },
    { "a NUL in a pax name", nul_in_pax, EINVAL, "path", NULL, 0 },
    { "a NUL in a pax link", nul_in_a_pax_link, EINVAL, "linkpath", NULL, 0 },
    { "a NUL in a GNU long name", nul_in_gnu, EINVAL, "NUL", NULL, 0 },
    { "a negative size", negative_size, EINVAL, "size", NULL, 0 },
    { "a size of letters", size_of_letters, EINVAL, "size", NULL, 0 },
    { "a negative pax size", negative_pax_size, EINVAL, "size", NULL, 0 },
    { "a pax size that wraps", pax_size_wraps, EINVAL, "size", NULL, 0 },
    { "an entry hidden by a pax size (CVE-2025-62518)", pax_size_hides_an_entry, 0, NULL, nothing_smuggled, 0 },
    { "a global pax name", global_path, 0, NULL, global_is_passed_over, 0 },
    { "truncated in a header", truncated_header, EIO, "too early", NULL, NO_END },
    { "truncated in data", truncated_data, EIO, "too early", NULL, NO_END },
    { "truncated in a pax header", truncated_pax, EIO, "too early", NULL, NO_END },
    { "truncated before the end mark", truncated_before_the_end_mark, EIO, "too early", NULL, NO_END },
    { "a wrong checksum", wrong_checksum, EINVAL, "checksum", NULL, 0 },
    { "no archive", no_archive, EINVAL, "no tar archive", NULL, 0 },
    { "a long name of a gigabyte", long_name_of_a_gigabyte, ENAMETOOLONG, "1073741824", NULL, 0 },
    { "a name of 5000 bytes", name_of_5000, ENAMETOOLONG, "nnn", NULL, 0 },
    { "a part of a name of 300 bytes", part_of_300, ENAMETOOLONG, "nnn", NULL, 0 },
    { "300 directories deep", depth_of_300, ENAMETOOLONG, "n/n", NULL, 0 },
    { "a pax header of gigabytes", pax_of_gigabytes, EFBIG, "extended header", NULL, 0 },
    { "a pax record of an absurd length", record_too_long, EINVAL, "extended header", NULL, 0 },
    { "a pax record beyond the header's end", record_beyond_the_end, EINVAL, "extended header", NULL, 0 },
    { "a pax record of no length", record_of_nothing, EINVAL, "extended header", NULL, 0 },
    { "a pax record without end", record_without_end, EINVAL, "extended header", NULL, 0 },
    { "a pax record without value", record_without_value, EINVAL, "extended header", NULL, 0 },
    { "too many attributes", too_many_attributes, EINVAL, "xattr", NULL, 0 },
    { "an extended header alone", extended_header_alone, EINVAL, "extended header", NULL, 0 },
    { "capabilities of garbage", capability_of_garbage, EINVAL, "security.capability", NULL, 0 },
    { "attributes of overlays", overlay_attributes, 0, NULL, no_overlay_attributes, 0 },
    { "an attribute of no kind", attribute_of_no_kind, 0, NULL, one_skipped, 0 },
    { "an access control list of names", acl_of_names, 0, NULL, one_skipped, 0 },
    { "an access control list of garbage", acl_of_garbage, 0, NULL, one_skipped, 0 },
    { "set-id bits where owners are not the archive's", set_uid, 0, NULL, no_set_uid, SQUASH },
    { "owner -1, which is none to chown", owner_of_minus_one, EOVERFLOW, "4294967295", NULL, OWNED },
    { "a group beyond the map", owner_without_place, EOVERFLOW, "65536", NULL, MAPPED },
    { "a negative owner", negative_owner, EINVAL, "owner", NULL, 0 },
    { "an unknown type", unknown_type, EINVAL, "unknown type", NULL, 0 },
    { "no name", no_name, EINVAL, "without a name", NULL, 0 },
    { "the target as a link", target_as_a_file, EINVAL, "target itself", NULL, 0 },
    { "a link to nothing", link_to_nothing, EINVAL, "nothing", NULL, 0 },
};
enum { CASES = sizeof cases / sizeof *cases };

static void count_skipped(const char *path, const char *why, void *data)
{
    skipped++;
}

static void unpack_it(const struct hostile *hostile, struct err *err)
{
    static const struct id_map map = { 0, 0, 65536 };
    struct tar_unpack options = {
        .squash = (geteuid() != 0 && !(hostile->how & OWNED)) || (hostile->how & SQUASH),
        .max_entries = 100,
        .skipped = count_skipped,
    };
    if (hostile->how & MAPPED) {
        options.squash = false;
        options.ids = (struct tar_ids){ &map, &map, 1, 1 };
    }
    struct source *from = source_memory(a.data, a.size, NULL);
    int result = tar_unpack(from, target, &options, NULL, err);
    source_close(from);
    assert_int_equal(result, err->code ? -1 : 0);
}

static void harms_nothing(void **state)
{
    const struct hostile *hostile = *state;
    struct err err = { 0 };
    struct digest before = outside();
    mkdirat(home_fd, "target", 0755);
    target = openat(home_fd, "target", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    a.size = 0;
    skipped = 0;
    hostile->make();
    if (!(hostile->how & NO_END))
        archive_end(&a);
    unpack_it(hostile, &err);
    if (err.code != hostile->code)
        fail_msg("%d (%s) instead of %d", err.code, err.message, hostile->code);
    if (hostile->says && !strstr(err.message, hostile->says))
        fail_msg("`%s` does not say `%s`", err.message, hostile->says);
    if (hostile->check)
        hostile->check();
    close(target);

    /* Nothing beside the target, and nothing else than it was. */
    assert_int_equal(rootfs_remove_tree(home_fd, "target", NULL), 0);
    struct digest after = outside();
    assert_string_equal(after.text, before.text);
    cleanup_dir DIR *dir = fdopendir(openat(home_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            assert_string_equal(entry->d_name, "outside");
}

int main(void)
{
    struct CMUnitTest tests[CASES];
    for (size_t i = 0; i < CASES; i++) {
        void *state = (void *)(uintptr_t)&cases[i];
        tests[i] = (struct CMUnitTest){ cases[i].name, harms_nothing, NULL, NULL, state };
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("tar_hostile", tests, make_world, remove_world);
}
