#ifndef MESHDECK_HOST_DNSMASQ_PRIV_H
#define MESHDECK_HOST_DNSMASQ_PRIV_H
/*
 * Between dnsmasq.c (the process, on the engine's loop), dnsmasq_ops.c (the queue of what is done on
 * libuv's pool), dnsmasq_files.c (the folder and /proc, called there) and dnsmasq_text.c (pure).
 */
#include <uv.h>

#include "backend/host/dnsmasq.h"

#define DNSMASQ_DOMAIN "internal"

enum { DNSMASQ_PATH_MAX = 256, DNSMASQ_REASON_MAX = 160 };

int dnsmasq_servers_text(const struct addr *servers, size_t n, char **ret, struct err *e);

/* Everything below blocks on files and /proc: pool threads only. `folder` is the absolute path. */

/* Makes the folder and hosts/ in it, and writes dnsmasq.conf; *ret_changed tells whether that file
 * differed before. */
int dnsmasq_files_prepare(const char *folder, const char *config, bool *ret_changed,
                          struct err *e);
/* Writes `servers` when it differs. */
int dnsmasq_files_servers(const char *folder, const char *text, bool *ret_changed, struct err *e);
int dnsmasq_files_put(const char *folder, const char *name, const char *text, struct err *e);
int dnsmasq_files_remove(const char *folder, const char *name, struct err *e);
/* Removes the files of names that are not among these; names is sorted by strcmp. */
int dnsmasq_files_keep(const char *folder, const char (*names)[32], size_t count, struct err *e);
/* A whole small file; *ret is a heap string. */
int dnsmasq_files_read(const char *path, char **ret, size_t *ret_len, struct err *e);
/* The last line of dnsmasq's log, cleaned; empties the file when it has grown large. */
void dnsmasq_files_last_words(const char *folder, char *ret, size_t cap);

/* A dnsmasq that runs with this folder's configuration under this uid, in our network namespace, or
 * 0. dnsmasq closes what it inherits and so cannot hold a lock for us; the command line, which only
 * root and that uid can give a process of that uid, is what it is known by. */
pid_t dnsmasq_files_find(const char *folder, uid_t uid);
/* 0 when this pid is such a process, else -ESRCH. */
int dnsmasq_files_is(pid_t pid, const char *folder, uid_t uid);

enum dnsmasq_op_kind {
    DNSMASQ_OP_PREPARE,    /* the folder and the configuration; is there one that runs? */
    DNSMASQ_OP_SERVERS,    /* the upstream servers */
    DNSMASQ_OP_LAST_WORDS, /* the log's last line */
    DNSMASQ_OP_PUT,
    DNSMASQ_OP_REMOVE,
    DNSMASQ_OP_SET,
};

/* One file of DNSMASQ_OP_SET. */
struct dnsmasq_file {
    char name[32];
    char *text;
};

struct dnsmasq_op {
    struct dnsmasq_op *next;
    enum dnsmasq_op_kind kind;
    char name[32];
    char *text;              /* configuration or host file */
    struct dnsmasq_file *files; /* DNSMASQ_OP_SET: sorted by name */
    size_t n_files;
    dnsmasq_done_fn *done;
    void *arg;
    struct err err; /* the outcome */
    bool changed;
    pid_t found;
    char words[DNSMASQ_REASON_MAX];
    struct addr servers[DNSMASQ_UPSTREAM_MAX];
    size_t n_servers;
};

struct dnsmasq {
    uv_loop_t *loop;
    uv_work_t work;
    uv_timer_t timer;  /* start again, or say that it is up */
    uv_timer_t follow; /* look at resolv.conf */
    int handles;
    bool working, closing, stopped, replacing;
    struct dnsmasq_config config;
    char folder[DNSMASQ_PATH_MAX], exe[DNSMASQ_PATH_MAX], resolv[DNSMASQ_PATH_MAX];
    dnsmasq_event_fn *event;
    void *arg;
    struct dnsmasq_op *first, *last, *batch; /* waiting; being worked on */
    size_t n_ops;
    struct proc *proc;
    uint64_t started_ms, retry_ms;
    char ended[128]; /* how it ended, until the last words are known */
    bool was_up, servers_told;
};

/* The queue. queue takes op over, also on failure; free takes one that was never queued. */
struct dnsmasq_op *dnsmasq_op_new(enum dnsmasq_op_kind kind, dnsmasq_done_fn *done, void *arg,
                                  struct err *e);
void dnsmasq_op_free(struct dnsmasq_op *op);
int dnsmasq_op_queue(struct dnsmasq *d, struct dnsmasq_op *op, struct err *e);
void dnsmasq_op_drop_all(struct dnsmasq *d); /* those that wait */
/* Frees d once nothing refers to it any more. */
void dnsmasq_free_if_over(struct dnsmasq *d);
/* In dnsmasq.c: what follows from an operation, on the loop. */
void dnsmasq_op_finish(struct dnsmasq *d, const struct dnsmasq_op *op);

#endif
