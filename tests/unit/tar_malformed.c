/* Archives that lie about themselves, or are too much: bombs, sparse files, sizes, extended headers, attributes and owners, and what ends too early. */
#include "tests/unit/tar_hostile.h"

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

static const struct hostile cases[] = {
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
};

int main(void)
{
    return run_hostile("tar_malformed", cases, sizeof cases / sizeof *cases);
}
