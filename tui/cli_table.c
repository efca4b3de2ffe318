/* The table of commands: what is not here cannot be given. */
#include "backend/model/text.h"
#include "tui/cli.h"

#define DRY                                                                                        \
    {                                                                                              \
        .name = "dry-run", .kind = OPT_FLAG, .arg = "dry_run",                                     \
        .help = "only print the plan, as the commands that it amounts to"                          \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct opt_def globals[] = {
    {.name = "state",
     .kind = OPT_TEXT,
     .value = "DIR",
     .help = "folder of the engine's state (/var/lib/meshdeck)"},
    {.name = "read-only",
     .kind = OPT_FLAG,
     .help = "change nothing; the engine refuses it as well"},
    {.name = "json", .kind = OPT_FLAG, .help = "print one JSON document instead of text"},
    {.name = "yes", .kind = OPT_FLAG, .help = "answer yes where something would be destroyed"},
    {.name = "demo",
     .kind = OPT_FLAG,
     .help = "on a simulated fleet; nothing of the host is touched"},
    {.name = "nodes",
     .kind = OPT_UINT,
     .value = "N",
     .min = 1,
     .max = 255,
     .help = "nodes of the demo (255)"},
    {.name = "vms",
     .kind = OPT_UINT,
     .value = "N",
     .max = 64515,
     .help = "VMs of the demo (64000)"},
    {.name = "churn",
     .kind = OPT_UINT,
     .value = "N",
     .max = 100000,
     .help = "row changes a second in the demo (10); 0: none at all"},
    {.name = "seed",
     .kind = OPT_UINT,
     .value = "N",
     .max = UINT32_MAX,
     .help = "one seed, one picture of the demo (1)"},
    {.name = "clock",
     .kind = OPT_UINT,
     .value = "MS",
     .max = INT64_MAX,
     .hidden = true,
     .help = "the demo's time, held still in the console: for tests"},
    {.name = "help", .kind = OPT_FLAG, .help = "say what there is, and end"},
    {.name = "version", .kind = OPT_FLAG, .help = "print the version, and end"},
    END,
};

static const struct opt_def console_options[] = {
    {.name = "theme",
     .kind = OPT_TEXT,
     .value = "NAME",
     .help = "dark, light, contrast, colour-blind, sixteen, mono or a file"},
    END,
};

static const struct opt_def create_options[] = {
    {.name = "image",
     .kind = OPT_TEXT,
     .value = "IMAGE",
     .arg = "image",
     .help = "boot this (builtin)"},
    {.name = "cpus",
     .kind = OPT_UINT,
     .value = "N",
     .min = 1,
     .max = 1024,
     .arg = "cpus",
     .help = "processors (1)"},
    {.name = "memory",
     .kind = OPT_UINT,
     .value = "MIB",
     .min = 32,
     .max = 1u << 24,
     .arg = "memory_mib",
     .help = "memory in MiB (256)"},
    {.name = "disk",
     .kind = OPT_UINT,
     .value = "GIB",
     .min = 1,
     .max = 1u << 16,
     .arg = "disk_gib",
     .help = "disk in GiB (10); grows as it is used"},
    {.name = "network",
     .kind = OPT_TEXT,
     .value = "NET",
     .arg = "network",
     .help = "network (mesh)"},
    {.name = "ip",
     .kind = OPT_TEXT,
     .value = "ADDR",
     .arg = "ip",
     .help = "IPv4 address (the next free one)"},
    {.name = "label",
     .kind = OPT_LIST,
     .value = "K=V",
     .arg = "labels",
     .help = "a label; again for more"},
    {.name = "port",
     .kind = OPT_LIST,
     .value = "HOST:GUEST[/udp]",
     .arg = "ports",
     .help = "forward a port of the host; again for more"},
    {.name = "node",
     .kind = OPT_TEXT,
     .value = "NODE",
     .arg = "node",
     .help = "on this node (this one)"},
    {.name = "no-start",
     .kind = OPT_FLAG,
     .arg = "start",
     .invert = true,
     .help = "do not boot it yet"},
    {.name = "no-autostart",
     .kind = OPT_FLAG,
     .arg = "autostart",
     .invert = true,
     .help = "do not boot it after a reboot of the host"},
    {.name = "wait",
     .kind = OPT_TEXT,
     .value = "ssh",
     .help = "return once SSH has been tried and works"},
    DRY,
    END,
};

static const struct opt_def set_options[] = {
    {.name = "cpus",
     .kind = OPT_UINT,
     .value = "N",
     .min = 1,
     .max = 1024,
     .arg = "cpus",
     .help = "processors, from the next start on"},
    {.name = "memory",
     .kind = OPT_UINT,
     .value = "MIB",
     .min = 32,
     .max = 1u << 24,
     .arg = "memory_mib",
     .help = "memory in MiB, from the next start on"},
    {.name = "disk",
     .kind = OPT_UINT,
     .value = "GIB",
     .min = 1,
     .max = 1u << 16,
     .arg = "disk_gib",
     .help = "disk in GiB; it can only grow"},
    {.name = "autostart", .kind = OPT_FLAG, .arg = "autostart", .help = "boot it after a reboot"},
    {.name = "no-autostart",
     .kind = OPT_FLAG,
     .arg = "autostart",
     .invert = true,
     .help = "do not boot it after a reboot"},
    {.name = "label",
     .kind = OPT_LIST,
     .value = "K=V",
     .arg = "labels",
     .help = "its labels from now on; again for more"},
    DRY,
    END,
};

static const struct opt_def stop_options[] = {
    {.name = "timeout",
     .kind = OPT_UINT,
     .value = "S",
     .max = 3600,
     .arg = "timeout_s",
     .help = "seconds before it is killed"},
    {.name = "force", .kind = OPT_FLAG, .arg = "force", .help = "kill it at once"},
    DRY,
    END,
};

static const struct opt_def restart_options[] = {
    {.name = "timeout",
     .kind = OPT_UINT,
     .value = "S",
     .max = 3600,
     .arg = "timeout_s",
     .help = "seconds before it is killed"},
    DRY,
    END,
};

static const struct opt_def dry_options[] = {DRY, END};

static const struct opt_def peer_options[] = {
    {.name = "endpoint",
     .kind = OPT_TEXT,
     .value = "ADDR:PORT",
     .arg = "endpoint",
     .help = "where it is reached; without one it calls us"},
    {.name = "allowed-ip",
     .kind = OPT_LIST,
     .value = "PREFIX",
     .arg = "allowed_ips",
     .help = "a prefix behind it; again for more"},
    {.name = "keepalive",
     .kind = OPT_UINT,
     .value = "S",
     .max = 65535,
     .arg = "keepalive",
     .help = "seconds between signs of life (25); 0: none"},
    {.name = "expected",
     .kind = OPT_TEXT,
     .value = "WHEN",
     .arg = "expected",
     .help = "always, or sometimes for a laptop"},
    DRY,
    END,
};

static const struct opt_def route_options[] = {
    {.name = "ours", .kind = OPT_FLAG, .help = "only those that meshdeck made"},
    END,
};

static const struct opt_def wait_options[] = {
    {.name = "timeout",
     .kind = OPT_UINT,
     .value = "S",
     .min = 1,
     .max = 86400,
     .help = "give up after so many seconds"},
    END,
};

static const struct opt_def event_options[] = {
    {.name = "follow",
     .kind = OPT_FLAG,
     .help = "go on with what happens; --json then prints a line each"},
    END,
};

static const struct opt_def help_options[] = {
    {.name = "man",
     .kind = OPT_FLAG,
     .hidden = true,
     .help = "the man page's sections, for its test"},
    END,
};

#define VM(word_, operands_, least_, most_, flags_, options_, run_, help_)                         \
    {                                                                                              \
        .group = "vm", .word = word_, .operands = operands_, .least = least_, .most = most_,       \
        .flags = flags_, .options = options_, .run = run_, .help = help_                           \
    }
#define CMD(group_, word_, operands_, n, flags_, options_, run_, help_)                            \
    {                                                                                              \
        .group = group_, .word = word_, .operands = operands_, .least = n, .most = n,              \
        .flags = flags_, .options = options_, .run = run_, .help = help_                           \
    }

enum { MANY = 64000 };

static const struct cmd_def commands[] = {
    CMD(NULL, NULL, NULL, 0, 0, console_options, cli_console,
        "The console: see the fleet live, create and stop VMs, open shells.\n"
        "It joins the engine that runs on this host, or runs one itself."),
    CMD(NULL, "engine", NULL, 0, 0, NULL, cli_engine,
        "The engine alone, without a console, as systemd runs it.\n"
        "It ends by SIGTERM; VMs go on, and come back after a reboot only if it is started then."),
    VM("create", "NAME", 1, 1, 0, create_options, cli_vm_create,
       "Make a VM and boot it. Waits for its end and shows the steps on a terminal."),
    VM("start", "NAME...", 1, MANY, 0, dry_options, cli_vm_act, "Boot VMs."),
    VM("stop", "NAME...", 1, MANY, 0, stop_options, cli_vm_act,
       "Ask VMs to shut down; kill them after a time."),
    VM("restart", "NAME...", 1, MANY, 0, restart_options, cli_vm_act,
       "Stop VMs and boot them again."),
    VM("pause", "NAME...", 1, MANY, 0, NULL, cli_vm_act, "Freeze VMs where they are."),
    VM("resume", "NAME...", 1, MANY, 0, NULL, cli_vm_act, "Let paused VMs go on."),
    VM("delete", "NAME...", 1, MANY, CMD_DESTROYS, dry_options, cli_vm_delete,
       "Delete VMs with their disks, for ever. Asks, or takes --yes."),
    VM("set", "NAME", 1, 1, 0, set_options, cli_vm_set, "Change a VM's limits and labels."),
    VM("list", NULL, 0, 0, 0, NULL, cli_vm_list, "All VMs."),
    VM("show", "NAME", 1, 1, 0, NULL, cli_vm_show,
       "All about one VM: addresses, use, serial tail, journal."),
    VM("exec", "NAME -- COMMAND...", 2, MANY, CMD_REST, NULL, cli_vm_exec,
       "Run a command in the guest. The status is the command's own; 255 is a failure of ours."),
    VM("shell", "NAME", 1, 1, 0, NULL, cli_vm_shell, "A shell in the guest. C-] leaves it."),
    VM("serial", "NAME", 1, 1, 0, NULL, cli_vm_serial, "The guest's serial line. C-] leaves it."),
    CMD("peer", "add", "NAME KEY", 2, 0, peer_options, cli_peer_add,
        "Add a WireGuard peer by its public key."),
    CMD("peer", "remove", "NAME", 1, CMD_DESTROYS, dry_options, cli_peer_remove,
        "Remove a WireGuard peer. Asks, or takes --yes."),
    CMD("peer", "list", NULL, 0, 0, NULL, cli_peer_list,
        "WireGuard peers and what is thought of them."),
    CMD("route", "list", NULL, 0, 0, route_options, cli_route_list,
        "Routes, ours and foreign ones."),
    CMD("node", "list", NULL, 0, 0, NULL, cli_node_list, "Nodes and their load."),
    CMD("network", "list", NULL, 0, 0, NULL, cli_network_list, "Networks and their room."),
    CMD("image", "build", NULL, 0, 0, NULL, cli_image_build, "Build the built-in image."),
    CMD("image", "list", NULL, 0, 0, NULL, cli_image_list, "Images and who uses them."),
    CMD("image", "delete", "NAME", 1, CMD_DESTROYS, dry_options, cli_image_delete,
        "Delete an image that no VM uses. Asks, or takes --yes."),
    CMD("ticket", "list", NULL, 0, 0, NULL, cli_ticket_list, "What is being done, and was."),
    CMD("ticket", "show", "NUMBER", 1, 0, NULL, cli_ticket_show, "One ticket, step by step."),
    CMD("ticket", "wait", "NUMBER", 1, 0, wait_options, cli_ticket_wait_for,
        "Wait for a ticket's end; fails when it failed."),
    CMD("alert", "list", NULL, 0, 0, NULL, cli_alert_list, "What is wrong, and was a moment ago."),
    CMD("alert", "ack", "NUMBER", 1, 0, NULL, cli_alert_ack,
        "Take an alert: others see that it is yours."),
    CMD("fleet", "mark", "production|normal", 1, 0, NULL, cli_fleet_mark,
        "Mark the fleet, so that everybody sees what he works on."),
    CMD(NULL, "events", NULL, 0, 0, event_options, cli_events,
        "The journal: what happened, who, why."),
    CMD(NULL, "plan", NULL, 0, 0, NULL, cli_plan,
        "What differs from what is wanted, as the commands that would mend it."),
    CMD(NULL, "help", NULL, 0, CMD_NO_ENGINE, help_options, cli_help, "This list."),
};

const struct opt_table cli_table = {
    .program = "meshdeck",
    .globals = globals,
    .commands = commands,
    .n_commands = ARRAY_LEN(commands),
};
