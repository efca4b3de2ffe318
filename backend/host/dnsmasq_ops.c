/*
 * The queue of what dnsmasq.c has done on libuv's pool: one batch at a time, in order, so that a
 * file that is written and removed ends as it should. Engine thread, but for what says otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/dnsmasq_priv.h"
#include "backend/model/text.h"

enum { OPS_MAX = 100000 };

static void start_batch(struct dnsmasq *d);

void dnsmasq_op_free(struct dnsmasq_op *op)
{
    for (size_t i = 0; i < op->n_files; i++) {
        free(op->files[i].text);
    }
    free(op->files);
    free(op->text);
    free(op);
}

int dnsmasq_op_queue(struct dnsmasq *d, struct dnsmasq_op *op, struct err *e)
{
    if (d->n_ops >= OPS_MAX) {
        dnsmasq_op_free(op);
        return err_set(e, ERR_AREA_HOST, -EBUSY, "too many names wait for dnsmasq's folder");
    }
    if (d->last) {
        d->last->next = op;
    } else {
        d->first = op;
    }
    d->last = op;
    d->n_ops++;
    start_batch(d);
    return 0;
}

struct dnsmasq_op *dnsmasq_op_new(enum dnsmasq_op_kind kind, dnsmasq_done_fn *done, void *arg, struct err *e)
{
    struct dnsmasq_op *op = calloc(1, sizeof(*op));

    if (!op) {
        (void)err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq");
        return NULL;
    }
    op->kind = kind;
    op->done = done;
    op->arg = arg;
    return op;
}

/* From here to on_work: on the pool. d's strings and config do not change while it works. */

static void work_servers(const struct dnsmasq *d, struct dnsmasq_op *op)
{
    char *text = NULL;
    size_t len;

    if (d->config.n_upstream > 0) {
        op->n_servers = d->config.n_upstream;
        memcpy(op->servers, d->config.upstream, sizeof(op->servers));
    } else if (dnsmasq_files_read(d->resolv, &text, &len, &op->err) == 0) {
        op->n_servers = dnsmasq_parse_resolv(text, len, d->config.listen, d->config.n_listen,
                                             op->servers);
        free(text);
    } else {
        return; /* what was known stands */
    }
    if (dnsmasq_servers_text(op->servers, op->n_servers, &text, &op->err) == 0) {
        (void)dnsmasq_files_servers(d->folder, text, &op->changed, &op->err);
        free(text);
    }
}

static void work_set(const struct dnsmasq *d, struct dnsmasq_op *op)
{
    char(*names)[32] = calloc(op->n_files + 1, sizeof(*names));

    if (!names) {
        (void)err_set(&op->err, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq's names");
        return;
    }
    for (size_t i = 0; i < op->n_files; i++) {
        memcpy(names[i], op->files[i].name, sizeof(names[i]));
    }
    (void)dnsmasq_files_keep(d->folder, (const char(*)[32])names, op->n_files, &op->err);
    for (size_t i = 0; i < op->n_files && op->err.code == 0; i++) {
        (void)dnsmasq_files_put(d->folder, op->files[i].name, op->files[i].text, &op->err);
    }
    free(names);
}

static void work_op(const struct dnsmasq *d, struct dnsmasq_op *op)
{
    switch (op->kind) {
    case DNSMASQ_OP_PREPARE:
        if (dnsmasq_files_prepare(d->folder, op->text, &op->changed, &op->err) == 0) {
            op->found = dnsmasq_files_find(d->folder, d->config.uid);
        }
        break;
    case DNSMASQ_OP_SERVERS:
        work_servers(d, op);
        break;
    case DNSMASQ_OP_LAST_WORDS:
        dnsmasq_files_last_words(d->folder, op->words, sizeof(op->words));
        break;
    case DNSMASQ_OP_PUT:
        (void)dnsmasq_files_put(d->folder, op->name, op->text, &op->err);
        break;
    case DNSMASQ_OP_REMOVE:
        (void)dnsmasq_files_remove(d->folder, op->name, &op->err);
        break;
    case DNSMASQ_OP_SET:
        work_set(d, op);
        break;
    }
}

static void on_work(uv_work_t *work)
{
    const struct dnsmasq *d = work->data;

    for (struct dnsmasq_op *op = d->batch; op; op = op->next) {
        work_op(d, op);
    }
}

void dnsmasq_free_if_over(struct dnsmasq *d)
{
    if (d->closing && !d->working && d->handles == 0) {
        free(d);
    }
}

static void on_worked(uv_work_t *work, int status)
{
    struct dnsmasq *d = work->data;
    struct dnsmasq_op *op = d->batch;

    (void)status; /* never cancelled */
    d->working = false;
    d->batch = NULL;
    while (op) {
        struct dnsmasq_op *next = op->next;
        if (!d->closing) {
            dnsmasq_op_finish(d, op);
        }
        dnsmasq_op_free(op);
        op = next;
    }
    start_batch(d);
    dnsmasq_free_if_over(d);
}

static void start_batch(struct dnsmasq *d)
{
    if (d->working || !d->first || d->closing) {
        return;
    }
    d->batch = d->first;
    d->first = d->last = NULL;
    d->n_ops = 0;
    d->working = true;
    (void)uv_queue_work(d->loop, &d->work, on_work, on_worked); /* fails only without on_work */
}

void dnsmasq_op_drop_all(struct dnsmasq *d)
{
    while (d->first) {
        struct dnsmasq_op *next = d->first->next;
        dnsmasq_op_free(d->first);
        d->first = next;
    }
    d->last = NULL;
    d->n_ops = 0;
}

int dnsmasq_put_host(struct dnsmasq *d, const struct dnsmasq_host *host, dnsmasq_done_fn *done,
                     void *arg, struct err *e)
{
    char *text;
    int r = dnsmasq_host_text(host, &text, e);
    struct dnsmasq_op *op = r < 0 ? NULL : dnsmasq_op_new(DNSMASQ_OP_PUT, done, arg, e);

    if (r < 0) {
        return r;
    }
    if (!op) {
        free(text);
        return -ENOMEM;
    }
    op->text = text;
    (void)str_copy(op->name, sizeof(op->name), host->name); /* fits: it is a valid name */
    return dnsmasq_op_queue(d, op, e);
}

int dnsmasq_remove_host(struct dnsmasq *d, const char *name, dnsmasq_done_fn *done, void *arg,
                        struct err *e)
{
    if (!text_name_is_valid(name)) {
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "that is no name of a VM");
    }
    struct dnsmasq_op *op = dnsmasq_op_new(DNSMASQ_OP_REMOVE, done, arg, e);
    if (!op) {
        return -ENOMEM;
    }
    (void)str_copy(op->name, sizeof(op->name), name); /* fits: it is a valid name */
    return dnsmasq_op_queue(d, op, e);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct dnsmasq_file *)a)->name, ((const struct dnsmasq_file *)b)->name);
}

int dnsmasq_set_hosts(struct dnsmasq *d, const struct dnsmasq_host *hosts, size_t count,
                      dnsmasq_done_fn *done, void *arg, struct err *e)
{
    struct dnsmasq_op *op = dnsmasq_op_new(DNSMASQ_OP_SET, done, arg, e);
    int r = op ? 0 : -ENOMEM;

    if (op && !(op->files = calloc(count + 1, sizeof(*op->files)))) {
        r = err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for %zu names", count);
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = dnsmasq_host_text(&hosts[i], &op->files[i].text, e);
        if (r == 0) {
            (void)str_copy(op->files[i].name, sizeof(op->files[i].name), hosts[i].name);
            op->n_files++;
        }
    }
    if (r < 0) {
        if (op) {
            dnsmasq_op_free(op);
        }
        return r;
    }
    qsort(op->files, op->n_files, sizeof(*op->files), compare_files);
    return dnsmasq_op_queue(d, op, e);
}

