/*
 * The reader of a WireGuard device. A userspace device is read over its socket from the loop; the
 * kernel's in the pool, since it answers under locks that others hold for long. Engine thread.
 * Keeps the latest device and no secret.
 */
#include "backend/observe/wireguard.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "backend/host/nl.h"
#include "backend/model/text.h"
#include "backend/observe/uapi.h"
#include "backend/observe/wg_build.h"

enum { TRIES = 5 };

struct wg_reader {
    uv_loop_t *loop_b;
    char name[IFNAMSIZ];
    enum wg_backend backend;
    struct wg_build build;
    wg_read_fn *done;
    void *arg_b;
    bool busy, freed;
    struct uapi *call; /* userspace: the exchange under way */
    /* kernel: the job's while it runs */
    uv_work_t work;
    struct nl *nl;
    uint16_t family;
    size_t ips_before;
    struct err err;
};

int wg_reader_new(struct uv_loop_s *loop, const char *name, enum wg_backend backend,
                  struct wg_reader **ret, struct err *e)
{
    char path[128];
    struct wg_reader *r;
    int rc = 0;

    if (!uapi_path(name, path, sizeof path) || backend == WG_BACKEND_NONE)
        return err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "%.20s: no WireGuard device", name);
    r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    r->loop_b = loop;
    r->backend = backend;
    r->work.data = r;
    (void)str_copy(r->name, sizeof r->name, name); /* uapi_path has checked its length */
    if (backend == WG_BACKEND_KERNEL)
        rc = nl_open(NETLINK_GENERIC, &r->nl, e);
    if (rc != 0) {
        free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void wg_reader_free(struct wg_reader *r)
{
    if (!r)
        return;
    r->freed = true;
    if (r->busy && r->backend == WG_BACKEND_KERNEL)
        return; /* job_done comes back here */
    uapi_cancel(r->call);
    nl_free(r->nl);
    wg_build_done(&r->build);
    free(r);
}

/* The end of a read, by whichever way. */
static void tell(struct wg_reader *r, const struct err *failed)
{
    r->busy = false;
    r->call = NULL;
    if (!failed && r->build.device.ifindex == 0)
        r->build.device.ifindex = if_nametoindex(r->name);
    r->done(failed ? NULL : &r->build.device, failed, r->arg_b);
}

static int take_line(const char *line, size_t len, void *arg)
{
    struct wg_reader *r = arg;
    return wg_build_uapi_line(&r->build, line, len);
}

static void answered(const struct err *failed, void *arg)
{
    struct wg_reader *r = arg;
    struct err e = {0};

    if (!failed && wg_build_finish(&r->build, &e) != 0)
        failed = &e;
    tell(r, failed);
}

static int start_userspace(struct wg_reader *r, struct err *e)
{
    static const char get[] = "get=1\n\n";
    struct uapi_request q = {.name = r->name,
                             .text_take = strdup(get),
                             .len = sizeof get - 1,
                             .deadline_ms = WG_READ_DEADLINE_MS,
                             .line = take_line,
                             .done = answered,
                             .arg = r};
    if (!q.text_take)
        return err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    wg_build_reset(&r->build, r->name, r->backend);
    return uapi_start(r->loop_b, &q, &r->call, e);
}

static int take_message(const struct nlmsghdr *m, void *arg)
{
    struct wg_reader *r = arg;
    return wg_build_genl(&r->build, m);
}

static int ask_kernel(struct wg_reader *r)
{
    char buffer[128] __attribute__((aligned(8))), what[48];
    struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
    size_t len = 0;

    err_clear(&r->err);
    wg_build_reset(&r->build, r->name, r->backend);
    m->nlmsg_type = r->family;
    m->nlmsg_flags = NLM_F_DUMP;
    struct genlmsghdr *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
    head->cmd = WG_CMD_GET_DEVICE;
    head->version = WG_GENL_VERSION;
    if (!mnl_attr_put_strz_check(m, sizeof buffer, WGDEVICE_A_IFNAME, r->name))
        return -EINVAL;
    (void)str_add(what, sizeof what, &len, "reading WireGuard device %s", r->name);
    int rc = nl_ask(r->nl, m, take_message, r, 0, what, &r->err);
    nl_wipe(r->nl);
    return rc;
}

static void job_run(uv_work_t *work)
{
    struct wg_reader *r = work->data;
    int rc = 0;

    if (r->family == 0)
        rc = nl_genl_family(r->nl, WG_GENL_NAME, &r->family, &r->err);
    if (rc == 0)
        rc = -EINTR;
    for (int i = 0; i < TRIES && rc == -EINTR; i++)
        rc = ask_kernel(r);
    /* A list of allowed IPs that changes while it is read comes out short without a mark. */
    if (rc == 0 && r->build.device.n_ips < r->ips_before)
        rc = ask_kernel(r);
    if (rc == 0)
        rc = wg_build_finish(&r->build, &r->err);
    if (rc == 0)
        r->ips_before = r->build.device.n_ips;
}

static void job_done(uv_work_t *work, int status)
{
    struct wg_reader *r = work->data;

    if (r->freed) {
        r->busy = false;
        wg_reader_free(r);
        return;
    }
    if (status != 0)
        (void)err_set(&r->err, ERR_AREA_WIREGUARD, status, "reading %s was cancelled", r->name);
    tell(r, r->err.code ? &r->err : NULL);
}

int wg_read(struct wg_reader *r, wg_read_fn *done, void *arg, struct err *e)
{
    int rc;

    if (r->busy)
        return err_set(e, ERR_AREA_WIREGUARD, -EBUSY, "%s is being read", r->name);
    r->done = done;
    r->arg_b = arg;
    err_clear(&r->err);
    if (r->backend == WG_BACKEND_USERSPACE) {
        rc = start_userspace(r, e);
    } else {
        rc = uv_queue_work(r->loop_b, &r->work, job_run, job_done);
        if (rc != 0)
            (void)err_set(e, ERR_AREA_WIREGUARD, rc, "reading %s: %s", r->name, uv_strerror(rc));
    }
    r->busy = rc == 0;
    return rc;
}
