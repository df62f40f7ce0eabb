/* Archives that lead elsewhere: by names, links, devices and whiteouts. */
#include "tests/unit/tar_hostile.h"

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
    { "no name", no_name, EINVAL, "without a name", NULL, 0 },
    { "the target as a link", target_as_a_file, EINVAL, "target itself", NULL, 0 },
    { "a link to nothing", link_to_nothing, EINVAL, "nothing", NULL, 0 },
};

int main(void)
{
    return run_hostile("tar_escape", cases, sizeof cases / sizeof *cases);
}
