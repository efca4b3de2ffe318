#ifndef MESHDECK_TUI_SHELL_H
#define MESHDECK_TUI_SHELL_H
/*
 * Sessions in guests: SSH shells and serial lines, each a stream of the engine with a terminal of
 * its own here. They go on while another page or view is open; tabs switch between them. What a
 * guest sends is fed to its emulator at full speed and drawn at the frame's. Console thread.
 */
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/engine.h"

struct console;
struct pane;

enum { SHELLS_MAX = 32, SHELL_SIZE_MS = 50 };
enum shell_state { SHELL_OPENING, SHELL_OPEN, SHELL_ENDED, SHELL_STATE_COUNT };
extern const char *const shell_state_names[SHELL_STATE_COUNT];

/* A session; also the row that the Shells view shows. */
struct shell {
    uint64_t id; /* first, as in every row */
    char vm[32];
    bool serial, bell;
    enum shell_state state;
    int fd; /* -1 while it is being opened, and after its end */
    struct pane *pane;
    int rows, cols;
    int64_t since_ms, size_due_ms;
    uint64_t unseen; /* lines */
    char text[240];  /* stage, or how it ended */
    char *out;       /* typed, not yet taken by the other side */
    size_t n_out;
    struct console *c_b;
};

struct shells *shells_new(void);
void shells_free(struct console *c);
unsigned shells_count(const struct console *c); /* not ended */
size_t shells_all(const struct console *c);
const struct shell *shells_at(const struct console *c, size_t i);
void shells_size(const struct console *c, int *ret_rows, int *ret_cols);

void shell_open(struct console *c, const char *vm, bool serial);
void shell_attach(struct console *c, uint64_t id); /* shows it */
void shell_close_named(struct console *c, const char *name);
bool shell_is_open(const struct console *c); /* a session is what the screen shows */
bool shell_is_zoomed(const struct console *c);
void shell_name(const struct console *c, char *buf, size_t cap); /* of the one shown: "1 web1 ssh" */
size_t shell_contexts(const struct console *c, int out[static 8]);

/* For the loop: descriptors to wait on, and what to do with those that are ready. */
size_t shells_poll(const struct console *c, struct pollfd *out, size_t cap);
void shells_ready(struct console *c, const struct pollfd *fds, size_t n);
void shells_turn(struct console *c);          /* sizes that are due */
int shells_wait_ms(const struct console *c);

#endif
