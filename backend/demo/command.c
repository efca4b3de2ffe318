/* What a simulated guest answers to a few commands. Nothing is run. Demo thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

struct guest {
    struct demo *demo;
    const struct vm_row *vm;
    const char *rest; /* of the line, behind the command */
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT];
};

typedef int command_fn(const struct guest *g, struct demo_text *t);

static int64_t uptime_s(const struct guest *g)
{
    int64_t s = (g->demo->now_ms - g->vm->since_ms) / 1000;
    return s < 0 ? 0 : s;
}

static int cmd_hostname(const struct guest *g, struct demo_text *t)
{
    demo_say(t, "%s\n", g->vm->name);
    return 0;
}

static int cmd_uname(const struct guest *g, struct demo_text *t)
{
    if (strcmp(g->rest, "-n") == 0)
        return cmd_hostname(g, t);
    if (strcmp(g->rest, "-r") == 0)
        demo_say(t, "6.1.0-cloud-amd64\n");
    else if (strcmp(g->rest, "-a") == 0)
        demo_say(t, "Linux %s 6.1.0-cloud-amd64 #1 simulated x86_64 GNU/Linux\n", g->vm->name);
    else
        demo_say(t, "Linux\n");
    return 0;
}

static int cmd_ip(const struct guest *g, struct demo_text *t)
{
    bool six = strncmp(g->rest, "-6", 2) == 0;
    const char *what = six ? g->rest + 2 + strspn(g->rest + 2, " ") : g->rest;

    if (what[0] == 'r') {
        if (!six)
            demo_say(t, "default via 169.254.1.1 dev eth0\n169.254.1.1 dev eth0 scope link\n");
        else
            demo_say(t,
                     "%s dev eth0 proto kernel metric 256\nfe80::/64 dev eth0 proto kernel metric "
                     "256\ndefault via fe80::1 dev eth0 metric 1024\n",
                     g->ip6);
        return 0;
    }
    demo_say(t, "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1420 qdisc fq_codel qlen 1000\n");
    if (!six)
        demo_say(
            t, "    inet %s/32 scope global eth0\n       valid_lft forever preferred_lft forever\n",
            g->ip4);
    demo_say(t, "    inet6 %s/128 scope global\n       valid_lft forever preferred_lft forever\n",
             g->ip6);
    return 0;
}

static int cmd_uptime(const struct guest *g, struct demo_text *t)
{
    int64_t s = uptime_s(g);
    demo_say(t, " up %" PRId64 " days, %02d:%02d,  load average: %u.%02u, 0.10, 0.05\n", s / 86400,
             (int)(s / 3600 % 24), (int)(s / 60 % 60), g->vm->cpu_permille / 1000,
             g->vm->cpu_permille / 10 % 100);
    return 0;
}

static int cmd_free(const struct guest *g, struct demo_text *t)
{
    demo_say(t, "%14s %10s %10s\n", "total", "used", "free");
    demo_say(t, "Mem: %9u %10u %10u\n", g->vm->memory_mib * 1024u, g->vm->rss_mib * 1024u,
             (g->vm->memory_mib - g->vm->rss_mib) * 1024u);
    return 0;
}

static int cmd_ls(const struct guest *g, struct demo_text *t)
{
    (void)g;
    demo_say(t, "README\n");
    return 0;
}

static int cmd_cat(const struct guest *g, struct demo_text *t)
{
    if (strcmp(g->rest, "README") == 0) {
        demo_say(t, "This guest is part of a simulated fleet. It does not exist.\n");
        return 0;
    }
    if (strcmp(g->rest, "/etc/hostname") == 0)
        return cmd_hostname(g, t);
    demo_say(t, "cat: %.80s: No such file or directory\n", g->rest);
    return 1;
}

static int cmd_ps(const struct guest *g, struct demo_text *t)
{
    char kind[32];

    str_copy(kind, sizeof kind, g->vm->name);
    kind[strcspn(kind, "-")] = '\0';
    demo_say(t,
             "PID   USER     COMMAND\n    1 root     /init\n   88 root     dropbear\n"
             "  211 root     %s\n",
             kind);
    return 0;
}

static int cmd_ping(const struct guest *g, struct demo_text *t)
{
    const char *host = strrchr(g->rest, ' ');

    host = host ? host + 1 : g->rest;
    if (!host[0]) {
        demo_say(t, "ping: which host?\n");
        return 1;
    }
    demo_say(t, "PING %.60s: 56 data bytes\n", host);
    for (unsigned i = 0; i < 3; i++)
        demo_say(t, "64 bytes from %.60s: seq=%u ttl=62 time=9.%03u ms\n", host, i,
                 (unsigned)(demo_hash(g->demo, 95, i) % 1000));
    demo_say(t, "\n3 packets transmitted, 3 packets received, 0%% packet loss\n");
    return 0;
}

static int cmd_echo(const struct guest *g, struct demo_text *t)
{
    demo_say(t, "%s\n", g->rest);
    return 0;
}

static int cmd_true(const struct guest *g, struct demo_text *t)
{
    (void)g;
    (void)t;
    return 0;
}

static int cmd_false(const struct guest *g, struct demo_text *t)
{
    (void)g;
    (void)t;
    return 1;
}

static int cmd_whoami(const struct guest *g, struct demo_text *t)
{
    (void)g;
    demo_say(t, "root\n");
    return 0;
}

static int cmd_clear(const struct guest *g, struct demo_text *t)
{
    (void)g;
    demo_say(t, "\033[H\033[2J");
    return 0;
}

static int cmd_help(const struct guest *g, struct demo_text *t);

static const struct {
    const char *name;
    command_fn *run;
} commands[] = {
    {"cat", cmd_cat},           {"clear", cmd_clear},   {"echo", cmd_echo},
    {"false", cmd_false},       {"free", cmd_free},     {"help", cmd_help},
    {"hostname", cmd_hostname}, {"ip", cmd_ip},         {"ls", cmd_ls},
    {"ping", cmd_ping},         {"ps", cmd_ps},         {"true", cmd_true},
    {"uname", cmd_uname},       {"uptime", cmd_uptime}, {"whoami", cmd_whoami},
};

static int cmd_help(const struct guest *g, struct demo_text *t)
{
    (void)g;
    demo_say(t, "simulated:");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        demo_say(t, " %s", commands[i].name);
    demo_say(t, " exit\n");
    return 0;
}

int demo_command(struct demo *d, const struct vm_row *vm, const char *line, struct demo_text *out)
{
    struct guest g = {.demo = d, .vm = vm};
    size_t n;

    line += strspn(line, " ");
    n = strcspn(line, " ");
    g.rest = line + n + strspn(line + n, " ");
    addr_format(&vm->ip4, false, g.ip4);
    addr_format(&vm->ip6, false, g.ip6);
    if (n == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strlen(commands[i].name) == n && strncmp(commands[i].name, line, n) == 0)
            return commands[i].run(&g, out);
    demo_say(out, "%.*s: not simulated; `help` lists what is\n", (int)(n > 80 ? 80 : n), line);
    return 127;
}
