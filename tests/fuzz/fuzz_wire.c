/* Lines of the control socket, cut anywhere: what an engine gone wrong, or a stranger, may send. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine.h"
#include "backend/engine/verbs.h"
#include "backend/engine/wire.h"
#include "backend/model/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

/* No text that passed may hold what a terminal must not see, and no pointer may be missing. */
static void check_row(const struct row_type *type, const void *row)
{
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *f = &type->fields[i];
        const char *s = (const char *)row + f->offset;
        uint32_t cp;
        if (f->kind == FIELD_SYM || f->kind == FIELD_LIST)
            memcpy(&s, (const char *)row + f->offset, sizeof s);
        else if (f->kind != FIELD_TEXT)
            continue;
        must(s != NULL);
        must(f->kind != FIELD_TEXT || memchr(s, '\0', f->size) != NULL);
        for (size_t left = strlen(s); left > 0;) {
            size_t n = text_utf8_decode(s, left, &cp);
            must(n > 0 && text_codepoint_is_safe(cp));
            s += n;
            left -= n;
        }
    }
}

static void take_line(const json_t *line, struct table *tables[static TABLE_COUNT],
                      struct snapshot_meta *meta)
{
    const json_t *snapshot = json_object_get(line, "snapshot");
    const char *verb = json_string_value(json_object_get(line, "verb"));
    struct reply r;
    bool flag;

    if (snapshot)
        (void)wire_apply(snapshot, tables, meta, &flag, NULL);
    if (verb && verb_find(verb) < VERB_COUNT)
        (void)verb_check(verb_find(verb), json_object_get(line, "args"), NULL);
    if (wire_reply_parse(line, &r, &flag, NULL) == 0) {
        must(r.code <= 0 && r.fd == -1);
        must(memchr(r.text, '\0', sizeof r.text) != NULL);
        reply_done(&r);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snapshot_meta meta;
    struct table *tables[TABLE_COUNT];
    struct wire_in in;
    size_t step = size > 0 ? 1u + data[0] * 7u : 1, at = size > 0;
    json_t *line = NULL;
    int r = 0;

    for (unsigned i = 0; i < TABLE_COUNT; i++)
        tables[i] = table_new(row_type_of((enum table_id)i));
    wire_in_init(&in, 64 * 1024);
    while (r >= 0 && at < size) {
        size_t room = 0, n = size - at < step ? size - at : step;
        char *to = wire_in_room(&in, n, &room);
        if (!to)
            break;
        must(room >= n);
        memcpy(to, data + at, n);
        wire_in_added(&in, n);
        at += n;
        while ((r = wire_in_next(&in, &line, NULL)) == 1) {
            take_line(line, tables, &meta);
            json_decref(line);
        }
    }
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        for (size_t k = 0; k < table_count(tables[i]); k++)
            check_row(row_type_of((enum table_id)i), table_at(tables[i], k));
        table_free(tables[i]);
    }
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        must(memchr(meta.health[i].error, '\0', sizeof meta.health[i].error) != NULL);
    must(meta.cpu.filled <= LOAD_CELLS);
    wire_in_done(&in);
    return 0;
}

#include "tests/fuzz/driver.h"
