/*
 * Snapshots as deltas of rows, and the lines around them. Rows and meta go through the field tables
 * of model/rows.h, which check what comes in.
 */
#include "backend/engine/wire.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

#define M(field_name, field_kind)                                                                 \
    {#field_name, field_kind, (uint16_t)offsetof(struct snapshot_meta, field_name),               \
     (uint16_t)sizeof(((struct snapshot_meta *)0)->field_name), NULL}
#define H(field_name, field_kind)                                                                 \
    {#field_name, field_kind, (uint16_t)offsetof(struct table_health, field_name),                \
     (uint16_t)sizeof(((struct table_health *)0)->field_name), NULL}
#define S(field_name, field_kind)                                                                 \
    {#field_name, field_kind, (uint16_t)offsetof(struct load_series, field_name),                 \
     (uint16_t)sizeof(((struct load_series *)0)->field_name), NULL}

static const struct field meta_fields[] = {
    M(generation, FIELD_U64),      M(taken_ms, FIELD_INSTANT),   M(fleet, FIELD_TEXT),
    M(node, FIELD_TEXT),           M(accel, FIELD_TEXT),         M(accel_why, FIELD_TEXT),
    M(version, FIELD_TEXT),        M(demo, FIELD_BOOL),          M(production, FIELD_BOOL),
    M(read_only, FIELD_BOOL),      M(headless_enabled, FIELD_BOOL), M(engine_ready, FIELD_BOOL),
    M(read_only_why, FIELD_TEXT),  M(consoles, FIELD_U32),       M(owner_pid, FIELD_U32),
    M(churn, FIELD_U32),           M(cores, FIELD_U32),          M(memory_bytes, FIELD_U64),
    M(disk_bytes, FIELD_U64),      M(public_key, FIELD_KEY),     M(wg_device, FIELD_TEXT),
    M(wg_backend, FIELD_TEXT),     M(wg_port, FIELD_U16),        M(fleet_prefix, FIELD_ADDR),
};
static const struct row_type meta_type = {"meta", sizeof(struct snapshot_meta), meta_fields,
                                          ARRAY_LEN(meta_fields), NULL};
static const struct field health_fields[] = {
    H(checked_ms, FIELD_INSTANT), H(whole, FIELD_BOOL), H(tries, FIELD_U8),
    H(loading, FIELD_U32),        H(error, FIELD_TEXT),
};
static const struct row_type health_type = {"health", sizeof(struct table_health), health_fields,
                                            ARRAY_LEN(health_fields), NULL};
static const struct field series_fields[] = {
    S(now, FIELD_U64), S(peak, FIELD_U64), S(limit, FIELD_U64), S(filled, FIELD_U32),
};
static const struct row_type series_type = {"series", sizeof(struct load_series), series_fields,
                                            ARRAY_LEN(series_fields), NULL};
static const struct {
    const char *name;
    size_t offset;
} series_of[] = {
    {"cpu", offsetof(struct snapshot_meta, cpu)},
    {"memory", offsetof(struct snapshot_meta, memory)},
    {"disk", offsetof(struct snapshot_meta, disk)},
    {"mesh_in", offsetof(struct snapshot_meta, mesh_in)},
    {"mesh_out", offsetof(struct snapshot_meta, mesh_out)},
};

static json_t *meta_to_json(const struct snapshot_meta *m)
{
    json_t *j = row_to_json(&meta_type, m), *health = json_object(), *load = json_object();

    for (unsigned i = 0; i < TABLE_COUNT; i++)
        json_object_set_new(health, row_type_of((enum table_id)i)->name,
                            row_to_json(&health_type, &m->health[i]));
    for (size_t i = 0; i < ARRAY_LEN(series_of); i++) {
        const struct load_series *s = (const void *)((const char *)m + series_of[i].offset);
        json_t *one = row_to_json(&series_type, s), *cells = json_array();
        for (unsigned k = 0; k < LOAD_CELLS; k++)
            json_array_append_new(cells, json_integer((json_int_t)s->cells[k]));
        json_object_set_new(one, "cells", cells);
        json_object_set_new(load, series_of[i].name, one);
    }
    json_object_set_new(j, "health", health);
    json_object_set_new(j, "load", load);
    return j;
}

static int meta_from_json(const json_t *j, struct snapshot_meta *m, struct err *e)
{
    const json_t *health = json_object_get(j, "health"), *load = json_object_get(j, "load");
    int r = row_from_json(&meta_type, j, m, e);

    for (unsigned i = 0; r == 0 && i < TABLE_COUNT; i++) {
        const json_t *one = json_object_get(health, row_type_of((enum table_id)i)->name);
        if (one)
            r = row_from_json(&health_type, one, &m->health[i], e);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(series_of); i++) {
        struct load_series *s = (void *)((char *)m + series_of[i].offset);
        const json_t *one = json_object_get(load, series_of[i].name);
        const json_t *cells = json_object_get(one, "cells");
        if (!one)
            continue;
        r = row_from_json(&series_type, one, s, e);
        if (s->filled > LOAD_CELLS)
            s->filled = LOAD_CELLS;
        for (unsigned k = 0; k < LOAD_CELLS && k < json_array_size(cells); k++) {
            const json_t *cell = json_array_get(cells, k);
            if (!json_is_integer(cell) || json_integer_value(cell) < 0)
                return err_set(e, ERR_AREA_CONTROL, -EPROTO, "load: a cell is a whole number");
            s->cells[k] = (uint64_t)json_integer_value(cell);
        }
    }
    return r;
}

struct delta {
    json_t *tables, *put, *remove;
    const struct row_type *type;
    size_t rows;
    wire_emit_fn *emit;
    void *arg;
};

static int delta_emit(struct delta *d, json_t *meta, bool more)
{
    json_t *inner = json_pack("{s:O}", "tables", d->tables);
    json_t *line = json_object();
    char *text = NULL;
    int r = -ENOMEM;

    if (meta)
        json_object_set_new(inner, "meta", meta);
    if (more)
        json_object_set_new(inner, "more", json_true());
    if (line && inner && json_object_set_new(line, "snapshot", inner) == 0)
        text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (text) {
        size_t len = strlen(text);
        text[len] = '\n'; /* over the NUL: the line is handed on with its length */
        r = d->emit(text, len + 1, d->arg);
        free(text);
    }
    json_object_clear(d->tables);
    d->put = d->remove = NULL;
    d->rows = 0;
    return r;
}

static int delta_row(enum table_change change, const void *row, void *arg)
{
    struct delta *d = arg;

    if (!d->put) {
        d->put = json_array();
        d->remove = json_array();
        json_object_set_new(d->tables, d->type->name,
                            json_pack("{s:o, s:o}", "put", d->put, "remove", d->remove));
    }
    json_t *j = row_to_json(d->type, row);
    if (!j || json_array_append_new(change == TABLE_PUT ? d->put : d->remove, j) < 0)
        return -ENOMEM;
    return ++d->rows < WIRE_ROWS ? 0 : delta_emit(d, NULL, true);
}

int wire_snapshot(const struct snapshot *from, const struct snapshot *to, wire_emit_fn *emit,
                  void *arg)
{
    struct delta d = {.tables = json_object(), .emit = emit, .arg = arg};
    int r = d.tables ? 0 : -ENOMEM;

    for (unsigned i = 0; r == 0 && i < TABLE_COUNT; i++) {
        if (from && from->tables[i]->version == to->tables[i]->version)
            continue;
        d.type = row_type_of((enum table_id)i);
        d.put = d.remove = NULL;
        r = table_diff(from ? from->tables[i] : NULL, to->tables[i], delta_row, &d);
    }
    if (r == 0)
        r = delta_emit(&d, meta_to_json(&to->meta), false);
    json_decref(d.tables);
    return r;
}

static int apply_rows(const json_t *rows, enum table_id id, struct table *t, bool put, struct err *e)
{
    union {
        uint64_t align;
        char bytes[1024];
    } row;
    const struct row_type *type = row_type_of(id);
    size_t i;
    json_t *one;

    if (type->size > sizeof row)
        return err_set(e, ERR_AREA_CONTROL, -EPROTO, "%s: rows are too long", type->name);
    json_array_foreach(rows, i, one) {
        int r = row_from_json(type, one, &row, e);
        if (r < 0)
            return r;
        if (!put)
            (void)table_remove(t, &row); /* one that is not there is as good as removed */
        else if (table_count(t) >= WIRE_TABLE_ROWS && !table_find(t, &row))
            return err_set(e, ERR_AREA_CONTROL, -EPROTO, "%s: more than %d rows", type->name,
                           WIRE_TABLE_ROWS);
        else if ((r = table_put(t, &row, NULL)) < 0)
            return err_set(e, ERR_AREA_CONTROL, r, "out of memory");
    }
    return 0;
}

int wire_apply(const json_t *snapshot, struct table *tables[static TABLE_COUNT],
               struct snapshot_meta *meta, bool *ret_more, struct err *e)
{
    const json_t *changed = json_object_get(snapshot, "tables");
    const json_t *m = json_object_get(snapshot, "meta");

    if (!json_is_object(snapshot) || !json_is_object(changed))
        return err_set(e, ERR_AREA_CONTROL, -EPROTO, "the engine sent no picture");
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const json_t *t = json_object_get(changed, row_type_of((enum table_id)i)->name);
        if (!t)
            continue;
        int r = apply_rows(json_object_get(t, "remove"), (enum table_id)i, tables[i], false, e);
        if (r == 0)
            r = apply_rows(json_object_get(t, "put"), (enum table_id)i, tables[i], true, e);
        if (r < 0)
            return r;
    }
    *ret_more = json_is_true(json_object_get(snapshot, "more"));
    return m ? meta_from_json(m, meta, e) : 0;
}

static char *line_of(json_t *take)
{
    char *text = take ? json_dumps(take, JSON_COMPACT) : NULL;

    json_decref(take);
    if (!text)
        return NULL;
    size_t len = strlen(text);
    char *line = realloc(text, len + 2);
    if (!line) {
        free(text);
        return NULL;
    }
    line[len] = '\n';
    line[len + 1] = '\0';
    return line;
}

char *wire_reply(const struct reply *r)
{
    json_t *j = json_pack("{s:I, s:b}", "id", (json_int_t)r->request, "ok", r->code == 0);

    if (r->code != 0) {
        json_object_set_new(j, "code", json_integer(r->code));
        json_object_set_new(j, "error", json_string(r->text));
    }
    if (r->body)
        json_object_set(j, "body", r->body);
    if (r->fd >= 0)
        json_object_set_new(j, "fd", json_true());
    return line_of(j);
}

char *wire_request(unsigned long long id, const char *verb, const json_t *args)
{
    json_t *j = json_pack("{s:I, s:s}", "id", (json_int_t)id, "verb", verb);

    if (args)
        json_object_set(j, "args", (json_t *)(uintptr_t)args);
    return line_of(j);
}

int wire_reply_parse(const json_t *line, struct reply *ret, bool *ret_has_fd, struct err *e)
{
    const json_t *id = json_object_get(line, "id"), *error = json_object_get(line, "error");
    json_t *body = json_object_get(line, "body");

    if (!json_is_integer(id) || json_integer_value(id) < 0)
        return err_set(e, ERR_AREA_CONTROL, -EPROTO, "the engine sent an answer to nothing");
    memset(ret, 0, sizeof *ret);
    ret->fd = -1;
    ret->request = (uint64_t)json_integer_value(id);
    if (!json_is_true(json_object_get(line, "ok"))) {
        json_int_t code = json_integer_value(json_object_get(line, "code"));
        ret->code = code < 0 && code > -4096 ? (int)code : -EPROTO;
        const char *text = json_is_string(error) ? json_string_value(error) : "no reason was given";
        text_clean(ret->text, sizeof ret->text, text, strlen(text));
    }
    ret->body = json_is_object(body) ? json_incref(body) : NULL;
    *ret_has_fd = json_is_true(json_object_get(line, "fd"));
    return 0;
}

void wire_in_init(struct wire_in *in, size_t max)
{
    *in = (struct wire_in){.max = max};
}

void wire_in_done(struct wire_in *in)
{
    free(in->buf);
    memset(in, 0, sizeof *in);
}

char *wire_in_room(struct wire_in *in, size_t want, size_t *ret_room)
{
    if (in->cap - in->len < want) {
        size_t cap = in->cap ? in->cap * 2 : 4096;
        while (cap - in->len < want)
            cap *= 2;
        if (in->len > in->max)
            return NULL;
        char *grown = realloc(in->buf, cap);
        if (!grown)
            return NULL;
        in->buf = grown;
        in->cap = cap;
    }
    *ret_room = in->cap - in->len;
    return in->buf + in->len;
}

void wire_in_added(struct wire_in *in, size_t n)
{
    in->len += n;
}

int wire_in_next(struct wire_in *in, json_t **ret, struct err *e)
{
    if (in->scanned >= in->len)
        return 0;
    char *nl = memchr(in->buf + in->scanned, '\n', in->len - in->scanned);
    if (!nl) {
        in->scanned = in->len;
        if (in->len > in->max)
            return err_set(e, ERR_AREA_CONTROL, -EPROTO, "a line is longer than %zu bytes", in->max);
        return 0;
    }
    size_t line = (size_t)(nl - in->buf);
    json_error_t why;
    json_t *j = json_loadb(in->buf, line, JSON_REJECT_DUPLICATES, &why);
    in->len -= line + 1;
    memmove(in->buf, nl + 1, in->len);
    in->scanned = 0;
    if (!json_is_object(j)) {
        json_decref(j);
        return err_set(e, ERR_AREA_CONTROL, -EPROTO, "a line is no JSON object: %s",
                       j ? "another value" : why.text);
    }
    *ret = j;
    return 1;
}
