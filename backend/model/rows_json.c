/*
 * Rows to JSON and back, by their field tables. Pure; any thread. What comes in may have been sent
 * by anybody: no length, range, word or character of it is believed, and nothing of a refused row
 * is kept but its interned texts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/rows.h"
#include "backend/model/text.h"

enum { SYM_MAX = 4096, LIST_MAX = 65536, KEY_TEXT = 44 };

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *key_to_json(const uint8_t key[static 32])
{
    char text[KEY_TEXT + 1];
    uint8_t any = 0;

    for (size_t i = 0; i < 32; i++)
        any |= key[i];
    if (!any)
        return json_null();
    for (size_t i = 0, o = 0; i < 33; i += 3, o += 4) {
        uint32_t v = (uint32_t)key[i] << 16;
        v |= i + 1 < 32 ? (uint32_t)key[i + 1] << 8 : 0;
        v |= i + 2 < 32 ? key[i + 2] : 0;
        for (unsigned k = 0; k < 4; k++)
            text[o + k] = base64[(v >> (18 - 6 * k)) & 63];
    }
    text[KEY_TEXT - 1] = '=';
    text[KEY_TEXT] = '\0';
    return json_string(text);
}

static bool key_from_text(const char *text, uint8_t ret[static 32])
{
    uint8_t out[33] = {0};

    if (strlen(text) != KEY_TEXT || text[KEY_TEXT - 1] != '=')
        return false;
    for (size_t i = 0, o = 0; i < KEY_TEXT; i += 4, o += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = i + k == KEY_TEXT - 1 ? base64 : strchr(base64, text[i + k]);
            if (!at)
                return false;
            v = (v << 6) | (uint32_t)(at - base64);
        }
        out[o] = (uint8_t)(v >> 16);
        out[o + 1] = (uint8_t)(v >> 8);
        out[o + 2] = (uint8_t)v;
    }
    memcpy(ret, out, 32);
    return out[32] == 0;
}

static json_t *list_to_json(const char *words)
{
    json_t *list = json_array();

    while (list && *words) {
        size_t n = strcspn(words, " ");
        if (n > 0 && json_array_append_new(list, json_stringn(words, n)) < 0) {
            json_decref(list);
            return NULL;
        }
        words += n + (words[n] == ' ');
    }
    return list;
}

static json_t *addr_to_json(const char *at)
{
    char text[ADDR_TEXT];
    struct addr a;

    memcpy(&a, at, sizeof a);
    return addr_is_set(&a) ? json_string(addr_format(&a, false, text)) : json_null();
}

static json_t *endpoint_to_json(const char *at)
{
    char text[ADDR_ENDPOINT_TEXT];
    struct endpoint p;

    memcpy(&p, at, sizeof p);
    return addr_is_set(&p.addr) ? json_string(addr_endpoint_format(&p, text)) : json_null();
}

static json_t *mac_to_json(const char *at)
{
    char text[ADDR_MAC_TEXT];
    uint8_t mac[6];

    memcpy(mac, at, sizeof mac);
    return json_string(addr_mac_format(mac, text));
}

static json_t *field_to_json(const struct field *f, const char *at)
{
    const char *sym;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (f->kind) {
    case FIELD_TEXT:
        return json_stringn(at, strnlen(at, f->size));
    case FIELD_SYM:
    case FIELD_LIST:
        memcpy(&sym, at, sizeof sym);
        sym = sym ? sym : "";
        return f->kind == FIELD_LIST ? list_to_json(sym) : json_string(sym);
    case FIELD_U8:
        return json_integer(*(const uint8_t *)at);
    case FIELD_BOOL:
        return json_boolean(*(const uint8_t *)at);
    case FIELD_U16:
        memcpy(&u16, at, sizeof u16);
        return json_integer(u16);
    case FIELD_U32:
        memcpy(&u32, at, sizeof u32);
        return json_integer(u32);
    case FIELD_U64:
    case FIELD_INSTANT:
        memcpy(&u64, at, sizeof u64);
        return json_integer(u64 > INT64_MAX ? INT64_MAX : (json_int_t)u64);
    case FIELD_ENUM:
        return json_string(f->names[*(const uint8_t *)at]);
    case FIELD_ADDR:
        return addr_to_json(at);
    case FIELD_ENDPOINT:
        return endpoint_to_json(at);
    case FIELD_MAC:
        return mac_to_json(at);
    case FIELD_KEY:
        return key_to_json((const uint8_t *)at);
    }
    return NULL;
}

json_t *row_to_json(const struct row_type *type, const void *row)
{
    json_t *j = json_object();

    for (size_t i = 0; j && i < type->n_fields; i++) {
        const struct field *f = &type->fields[i];
        if (json_object_set_new_nocheck(j, f->name,
                                        field_to_json(f, (const char *)row + f->offset)) < 0) {
            json_decref(j);
            return NULL;
        }
    }
    return j;
}

static int wrong(const struct field *f, const char *wanted, struct err *e)
{
    return err_set(e, ERR_AREA_CONTROL, -EBADMSG, "field \"%s\": %s is wanted", f->name, wanted);
}

static int text_from_json(const struct field *f, const json_t *v, char *at, struct err *e)
{
    if (!json_is_string(v))
        return wrong(f, "a text", e);
    if (json_string_length(v) >= f->size)
        return wrong(f, "a shorter text", e);
    text_clean(at, f->size, json_string_value(v), json_string_length(v));
    return 0;
}

static int intern_clean(const struct field *f, const char *s, size_t n, char *at, struct err *e)
{
    char small[512], *buf = n < sizeof small ? small : malloc(n + 1);

    if (!buf)
        return err_set(e, ERR_AREA_CONTROL, -ENOMEM, "field \"%s\": no memory", f->name);
    text_clean(buf, n + 1, s, n);
    const char *sym = text_intern(buf);
    if (buf != small)
        free(buf);
    if (!sym)
        return err_set(e, ERR_AREA_CONTROL, -ENOMEM, "field \"%s\": no memory", f->name);
    memcpy(at, &sym, sizeof sym);
    return 0;
}

static int sym_from_json(const struct field *f, const json_t *v, char *at, struct err *e)
{
    if (!json_is_string(v) || json_string_length(v) > SYM_MAX)
        return wrong(f, "a text of at most 4096 bytes", e);
    return intern_clean(f, json_string_value(v), json_string_length(v), at, e);
}

static int list_from_json(const struct field *f, const json_t *v, char *at, struct err *e)
{
    size_t i, total = 0, len = 0;
    json_t *word;

    if (!json_is_array(v))
        return wrong(f, "a list", e);
    json_array_foreach(v, i, word)
    {
        if (!json_is_string(word) || json_string_length(word) == 0 ||
            strpbrk(json_string_value(word), " \t\r\n"))
            return wrong(f, "a list of words without blanks", e);
        total += json_string_length(word) + 1;
        if (total > LIST_MAX)
            return wrong(f, "a shorter list", e);
    }
    char *buf = malloc(total + 1);
    if (!buf)
        return err_set(e, ERR_AREA_CONTROL, -ENOMEM, "field \"%s\": no memory", f->name);
    json_array_foreach(v, i, word)
    {
        if (i > 0)
            buf[len++] = ' ';
        memcpy(buf + len, json_string_value(word), json_string_length(word));
        len += json_string_length(word);
    }
    int r = intern_clean(f, buf, len, at, e);
    free(buf);
    return r;
}

static int enum_from_json(const struct field *f, const json_t *v, char *at, struct err *e)
{
    const char *word = json_string_value(v);

    for (uint8_t i = 0; word && f->names[i]; i++)
        if (strcmp(f->names[i], word) == 0) {
            *(uint8_t *)at = i;
            return 0;
        }
    return wrong(f, "one of its words", e);
}

static int uint_from_json(const struct field *f, const json_t *v, char *at, struct err *e)
{
    uint64_t max = f->size >= 8 ? INT64_MAX : (UINT64_C(1) << (8 * f->size)) - 1;

    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
        return wrong(f, "a whole number in range", e);
    uint64_t u64 = (uint64_t)json_integer_value(v);
    uint32_t u32 = (uint32_t)u64;
    uint16_t u16 = (uint16_t)u64;
    uint8_t u8 = (uint8_t)u64;
    const void *from = f->size == 8   ? (void *)&u64
                       : f->size == 4 ? (void *)&u32
                       : f->size == 2 ? (void *)&u16
                                      : (void *)&u8;
    memcpy(at, from, f->size);
    return 0;
}

/* What a kernel may have in a table, which is more than addr_parse takes from an operator. */
static int addr_from_text(const char *text, struct addr *ret)
{
    char host[ADDR_TEXT], *end = NULL;
    struct addr a = {0};

    if (!str_copy(host, sizeof host, text))
        return -EBADMSG;
    char *slash = strchr(host, '/');
    if (slash)
        *slash++ = '\0';
    if (inet_pton(AF_INET, host, a.bytes) == 1)
        a.family = AF_INET;
    else if (inet_pton(AF_INET6, host, a.bytes) == 1)
        a.family = AF_INET6;
    else
        return -EBADMSG;
    unsigned long full = a.family == AF_INET ? 32 : 128;
    unsigned long len = slash ? strtoul(slash, &end, 10) : full;
    if (slash && (*slash < '0' || *slash > '9' || *end || len > full))
        return -EBADMSG;
    a.prefix_len = (uint8_t)len;
    *ret = a;
    return 0;
}

static int net_from_json(const struct field *f, const char *text, char *at, struct err *e)
{
    struct addr a;
    struct endpoint p;

    if (f->kind == FIELD_ADDR) {
        if (addr_from_text(text, &a) < 0)
            return wrong(f, "an address or prefix", e);
        memcpy(at, &a, sizeof a);
        return 0;
    }
    int r = addr_endpoint_parse(text, &p, e);
    if (r < 0) {
        err_wrap(e, "field \"%s\"", f->name);
        return r;
    }
    memcpy(at, &p, sizeof p);
    return 0;
}

static int mac_from_text(const char *text, uint8_t ret[static 6])
{
    static const char hex[] = "0123456789abcdef";

    if (strlen(text) != ADDR_MAC_TEXT - 1)
        return -EBADMSG;
    for (size_t i = 0; i < 6; i++) {
        const char *hi = strchr(hex, text[3 * i]), *lo = strchr(hex, text[3 * i + 1]);
        if (!hi || !lo || (i < 5 && text[3 * i + 2] != ':'))
            return -EBADMSG;
        ret[i] = (uint8_t)((hi - hex) << 4 | (lo - hex));
    }
    return 0;
}

static int field_from_json(const struct field *f, const json_t *v, char *at, struct err *e)
{
    const char *text = json_string_value(v);

    switch (f->kind) {
    case FIELD_TEXT:
        return text_from_json(f, v, at, e);
    case FIELD_SYM:
        return sym_from_json(f, v, at, e);
    case FIELD_LIST:
        return list_from_json(f, v, at, e);
    case FIELD_BOOL:
        if (!json_is_boolean(v))
            return wrong(f, "true or false", e);
        *(uint8_t *)at = json_is_true(v);
        return 0;
    case FIELD_U8:
    case FIELD_U16:
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_INSTANT:
        return uint_from_json(f, v, at, e);
    case FIELD_ENUM:
        return enum_from_json(f, v, at, e);
    case FIELD_ADDR:
    case FIELD_ENDPOINT:
        return text ? net_from_json(f, text, at, e) : wrong(f, "an address", e);
    case FIELD_MAC:
        return text && mac_from_text(text, (uint8_t *)at) == 0 ? 0 : wrong(f, "a MAC", e);
    case FIELD_KEY:
        return text && key_from_text(text, (uint8_t *)at) ? 0 : wrong(f, "a key in base64", e);
    }
    return -EINVAL;
}

int row_from_json(const struct row_type *type, const json_t *j, void *ret_row, struct err *e)
{
    if (!json_is_object(j))
        return err_set(e, ERR_AREA_CONTROL, -EBADMSG, "%s: a row is an object", type->name);
    memset(ret_row, 0, type->size);
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *f = &type->fields[i];
        char *at = (char *)ret_row + f->offset;
        const json_t *v = json_object_get(j, f->name);
        if (f->kind == FIELD_SYM || f->kind == FIELD_LIST) {
            const char *none = text_intern(NULL);
            memcpy(at, &none, sizeof none);
        }
        if (!v || json_is_null(v))
            continue;
        int r = field_from_json(f, v, at, e);
        if (r < 0) {
            err_wrap(e, "%s", type->name);
            return r;
        }
    }
    return 0;
}
