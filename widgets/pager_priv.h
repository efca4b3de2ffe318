#ifndef MESHDECK_WIDGETS_PAGER_PRIV_H
#define MESHDECK_WIDGETS_PAGER_PRIV_H
/* What pager.c and pager_draw.c share. */
#include "widgets/pager.h"

struct pager_text {
    char *text;
    int cols;
    enum role role;
};

struct pager {
    struct pager_text *ring;
    size_t max, cap, first, n;
    uint64_t dropped;
    bool open; /* the last line is not finished */

    size_t top;
    int top_row, left; /* with wrap: rows of the top line above the window */
    int rows, cols;    /* as drawn last */
    bool follow, wrap;

    char word[128];
    bool has_hit;
    size_t hit;
};

struct pager_text *pager_at(const struct pager *p, size_t i);
int pager_rows_of(const struct pager *p, size_t i);
void pager_keep_inside(struct pager *p);

#endif
