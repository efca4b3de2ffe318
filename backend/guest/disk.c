/*
 * qcow2 files: their header read with distrust, overlays and growth written by hand. Pool threads.
 * It must never follow a link, trust an offset before comparing it with the file's length, or let a
 * backing file lie outside the folder and the image store.
 */
#include "backend/guest/disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/guest/newfile.h"
#include "backend/model/text.h"

enum {
    HEAD = 65536, /* read of each file; our header cluster */
    V2_LEN = 72,
    V3_LEN = 104,
    CLUSTER_BITS = 16,
    CLUSTER = 1 << CLUSTER_BITS,
    L1_PER_CLUSTER = CLUSTER / 8,
    EXT_BACKING_FORMAT = (int)0xE2792ACA,
    EXT_DATA_FILE = 0x44415441,
    INCOMPAT_CORRUPT = 1 << 1,
    INCOMPAT_DATA_FILE = 1 << 2,
    INCOMPAT_KNOWN = 0x1f, /* dirty, corrupt, data file, compression type, extended L2 */
};
static const uint64_t l1_reach = (uint64_t)CLUSTER * L1_PER_CLUSTER; /* bytes behind one L1 entry */
static const char magic[4] = {'Q', 'F', 'I', (char)0xfb};

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static void put32(uint8_t *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof v);
}

static void put64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
}

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_AREA_IMAGE, -EINVAL, "%s", what);
}

/* A table at `offset`, whole and where tables may lie. */
static bool table_fits(uint64_t offset, uint64_t bytes, uint32_t cluster_bits, uint64_t file_bytes)
{
    return offset >= (1u << cluster_bits) && (offset & ((1u << cluster_bits) - 1)) == 0 &&
           offset <= file_bytes && bytes <= file_bytes - offset;
}

static int parse_extensions(const uint8_t *head, size_t from, size_t end, struct disk_info *ret,
                            struct err *e)
{
    while (end - from >= 8) {
        const uint32_t type = get32(head + from), len = get32(head + from + 4);

        from += 8;
        if (type == 0)
            return 0;
        if (len > end - from)
            return bad(e, "its header is damaged (an extension is longer than the header)");
        if (type == EXT_DATA_FILE)
            return bad(e, "it keeps its data in another file, which is not allowed");
        if (type == (uint32_t)EXT_BACKING_FORMAT) {
            if (len >= sizeof ret->backing_format)
                return bad(e, "its header is damaged (the backing format)");
            memcpy(ret->backing_format, head + from, len);
            ret->backing_format[len] = '\0';
        }
        from += ((size_t)len + 7) & ~(size_t)7;
        if (from > end)
            break;
    }
    return 0;
}

static int parse_backing(const uint8_t *head, size_t limit, struct disk_info *ret, struct err *e)
{
    const uint64_t offset = get64(head + 8);
    const uint32_t len = get32(head + 16);

    if (offset == 0)
        return 0;
    if (len == 0 || len > DISK_BACKING_MAX || offset > limit || len > limit - offset ||
        memchr(head + offset, 0, len))
        return bad(e, "its header is damaged (the name of its backing file)");
    memcpy(ret->backing, head + offset, len);
    ret->backing[len] = '\0';
    return 0;
}

static int parse_tables(const uint8_t *head, uint64_t file_bytes, struct disk_info *ret,
                        struct err *e)
{
    const uint32_t bits = get32(head + 20), l1_size = get32(head + 36);
    const uint64_t reach = (uint64_t)1 << (2 * bits - 3);

    ret->virtual_bytes = get64(head + 24);
    if (ret->virtual_bytes == 0 || ret->virtual_bytes > (uint64_t)DISK_GIB_MAX << 30)
        return bad(e, "its size is out of range");
    if ((ret->virtual_bytes + reach - 1) / reach > l1_size || l1_size > (32u << 20) / 8)
        return bad(e, "its header is damaged (the size of its first table)");
    if (!table_fits(get64(head + 40), (uint64_t)l1_size * 8, bits, file_bytes) ||
        !table_fits(get64(head + 48), (uint64_t)get32(head + 56) << bits, bits, file_bytes) ||
        get32(head + 56) == 0)
        return bad(e, "it is truncated: its tables lie beyond its end");
    return 0;
}

static int parse_qcow2(const uint8_t *head, size_t len, uint64_t file_bytes, struct disk_info *ret,
                       struct err *e)
{
    const uint32_t version = len >= V2_LEN ? get32(head + 4) : 0;
    uint32_t header_len = V2_LEN, bits;
    size_t limit;
    int r;

    if (len < V2_LEN || (version == 3 && len < V3_LEN))
        return bad(e, "it is truncated in its header");
    if (version != 2 && version != 3)
        return bad(e, "its qcow2 version is not known");
    bits = get32(head + 20);
    if (bits < 9 || bits > 21)
        return bad(e, "its header is damaged (the cluster size)");
    limit = len < ((size_t)1 << bits) ? len : (size_t)1 << bits;
    if (get32(head + 32) != 0)
        return bad(e, "it is encrypted, which is not supported");
    if (version == 3) {
        const uint64_t features = get64(head + 72);
        header_len = get32(head + 100);
        if (header_len < V3_LEN || header_len > limit)
            return bad(e, "its header is damaged (its length)");
        if (features & INCOMPAT_DATA_FILE)
            return bad(e, "it keeps its data in another file, which is not allowed");
        if (features & INCOMPAT_CORRUPT)
            return bad(e, "it is marked as damaged: repair it with qemu-img check -r all");
        if (features & ~(uint64_t)INCOMPAT_KNOWN)
            return bad(e, "it has features that are not known");
    }
    r = parse_tables(head, file_bytes, ret, e);
    if (r == 0)
        r = parse_extensions(head, header_len, limit, ret, e);
    if (r == 0)
        r = parse_backing(head, limit, ret, e);
    return r;
}

int disk_parse(const uint8_t *head, size_t len, uint64_t file_bytes, struct disk_info *ret,
               struct err *e)
{
    memset(ret, 0, sizeof *ret);
    if (len > HEAD)
        len = HEAD;
    if (file_bytes == 0 || len == 0)
        return bad(e, "it is empty (0 bytes)");
    if (len < sizeof magic || memcmp(head, magic, sizeof magic) != 0) {
        ret->format = "raw";
        ret->virtual_bytes = file_bytes;
        return file_bytes % 512 ? bad(e, "it is no qcow2 and no whole number of sectors") : 0;
    }
    ret->format = "qcow2";
    return parse_qcow2(head, len, file_bytes, ret, e);
}

static int parse_fd(int fd, struct disk_info *ret, struct err *e)
{
    uint8_t *head;
    struct stat st;
    ssize_t n;
    int r;

    if (fstat(fd, &st) < 0)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "looking at it");
    if (!S_ISREG(st.st_mode))
        return bad(e, "it is no regular file");
    head = malloc(HEAD);
    if (!head)
        return err_sys(e, ERR_AREA_IMAGE, -ENOMEM, "reading it");
    n = pread(fd, head, HEAD, 0);
    r = n < 0 ? err_sys(e, ERR_AREA_IMAGE, -errno, "reading it")
              : disk_parse(head, (size_t)n, (uint64_t)st.st_size, ret, e);
    ret->used_bytes = (uint64_t)st.st_blocks * 512;
    free(head);
    return r;
}

static int parse_at(int at, const char *name, struct disk_info *ret, struct err *e)
{
    char clean[160];
    const int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int r;

    (void)text_clean(clean, sizeof clean, name, strlen(name)); /* names come from headers too */
    if (fd < 0)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "disk %s", clean);
    r = parse_fd(fd, ret, e);
    (void)close(fd); /* read only */
    return r < 0 ? err_wrap(e, "disk %s", clean) : 0;
}

/* A name below the store, through no link: as it stands and as it resolves. */
static bool is_below(const char *path, const char *dir)
{
    char real[PATH_MAX], real_dir[PATH_MAX];
    size_t n;

    if (!dir || !realpath(path, real) || !realpath(dir, real_dir))
        return false;
    n = strlen(real_dir);
    return strncmp(real, real_dir, n) == 0 && real[n] == '/';
}

int disk_check(const char *dir, const char *name, const char *store_dir, struct disk_info *ret,
               struct err *e)
{
    struct disk_info info;
    int at = newfile_open_dir(dir, e), r;

    if (at < 0)
        return at;
    r = parse_at(at, name, ret, e);
    info = *ret;
    for (int depth = 0; r == 0 && info.backing[0]; depth++) {
        struct disk_info below = {0};
        char clean[160];

        (void)text_clean(clean, sizeof clean, info.backing, strlen(info.backing));
        if (depth == DISK_CHAIN_MAX)
            r = err_set(e, ERR_AREA_IMAGE, -ELOOP, "disk %s stands on more than %d others", name,
                        DISK_CHAIN_MAX);
        else if (strchr(info.backing, '/') ? !is_below(info.backing, store_dir)
                                           : strchr(info.backing, ':') != NULL)
            r = err_set(e, ERR_AREA_IMAGE, -EPERM,
                        "disk %s stands on %s, which is not in the image store", name, clean);
        else if (strcmp(info.backing_format, "qcow2") != 0 &&
                 strcmp(info.backing_format, "raw") != 0)
            r = err_set(e, ERR_AREA_IMAGE, -EINVAL,
                        "disk %s does not say the format of %s, on which it stands", name, clean);
        else
            r = parse_at(at, info.backing, &below, e); /* an absolute name ignores the folder */
        if (r == 0 && strcmp(below.format, info.backing_format) != 0)
            r = err_set(e, ERR_AREA_IMAGE, -EINVAL, "disk %s is %s, not %s", clean, below.format,
                        info.backing_format);
        info = below;
    }
    (void)close(at); /* only a path */
    return r;
}

/* Header, refcount table, one refcount block; then the L1 table, all zeros, as a hole. */
static int overlay_build(uint8_t *out, const char *backing, const char *backing_format,
                         uint64_t bytes, uint32_t l1_clusters)
{
    const size_t name_len = backing ? strlen(backing) : 0;
    const size_t format_len = backing ? strlen(backing_format) : 0;
    const size_t format_room = (format_len + 7) & ~(size_t)7;
    size_t at = V3_LEN;

    if (name_len > DISK_BACKING_MAX)
        return -ENAMETOOLONG;
    memcpy(out, magic, sizeof magic);
    put32(out + 4, 3);
    put32(out + 20, CLUSTER_BITS);
    put64(out + 24, bytes);
    put32(out + 36, l1_clusters * L1_PER_CLUSTER); /* room to grow without moving the table */
    put64(out + 40, (uint64_t)3 * CLUSTER);
    put64(out + 48, CLUSTER);
    put32(out + 56, 1);
    put32(out + 96, 4); /* refcounts of 16 bits */
    put32(out + 100, V3_LEN);
    if (backing) {
        put32(out + at, (uint32_t)EXT_BACKING_FORMAT);
        put32(out + at + 4, (uint32_t)format_len);
        memcpy(out + at + 8, backing_format, format_len);
        at += 8 + format_room;
    }
    at += 8; /* the extension that ends them */
    if (backing) {
        put64(out + 8, at);
        put32(out + 16, (uint32_t)name_len);
        memcpy(out + at, backing, name_len);
    }
    put64(out + CLUSTER, (uint64_t)2 * CLUSTER);
    for (uint32_t i = 0; i < 3 + l1_clusters; i++)
        out[2 * CLUSTER + 2 * i + 1] = 1;
    return 0;
}

int disk_create(const char *dir, const char *name, const char *backing, uint64_t bytes, uid_t uid,
                gid_t gid, struct err *e)
{
    struct disk_info base = {.format = "raw"};
    struct newfile f = {.mode = 0600, .uid = uid ? uid : (uid_t)-1, .gid = gid};
    const uint32_t l1_clusters =
        (uint32_t)((bytes + l1_reach * L1_PER_CLUSTER - 1) / (l1_reach * L1_PER_CLUSTER));
    uint8_t *image;
    int r, at;

    if (bytes == 0 || bytes % 512 || bytes > (uint64_t)DISK_GIB_MAX << 30)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "a disk of %llu bytes cannot be made",
                       (unsigned long long)bytes);
    if (backing) {
        at = newfile_open_dir(dir, e);
        if (at < 0)
            return at;
        r = parse_at(at, backing, &base, e);
        (void)close(at); /* only a path */
        if (r < 0)
            return r;
        if (bytes < base.virtual_bytes)
            return err_set(e, ERR_AREA_INPUT, -EINVAL,
                           "the disk must be at least as large as its image: %llu MiB",
                           (unsigned long long)((base.virtual_bytes + (1 << 20) - 1) >> 20));
    }
    image = calloc(3, CLUSTER);
    if (!image)
        return err_sys(e, ERR_AREA_IMAGE, -ENOMEM, "disk %s", name);
    f.bytes = image;
    f.len = (size_t)3 * CLUSTER;
    f.file_bytes = (uint64_t)(3 + l1_clusters) * CLUSTER;
    r = overlay_build(image, backing, base.format, bytes, l1_clusters);
    r = r < 0 ? err_sys(e, ERR_AREA_IMAGE, r, "disk %s", name) : newfile_write(dir, name, &f, e);
    free(image);
    return r;
}

int disk_grow(const char *dir, const char *name, uint64_t bytes, struct err *e)
{
    struct disk_info info = {0};
    uint8_t head[V3_LEN], size[8];
    int at = newfile_open_dir(dir, e), fd = -1, r;

    if (at < 0)
        return at;
    fd = openat(at, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    (void)close(at); /* only a path */
    if (fd < 0)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "disk %s", name);
    r = parse_fd(fd, &info, e);
    if (r < 0)
        goto out;
    if (bytes == info.virtual_bytes)
        goto out;
    if (strcmp(info.format, "qcow2") != 0 || bytes % 512 || bytes < info.virtual_bytes ||
        pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
        get32(head + 20) != CLUSTER_BITS || (bytes + l1_reach - 1) / l1_reach > get32(head + 36)) {
        r = err_set(e, ERR_AREA_INPUT, -EINVAL, "it cannot grow from %llu to %llu MiB",
                    (unsigned long long)(info.virtual_bytes >> 20),
                    (unsigned long long)(bytes >> 20));
        goto out;
    }
    put64(size, bytes);
    if (pwrite(fd, size, sizeof size, 24) != (ssize_t)sizeof size || fsync(fd) < 0)
        r = err_sys(e, ERR_AREA_IMAGE, -EIO, "growing it");
out:
    (void)close(fd); /* synced above */
    return r < 0 ? err_wrap(e, "disk %s", name) : 0;
}
