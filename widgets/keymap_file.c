/* Reads the operator's key file: bounded, line by line, every refusal told with its line. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "widgets/cells.h"
#include "widgets/keymap_priv.h"
#include "widgets/xmem.h"

enum { FILE_MAX = 64 * 1024, LINE_MAX_BYTES = 256, BINDINGS_MAX = 1024 };

struct reading {
    struct keymap *m;
    const char *where;
    int line, complaints;
    keymap_complaint_fn *say;
    void *ctx;
    struct keymap_live seen[BINDINGS_MAX]; /* what this file bound, for clashes within it */
    int seen_line[BINDINGS_MAX];
    size_t n_seen;
};

static void complain(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct reading *r, const char *fmt, ...)
{
    char text[256], raw[512], clean[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->line)
        snprintf(raw, sizeof raw, "%s line %d: %s", r->where, r->line, text);
    else
        snprintf(raw, sizeof raw, "%s: %s", r->where, text);
    cells_clean(clean, sizeof clean, raw, strlen(raw));
    r->complaints++;
    if (r->say)
        r->say(r->ctx, clean);
}

static bool has_key(const struct keymap *m, int action)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->live[i].action == action)
            return true;
    return false;
}

static void note_clash(struct reading *r, int context, const struct key k[2], int action,
                       const char *keys)
{
    for (size_t i = 0; i < r->n_seen; i++) {
        const struct keymap_live *s = &r->seen[i];
        if (s->context == context && key_is(&s->key[0], k[0].code, k[0].mods) &&
            key_is(&s->key[1], k[1].code, k[1].mods) && s->action != action)
            complain(r, "%.40s was bound in line %d already: this line counts", keys,
                     r->seen_line[i]);
    }
    if (r->n_seen < BINDINGS_MAX) {
        r->seen_line[r->n_seen] = r->line;
        r->seen[r->n_seen++] =
            (struct keymap_live){.context = context, .key = {k[0], k[1]}, .action = action};
    }
}

static void read_line(struct reading *r, char *line)
{
    char *save = NULL, why[160] = "";
    const char *where = strtok_r(line, " \t", &save), *keys = strtok_r(NULL, " \t", &save);
    const char *name = strtok_r(NULL, " \t", &save), *more = strtok_r(NULL, " \t", &save);
    struct key k[2];
    int context = -1, action = 0;

    if (!where || where[0] == '#')
        return;
    if (!keys || !name || (more && more[0] != '#')) {
        complain(r, "a line is: context keys action");
        return;
    }
    for (size_t i = 0; i < r->m->n_contexts; i++)
        if (strcmp(r->m->contexts_b[i].name, where) == 0)
            context = r->m->contexts_b[i].id;
    if (context < 0) {
        complain(r, "there is no context \"%.40s\"", where);
        return;
    }
    if (strcmp(name, "none") != 0) {
        const struct keymap_action *a = keymap_action_named(r->m, name);
        if (!a) {
            complain(r, "there is no action \"%.40s\"", name);
            return;
        }
        action = a->id;
    }
    if (keymap_parse_keys(keys, '+', k, why, sizeof why) != 0 ||
        keymap_bind_keys(r->m, context, k, action, why, sizeof why) != 0) {
        complain(r, "%s", why);
        return;
    }
    note_clash(r, context, k, action, keys);
}

int keymap_parse(struct keymap *m, const char *text, size_t len, const char *where,
                 keymap_complaint_fn *say, void *ctx)
{
    struct reading *r = xmem_new(1, sizeof *r);
    bool *had = xmem_new(m->n_actions, sizeof *had);

    *r = (struct reading){.m = m, .where = where, .say = say, .ctx = ctx};
    for (size_t i = 0; i < m->n_actions; i++)
        had[i] = has_key(m, m->actions_b[i].id);
    if (len > FILE_MAX) {
        complain(r, "larger than %d KiB: nothing was read", FILE_MAX / 1024);
        len = 0;
    }
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - text) - at : len - at;
        char line[LINE_MAX_BYTES];
        r->line++;
        if (n >= sizeof line) {
            complain(r, "too long");
        } else if (memchr(text + at, '\0', n)) {
            complain(r, "not text");
        } else {
            memcpy(line, text + at, n);
            line[n] = '\0';
            if (n > 0 && line[n - 1] == '\r')
                line[n - 1] = '\0';
            read_line(r, line);
        }
        at += n + 1;
    }
    r->line = 0;
    for (size_t i = 0; i < m->n_actions; i++)
        if (had[i] && !has_key(m, m->actions_b[i].id))
            complain(r, "%.60s has no key any more; : reaches it", m->actions_b[i].name);
    int n = r->complaints;
    free(r);
    free(had);
    return n;
}

int keymap_load(struct keymap *m, const char *path, keymap_complaint_fn *say, void *ctx)
{
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    char *text = xmem_new(FILE_MAX + 1, 1);
    while (n > 0 && len <= FILE_MAX) {
        n = read(fd, text + len, FILE_MAX + 1 - len);
        if (n > 0)
            len += (size_t)n;
    }
    int rc = n < 0 ? -errno : keymap_parse(m, text, len, path, say, ctx);
    close(fd);
    free(text);
    return rc;
}
