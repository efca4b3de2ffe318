/* Sparklines and bars. Pure drawing. */
#include "widgets/spark.h"

#include <math.h>

void spark_draw(struct canvas c, int row, int col, int cols, enum role role, const double *values,
                size_t n, double top)
{
    static const char ascii[] = ".:-=+*%#";
    size_t room = cols > 0 ? (size_t)cols : 0, first = n > room ? n - room : 0;
    int at = col + (int)(room - (n - first));

    canvas_fill(c, row, col, cols, ROLE_BASE);
    for (size_t i = first; i < n; i++, at++) {
        double v = values[i];
        if (isnan(v))
            continue;
        if (v <= 0 || !(top > 0)) {
            canvas_glyph(c, row, at, role, '_', '_');
            continue;
        }
        double part = v / top * 8;
        int step = part >= 8 ? 7 : (int)part;
        canvas_glyph(c, row, at, role, 0x2581 + (uint32_t)step, ascii[step]);
    }
}

void spark_draw_bar(struct canvas c, int row, int col, int cols, enum role role, double part,
                    double whole)
{
    bool utf8 = canvas_is_utf8(c);
    int room = utf8 ? cols : cols - 2;
    double share = whole > 0 && part > 0 ? part / whole : 0;
    int full = (int)((share > 1 ? 1 : share) * room + 0.0001);

    if (room <= 0)
        return;
    if (!utf8) {
        canvas_put(c, row, col, role, "[");
        canvas_put(c, row, col + cols - 1, role, "]");
        col++;
    }
    for (int i = 0; i < room; i++)
        canvas_glyph(c, row, col + i, role, i < full ? 0x2588 : 0x2591, i < full ? '#' : '-');
}
