/* What the fixture's engine answers, from the same drawings. */
#include <jansson.h>
#include <string.h>

#include "backend/model/rows.h"
#include "backend/model/text.h"
#include "tests/support/fixture.h"

static json_t *line(const char *label, const char *text)
{
    return json_pack("{s:s, s:s}", "label", label, "text", text);
}

/* A drawn series back to numbers of the row's unit. */
static json_t *series(const char *drawn, double top)
{
    static const char steps[] = "_.:-=+*%#";
    json_t *a = json_array();

    for (; *drawn; drawn++) {
        double level = (double)(strchr(steps, *drawn) - steps);
        json_array_append_new(a, json_real(level > 0 ? (level - 0.5) * top / 8 : 0));
    }
    return a;
}

static json_t *event(uint64_t id, int64_t ms, const char *what, const char *who, const char *cause)
{
    return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s}", "id", (json_int_t)id, "time", (json_int_t)ms,
                     "object", "vm web1", "what", what, "who", who, "cause", cause);
}

static json_t *vm_detail(void)
{
    json_t *journal = json_array(), *history;

    history = json_pack("{s:o, s:o, s:o, s:o, s:o}", "cpu", series("..:-=--.", 2000), "memory",
                        series("++++++++", 512), "disk", series("--------", 10.0 * (1 << 30)), "rx",
                        series("..:-=+*%##%*+=-:......:-==-:.", 500000), "tx", series("..:-=+*%##%*+=-:......:-=+*+=-", 3000000));
    for (int i = 0; i < 16; i++)
        json_array_append_new(journal, event(200 + (uint64_t)i, fixture_at(18, 8, i, 0), "older", "boot", ""));
    json_array_append_new(journal, event(900, fixture_at(19, 9, 51, 5), "tap0 and 2 routes made", "boot",
                                         "host was rebooted, ticket 12"));
    json_array_append_new(journal, event(901, fixture_at(19, 9, 51, 7), "started, SSH after 1.6 s", "boot",
                                         "wanted running, ticket 12"));
    json_array_append_new(journal, event(903, fixture_at(21, 13, 58, 40), "memory 256 to 512 MiB",
                                         "ops1 from 198.51.100.20", "ticket 37"));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:[s,s,s,s], s:o, s:s}", "gateway4", "169.254.1.1",
        "gateway6", "fe80::1", "dns", "fd5e:ed68:d54d::53", "fqdn", "web1.internal", "mtu", 1420, "user",
        "meshdeck-vm", "machine", "microvm", "host_key", "SHA256:m1Q4r9E", "history", history, "serial",
        "[    0.874] virtio_blk virtio2: [vda] 20971520 512-byte logical blocks",
        "[    1.311] random: crng init done",
        "seed: hostname web1, 2 keys, ipv6 fd5e:ed68:d54d:1:0:2:0:10, ipv4 10.210.0.2",
        "dropbear: listening on port 22", "journal", journal, "exit", "");
}

static json_t *peer_detail(void)
{
    return json_pack(
        "{s:[o,o,o,o,o,o,o]}", "lines",
        line("counters", "last byte in at 13:58:02; since then 14.1 kB out, 0 B in"),
        line("endpoint", "198.51.100.7:51820 from its node record; good until 13:58:02"),
        line("other", "[2001:db8:20::7]:51820 never tried"),
        line("underlay", "198.51.100.7 via 203.0.113.1 dev eth0, link up"),
        line("prefixes", "fd5e:ed68:d54d:2::/64   10.210.1.0/24   no other peer claims them"),
        line("keepalive", "25 s, so silence is not idleness"), line("behind it", "2 VMs: cache2 db2"));
}

static json_t *step(int n, const char *name, const char *detail, const char *state, int ms)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:i}", "n", n, "name", name, "detail", detail, "state", state,
                     "ms", ms);
}

static json_t *ticket_detail(void)
{
    return json_pack(
        "{s:[o,o,o,o,o,o,o,o], s:[], s:[s,s,s], s:s}", "list",
        step(1, "name and addresses", "web3  10.210.0.7  ...:1:0:2:0:17", "done", 2),
        step(2, "disk", "10 GiB over builtin", "done", 11),
        step(3, "seed and keys", "host key SHA256:m1Q4...r9E", "done", 9),
        step(4, "tap", "tap6 meshdeck:vm:17", "done", 1),
        step(5, "routes", "2 added, protocol 77", "done", 1),
        step(6, "firewall", "3 elements in table inet meshdeck", "done", 4),
        step(7, "QEMU", "pid 18977, KVM, microvm", "done", 43),
        step(8, "SSH in the guest", "boots; limit 30 s", "running", 1100), "undone", "serial",
        "[    0.812] virtio_blk virtio2: [vda] 20971520 512-byte logical blocks",
        "[    1.043] Run /init as init process",
        "seed: hostname web3, 2 keys, ipv6 fd5e:ed68:d54d:1:0:2:0:17, ipv4 10.210.0.7", "vm", "web3");
}

static json_t *plan_step(const char *name, const char *a, const char *b)
{
    return b ? json_pack("{s:s, s:[s,s]}", "step", name, "commands", a, b)
             : json_pack("{s:s, s:[s]}", "step", name, "commands", a);
}

static json_t *create_plan(const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "name"));
    const char *ip = json_string_value(json_object_get(args, "ip"));
    json_t *errors = json_array(), *plan = json_array();

    if (ip && strcmp(ip, "10.99.0.1") == 0)
        json_array_append_new(errors, json_pack("{s:s, s:s}", "field", "ip", "text",
                                                "Not in 10.210.0.0/24, the range of ams1."));
    if (json_array_size(errors) == 0) {
        json_array_append_new(plan, plan_step("name and addresses",
                                              "reserve vm1 fd5e:ed68:d54d:1:0:2:0:18 10.210.0.9", NULL));
        json_array_append_new(
            plan, plan_step("disk",
                            "qemu-img create -f qcow2 -b images/builtin.qcow2 -F qcow2 vms/vm1/disk 10G", NULL));
        json_array_append_new(
            plan, plan_step("seed", "seed vms/vm1/seed: hostname, host key, 2 keys, addresses, resolver", NULL));
        json_array_append_new(plan, plan_step("tap", "ip tuntap add tap7 mode tap user meshdeck-vm",
                                              "ip link set tap7 alias meshdeck:vm:18 mtu 1420 up"));
        json_array_append_new(plan, plan_step("routes",
                                              "ip -6 route add fd5e:ed68:d54d:1:0:2:0:18/128 dev tap7 proto 77",
                                              "ip route add 10.210.0.9/32 dev tap7 proto 77"));
        json_array_append_new(plan, plan_step("firewall", "nft add element inet meshdeck guest4 { tap7 . 10.210.0.9 }",
                                              "nft add element inet meshdeck guest6 { tap7 }"));
        json_array_append_new(plan, plan_step("QEMU", "qemu-system-x86_64 -M microvm,acpi=on -m 256", NULL));
        json_array_append_new(plan, plan_step("SSH", "wait for SSH in the guest, 30 s at most",
                                              "then vm1 is running"));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:f}", "name", name ? name : "", "ip4", "10.210.0.9",
                     "ip6", "fd5e:ed68:d54d:1:0:2:0:18", "plan", plan, "errors", errors, "touches_way_in", 0,
                     "seconds", 2.0);
}

json_t *fixture_answer(const char *verb, const json_t *args)
{
    bool dry = json_is_true(json_object_get(args, "dry_run"));

    if (strcmp(verb, "vm.detail") == 0)
        return vm_detail();
    if (strcmp(verb, "peer.detail") == 0)
        return peer_detail();
    if (strcmp(verb, "ticket.detail") == 0)
        return ticket_detail();
    if (strcmp(verb, "vm.create") == 0 && dry)
        return create_plan(args);
    if (dry)
        return json_pack("{s:[{s:s, s:[s]}], s:[]}", "plan", "step", "do it", "commands", verb, "errors");
    if (strcmp(verb, "why") == 0 || strstr(verb, ".detail"))
        return json_pack("{s:[o,o]}", "lines", line("what", "it is what it is"), line("seen", "in the kernel"));
    if (strcmp(verb, "vm.log") == 0)
        return json_pack("{s:[s,s,s], s:b}", "lines", "line one", "line two", "line three needle", "cut", 0);
    if (strncmp(verb, "vm.", 3) == 0 || strncmp(verb, "peer.", 5) == 0 || strcmp(verb, "image.build") == 0 ||
        strcmp(verb, "fleet.mark") == 0)
        return json_pack("{s:i}", "ticket", 41);
    return json_object();
}
