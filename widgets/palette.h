#ifndef MESHDECK_WIDGETS_PALETTE_H
#define MESHDECK_WIDGETS_PALETTE_H
/*
 * The ':' line with a list above it that narrows as it is typed. The program lists its entries
 * once a call; a line that goes on past an entry's name keeps its arguments.
 */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/canvas.h"
#include "widgets/key.h"

struct palette;

enum { PALETTE_TEXT = 96 };

struct palette_item {
    int id;
    const char *name; /* borrowed until palette_free or palette_refresh */
    const char *keys; /* "X", may be "" */
    const char *help;
    bool blocked;     /* greyed, and help should say why */
};

/* Entry number i; false past the last. */
typedef bool palette_item_fn(void *ctx, size_t i, struct palette_item *out);

enum palette_result {
    PALETTE_OPEN,
    PALETTE_CHOSEN, /* *ret_id, and palette_get_args what follows its name */
    PALETTE_LINE,   /* Enter on a line that is no entry: palette_get_line */
    PALETTE_BLOCKED,
    PALETTE_CLOSED
};

struct palette *palette_new(palette_item_fn *items, void *ctx);
void palette_free(struct palette *p);
void palette_open(struct palette *p, const char *text); /* empties and shows; history stays */
void palette_refresh(struct palette *p);                /* asks for the items again */

enum palette_result palette_key(struct palette *p, const struct key *k, int *ret_id);
const char *palette_get_line(const struct palette *p);
const char *palette_get_args(const struct palette *p);
size_t palette_matches(const struct palette *p);

/* The prompt in the last row of c, the list above it, best match nearest. */
void palette_draw(const struct palette *p, struct canvas c);

#endif
