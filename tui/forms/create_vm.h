#ifndef MESHDECK_TUI_CREATE_VM_H
#define MESHDECK_TUI_CREATE_VM_H
/* The parts of the create form that other modules use. Console thread. */
#include <stdbool.h>
#include <stddef.h>

struct console;

void create_turn(struct console *c); /* makes the VM that waited for its image */

/* "8080:80 53:53/udp": false with what, why and what to do. */
bool create_check_ports(const struct console *c, const char *text, char *msg, size_t cap);

#endif
