#ifndef MESHDECK_TUI_ASK_H
#define MESHDECK_TUI_ASK_H
/*
 * A question before a change. It names the object and what is lost, as of the key press: what the
 * cursor or the fleet does since changes nothing of what yes will do. Console thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/canvas.h"
#include "widgets/dialog.h"
#include "widgets/keymap.h"

struct console;
struct key;
struct ask;

enum { ASK_TOP = 3 }; /* the row of the screen where its canvas begins */

/* What yes does; payload is the asker's, freed with free() in every case. */
typedef void ask_fn(struct console *c, void *payload);

/* class: KEYMAP_ASK or KEYMAP_NAME (then `type` is what must be typed). Replaces an open one. */
struct ask *ask_open(struct console *c, const char *question, const char *button, const char *type,
                     ask_fn *yes, void *payload);
void ask_add(struct ask *a, const char *label, const char *text);
void ask_set_second_q(struct ask *a); /* a second q means yes: leaving */
bool ask_key(struct console *c, const struct key *k); /* true: used */
void ask_draw(const struct console *c, struct canvas all);
const char *ask_hint(const struct ask *a);
void ask_free(struct ask *a);

#endif
