/*
 * ISO 9660 with Rock Ridge, as little of it as Linux and the BSDs need to see plain file names:
 * descriptors at blocks 16 and 17, path tables at 18 and 19, the root folder at 20, the extension
 * record at 21, files from 22. No clock is read: dates are zero, so equal files give equal images.
 */
#include "backend/guest/iso.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    AT_VOLUME = 16,
    AT_END = 17,
    AT_PATHS_LE = 18,
    AT_PATHS_BE = 19,
    AT_ROOT = 20,
    AT_EXTENSION = 21,
    AT_FILES = 22,
    RECORD = 33, /* of a folder, before the name */
    PX_LEN = 36,
    CE_LEN = 28,
    SP_LEN = 7,
    NAME_MAX_BYTES = 64,
};
static const char er_id[] = "RRIP_1991A", er_des[] = "THE ROCK RIDGE INTERCHANGE PROTOCOL";

static void both16(uint8_t *p, uint16_t v)
{
    p[0] = p[3] = (uint8_t)v;
    p[1] = p[2] = (uint8_t)(v >> 8);
}

static void both32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = p[7 - i] = (uint8_t)(v >> (8 * i));
}

static void padded(uint8_t *p, size_t cap, const char *text)
{
    const size_t n = strlen(text);
    memset(p, ' ', cap);
    memcpy(p, text, n < cap ? n : cap);
}

/* Owner, mode and links of a Rock Ridge entry. */
static size_t put_px(uint8_t *p, bool folder)
{
    memcpy(p, "PX", 2);
    p[2] = PX_LEN;
    p[3] = 1;
    both32(p + 4, folder ? 0040555 : 0100444);
    both32(p + 12, folder ? 2 : 1);
    return PX_LEN;
}

static size_t put_record(uint8_t *p, uint32_t block, size_t len, bool folder, const char *name,
                         size_t name_len)
{
    both32(p + 2, block);
    both32(p + 10, (uint32_t)len);
    p[25] = folder ? 2 : 0;
    both16(p + 28, 1);
    p[32] = (uint8_t)name_len;
    memcpy(p + RECORD, name, name_len);
    return RECORD + name_len + (name_len % 2 ? 0 : 1);
}

static size_t end_record(uint8_t *p, size_t len)
{
    len += len % 2;
    p[0] = (uint8_t)len;
    return len;
}

/* The folder itself: here Rock Ridge says that it is in use, and where its description lies. */
static size_t put_dot(uint8_t *p)
{
    const size_t er_len = 8 + sizeof er_id - 1 + sizeof er_des - 1;
    size_t n = put_record(p, AT_ROOT, ISO_BLOCK, true, "\0", 1);

    memcpy(p + n, (const uint8_t[SP_LEN]){'S', 'P', SP_LEN, 1, 0xbe, 0xef, 0}, SP_LEN);
    n += SP_LEN;
    n += put_px(p + n, true);
    memcpy(p + n, "CE", 2);
    p[n + 2] = CE_LEN;
    p[n + 3] = 1;
    both32(p + n + 4, AT_EXTENSION);
    both32(p + n + 12, 0);
    both32(p + n + 20, (uint32_t)er_len);
    return end_record(p, n + CE_LEN);
}

static size_t put_dot_dot(uint8_t *p)
{
    size_t n = put_record(p, AT_ROOT, ISO_BLOCK, true, "\1", 1);
    n += put_px(p + n, true);
    return end_record(p, n);
}

static size_t put_file(uint8_t *p, const struct iso_file *f, uint32_t block)
{
    const size_t len = strlen(f->name);
    size_t n = put_record(p, block, f->len, false, f->short_name, strlen(f->short_name));

    n += put_px(p + n, false);
    memcpy(p + n, "NM", 2);
    p[n + 2] = (uint8_t)(5 + len);
    p[n + 3] = 1;
    memcpy(p + n + 5, f->name, len);
    return end_record(p, n + 5 + len);
}

static void put_extension(uint8_t *p)
{
    memcpy(p, "ER", 2);
    p[2] = (uint8_t)(8 + sizeof er_id - 1 + sizeof er_des - 1);
    p[3] = 1;
    p[4] = (uint8_t)(sizeof er_id - 1);
    p[5] = (uint8_t)(sizeof er_des - 1);
    p[7] = 1;
    memcpy(p + 8, er_id, sizeof er_id - 1);
    memcpy(p + 8 + sizeof er_id - 1, er_des, sizeof er_des - 1);
}

static void put_volume(uint8_t *p, const char *label, uint32_t blocks)
{
    p[0] = 1;
    memcpy(p + 1, "CD001\1", 6);
    padded(p + 8, 32, "LINUX");
    padded(p + 40, 32, label);
    both32(p + 80, blocks);
    both16(p + 120, 1);
    both16(p + 124, 1);
    both16(p + 128, ISO_BLOCK);
    both32(p + 132, 10); /* length of the path table: one entry */
    p[140] = AT_PATHS_LE;
    p[151] = AT_PATHS_BE;
    (void)end_record(p + 156, put_record(p + 156, AT_ROOT, ISO_BLOCK, true, "\0", 1));
    memset(p + 190, ' ', 623); /* set, publisher, preparer, application and file identifiers */
    for (size_t at = 813; at < 881; at += 17)
        memset(p + at, '0', 16); /* no dates */
    p[881] = 1;
}

int iso_build(const char *label, const struct iso_file *files, size_t n_files, const void *system,
              size_t system_len, size_t min_bytes, uint8_t **ret, size_t *ret_len, struct err *e)
{
    size_t blocks = AT_FILES, root_at = 0;
    uint8_t *out;

    if (n_files > ISO_FILES_MAX || system_len > ISO_SYSTEM_BYTES)
        return err_set(e, ERR_AREA_IMAGE, -E2BIG, "too much for a seed disk");
    for (size_t i = 0; i < n_files; i++) {
        if (strlen(files[i].name) > NAME_MAX_BYTES || files[i].len > (16u << 20))
            return err_set(e, ERR_AREA_IMAGE, -E2BIG, "%s is too large for a seed disk",
                           files[i].name);
        blocks += (files[i].len + ISO_BLOCK - 1) / ISO_BLOCK;
    }
    if (blocks < (min_bytes + ISO_BLOCK - 1) / ISO_BLOCK)
        blocks = (min_bytes + ISO_BLOCK - 1) / ISO_BLOCK;
    out = calloc(blocks, ISO_BLOCK);
    if (!out)
        return err_sys(e, ERR_AREA_IMAGE, -ENOMEM, "making a seed disk");
    if (system_len > 0)
        memcpy(out, system, system_len);
    put_volume(out + AT_VOLUME * ISO_BLOCK, label, (uint32_t)blocks);
    memcpy(out + AT_END * ISO_BLOCK, "\377CD001\1", 7);
    memcpy(out + AT_PATHS_LE * ISO_BLOCK, (const uint8_t[]){1, 0, AT_ROOT, 0, 0, 0, 1, 0}, 8);
    memcpy(out + AT_PATHS_BE * ISO_BLOCK, (const uint8_t[]){1, 0, 0, 0, 0, AT_ROOT, 0, 1}, 8);
    put_extension(out + AT_EXTENSION * ISO_BLOCK);
    root_at = put_dot(out + AT_ROOT * ISO_BLOCK);
    root_at += put_dot_dot(out + AT_ROOT * ISO_BLOCK + root_at);
    blocks = blocks * ISO_BLOCK;
    for (size_t i = 0, block = AT_FILES; i < n_files; i++) { /* 8 records of at most 150 bytes */
        root_at += put_file(out + AT_ROOT * ISO_BLOCK + root_at, &files[i], (uint32_t)block);
        if (files[i].len > 0)
            memcpy(out + block * ISO_BLOCK, files[i].bytes, files[i].len);
        block += (files[i].len + ISO_BLOCK - 1) / ISO_BLOCK;
    }
    *ret = out;
    *ret_len = blocks;
    return 0;
}
