/* The table of commands and the check of their arguments. Pure: any thread. */
#include "backend/engine/verbs.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/model/text.h"

#define NAME {"name", ARG_NAME, true, 0, 0}
#define NAMES {"names", ARG_NAMES, true, 1, 64000}
#define ID {"id", ARG_UINT, true, 0, ~0ull}
#define DRY {"dry_run", ARG_BOOL, false, 0, 0}

const struct verb verbs[VERB_COUNT] = {
    [VERB_VM_CREATE] = {"vm.create", true, true, "Make a VM, and start it unless told not to",
                        "name, ip4, ip6; with dry_run: plan, errors, touches_way_in, seconds",
                        {{"name", ARG_NAME, true, 0, 0},
                         {"image", ARG_NAME, false, 0, 0},
                         {"network", ARG_NAME, false, 0, 0},
                         {"node", ARG_TEXT, false, 0, 31},
                         {"cpus", ARG_UINT, false, 1, 1024},
                         {"memory_mib", ARG_UINT, false, 32, 1u << 24},
                         {"disk_gib", ARG_UINT, false, 1, 1u << 16},
                         {"ip", ARG_TEXT, false, 0, 63},
                         {"ports", ARG_TEXTS, false, 0, 15},
                         {"labels", ARG_TEXTS, false, 0, 64},
                         {"start", ARG_BOOL, false, 0, 0},
                         {"autostart", ARG_BOOL, false, 0, 0},
                         DRY}},
    [VERB_VM_SET] = {"vm.set", true, true, "Change a VM's limits; some need a restart",
                     "needs_restart; with dry_run: plan, errors",
                     {NAME,
                      {"cpus", ARG_UINT, false, 1, 1024},
                      {"memory_mib", ARG_UINT, false, 32, 1u << 24},
                      {"disk_gib", ARG_UINT, false, 1, 1u << 16},
                      {"autostart", ARG_BOOL, false, 0, 0},
                      {"labels", ARG_TEXTS, false, 0, 64},
                      DRY}},
    [VERB_VM_START] = {"vm.start", true, true, "Boot VMs", "", {NAMES, DRY}},
    [VERB_VM_STOP] = {"vm.stop", true, true, "Stop VMs; killed after the limit", "",
                      {NAMES, {"timeout_s", ARG_UINT, false, 0, 3600}, {"force", ARG_BOOL, false, 0, 0}, DRY}},
    [VERB_VM_RESTART] = {"vm.restart", true, true, "Stop and boot VMs", "",
                         {NAMES, {"timeout_s", ARG_UINT, false, 0, 3600}, DRY}},
    [VERB_VM_PAUSE] = {"vm.pause", true, true, "Freeze VMs", "", {NAMES}},
    [VERB_VM_RESUME] = {"vm.resume", true, true, "Let paused VMs go on", "", {NAMES}},
    [VERB_VM_DELETE] = {"vm.delete", true, true, "Delete VMs with their disks", "",
                        {NAMES, DRY}},
    [VERB_VM_DETAIL] = {"vm.detail", false, false, "All about one VM",
                        "vm (its row), gateway4, gateway6, dns, fqdn, mtu, user, machine, host_key, "
                        "history {cpu, memory, disk, rx, tx: arrays of up to 30, newest last, a cell "
                        "each 10 s}, serial [text], journal [event rows], exit",
                        {NAME}},
    [VERB_VM_SHELL] = {"vm.shell", false, false, "A shell in the guest over SSH", "a stream (fd)",
                       {NAME, {"cols", ARG_UINT, true, 1, 500}, {"rows", ARG_UINT, true, 1, 500}}},
    [VERB_VM_EXEC] = {"vm.exec", false, false, "Run a command in the guest", "a stream (fd)",
                      {NAME, {"argv", ARG_TEXTS, true, 1, 131072}}},
    [VERB_VM_SERIAL] = {"vm.serial", false, false, "The guest's serial line", "a stream (fd)", {NAME}},
    [VERB_VM_LOG] = {"vm.log", false, false, "The kept serial output", "lines [text], cut (bool)",
                     {NAME, {"lines", ARG_UINT, false, 1, 10000}}},
    [VERB_PEER_ADD] = {"peer.add", true, true, "Add a WireGuard peer", "with dry_run: plan, errors",
                       {NAME,
                        {"public_key", ARG_TEXT, true, 0, 64},
                        {"endpoint", ARG_TEXT, false, 0, 79},
                        {"allowed_ips", ARG_TEXTS, false, 0, 63},
                        {"keepalive", ARG_UINT, false, 0, 65535},
                        {"expected", ARG_TEXT, false, 0, 15},
                        DRY}},
    [VERB_PEER_REMOVE] = {"peer.remove", true, true, "Remove a WireGuard peer", "",
                          {{"name", ARG_TEXT, true, 0, 64}, DRY}},
    [VERB_PEER_DETAIL] = {"peer.detail", false, false, "All about one peer",
                          "peer (its row), lines [{label, text}]", {{"name", ARG_TEXT, true, 0, 64}}},
    [VERB_PEER_TRY] = {"peer.try", true, true, "Move a peer to its other endpoint now", "",
                       {{"name", ARG_TEXT, true, 0, 64}}},
    [VERB_ROUTE_DETAIL] = {"route.detail", false, false, "All about one route",
                           "lines [{label, text}], command", {ID}},
    [VERB_NETWORK_DETAIL] = {"network.detail", false, false, "All about one network",
                             "lines [{label, text}], members [name]", {NAME}},
    [VERB_NODE_DETAIL] = {"node.detail", false, false, "All about one node", "lines [{label, text}]",
                          {{"name", ARG_TEXT, true, 0, 64}}},
    [VERB_IMAGE_BUILD] = {"image.build", true, true, "Build or import the built-in image again", "", {{NULL, ARG_TEXT, false, 0, 0}}},
    [VERB_IMAGE_DETAIL] = {"image.detail", false, false, "All about one image",
                           "lines [{label, text}], users [name]", {NAME}},
    [VERB_IMAGE_DELETE] = {"image.delete", true, true, "Delete an image that nobody uses", "", {NAME, DRY}},
    [VERB_EVENT_DETAIL] = {"event.detail", false, false, "One entry of the journal",
                           "lines [{label, text}], before, after", {ID}},
    [VERB_TICKET_DETAIL] = {"ticket.detail", false, false, "One ticket, step by step",
                            "ticket (its row), list [{n, name, detail, state, ms}], undone [text], "
                            "serial [text], vm",
                            {ID}},
    [VERB_TICKET_CANCEL] = {"ticket.cancel", true, false, "Cancel a running ticket and undo it", "", {ID}},
    [VERB_TICKET_RETRY] = {"ticket.retry", true, true, "Try a failed ticket again", "", {ID}},
    [VERB_ALERT_ACK] = {"alert.ack", true, false, "Take an alert", "", {ID}},
    [VERB_WHY] = {"why", false, false, "The evidence for what is shown of an object",
                  "lines [{label, text}]",
                  {{"view", ARG_TEXT, true, 0, 15}, {"object", ARG_TEXT, true, 0, 64}}},
    [VERB_FLEET_MARK] = {"fleet.mark", true, true, "Mark the fleet as production or normal", "",
                         {{"mark", ARG_TEXT, true, 0, 15}}},
    [VERB_TABLE_REREAD] = {"table.reread", false, false, "Read a table again from its source", "",
                           {{"table", ARG_TEXT, true, 0, 15}}},
    [VERB_UNIT_ENABLE] = {"unit.enable", true, false, "Enable the headless engine's systemd unit", "", {{NULL, ARG_TEXT, false, 0, 0}}},
    [VERB_PLAN] = {"plan", false, false, "What differs from what is wanted, and would be done now",
                   "plan [{step, commands}], notes [text]", {{NULL, ARG_TEXT, false, 0, 0}}},
    [VERB_INCIDENT] = {"incident", true, false, "Demo only: break something to practise on", "",
                       {{"kind", ARG_TEXT, true, 0, 15}}},
};

enum verb_id verb_find(const char *name)
{
    for (unsigned i = 0; i < VERB_COUNT; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return (enum verb_id)i;
    return VERB_COUNT;
}

static int check_text(const struct verb_arg *a, const json_t *v, bool is_name, struct err *e)
{
    if (!json_is_string(v))
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: a text is wanted", a->name);
    if (strlen(json_string_value(v)) != json_string_length(v))
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: has a NUL in it", a->name);
    if (is_name && !text_name_is_valid(json_string_value(v)))
        return err_set(e, ERR_AREA_INPUT, -EINVAL,
                       "%s: \"%.40s\" is no name: small letters, digits and - only, a letter first, "
                       "at most 31, not - last", a->name, json_string_value(v));
    if (!is_name && a->max && json_string_length(v) > a->max)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: %zu bytes, at most %llu are taken", a->name,
                       json_string_length(v), a->max);
    return 0;
}

static int check_list(const struct verb_arg *a, const json_t *v, bool names, struct err *e)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: a list is wanted", a->name);
    if (a->required && json_array_size(v) == 0)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: at least one is wanted", a->name);
    json_array_foreach(v, i, item) {
        int r = check_text(a, item, names, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_arg(const struct verb_arg *a, const json_t *v, struct err *e)
{
    switch (a->kind) {
    case ARG_NAME:
        return check_text(a, v, true, e);
    case ARG_TEXT:
        return check_text(a, v, false, e);
    case ARG_NAMES:
        return check_list(a, v, true, e);
    case ARG_TEXTS:
        return check_list(a, v, false, e);
    case ARG_BOOL:
        return json_is_boolean(v) ? 0
                                  : err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: true or false is wanted", a->name);
    case ARG_UINT:
        if (!json_is_integer(v))
            return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: a whole number is wanted", a->name);
        if (a->max != ~0ull && (json_integer_value(v) < (json_int_t)a->min ||
                                json_integer_value(v) > (json_int_t)a->max))
            return err_set(e, ERR_AREA_INPUT, -ERANGE, "%s: %lld is outside %llu to %llu", a->name,
                           (long long)json_integer_value(v), a->min, a->max);
        return 0;
    }
    return -EINVAL;
}

int verb_check(enum verb_id id, const json_t *args, struct err *e)
{
    const struct verb *v = &verbs[id];
    const char *key;
    json_t *value;

    if (args && !json_is_object(args))
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: arguments are an object", v->name);
    json_object_foreach((json_t *)(uintptr_t)args, key, value) {
        const struct verb_arg *a = v->args;
        while (a < v->args + VERB_ARGS_MAX && a->name && strcmp(a->name, key) != 0)
            a++;
        if (a == v->args + VERB_ARGS_MAX || !a->name)
            return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s takes no \"%.40s\"", v->name, key);
        int r = check_arg(a, value, e);
        if (r < 0)
            return r;
    }
    for (const struct verb_arg *a = v->args; a < v->args + VERB_ARGS_MAX && a->name; a++)
        if (a->required && !json_object_get(args, a->name))
            return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: \"%s\" is missing", v->name, a->name);
    return 0;
}
