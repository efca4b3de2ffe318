#ifndef MESHDECK_WIDGETS_LINEEDIT_H
#define MESHDECK_WIDGETS_LINEEDIT_H
/*
 * One line of text being edited, with history and completion. Pasted control bytes and line ends
 * are dropped and counted, never acted on.
 */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/canvas.h"
#include "widgets/key.h"

enum { LINEEDIT_MAX = 512, LINEEDIT_HISTORY = 50 };

struct lineedit;

enum lineedit_result {
    LINEEDIT_NONE,    /* not a key of this widget */
    LINEEDIT_MOVED,   /* cursor only, or nothing to do */
    LINEEDIT_CHANGED, /* the text is another */
    LINEEDIT_ACCEPT,  /* Enter */
    LINEEDIT_DROP     /* Esc or C-c */
};

/*
 * Completion: writes candidate number i for the text before the cursor as a whole new line (without
 * what stands behind the cursor) and returns true, or false past the last one.
 */
typedef bool lineedit_complete_fn(void *ctx, const char *before, size_t i, char *out, size_t cap);

struct lineedit *lineedit_new(size_t max_bytes); /* at most LINEEDIT_MAX */
void lineedit_free(struct lineedit *l);
void lineedit_set_completion(struct lineedit *l, lineedit_complete_fn *fn, void *ctx);

enum lineedit_result lineedit_key(struct lineedit *l, const struct key *k);

void lineedit_set(struct lineedit *l, const char *text);     /* cursor at the end */
void lineedit_select_all(struct lineedit *l); /* the next character typed replaces all */
void lineedit_insert(struct lineedit *l, const char *text);
const char *lineedit_get(const struct lineedit *l);
size_t lineedit_get_cursor(const struct lineedit *l);        /* a byte offset */
size_t lineedit_take_dropped(struct lineedit *l); /* dropped paste bytes since asked last */

/* Puts the line into the history (no blanks, no repeats), newest last. */
void lineedit_remember(struct lineedit *l);
const char *lineedit_history(const struct lineedit *l, size_t i); /* 0 newest; NULL past the end */

/* Draws text in cols columns, scrolled so that the cursor shows; ghost (or NULL) stands behind it.
 * With focus the terminal's cursor is put there. */
void lineedit_draw(const struct lineedit *l, struct canvas c, int row, int col, int cols,
                   enum role role, const char *ghost, bool focus);

#endif
