#include "engine/rootfs/elf_file.h"

#include "engine/base/cleanup.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far above anything real, so that a hostile file costs little time and memory. */
enum {
    MAX_DYNAMIC = 1 << 20, /* bytes of the dynamic section */
    MAX_NEEDS = 4096,      /* libraries one file may ask for, and versions it may ask of them */
    MAX_STRING = 64 * 1024,
};

struct segment {
    uint64_t address, offset, size;
};

/* One file while it is read. A window of bytes is kept, since neighbouring strings are the usual case. */
struct reader {
    int fd;
    struct arena *arena;
    struct elf_file *file;
    bool wide, swap;
    struct segment *loads;
    size_t load_count;
    uint64_t strings, strings_size; /* DT_STRTAB as a file offset, DT_STRSZ */
    uint64_t window_start;
    size_t window_size;
    unsigned char window[4096];
};

static uint16_t u16(const struct reader *r, const unsigned char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return r->swap ? __builtin_bswap16(v) : v;
}

static uint32_t u32(const struct reader *r, const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return r->swap ? __builtin_bswap32(v) : v;
}

/* An address, an offset or a size: as wide as the file's class. */
static uint64_t word(const struct reader *r, const unsigned char *p)
{
    if (!r->wide)
        return u32(r, p);
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return r->swap ? __builtin_bswap64(v) : v;
}

/* As many of the @size bytes at @offset as the file has; -1 where they cannot be read. */
static ssize_t read_some(int fd, void *buf, size_t size, uint64_t offset)
{
    size_t got = 0;
    if (offset > INT64_MAX - size)
        return 0;
    while (got < size) {
        ssize_t n = pread(fd, (char *)buf + got, size - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* At least @size readable bytes at @offset, inside the window; NULL where the file ends before. */
static const unsigned char *look(struct reader *r, uint64_t offset, size_t size)
{
    if (offset >= r->window_start && offset - r->window_start < r->window_size &&
        r->window_size - (offset - r->window_start) >= size)
        return r->window + (offset - r->window_start);
    ssize_t n = read_some(r->fd, r->window, sizeof r->window, offset);
    r->window_start = offset;
    r->window_size = n > 0 ? (size_t)n : 0;
    return r->window_size >= size ? r->window : NULL;
}

/* The string at @offset, which must end within @limit bytes and within the file. */
static const char *read_string(struct reader *r, uint64_t offset, uint64_t limit)
{
    for (int again = 0; again < 2; again++) {
        const unsigned char *p = look(r, offset, 1);
        if (!p)
            return NULL;
        size_t room = r->window_size - (size_t)(p - r->window);
        const unsigned char *end = memchr(p, 0, room < limit ? room : (size_t)limit);
        if (end)
            return arena_copy(r->arena, (const char *)p, (size_t)(end - p));
        if (limit <= room)
            return NULL;
        r->window_size = 0; /* it may have been cut by the window's end: read again from its start */
    }
    size_t size = limit < MAX_STRING ? (size_t)limit : MAX_STRING;
    cleanup_free char *text = malloc(size);
    if (!text)
        return NULL;
    ssize_t n = read_some(r->fd, text, size, offset);
    const char *end = n > 0 ? memchr(text, 0, (size_t)n) : NULL;
    return end ? arena_copy(r->arena, text, (size_t)(end - text)) : NULL;
}

static const char *dynamic_string(struct reader *r, uint64_t at)
{
    if (at >= r->strings_size || r->strings > UINT64_MAX - at)
        return NULL;
    return read_string(r, r->strings + at, r->strings_size - at);
}

/* Where in the file the byte is that would be loaded at @address. */
static bool find_address(const struct reader *r, uint64_t address, uint64_t *offset, uint64_t *size)
{
    for (size_t i = 0; i < r->load_count; i++) {
        const struct segment *s = &r->loads[i];
        if (address < s->address || address - s->address >= s->size || s->offset > UINT64_MAX - s->size)
            continue;
        *offset = s->offset + (address - s->address);
        *size = s->size - (address - s->address);
        return true;
    }
    return false;
}

/* The checks ld.so makes of a header, in its order and words. */
static const char *read_header(struct reader *r, uint64_t *table, size_t *count)
{
    struct elf_file *file = r->file;
    const unsigned char *h = look(r, 0, sizeof(Elf32_Ehdr));
    if (!h)
        return "file too short";
    if (memcmp(h, ELFMAG, SELFMAG) != 0)
        return "invalid ELF header";
    if (h[EI_CLASS] != ELFCLASS32 && h[EI_CLASS] != ELFCLASS64)
        return "invalid ELF header";
    if (h[EI_DATA] != ELFDATA2LSB && h[EI_DATA] != ELFDATA2MSB)
        return "invalid ELF header";
    r->wide = h[EI_CLASS] == ELFCLASS64;
    r->swap = (h[EI_DATA] == ELFDATA2LSB) != (BYTE_ORDER == LITTLE_ENDIAN);
    if (r->wide && !(h = look(r, 0, sizeof(Elf64_Ehdr))))
        return "file too short";
    file->identity = (struct elf_identity){ .elf_class = h[EI_CLASS], .data = h[EI_DATA], .machine = u16(r, h + 18) };
    file->type = u16(r, h + 16);
    if (h[EI_VERSION] != EV_CURRENT)
        return "ELF file version ident does not match current one";
    if (h[EI_OSABI] != ELFOSABI_SYSV && h[EI_OSABI] != ELFOSABI_GNU)
        return "ELF file OS ABI invalid";
    if (u32(r, h + 20) != EV_CURRENT)
        return "ELF file version does not match current one";
    if (file->type != ET_DYN && file->type != ET_EXEC)
        return "only ET_DYN and ET_EXEC can be loaded";
    file->flags = u32(r, h + (r->wide ? 48 : 36));
    if (u16(r, h + (r->wide ? 54 : 42)) != (r->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
        return "ELF file's phentsize not the expected size";
    *table = word(r, h + (r->wide ? 32 : 28));
    *count = u16(r, h + (r->wide ? 56 : 44));
    return NULL;
}

struct program_header {
    uint32_t type;
    uint64_t offset, address, size;
};

static struct program_header decode_program_header(const struct reader *r, const unsigned char *p)
{
    return (struct program_header){
        .type = u32(r, p),
        .offset = word(r, p + (r->wide ? 8 : 4)),
        .address = word(r, p + (r->wide ? 16 : 8)),
        .size = word(r, p + (r->wide ? 32 : 16)),
    };
}

/* PT_LOAD into @r, PT_INTERP into the file, PT_DYNAMIC into @dynamic. */
static const char *read_program_headers(struct reader *r, uint64_t table, size_t count, struct program_header *dynamic)
{
    size_t entry = r->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    cleanup_free unsigned char *headers = malloc(count * entry + 1);
    r->loads = calloc(count + 1, sizeof *r->loads);
    if (!headers || !r->loads)
        return "cannot allocate memory";
    if (count * entry <= sizeof r->window) {
        const unsigned char *near = look(r, table, count * entry);
        if (!near)
            return "cannot read file data";
        memcpy(headers, near, count * entry);
    } else if (read_some(r->fd, headers, count * entry, table) != (ssize_t)(count * entry)) {
        return "cannot read file data";
    }
    for (size_t i = 0; i < count; i++) {
        struct program_header h = decode_program_header(r, headers + i * entry);
        if (h.type == PT_LOAD) {
            r->loads[r->load_count++] = (struct segment){ .address = h.address, .offset = h.offset, .size = h.size };
        } else if (h.type == PT_DYNAMIC) {
            r->file->has_dynamic = true;
            *dynamic = h;
        } else if (h.type == PT_INTERP) {
            r->file->interpreter = read_string(r, h.offset, h.size < PATH_MAX ? h.size : PATH_MAX);
            if (!r->file->interpreter || !*r->file->interpreter)
                return "the program interpreter's name cannot be read";
        }
    }
    return r->load_count ? NULL : "object file has no loadable segments";
}

/* DT_VERNEED: a list of files, each with a list of versions. */
static const char *read_versions(struct reader *r, uint64_t address, uint64_t count)
{
    uint64_t at, room;
    if (!address || !find_address(r, address, &at, &room))
        return NULL;
    size_t limit = 0;
    struct elf_version *versions = NULL;
    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *need = look(r, at, sizeof(Elf64_Verneed));
        if (!need)
            break;
        uint16_t inner_count = u16(r, need + 2);
        uint32_t name = u32(r, need + 4), next = u32(r, need + 12);
        uint64_t inner = at + u32(r, need + 8);
        const char *file = dynamic_string(r, name);
        for (uint16_t j = 0; file && j < inner_count; j++) {
            const unsigned char *aux = look(r, inner, sizeof(Elf64_Vernaux));
            if (!aux)
                break;
            bool weak = u16(r, aux + 4) & VER_FLG_WEAK;
            uint32_t version_name = u32(r, aux + 8), inner_next = u32(r, aux + 12);
            const char *version = dynamic_string(r, version_name);
            if (!version || r->file->version_count >= MAX_NEEDS)
                break;
            if (r->file->version_count == limit) {
                size_t bigger = limit ? limit * 2 : 16;
                struct elf_version *grown = arena_alloc(r->arena, bigger * sizeof *grown);
                if (!grown)
                    return "cannot allocate memory";
                if (limit)
                    memcpy(grown, versions, limit * sizeof *grown);
                versions = grown;
                limit = bigger;
            }
            versions[r->file->version_count++] = (struct elf_version){ .file = file, .version = version, .weak = weak };
            if (!inner_next)
                break;
            inner += inner_next;
        }
        if (!next || r->file->version_count >= MAX_NEEDS)
            break;
        at += next;
    }
    r->file->versions = versions;
    return NULL;
}

struct dynamic_entry {
    uint64_t tag, value;
};

static struct dynamic_entry dynamic_entry(const struct reader *r, const unsigned char *entries, size_t i)
{
    size_t half = r->wide ? 8 : 4;
    return (struct dynamic_entry){ .tag = word(r, entries + i * 2 * half),
                                   .value = word(r, entries + (i * 2 + 1) * half) };
}

static bool is_need(uint64_t tag)
{
    return tag == DT_NEEDED || tag == DT_FILTER || tag == DT_AUXILIARY;
}

/* The strings that the dynamic entries point at. */
static const char *read_dynamic_strings(struct reader *r, const unsigned char *entries, size_t count, size_t needs)
{
    struct elf_file *file = r->file;
    file->needs = arena_alloc(r->arena, (needs + 1) * sizeof *file->needs);
    if (!file->needs)
        return "cannot allocate memory";
    for (size_t i = 0; i < count; i++) {
        struct dynamic_entry e = dynamic_entry(r, entries, i);
        const char **where = is_need(e.tag)        ? &file->needs[file->need_count]
                             : e.tag == DT_SONAME  ? &file->soname
                             : e.tag == DT_RPATH   ? &file->rpath
                             : e.tag == DT_RUNPATH ? &file->runpath
                                                   : NULL;
        if (!where)
            continue;
        *where = dynamic_string(r, e.value);
        if (!*where)
            return "a name in the dynamic section lies outside its string table";
        if (is_need(e.tag))
            file->need_count++;
    }
    if (file->runpath)
        file->rpath = NULL;
    return NULL;
}

static const char *read_dynamic(struct reader *r, const struct program_header *header, bool with_versions)
{
    uint64_t offset = header->offset, room = header->size;
    find_address(r, header->address, &offset, &room);
    if (room > header->size)
        room = header->size;
    size_t size = room < MAX_DYNAMIC ? (size_t)room : MAX_DYNAMIC;
    cleanup_free unsigned char *entries = malloc(size + 1);
    if (!entries)
        return "cannot allocate memory";
    ssize_t n = read_some(r->fd, entries, size, offset);
    if (n < 0)
        return "cannot read file data";
    size_t limit = (size_t)n / (r->wide ? 16 : 8), count = 0, needs = 0;
    uint64_t table = 0, version_table = 0, version_count = 0;
    for (; count < limit; count++) {
        struct dynamic_entry e = dynamic_entry(r, entries, count);
        if (e.tag == DT_NULL)
            break;
        if (is_need(e.tag))
            needs++;
        else if (e.tag == DT_STRTAB)
            table = e.value;
        else if (e.tag == DT_STRSZ)
            r->strings_size = e.value;
        else if (e.tag == DT_VERNEED)
            version_table = e.value;
        else if (e.tag == DT_VERNEEDNUM)
            version_count = e.value;
        if (e.tag == DT_FLAGS_1) {
            r->file->is_pie = e.value & DF_1_PIE;
            r->file->no_default_path = e.value & DF_1_NODEFLIB;
        }
    }
    if (needs > MAX_NEEDS)
        return "asks for more than 4096 libraries";
    uint64_t left = 0;
    if (table && find_address(r, table, &r->strings, &left) && r->strings_size > left)
        r->strings_size = left;
    if (!left)
        r->strings_size = 0;
    const char *why = read_dynamic_strings(r, entries, count, needs);
    return why || !with_versions ? why : read_versions(r, version_table, version_count);
}

struct elf_file *elf_file_read(int fd, bool with_versions, struct arena *arena)
{
    struct reader r = { .fd = fd, .arena = arena, .file = arena_alloc(arena, sizeof(struct elf_file)) };
    struct stat st;
    if (!r.file)
        return NULL;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        r.file->why = "not a regular file";
        return r.file;
    }
    r.file->device = st.st_dev;
    r.file->inode = st.st_ino;
    uint64_t table = 0;
    size_t count = 0;
    struct program_header dynamic = { 0 };
    r.file->why = read_header(&r, &table, &count);
    if (!r.file->why)
        r.file->why = read_program_headers(&r, table, count, &dynamic);
    if (!r.file->why && r.file->has_dynamic)
        r.file->why = read_dynamic(&r, &dynamic, with_versions);
    free(r.loads);
    return r.file;
}
