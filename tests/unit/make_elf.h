/** Small ELF files for tests, of any machine, written byte by byte: one PT_LOAD over the whole file, PT_INTERP, PT_DYNAMIC. */
#ifndef TESTS_UNIT_MAKE_ELF_H
#define TESTS_UNIT_MAKE_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct elf_recipe {
    bool narrow, big; /* class 32, most significant byte first */
    uint16_t machine; /* 0: EM_X86_64 */
    uint32_t flags;
    const char *interpreter, *soname, *rpath, *runpath;
    const char *needs[8];
    uint64_t flags_1;
};

struct elf_image {
    unsigned char bytes[8192];
    size_t size;
    const struct elf_recipe *recipe;
};

static inline void elf_put(struct elf_image *e, size_t at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        e->bytes[at + (e->recipe->big ? width - 1 - i : i)] = (unsigned char)(value >> (8 * i));
    if (at + width > e->size)
        e->size = at + width;
}

static inline size_t elf_put_string(struct elf_image *e, const char *s)
{
    size_t at = e->size;
    memcpy(e->bytes + at, s, strlen(s) + 1);
    e->size += strlen(s) + 1;
    return at;
}

static inline void elf_put_program_header(struct elf_image *e, unsigned index, uint32_t type, uint64_t offset,
                                          uint64_t size)
{
    size_t word = e->recipe->narrow ? 4 : 8, at = (e->recipe->narrow ? 52 : 64) + index * (e->recipe->narrow ? 32 : 56);
    size_t first = e->recipe->narrow ? 4 : 8; /* p_flags comes before p_offset in class 64, late in class 32 */
    elf_put(e, at, type, 4);
    elf_put(e, at + first, offset, word);
    elf_put(e, at + first + word, offset, word);
    elf_put(e, at + first + 3 * word, size, word);
    elf_put(e, at + first + 4 * word, size, word);
}

static inline void elf_make(struct elf_image *e, const struct elf_recipe *recipe)
{
    enum { DYNAMIC_AT = 512, STRINGS_AT = 1024 };
    *e = (struct elf_image){ .recipe = recipe };
    bool narrow = recipe->narrow;
    size_t word = narrow ? 4 : 8, dynamic = DYNAMIC_AT;
    memcpy(e->bytes, ELFMAG, SELFMAG);
    e->bytes[EI_CLASS] = narrow ? ELFCLASS32 : ELFCLASS64;
    e->bytes[EI_DATA] = recipe->big ? ELFDATA2MSB : ELFDATA2LSB;
    e->bytes[EI_VERSION] = EV_CURRENT;
    elf_put(e, 16, ET_DYN, 2);
    elf_put(e, 18, recipe->machine ? recipe->machine : EM_X86_64, 2);
    elf_put(e, 20, EV_CURRENT, 4);
    elf_put(e, narrow ? 28 : 32, narrow ? 52 : 64, word);
    elf_put(e, narrow ? 36 : 48, recipe->flags, 4);
    elf_put(e, narrow ? 42 : 54, narrow ? 32 : 56, 2);
    elf_put(e, narrow ? 44 : 56, recipe->interpreter ? 3 : 2, 2);

    e->size = STRINGS_AT + 1; /* offset 0 of a string table is the empty string */
    struct {
        int64_t tag;
        const char *text;
    } strings[12] = { { DT_SONAME, recipe->soname }, { DT_RPATH, recipe->rpath }, { DT_RUNPATH, recipe->runpath } };
    for (size_t i = 0; i < 8 && recipe->needs[i]; i++)
        strings[3 + i].tag = DT_NEEDED, strings[3 + i].text = recipe->needs[i];
    for (size_t i = 0; i < 12; i++) {
        if (!strings[i].text)
            continue;
        size_t at = elf_put_string(e, strings[i].text), end = e->size;
        elf_put(e, dynamic, (uint64_t)strings[i].tag, word);
        elf_put(e, dynamic + word, at - STRINGS_AT, word);
        e->size = end;
        dynamic += 2 * word;
    }
    size_t strings_end = e->size;
    size_t interpreter = recipe->interpreter ? elf_put_string(e, recipe->interpreter) : 0;
    const uint64_t rest[][2] = { { DT_STRTAB, STRINGS_AT },
                                 { DT_STRSZ, strings_end - STRINGS_AT },
                                 { DT_FLAGS_1, recipe->flags_1 },
                                 { DT_NULL, 0 } };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++, dynamic += 2 * word) {
        elf_put(e, dynamic, rest[i][0], word);
        elf_put(e, dynamic + word, rest[i][1], word);
    }
    elf_put_program_header(e, 0, PT_LOAD, 0, e->size);
    elf_put_program_header(e, 1, PT_DYNAMIC, DYNAMIC_AT, dynamic - DYNAMIC_AT);
    if (recipe->interpreter)
        elf_put_program_header(e, 2, PT_INTERP, interpreter, strlen(recipe->interpreter) + 1);
}

#endif
