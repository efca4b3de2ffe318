#ifndef MESHDECK_WIDGETS_SPARK_H
#define MESHDECK_WIDGETS_SPARK_H
/* Small graphs in one row: no value is a blank, zero '_', then eight steps; and progress bars. */
#include <stddef.h>

#include "widgets/canvas.h"

/* The n newest values end at the right edge; NAN is no value; top is the full height (>0). */
void spark_draw(struct canvas c, int row, int col, int cols, enum role role, const double *values,
                size_t n, double top);

/* "[####--]" or "█░" in cols columns; part of whole, kept between 0 and 1. */
void spark_draw_bar(struct canvas c, int row, int col, int cols, enum role role, double part,
                    double whole);

#endif
