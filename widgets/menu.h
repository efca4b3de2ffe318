#ifndef MESHDECK_WIDGETS_MENU_H
#define MESHDECK_WIDGETS_MENU_H
/* A short list to choose from by cursor or by each entry's own key; blocked entries say why. */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/canvas.h"
#include "widgets/key.h"

struct menu;

enum { MENU_ITEMS = 64 };

enum menu_result {
    MENU_OPEN,
    MENU_CHOSEN,  /* *ret_id */
    MENU_BLOCKED, /* Enter on a blocked entry: its note says why */
    MENU_CLOSED
};

struct menu *menu_new(const char *title);
void menu_free(struct menu *m);

/* keys: how it is reached directly ("X"), matched as a key too; may be "". Copies all. */
void menu_add(struct menu *m, int id, const char *keys, const char *label, const char *note,
              bool blocked);
enum menu_result menu_key(struct menu *m, const struct key *k, int *ret_id);
const char *menu_get_note(const struct menu *m); /* of the entry under the cursor */
size_t menu_count(const struct menu *m);
int menu_get_cursor(const struct menu *m); /* the id of the entry under it; -1: none */

/* Draws a box near row, col, kept inside c. */
void menu_draw(const struct menu *m, struct canvas c, int row, int col);

#endif
