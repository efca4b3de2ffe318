/*
 * dnsmasq's files as text, and resolv.conf read. Pure; any thread. Only checked names and addresses
 * printed from their bytes go in: a comma, a '#' or a newline from outside would be configuration.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/host/dnsmasq_priv.h"
#include "backend/model/text.h"

enum { RESOLV_LINE = 256 };

static int check_config(const struct dnsmasq_config *c, struct err *e)
{
    if (!c->folder || c->folder[0] != '/' || strlen(c->folder) > DNSMASQ_PATH_MAX - 32) {
        return err_set(e, ERR_AREA_HOST, -EINVAL, "dnsmasq's folder is no absolute path");
    }
    for (const char *p = c->folder; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("/-_.+", *p)) {
            return err_set(e, ERR_AREA_HOST, -EINVAL,
                           "dnsmasq's folder has characters that its configuration cannot hold");
        }
    }
    if (c->uid == 0) {
        return err_set(e, ERR_AREA_HOST, -EINVAL, "dnsmasq needs a uid of its own, not root's");
    }
    if (c->n_listen == 0 || c->n_listen > DNSMASQ_LISTEN_MAX || c->n_local > DNSMASQ_LISTEN_MAX ||
        c->n_upstream > DNSMASQ_UPSTREAM_MAX) {
        return err_set(e, ERR_AREA_HOST, -EINVAL, "dnsmasq needs 1 to %d addresses to answer at",
                       DNSMASQ_LISTEN_MAX);
    }
    return 0;
}

/* "0.210.10.in-addr.arpa" for 10.210.0.0/24; whole bytes (IPv4) or digits (IPv6) of the prefix. */
static void put_reverse(FILE *f, const struct addr *a)
{
    unsigned digits = a->family == AF_INET ? a->prefix_len / 8u : a->prefix_len / 4u;

    (void)fputs("local=/", f);
    for (unsigned i = digits; i > 0; i--) {
        if (a->family == AF_INET) {
            (void)fprintf(f, "%u.", a->bytes[i - 1]);
        } else {
            unsigned byte = a->bytes[(i - 1) / 2];
            (void)fprintf(f, "%x.", (i - 1) % 2 ? byte & 15 : byte >> 4);
        }
    }
    (void)fputs(a->family == AF_INET ? "in-addr.arpa/\n" : "ip6.arpa/\n", f);
}

static int finish(FILE *f, char **text, struct err *e)
{
    bool bad = ferror(f) != 0;

    if (fclose(f) != 0 || bad) {
        free(*text);
        *text = NULL;
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq's files");
    }
    return 0;
}

int dnsmasq_config_text(const struct dnsmasq_config *config, char **ret, struct err *e)
{
    char addr[ADDR_TEXT];
    size_t len;
    int r = check_config(config, e);

    if (r < 0) {
        return r;
    }
    FILE *f = open_memstream(ret, &len);
    if (!f) {
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq's files");
    }
    (void)fputs("# Written by meshdeck; changes are lost.\n"
                "keep-in-foreground\nlog-facility=-\npid-file=\n"
                "no-resolv\nno-hosts\nno-poll\nbind-dynamic\nport=53\n", f);
    for (size_t i = 0; i < config->n_listen; i++) {
        (void)fprintf(f, "listen-address=%s\n", addr_format(&config->listen[i], false, addr));
    }
    (void)fprintf(f, "hostsdir=%s/hosts\nservers-file=%s/servers\n", config->folder,
                  config->folder);
    /* What is ours is never asked of others; what is only a name is nobody's. */
    (void)fputs("local=/" DNSMASQ_DOMAIN "/\ndomain-needed\nbogus-priv\n", f);
    for (size_t i = 0; i < config->n_local; i++) {
        put_reverse(f, &config->local[i]);
    }
    (void)fputs("cache-size=1000\ndns-forward-max=300\nmin-port=1024\n", f);
    return finish(f, ret, e);
}

int dnsmasq_host_text(const struct dnsmasq_host *host, char **ret, struct err *e)
{
    const struct addr *addrs[] = { &host->ip6, &host->ip4 };
    char text[ADDR_TEXT];
    size_t len;

    if (!text_name_is_valid(host->name) || !text_name_is_valid(host->network)) {
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "that is no name of a VM in a network");
    }
    FILE *f = open_memstream(ret, &len);
    if (!f) {
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq's files");
    }
    for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
        if (addr_is_set(addrs[i])) {
            (void)fprintf(f, "%s %s." DNSMASQ_DOMAIN " %s.%s." DNSMASQ_DOMAIN "\n",
                          addr_format(addrs[i], false, text), host->name, host->name,
                          host->network);
        }
    }
    return finish(f, ret, e);
}

int dnsmasq_servers_text(const struct addr *servers, size_t n, char **ret, struct err *e)
{
    char text[ADDR_TEXT];
    size_t len;
    FILE *f = open_memstream(ret, &len);

    if (!f) {
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq's files");
    }
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(f, "server=%s\n", addr_format(&servers[i], false, text));
    }
    return finish(f, ret, e);
}

/* The address of a "nameserver ADDRESS" line; one with a zone is not for us to ask. */
static bool parse_line(const char *line, size_t len, struct addr *ret)
{
    static const char key[] = "nameserver";
    char word[RESOLV_LINE];
    size_t at = sizeof(key) - 1, n = 0;

    if (len <= at || strncmp(line, key, at) != 0 || (line[at] != ' ' && line[at] != '\t')) {
        return false;
    }
    while (at < len && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    while (at < len && !isspace((unsigned char)line[at]) && line[at] != '#' && line[at] != ';') {
        if (line[at] == '\0' || line[at] == '/' || n + 1 >= sizeof(word)) {
            return false;
        }
        word[n++] = line[at++];
    }
    word[n] = '\0';
    return addr_parse(word, true, ret, NULL) == 0;
}

static bool is_among(const struct addr *a, const struct addr *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (addr_compare(a, &list[i]) == 0) {
            return true;
        }
    }
    return false;
}

size_t dnsmasq_parse_resolv(const char *text, size_t len, const struct addr *skip, size_t n_skip,
                            struct addr ret[static DNSMASQ_UPSTREAM_MAX])
{
    size_t n = 0;

    for (size_t at = 0; at < len && n < DNSMASQ_UPSTREAM_MAX;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end ? (size_t)(end - (text + at)) : len - at;
        struct addr a;
        if (parse_line(text + at, line, &a) && !is_among(&a, skip, n_skip) &&
            !is_among(&a, ret, n)) {
            ret[n++] = a;
        }
        at += line + 1;
    }
    return n;
}
