#ifndef MESHDECK_WIDGETS_DIALOG_H
#define MESHDECK_WIDGETS_DIALOG_H
/*
 * A question over the screen. It names the object and what is lost, set free and kept, as of the
 * moment it was made. The plain one is answered y or n, Cancel in focus; the typed one needs the
 * object's name (or a number of rows) typed before Enter does anything.
 */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/canvas.h"
#include "widgets/key.h"

struct dialog;

enum { DIALOG_LINES = 12 };

enum dialog_result {
    DIALOG_OPEN,
    DIALOG_YES,
    DIALOG_NO,
    DIALOG_MISMATCH, /* Enter with another name typed: say so */
    DIALOG_SECOND_Q  /* q where nothing else is asked: the program decides */
};

/* button: "Delete". must_type: NULL for a plain question. */
struct dialog *dialog_new(const char *question, const char *button, const char *must_type);
void dialog_free(struct dialog *d);

/* A row "label  text"; label "" continues the one before. Dropped past DIALOG_LINES. */
void dialog_add(struct dialog *d, const char *label, const char *text);

enum dialog_result dialog_key(struct dialog *d, const struct key *k);

/* Draws the box at the right of c; avoid_row (or -1) is a row that must stay in sight. */
void dialog_draw(const struct dialog *d, struct canvas c, int avoid_row);

/* What the bottom line says: "Enter does nothing until the name matches  Tab button  Esc cancel" */
const char *dialog_get_hint(const struct dialog *d);
bool dialog_is_typed(const struct dialog *d);

#endif
