#ifndef MESHDECK_HOST_WG_INTERNAL_H
#define MESHDECK_HOST_WG_INTERNAL_H
/*
 * What wireguard.c (the queue of jobs, the kernel's side) and wg_userspace.c (wireguard-go) share.
 * Nobody else includes this.
 */
#include <uv.h>

#include "backend/host/nl.h"
#include "backend/host/proc.h"
#include "backend/host/wireguard.h"
#include "backend/observe/uapi.h"

enum wg_job_kind { WG_JOB_UP, WG_JOB_DOWN, WG_JOB_CHANGE };

/* Kernel links that we make carry this group from their first moment, the alias a little later. */
enum { WG_LINK_GROUP = 0x6d647767 }; /* "mdwg" */

struct wg_job {
    struct wg_job *next;
    enum wg_job_kind kind;
    wg_done_fn *done;
    void *arg_b;
    struct err err;
    char *text; /* userspace change; len bytes, with keys */
    size_t len;
    size_t n_peers;
    struct nl *batch; /* kernel change */
};

struct wg_host {
    uv_loop_t *loop_b;
    char name[IFNAMSIZ], alias[128], *pid_file, *log_file;
    bool no_kernel, freed;
    struct wg_host_info info;
    wg_ended_fn *ended;
    void *arg_b;
    struct wg_job *jobs, **last; /* the first is under way when busy */
    bool busy, in_pool;
    uv_work_t work;
    /* the pool's while in_pool */
    struct nl *route;
    struct wg_host_info found;
    uint16_t family;    /* of the kernel's WireGuard */
    bool link_is_there; /* a link of another kind than wireguard */
    struct proc *proc;
    struct uapi *call;
    uv_timer_t *timer; /* while wireguard-go is waited for */
    uint64_t deadline_ms;
    char ended_text[128]; /* why wireguard-go ended while it was waited for */
};

/* wireguard.c: ends the job under way and begins the next. */
void wg_job_end(struct wg_host *h, const struct err *failed);

/* wg_userspace.c */
void wg_user_up(struct wg_host *h); /* ends the job itself, now or later; so do the next two */
void wg_user_down(struct wg_host *h);
void wg_user_change(struct wg_host *h);
void wg_user_release(struct wg_host *h);

#endif
