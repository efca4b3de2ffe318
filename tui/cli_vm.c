/* The commands on VMs that are no streams. Main thread. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/model/stream.h"
#include "backend/model/text.h"
#include "tui/cli.h"
#include "tui/cli_stream.h"

enum { SSH_LIMIT_S = 120 };

static bool find_vm(struct cli *c, const char *name, struct vm_row *ret)
{
    struct snapshot *s = engine_snapshot(c->engine);
    struct vm_row key = {.id = 0};
    const struct vm_row *row =
        str_copy(key.name, sizeof key.name, name) ? view_find(s->tables[TABLE_VMS], &key) : NULL;

    if (row)
        *ret = *row;
    snapshot_unref(s);
    return row != NULL;
}

static int print_vm(struct cli *c, const char *name)
{
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT];
    struct vm_row r;

    if (!find_vm(c, name, &r))
        return cli_fail(name, "it has been deleted meanwhile");
    if (c->json)
        return cli_print_row(row_type_of(TABLE_VMS), &r);
    (void)printf("%s %s %s %s\n", r.name, vm_state_names[r.state], addr_format(&r.ip4, false, ip4),
                 addr_format(&r.ip6, false, ip6));
    return CLI_DONE;
}

/* Runs `true` in the guest until that works. */
static int wait_ssh(struct cli *c, const char *name)
{
    const struct timespec pause = {0, 500000000L};
    const time_t end = time(NULL) + SSH_LIMIT_S;
    char why[STREAM_TEXT_MAX];

    do {
        if (cli_stream_probe(c, name, why))
            return CLI_DONE;
        (void)nanosleep(&pause, NULL);
    } while (time(NULL) < end);
    (void)cli_fail(name, why[0] ? why : "SSH did not answer");
    return CLI_FAILED;
}

int cli_vm_create(struct cli *c)
{
    const char *name = c->given.operands[0], *wait = opt_text(&c->given, "wait", NULL);
    json_t *args = opt_args(&c->given);
    struct ticket_row t;

    if (wait && strcmp(wait, "ssh") != 0) {
        json_decref(args);
        (void)cli_fail("--wait", "there is only `--wait ssh`");
        return CLI_USAGE;
    }
    json_object_set_new(args, "name", json_string(name));
    if (opt_has(&c->given, "dry-run"))
        return cli_do(c, "vm.create", args);
    if (!cli_do_ticket(c, "vm.create", args, &t))
        return CLI_FAILED;
    if (wait && wait_ssh(c, name) != CLI_DONE)
        return CLI_FAILED;
    return print_vm(c, name);
}

static json_t *args_with_names(struct cli *c)
{
    json_t *args = opt_args(&c->given), *names = json_array();

    for (size_t i = 0; i < c->given.n_operands; i++)
        json_array_append_new(names, json_string(c->given.operands[i]));
    json_object_set_new(args, "names", names);
    return args;
}

/* start, stop, restart, pause, resume: the command's word is the verb's. */
int cli_vm_act(struct cli *c)
{
    char verb[32];

    (void)snprintf(verb, sizeof verb, "vm.%s", c->given.cmd->word);
    return cli_do(c, verb, args_with_names(c));
}

/* What is lost, by name, before it is asked for. */
static void say_loss(struct cli *c, const char *name)
{
    char size[32], ip4[ADDR_TEXT], since[32];
    struct vm_row r;

    if (!find_vm(c, name, &r))
        return;
    cli_format_bytes(r.disk_bytes, size, sizeof size);
    cli_format_instant(r.created_ms, since, sizeof since);
    (void)fprintf(stderr,
                  "%s on %s (%s): lost for ever: its disk, %s written since %s%s%s; set "
                  "free: %s\n",
                  r.name, r.node, vm_state_names[r.state], size, since,
                  r.ports[0] ? ", its ports " : "", r.ports, addr_format(&r.ip4, false, ip4));
}

int cli_vm_delete(struct cli *c)
{
    char question[96];
    size_t n = c->given.n_operands;

    if (opt_has(&c->given, "dry-run"))
        return cli_do(c, "vm.delete", args_with_names(c));
    for (size_t i = 0; i < n && i < 20 && !opt_has(&c->given, "yes"); i++)
        say_loss(c, c->given.operands[i]);
    if (n == 1)
        (void)snprintf(question, sizeof question, "Delete the VM %.32s?", c->given.operands[0]);
    else
        (void)snprintf(question, sizeof question, "Delete these %zu VMs?", n);
    int status = cli_agreed(c, question);
    return status == CLI_DONE ? cli_do(c, "vm.delete", args_with_names(c)) : status;
}

int cli_vm_set(struct cli *c)
{
    json_t *args = opt_args(&c->given);

    if (json_object_size(args) == 0) {
        json_decref(args);
        (void)cli_fail("vm set", "what is to be set? `meshdeck vm set --help` lists it");
        return CLI_USAGE;
    }
    json_object_set_new(args, "name", json_string(c->given.operands[0]));
    return cli_do(c, "vm.set", args);
}

static const char *field(const json_t *body, const char *name)
{
    const char *s = json_string_value(json_object_get(body, name));
    return s && s[0] ? s : "-";
}

static void print_texts(const char *title, const json_t *list)
{
    char clean[512];
    json_t *item;
    size_t i;

    if (json_array_size(list) > 0)
        (void)printf("\n%s\n", title);
    json_array_foreach(list, i, item)
    {
        const char *s = json_string_value(item);
        text_clean(clean, sizeof clean, s ? s : "", s ? strlen(s) : 0);
        (void)printf("  %s\n", clean);
    }
}

static void print_journal(const json_t *list)
{
    json_t *item;
    size_t i;

    if (json_array_size(list) > 0)
        (void)puts("\nJOURNAL");
    json_array_foreach(list, i, item)
    {
        struct event_row r;
        char when[32];
        if (row_from_json(row_type_of(TABLE_EVENTS), item, &r, NULL) < 0)
            continue;
        cli_format_instant(r.time_ms, when, sizeof when);
        (void)printf("  %s  %s  %s  %s\n", when, r.what, r.cause, r.who);
    }
}

static int print_detail(const json_t *body)
{
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT], mac[ADDR_MAC_TEXT], when[32], size[32];
    struct vm_row r;
    struct err e = {0};

    if (row_from_json(row_type_of(TABLE_VMS), json_object_get(body, "vm"), &r, &e) < 0)
        return cli_fail_err("the engine's answer", &e);
    cli_format_instant(r.since_ms, when, sizeof when);
    cli_format_bytes(r.disk_bytes, size, sizeof size);
    (void)printf("%s  %s since %s%s%s\n\n", r.name, vm_state_names[r.state], when,
                 r.reason[0] ? ": " : "", r.reason);
    (void)printf("ipv6      %s\nipv4      %s\nname      %s\ngateway   %s  %s\ndns       %s\n",
                 addr_format(&r.ip6, false, ip6), addr_format(&r.ip4, false, ip4),
                 field(body, "fqdn"), field(body, "gateway6"), field(body, "gateway4"),
                 field(body, "dns"));
    (void)printf("mac       %s  %s\nnetwork   %s\nnode      %s\nports     %s\nlabels    %s\n",
                 addr_mac_format(r.mac, mac), r.tap[0] ? r.tap : "-", r.network, r.node,
                 r.ports[0] ? r.ports : "-", r.labels[0] ? r.labels : "-");
    (void)printf("image     %s\ncpu       %u %% of %u\nmemory    %u of %u MiB\n"
                 "disk      %s of %u GiB\nprocess   pid %u  %s  %s\nhost key  %s\n",
                 r.image, r.cpu_permille / 10, r.vcpus, r.rss_mib, r.memory_mib, size, r.disk_gib,
                 r.pid, r.accel, field(body, "machine"), field(body, "host_key"));
    print_texts("SERIAL", json_object_get(body, "serial"));
    print_journal(json_object_get(body, "journal"));
    return CLI_DONE;
}

int cli_vm_show(struct cli *c)
{
    struct reply r;

    if (!cli_ask(c, "vm.detail", json_pack("{s:s}", "name", c->given.operands[0]), &r))
        return CLI_FAILED;
    int status = c->json ? cli_print_json(r.body) : print_detail(r.body);
    reply_done(&r);
    return status;
}
