/* Checks the line of forwarded ports. Console thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/forms/create_vm.h"
#include "tui/state.h"

enum { PORT_MAX = 65535 };

/* A number at *s that is a port; moves *s behind it. */
static bool take_port(const char **s, const char *end, char *msg, size_t cap, long *ret)
{
    char *stop;
    size_t digits = strspn(*s, "0123456789");

    if (digits == 0 || *s + digits > end) {
        snprintf(msg, cap, "\"%.*s\": write HOST:GUEST, like 8080:80.", (int)(end - *s), *s);
        return false;
    }
    long n = digits > 9 ? PORT_MAX + 1L : strtol(*s, &stop, 10);
    if (n < 1 || n > PORT_MAX) {
        snprintf(msg, cap, "%.*s: a port is 1 to 65535.", (int)digits, *s);
        return false;
    }
    *s += digits;
    *ret = n;
    return true;
}

/* Whose port it is already, "" for nobody's. */
static const char *holder_of(const struct console *c, long port, bool udp)
{
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    char want[16];

    snprintf(want, sizeof want, "%ld:", port);
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        for (const char *p = vm->ports; *p; p += strspn(p, " ")) {
            size_t len = strcspn(p, " ");
            bool is_udp = len > 4 && memcmp(p + len - 4, "/udp", 4) == 0;
            if (!vm->remote && strncmp(p, want, strlen(want)) == 0 && is_udp == udp)
                return vm->name;
            p += len;
        }
    }
    return "";
}

bool create_check_ports(const struct console *c, const char *text, char *msg, size_t cap)
{
    for (text += strspn(text, " ,"); *text; text += strspn(text, " ,")) {
        const char *s = text, *end = text + strcspn(text, " ,");
        long host, guest;

        if (!take_port(&s, end, msg, cap, &host))
            return false;
        if (*s != ':') {
            snprintf(msg, cap, "\"%.*s\": write HOST:GUEST, like 8080:80.", (int)(end - text), text);
            return false;
        }
        s++;
        if (!take_port(&s, end, msg, cap, &guest))
            return false;
        bool udp = end - s == 4 && memcmp(s, "/udp", 4) == 0;
        if (s != end && !udp && !(end - s == 4 && memcmp(s, "/tcp", 4) == 0)) {
            snprintf(msg, cap, "\"%.*s\": only /tcp or /udp may follow.", (int)(end - text), text);
            return false;
        }
        const char *holder = holder_of(c, host, udp);
        if (holder[0]) {
            snprintf(msg, cap, "%ld already goes to %s.", host, holder);
            return false;
        }
        text = end;
    }
    return true;
}
