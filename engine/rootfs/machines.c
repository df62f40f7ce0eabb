#include "engine/rootfs/machines.h"

#include <elf.h>
#if defined __x86_64__ && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#define HAVE_X86_FEATURES 1
#else
#define HAVE_X86_FEATURES 0
#endif

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

#define ID(class, order, em)                                                                                           \
    {                                                                                                                  \
        ELFCLASS##class, ELFDATA2##order, EM_##em                                                                      \
    }

static const struct machine machines[] = {
    { ID(64, LSB, X86_64), 0, 0, "x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2", "lib64", "x86_64", "x86_64", 0x0303,
      "linux-vdso.so.1" },
    { ID(32, LSB, 386), 0, 0, "i386-linux-gnu", "/lib/ld-linux.so.2", "lib32", "i686", "i386", 0x0003,
      "linux-gate.so.1" },
    { ID(32, LSB, X86_64), 0, 0, "x86_64-linux-gnux32", "/libx32/ld-linux-x32.so.2", "libx32", "x86_64", "x32", 0x0803,
      "linux-vdso.so.1" },
    { ID(64, LSB, AARCH64), 0, 0, "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1", "lib64", "aarch64", "aarch64",
      0x0a03, "linux-vdso.so.1" },
    { ID(32, LSB, ARM), EF_ARM_ABI_FLOAT_HARD, EF_ARM_ABI_FLOAT_HARD, "arm-linux-gnueabihf", "/lib/ld-linux-armhf.so.3",
      "lib", "v7l", "armhf", 0x0903, "linux-vdso.so.1" },
    { ID(32, LSB, ARM), EF_ARM_ABI_FLOAT_HARD, 0, "arm-linux-gnueabi", "/lib/ld-linux.so.3", "lib", "v7l", "arm",
      0x0b03, "linux-vdso.so.1" },
    { ID(64, LSB, RISCV), 0, 0, "riscv64-linux-gnu", "/lib/ld-linux-riscv64-lp64d.so.1", "lib64", "riscv64", "riscv64",
      0x1003, "linux-vdso.so.1" },
    { ID(64, LSB, PPC64), 0, 0, "powerpc64le-linux-gnu", "/lib64/ld64.so.2", "lib64", "power8", "powerpc64le", 0x0503,
      "linux-vdso64.so.1" },
    { ID(64, MSB, S390), 0, 0, "s390x-linux-gnu", "/lib/ld64.so.1", "lib64", "z196", "s390x", 0x0403,
      "linux-vdso64.so.1" },
    { ID(64, LSB, MIPS), 0, 0, "mips64el-linux-gnuabi64", "/lib64/ld.so.1", "lib64", "mips64", "mips64el", 0x0703,
      "linux-vdso.so.1" },
    { ID(64, LSB, LOONGARCH), 0, 0, "loongarch64-linux-gnu", "/lib64/ld-linux-loongarch-lp64d.so.1", "lib64",
      "loongarch64", "loongarch64", 0x1203, "linux-vdso.so.1" },
};
static const struct machine unknown = { .tuple = "",
                                        .loader = "",
                                        .lib = "lib",
                                        .platform = "",
                                        .musl = "",
                                        .cache_flags = 0x0003,
                                        .vdso = "linux-vdso.so.1" };

const struct machine *machine_of(const struct elf_file *file)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (elf_identity_same(&machines[i].identity, &file->identity) &&
            (file->flags & machines[i].flags_mask) == machines[i].flags)
            return &machines[i];
    return &unknown;
}

#if HAVE_X86_FEATURES
/* As CPU_FEATURE_ACTIVE of that header, whose shift of a signed 1 into the sign bit is undefined. */
static bool cpu_has(unsigned feature)
{
    const unsigned leaf_bits = 4 * 32;
    const struct cpuid_feature *leaf = __x86_get_cpuid_feature_leaf(feature / leaf_bits);
    return leaf->active_array[feature % leaf_bits / 32] >> feature % 32 & 1;
}
#endif

/* The features that make up each x86-64 level beyond the one before. ACTIVE: the CPU has it and the kernel lets programs use it. */
static unsigned x86_64_levels(void)
{
    unsigned levels = 1;
#if HAVE_X86_FEATURES
#define HAS(feature) cpu_has(x86_cpu_##feature)
    if (HAS(CMPXCHG16B) && HAS(LAHF64_SAHF64) && HAS(POPCNT) && HAS(SSE3) && HAS(SSSE3) && HAS(SSE4_1) && HAS(SSE4_2))
        levels |= 1u << 1;
    if (levels >> 1 && HAS(AVX) && HAS(AVX2) && HAS(BMI1) && HAS(BMI2) && HAS(F16C) && HAS(FMA) && HAS(LZCNT) &&
        HAS(MOVBE))
        levels |= 1u << 2;
    if (levels >> 2 && HAS(AVX512F) && HAS(AVX512BW) && HAS(AVX512CD) && HAS(AVX512DQ) && HAS(AVX512VL))
        levels |= 1u << 3;
#undef HAS
#endif
    return levels;
}

static bool is_x86_64(const struct machine *machine)
{
    return machine->identity.machine == EM_X86_64;
}

unsigned machine_isa_levels(const struct machine *machine)
{
    return is_x86_64(machine) ? x86_64_levels() : 1;
}

const char *const *machine_levels(const struct machine *machine)
{
    static const char *const x86_64[] = { "x86-64-v4", "x86-64-v3", "x86-64-v2", NULL };
    static const char *const none[] = { NULL };
    if (!is_x86_64(machine))
        return none;
    unsigned levels = x86_64_levels();
    return x86_64 + (levels >> 3 ? 0 : levels >> 2 ? 1 : levels >> 1 ? 2 : 3);
}

/* glibc names the platform of newer Intel processors, and only of those, after their first line with AVX2. */
const char *machine_platform(const struct machine *machine)
{
#if HAVE_X86_FEATURES
    if (is_x86_64(machine) && x86_64_levels() >> 2 && __builtin_cpu_is("intel"))
        return "haswell";
#endif
    return machine->platform;
}
