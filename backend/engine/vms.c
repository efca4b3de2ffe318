/*
 * The list of machines, their rows, and their way in and out of it: from the store at start, from a
 * create, to a delete. Engine thread; folders are looked at in the pool.
 */
#include "backend/engine/vms.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/engine/base.h"
#include "backend/engine/watch.h"
#include "backend/guest/disk.h"
#include "backend/guest/seed.h"
#include "backend/model/table.h"
#include "backend/model/text.h"
#include "backend/observe/counters.h"
#include "backend/vmm/qemu.h"

enum { TAIL_LINES = 5 };

const char *vm_folder(const struct vm *v, char buf[static PATH_MAX])
{
    (void)snprintf(buf, PATH_MAX, "%.4000s/vms/%s", v->core->set.state_dir, v->rec.name);
    return buf;
}

const char *vm_object(const struct vm *v)
{
    char text[48];

    (void)snprintf(text, sizeof text, "vm %s", v->rec.name);
    return text_intern(text);
}

enum plan_proc vm_proc(const struct vm *v)
{
    if (!v->vmm)
        return PLAN_PROC_NONE;
    return vmm_state(v->vmm) == VMM_UNKNOWN ? PLAN_PROC_UNKNOWN : PLAN_PROC_ALIVE;
}

struct vm *vms_find(const struct core *c, const char *name)
{
    struct vm *v = c->vms ? c->vms->first : NULL;

    while (v && strcmp(v->rec.name, name) != 0)
        v = v->next;
    return v;
}

struct vm *vms_find_id(const struct core *c, uint64_t id)
{
    struct vm *v = c->vms ? c->vms->first : NULL;

    while (v && v->rec.id != id)
        v = v->next;
    return v;
}

const char *vms_name_of_tap(const struct core *c, const char *tap)
{
    for (const struct vm *v = c->vms ? c->vms->first : NULL; v; v = v->next)
        if (strcmp(v->rec.tap, tap) == 0)
            return v->rec.name;
    return NULL;
}

static void row_from_record(struct vm *v)
{
    const struct net_rec *net = base_net(v->core, v->rec.network_id);
    struct vm_row *r = &v->row;

    r->id = v->rec.id;
    memcpy(r->name, v->rec.name, sizeof r->name);
    r->node = text_intern(v->core->meta.node);
    r->network = text_intern(net ? net->name : "");
    r->image = text_intern(v->rec.image);
    r->accel = text_intern(v->rec.accel);
    r->ports = text_intern(v->rec.ports);
    r->labels = text_intern(v->rec.labels);
    r->ip4 = v->rec.ip4;
    r->ip6 = v->rec.ip6;
    memcpy(r->mac, v->rec.mac, sizeof r->mac);
    memcpy(r->tap, v->rec.tap, sizeof r->tap);
    r->wanted = v->rec.wanted;
    r->vcpus = v->rec.vcpus;
    r->memory_mib = v->rec.memory_mib;
    r->disk_gib = v->rec.disk_gib;
    r->created_ms = v->rec.created_ms;
    if (!r->reason)
        r->reason = text_intern("");
}

void vm_publish(struct vm *v)
{
    row_from_record(v);
    v->row.pid = v->vmm ? (uint32_t)vmm_pid(v->vmm) : 0;
    if (!v->vmm)
        v->row.cpu_permille = v->row.rss_mib = 0, v->row.rx_bps = v->row.tx_bps = 0;
    publish_put(v->core, TABLE_VMS, &v->row);
}

void vm_set_state(struct vm *v, enum vm_state state, const char *reason)
{
    char key[ALERT_KEY];

    if (v->row.state != state || v->row.since_ms == 0)
        v->row.since_ms = now_ms();
    v->row.state = (uint8_t)state;
    v->row.reason = text_intern(reason ? reason : "");
    vm_publish(v);
    (void)snprintf(key, sizeof key, "vm:%s", v->rec.name);
    if (state == VM_STATE_FAILED || state == VM_STATE_UNKNOWN) {
        char sentence[200];
        (void)snprintf(sentence, sizeof sentence, "%s %s: %.140s", v->rec.name,
                       state == VM_STATE_FAILED ? "failed" : "does not answer",
                       reason && *reason ? reason : "no reason is known");
        journal_raise(v->core, key, state == VM_STATE_FAILED ? ALERT_CRIT : ALERT_WARN, v->rec.name,
                      "vms", vm_state_names[state], sentence, 1, v->rec.id);
    } else {
        journal_clear(v->core, key);
    }
}

struct vm *vms_add(struct core *c, const struct vm_rec *rec)
{
    struct vm *v = calloc(1, sizeof *v);
    char folder[PATH_MAX];

    if (!v)
        return NULL;
    v->core = c;
    v->rec = *rec;
    v->tap_fd = -1;
    if (serial_new(&c->loop, vm_folder(v, folder), &vm_serial_events, v, &v->serial, NULL) < 0) {
        free(v);
        return NULL;
    }
    v->next = c->vms->first;
    c->vms->first = v;
    c->vms->n++;
    v->row.state = VM_STATE_STOPPED;
    v->row.since_ms = rec->ended_ms ? rec->ended_ms : rec->created_ms;
    vm_publish(v);
    return v;
}

static void vm_drop(struct vm *v)
{
    vmm_free(v->vmm);
    serial_free(v->serial);
    if (v->tap_fd >= 0)
        close(v->tap_fd);
    free(v);
}

void vms_remove(struct vm *v)
{
    struct vm **at = &v->core->vms->first;
    char key[ALERT_KEY];

    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    v->core->vms->n--;
    (void)snprintf(key, sizeof key, "vm:%s", v->rec.name);
    journal_clear(v->core, key);
    publish_remove(v->core, TABLE_VMS, &v->row);
    vm_drop(v);
}

int vms_load(struct core *c, const struct vm_rec *recs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!vms_add(c, &recs[i]))
            return -ENOMEM;
    watch_relabel_all(c); /* the kernel may have told its routes before whose taps they are was known */
    return 0;
}

int vms_init(struct core *c)
{
    c->vms = calloc(1, sizeof *c->vms);
    if (!c->vms)
        return -ENOMEM;
    uv_timer_init(&c->loop, &c->vms->timer);
    c->vms->timer.data = c;
    c->vms->sessions = session_pool_new(&c->loop, NULL, 0, 0);
    return c->vms->sessions ? 0 : -ENOMEM;
}

void vms_release(struct core *c)
{
    struct vms *vs = c->vms;

    if (!vs)
        return;
    uv_timer_stop(&vs->timer);
    probe_free(vs->probe);
    vs->probe = NULL;
    counters_free(vs->counters);
    vs->counters = NULL;
    session_pool_free(vs->sessions);
    vs->sessions = NULL;
    while (vs->first) {
        struct vm *v = vs->first;
        vs->first = v->next;
        vm_drop(v);
    }
    vs->n = 0;
}

void vms_done(struct core *c)
{
    if (!c->vms)
        return;
    keys_done(&c->vms->client_key);
    free(c->vms);
    c->vms = NULL;
}

/* ---- start-up ---- */

struct look {
    uv_work_t work;
    struct core *core;
    void (*done)(struct core *c);
    size_t n;
    struct look_one {
        uint64_t id;
        char folder[256], image_dir[256];
        bool has_folder, has_disk, has_seed;
    } vms[];
};

static void look_at_folders(uv_work_t *w)
{
    struct look *l = w->data;

    for (size_t i = 0; i < l->n; i++) {
        struct look_one *o = &l->vms[i];
        struct disk_info info;
        struct stat st;
        o->has_folder = lstat(o->folder, &st) == 0 && S_ISDIR(st.st_mode);
        o->has_disk = o->has_folder &&
                      disk_check(o->folder, "disk.qcow2", o->image_dir, &info, NULL) == 0;
        o->has_seed = o->has_folder && seed_is_whole(o->folder);
    }
}

/* A VM that lives is ours again; one that should run and does not is the planner's business when it
 * is to come back by itself, and is stopped otherwise. */
static void adopt_one(struct vm *v)
{
    char folder[PATH_MAX];
    struct err e = {0};

    int r = vmm_adopt(&v->core->loop, &vmm_qemu, vm_folder(v, folder), &vm_events, v, &v->vmm, &e);
    if (r == 0) {
        if (serial_connect(v->serial, vmm_pid(v->vmm), &e) < 0)
            journal_event(v->core, EVENT_WARN, vm_object(v), "qemu", NULL, "no serial line: %s", e.text);
        v->row.since_ms = v->rec.started_ms;
        v->row.state = VM_STATE_UNKNOWN; /* no alarm: its monitor is being asked */
        vm_publish(v);
        return;
    }
    if (r != -ESRCH) {
        vm_set_state(v, VM_STATE_UNKNOWN, e.text);
        return;
    }
    if (v->rec.phase == VM_PHASE_WHOLE && v->rec.wanted && !v->rec.autostart) {
        v->rec.wanted = 0;
        vm_set_state(v, VM_STATE_STOPPED, "it ended while no engine ran; why is not known");
    }
}

static void folders_seen(uv_work_t *w, int status)
{
    struct look *l = w->data;
    struct core *c = l->core;

    for (size_t i = 0; status == 0 && !c->closing && i < l->n; i++) {
        struct vm *v = vms_find_id(c, l->vms[i].id);
        if (!v)
            continue;
        v->has_folder = l->vms[i].has_folder;
        v->has_disk = l->vms[i].has_disk;
        v->has_seed = l->vms[i].has_seed;
        if (v->has_folder)
            adopt_one(v);
    }
    if (!c->closing) {
        vms_count_start(c);
        l->done(c);
    }
    free(l);
}

void vms_adopt_all(struct core *c, void (*done)(struct core *c))
{
    struct look *l = calloc(1, sizeof *l + c->vms->n * sizeof l->vms[0]);

    if (!l) {
        done(c);
        return;
    }
    l->core = c;
    l->done = done;
    l->work.data = l;
    for (struct vm *v = c->vms->first; v; v = v->next, l->n++) {
        struct look_one *o = &l->vms[l->n];
        o->id = v->rec.id;
        (void)snprintf(o->folder, sizeof o->folder, "%.180s/vms/%s", c->set.state_dir, v->rec.name);
        (void)snprintf(o->image_dir, sizeof o->image_dir, "%.200s/images", c->set.state_dir);
    }
    uv_queue_work(&c->loop, &l->work, look_at_folders, folders_seen);
}

struct accel_wait {
    struct core *core;
    void (*done)(struct core *c);
};

static void accel_known(const struct probe_result *r, void *arg)
{
    struct accel_wait *w = arg;
    struct core *c = w->core;

    c->vms->kvm = r->accel == VMM_ACCEL_KVM;
    str_copy(c->meta.accel, sizeof c->meta.accel, vmm_accel_name(r->accel));
    str_copy(c->meta.accel_why, sizeof c->meta.accel_why, r->reason);
    publish_dirty(c);
    w->done(c);
    free(w);
}

void vms_accel_start(struct core *c, void (*done)(struct core *c))
{
    struct accel_wait *w = calloc(1, sizeof *w);
    struct probe_result none = {.accel = VMM_ACCEL_TCG};
    struct err e = {0};

    if (!w)
        return;
    *w = (struct accel_wait){c, done};
    if (probe_start(&c->loop, c->set.state_dir, NULL, accel_known, w, &c->vms->probe, &e) == 0)
        return;
    str_copy(none.reason, sizeof none.reason, e.text);
    accel_known(&none, w);
}

void vms_add_serial_tail(struct core *c, const char *name, json_t *body)
{
    struct vm *v = vms_find(c, name);
    json_t *lines = json_array();
    char text[2048];

    if (v && v->serial) {
        serial_last_lines(v->serial, TAIL_LINES, text, sizeof text);
        for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
            json_array_append_new(lines, json_string(line));
        json_object_set_new(body, "vm", json_string(v->rec.name));
    }
    json_object_set_new(body, "serial", lines);
}
