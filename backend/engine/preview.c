#include "backend/engine/preview.h"

#include <jansson.h>
#include <string.h>

#include "backend/engine/vm_files.h"
#include "backend/engine/vms.h"
#include "backend/engine/watch.h"
#include "backend/host/uplink.h"
#include "backend/model/table.h"
#include "backend/model/text.h"
#include "backend/plan/plan_text.h"
#include "backend/vmm/qemu.h"

enum { OPS_SHOWN = 24 };

struct env {
    struct core *core;
    const struct vm_rec *fresh;
};

static int vm_command(const struct plan_vm *p, char *buf, size_t cap, void *arg)
{
    struct env *env = arg;
    struct vm shadow = {.core = env->core};
    const struct vm *v = vms_find_id(env->core, p->id);
    struct vmm_spec spec;
    char folder[PATH_MAX];

    shadow.tap_fd = -1;
    if (v)
        shadow.rec = v->rec;
    else if (env->fresh)
        shadow.rec = *env->fresh;
    else
        return -1;
    shadow.rec.vcpus = p->vcpus;
    shadow.rec.memory_mib = p->memory_mib;
    vm_spec_fill(&shadow, vm_folder(&shadow, folder), &spec);
    return vmm_command_text(&vmm_qemu, &spec, buf, cap, NULL);
}

static void add_line(const char *line, void *arg)
{
    json_array_append_new(arg, json_string(line));
}

/* The link and addresses that carry the one who asks. */
static bool find_way_in(struct request *r, struct plan_way_in *ret)
{
    struct way_in way;
    struct core *c = r->core;
    size_t n = 0;
    const struct rtnl_addr *addrs = watch_addrs(c, &n);

    memset(ret, 0, sizeof *ret);
    if (!r->client->way_in[0] ||
        way_in_find(r->client->way_in, NULL, NULL, 0, &way, NULL) < 0 || !way.remote)
        return false;
    ret->peer = way.client;
    ret->local = way.server;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(addrs[i].local.bytes, way.server.bytes, 16) != 0)
            continue;
        const struct link_row *l = watch_link(c, addrs[i].ifindex);
        ret->ifindex = addrs[i].ifindex;
        if (l)
            memcpy(ret->dev, l->name, sizeof ret->dev);
    }
    return true;
}

json_t *preview_json(struct request *r, const struct plan *p, const struct vm_rec *fresh)
{
    struct env env = {r->core, fresh};
    struct plan_text_env text = {.vm_command = vm_command, .arg = &env};
    json_t *steps = json_array(), *body = json_object();
    struct plan_way_in way;
    char why[200];

    for (size_t i = 0; i < p->n_steps; i++) {
        json_t *lines = json_array();
        plan_step_commands(p, i, &text, OPS_SHOWN, add_line, lines);
        json_array_append_new(steps, json_pack("{s:s, s:s, s:o}", "step", p->steps[i].name, "detail",
                                               p->steps[i].detail, "commands", lines));
    }
    json_object_set_new(body, "plan", steps);
    json_object_set_new(body, "errors", json_array());
    if (find_way_in(r, &way) && plan_touches_way_in(p, &way, why, sizeof why))
        json_object_set_new(body, "touches_way_in", json_string(why));
    else
        json_object_set_new(body, "touches_way_in", json_null());
    json_object_set_new(body, "seconds", json_integer(r->core->vms && r->core->vms->kvm ? 2 : 3));
    return body;
}

json_t *preview_error(const char *field, const char *text)
{
    return json_pack("{s:[], s:[{s:s, s:s}]}", "plan", "errors", "field", field, "text", text);
}
