/*
 * Cuts what a monitor sends into messages. Pure. The bytes are hostile: a line is at most 64 KiB, a
 * value at most 32 deep, a message one JSON object; everything else is dropped and counted, and the
 * next line starts afresh.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/qmp.h"

struct qmp_lines {
    uint64_t dropped;
    size_t len;
    bool skipping; /* the line is too long: wait for its end */
    char line[QMP_LINE_MAX];
};

struct qmp_lines *qmp_lines_new(void)
{
    struct qmp_lines *l = malloc(sizeof *l);
    if (l) {
        l->dropped = 0;
        qmp_lines_reset(l);
    }
    return l;
}

void qmp_lines_free(struct qmp_lines *l)
{
    free(l);
}

void qmp_lines_reset(struct qmp_lines *l)
{
    l->len = 0;
    l->skipping = false;
}

uint64_t qmp_lines_dropped(const struct qmp_lines *l)
{
    return l->dropped;
}

/* Before jansson sees it, whose recursion follows the text. */
static bool is_shallow(const char *line, size_t len)
{
    unsigned depth = 0;
    bool in_text = false;

    for (size_t i = 0; i < len; i++) {
        if (in_text && line[i] == '\\')
            i++;
        else if (line[i] == '"')
            in_text = !in_text;
        else if (!in_text && (line[i] == '{' || line[i] == '['))
            depth++;
        else if (!in_text && (line[i] == '}' || line[i] == ']') && depth > 0)
            depth--;
        if (depth > QMP_DEPTH_MAX)
            return false;
    }
    return true;
}

static void take_line(struct qmp_lines *l, qmp_message_fn *fn, void *arg)
{
    json_t *message = NULL;

    while (l->len > 0 && l->line[l->len - 1] == '\r')
        l->len--;
    if (l->len == 0)
        return;
    if (is_shallow(l->line, l->len))
        message = json_loadb(l->line, l->len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(message))
        fn(message, arg);
    else
        l->dropped++;
    json_decref(message);
}

void qmp_lines_feed(struct qmp_lines *l, const char *bytes, size_t len, qmp_message_fn *fn,
                    void *arg)
{
    while (len > 0) {
        const char *newline = memchr(bytes, '\n', len);
        const size_t n = newline ? (size_t)(newline - bytes) : len;

        if (!l->skipping && n > sizeof l->line - l->len) {
            l->skipping = true;
            l->dropped++;
        }
        if (!l->skipping) {
            memcpy(l->line + l->len, bytes, n);
            l->len += n;
        }
        if (!newline)
            return;
        if (!l->skipping)
            take_line(l, fn, arg);
        qmp_lines_reset(l);
        bytes += n + 1;
        len -= n + 1;
    }
}
