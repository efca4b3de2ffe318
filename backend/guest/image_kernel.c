/*
 * Whether a file is a kernel that a monitor here can start, from its first bytes and its length.
 * Pure. Every offset in the file is hostile.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "backend/guest/image.h"

enum {
    BZ_SECTS = 0x1f1,
    BZ_SYSSIZE = 0x1f4,
    BZ_BOOT = 0x1fe,
    BZ_MAGIC = 0x202,
    BZ_VERSION = 0x206,
    BZ_XLOADFLAGS = 0x236,
    BZ_END = 0x238,
    BZ_WITH_XLOADFLAGS = 0x20c,
    ARM64_MAGIC = 56
};

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_AREA_IMAGE, -EINVAL, "the kernel %s", what);
}

static int check_elf(const uint8_t *head, size_t len, uint64_t file_bytes, struct err *e)
{
    Elf64_Ehdr h;

    if (len < sizeof h)
        return bad(e, "is truncated in its header");
    memcpy(&h, head, sizeof h);
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
        h.e_machine != EM_X86_64)
        return bad(e, h.e_ident[EI_DATA] == ELFDATA2LSB && h.e_machine == EM_AARCH64
                          ? "is for aarch64; this host is x86-64"
                          : "is not for x86-64");
    if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
        return bad(e, "is an ELF file, but no program");
    if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum == 0 || h.e_phnum > 64 ||
        h.e_phoff > len || h.e_phnum * sizeof(Elf64_Phdr) > len - h.e_phoff)
        return bad(e, "has a damaged ELF header");
    for (size_t i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, head + h.e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_LOAD &&
            (p.p_offset > file_bytes || p.p_filesz > file_bytes - p.p_offset))
            return bad(e, "is truncated");
    }
    return 0;
}

static int check_bzimage(const uint8_t *head, size_t len, uint64_t file_bytes, struct err *e)
{
    uint32_t syssize;
    uint16_t version;
    uint64_t sects;

    if (len < BZ_END)
        return bad(e, "is truncated in its header");
    memcpy(&syssize, head + BZ_SYSSIZE, sizeof syssize);
    memcpy(&version, head + BZ_VERSION, sizeof version);
    sects = head[BZ_SECTS] ? head[BZ_SECTS] : 4;
    if (version < BZ_WITH_XLOADFLAGS || !(head[BZ_XLOADFLAGS] & 1))
        return bad(e, "is not a 64-bit one");
    if ((sects + 1) * 512 + (uint64_t)syssize * 16 > file_bytes)
        return bad(e, "is truncated");
    return 0;
}

int image_check_kernel(const uint8_t *head, size_t len, uint64_t file_bytes, struct err *e)
{
    if (file_bytes == 0 || len == 0)
        return bad(e, "is empty (0 bytes)");
    if (len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
        return check_elf(head, len, file_bytes, e);
    if (len >= BZ_MAGIC + 4 && memcmp(head + BZ_MAGIC, "HdrS", 4) == 0 && head[BZ_BOOT] == 0x55 &&
        head[BZ_BOOT + 1] == 0xaa)
        return check_bzimage(head, len, file_bytes, e);
    if (len >= ARM64_MAGIC + 4 && memcmp(head + ARM64_MAGIC, "ARM\x64", 4) == 0)
        return bad(e, "is for aarch64; this host is x86-64");
    return bad(e, "is neither an ELF file nor a bzImage");
}
