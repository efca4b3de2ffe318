/*
 * Structs to rows and back. The database is a file, so what comes out of it is not believed: every
 * length, range and text is checked, and what is wrong marks the record as damaged. Store thread.
 */
#include "backend/store/rec.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/addr.h"
#include "backend/model/text.h"
#include "backend/store/db.h"

enum { WORDS = 4096 };

static uint64_t fnv(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211ULL;
    return h;
}

static uint64_t sum_int(uint64_t h, const char *name, int64_t v)
{
    unsigned char le[8];

    if (v == 0)
        return h;
    for (unsigned i = 0; i < 8; i++)
        le[i] = (unsigned char)((uint64_t)v >> (8 * i));
    return fnv(fnv(h, name, strlen(name) + 1), le, sizeof le);
}

static uint64_t sum_bytes(uint64_t h, const char *name, const void *data, size_t n)
{
    return n == 0 ? h : fnv(fnv(h, name, strlen(name) + 1), data, n);
}

#define FNV_START 14695981039346656037ULL

static int64_t int_of(const struct rec_col *c, const char *at)
{
    uint32_t u32;
    int64_t i64;

    if (c->kind == REC_U8)
        return *(const uint8_t *)at;
    if (c->kind == REC_U32) {
        memcpy(&u32, at, sizeof u32);
        return u32;
    }
    memcpy(&i64, at, sizeof i64);
    return i64;
}

/* A field's text; `words` has room for WORDS bytes. False when it does not fit. */
static bool text_of(const struct rec_col *c, const char *row, char *words)
{
    const char *at = row + c->offset;
    char one[ADDR_TEXT];
    struct endpoint ep;
    uint32_t count;
    size_t len = 0;
    bool ok = true;

    words[0] = '\0';
    if (c->kind == REC_TEXT) {
        text_clean(words, WORDS, at, strnlen(at, c->size));
        return memchr(at, 0, c->size) != NULL;
    }
    if (c->kind == REC_ADDR) {
        addr_format((const struct addr *)(const void *)at, false, words);
    } else if (c->kind == REC_ENDPOINT) {
        memcpy(&ep, at, sizeof ep);
        addr_endpoint_format(&ep, words);
    } else if (c->kind == REC_MAC) {
        addr_mac_format((const uint8_t *)at, words);
    } else {
        memcpy(&count, row + c->count, sizeof count);
        for (uint32_t i = 0; i < count && i < c->size / sizeof(struct addr); i++)
            ok = str_add(words, WORDS, &len, "%s%s", i ? " " : "",
                         addr_format((const struct addr *)(const void *)at + i, true, one)) &&
                 ok;
    }
    return ok;
}

static bool is_int(enum rec_kind k)
{
    return k == REC_U8 || k == REC_U32 || k == REC_U64 || k == REC_I64;
}

int rec_bind(struct db *db, struct sqlite3_stmt *s, const struct rec_type *t, const void *row,
             struct err *e)
{
    static const uint8_t no_key[32];
    uint64_t sum = FNV_START;
    char words[WORDS];

    (void)db;
    for (int i = 0; i < t->n_cols; i++) {
        const struct rec_col *c = &t->cols[i];
        const char *at = (const char *)row + c->offset;
        if (is_int(c->kind)) {
            int64_t v = int_of(c, at);
            (void)sqlite3_bind_int64(s, i + 1, v);
            sum = sum_int(sum, c->name, v);
        } else if (c->kind == REC_KEY) {
            int n = memcmp(at, no_key, sizeof no_key) == 0 ? 0 : (int)sizeof no_key;
            (void)(n ? sqlite3_bind_blob(s, i + 1, at, n, SQLITE_TRANSIENT)
                     : sqlite3_bind_zeroblob(s, i + 1, 0));
            sum = sum_bytes(sum, c->name, at, (size_t)n);
        } else {
            if (!text_of(c, row, words))
                return err_set(e, ERR_AREA_STORE, -E2BIG, "%s: %s is too long to be kept", t->what,
                               c->name);
            db_bind_text(s, i + 1, words);
            sum = sum_bytes(sum, c->name, words, strlen(words));
        }
    }
    if (t->damaged >= 0) { /* what was read damaged stays so until somebody says otherwise */
        sum ^= ((const uint8_t *)row)[t->damaged] ? 1 : 0;
        (void)sqlite3_bind_int64(s, t->n_cols + 1, (sqlite3_int64)sum);
    }
    return 0;
}

static bool read_int(const struct rec_col *c, int64_t v, char *at)
{
    uint32_t u32 = (uint32_t)v;

    switch (c->kind) {
    case REC_U8:
        *(uint8_t *)at = (uint8_t)v;
        return v >= 0 && v <= UINT8_MAX;
    case REC_U32:
        memcpy(at, &u32, sizeof u32);
        return v >= 0 && v <= UINT32_MAX;
    case REC_U64:
    case REC_I64:
        memcpy(at, &v, sizeof v);
        return true;
    case REC_TEXT:
    case REC_ADDR:
    case REC_ENDPOINT:
    case REC_MAC:
    case REC_KEY:
    case REC_PREFIXES:
        break;
    }
    return false;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_mac(const char *text, uint8_t *ret)
{
    if (strlen(text) != 17)
        return false;
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = hex(text[0]), low = hex(text[1]);
        if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_prefixes(const struct rec_col *c, const char *text, char *row)
{
    struct addr *all = (struct addr *)(void *)(row + c->offset);
    uint32_t n = 0, max = c->size / sizeof *all;
    char word[ADDR_TEXT];
    bool ok = true;

    while (*text && ok) {
        size_t len = strcspn(text, " ");
        ok = n < max && len > 0 && len < sizeof word;
        if (ok) {
            memcpy(word, text, len);
            word[len] = '\0';
            ok = addr_parse(word, true, &all[n++], NULL) == 0;
            text += len + (text[len] == ' ');
        }
    }
    memcpy(row + c->count, &n, sizeof n);
    return ok;
}

static bool read_text(const struct rec_col *c, const char *text, size_t len, char *row)
{
    char *at = row + c->offset;
    struct endpoint ep = {0};
    struct addr a = {0};
    bool ok;

    switch (c->kind) {
    case REC_TEXT:
        text_clean(at, c->size, text, len);
        return strlen(at) == len && memcmp(at, text, len) == 0;
    case REC_ADDR:
        ok = len == 0 || addr_parse(text, false, &a, NULL) == 0;
        memcpy(at, &a, sizeof a);
        return ok;
    case REC_ENDPOINT:
        ok = len == 0 || addr_endpoint_parse(text, &ep, NULL) == 0;
        memcpy(at, &ep, sizeof ep);
        return ok;
    case REC_MAC:
        return read_mac(text, (uint8_t *)at);
    case REC_PREFIXES:
        return read_prefixes(c, text, row);
    case REC_U8:
    case REC_U32:
    case REC_U64:
    case REC_I64:
    case REC_KEY:
        break;
    }
    return false;
}

void rec_read(struct sqlite3_stmt *s, const struct rec_type *t, void *ret_row)
{
    uint64_t sum = FNV_START;
    bool ok = true;
    char *row = ret_row;

    memset(row, 0, t->size);
    for (int i = 0; i < t->n_cols; i++) {
        const struct rec_col *c = &t->cols[i];
        if (is_int(c->kind)) {
            int64_t v = sqlite3_column_int64(s, i);
            ok = read_int(c, v, row + c->offset) && ok;
            sum = sum_int(sum, c->name, v);
        } else {
            const void *data = c->kind == REC_KEY ? sqlite3_column_blob(s, i)
                                                  : (const void *)sqlite3_column_text(s, i);
            size_t n = (size_t)sqlite3_column_bytes(s, i);
            sum = sum_bytes(sum, c->name, data, data ? n : 0);
            if (c->kind == REC_KEY && data && n == 32)
                memcpy(row + c->offset, data, 32);
            else if (c->kind == REC_KEY)
                ok = n == 0 && ok;
            else
                ok = data && read_text(c, data, n, row) && ok;
        }
    }
    if (t->damaged >= 0)
        row[t->damaged] = !ok || (uint64_t)sqlite3_column_int64(s, t->n_cols) != sum;
}

int rec_run(struct db *db, const char *sql, const struct rec_type *t, const void *row,
            struct err *e)
{
    struct sqlite3_stmt *s;
    int r = db_prepare(db, sql, &s, e);

    if (r < 0)
        return r;
    r = rec_bind(db, s, t, row, e);
    while (r == 0 && (r = db_step(db, s, e)) == 1)
        r = 0;
    db_reset(s);
    return r;
}

int rec_collect(struct db *db, struct sqlite3_stmt *s, const struct rec_type *t, void **ret,
                size_t *ret_n, struct err *e)
{
    char *rows = NULL;
    size_t n = 0, cap = 0;
    int r;

    while ((r = db_step(db, s, e)) == 1) {
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            char *more = realloc(rows, cap * t->size);
            if (!more) {
                r = err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for %zu rows of %s", cap,
                            t->what);
                break;
            }
            rows = more;
        }
        rec_read(s, t, rows + n++ * t->size);
    }
    db_reset(s);
    if (r < 0) {
        free(rows);
        return r;
    }
    *ret = rows;
    *ret_n = n;
    return 0;
}

int rec_first(struct db *db, struct sqlite3_stmt *s, const struct rec_type *t, void *ret_row,
              struct err *e)
{
    int r = db_step(db, s, e);

    if (r == 1)
        rec_read(s, t, ret_row);
    db_reset(s);
    return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}
