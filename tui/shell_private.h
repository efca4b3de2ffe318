#ifndef MESHDECK_TUI_SHELL_PRIVATE_H
#define MESHDECK_TUI_SHELL_PRIVATE_H
/* What shell.c (sessions) and shell_page.c (their page) share. */
#include "tui/shell.h"
#include "tui/state.h"

struct shells {
    struct shell *at[SHELLS_MAX];
    size_t n;
    uint64_t next_id;
    size_t shown;   /* index of the tab on the page */
    bool page_open; /* a session's page is on the screen's top */
    bool zoomed;
};

void shell_page_open(struct console *c);
struct shell *shell_shown(const struct console *c); /* NULL: none */
bool shell_is_visible(const struct console *c, const struct shell *s);
void shell_remove(struct console *c, struct shell *s);
void shell_seen(struct shell *s);
void shell_send(struct shell *s, const char *bytes, size_t len);
void shell_format_name(const struct console *c, const struct shell *s, char *buf, size_t cap);

#endif
