/* The peer's inspector. Console thread; draws only. */
#include "tui/views/mesh_scale.h"

#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/lines.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/cells.h"

/* WireGuard's timers and where they stand on the scale. */
static const struct {
    int seconds, col;
    const char *word;
} mark[] = {{0, 0, "0"}, {120, 21, "120 rekey"}, {180, 31, "180 reject"}, {275, 46, "275 down"}};
enum { MARKS = 4, PAST_COLS = 9, AGE_COL = 58 };

static void draw_scale(struct canvas c, int row, int64_t age_s, const char *age)
{
    int at = LINES_LABEL_COLS;

    canvas_put(c, row, 0, ROLE_DIM, "handshake");
    for (int i = 0; i + 1 < MARKS; i++) {
        for (int col = mark[i].col + 1; col < mark[i + 1].col; col++) {
            int span = mark[i + 1].seconds - mark[i].seconds;
            int cells = mark[i + 1].col - mark[i].col - 1;
            int64_t s = mark[i].seconds + (int64_t)span * (col - mark[i].col - 1) / cells;
            bool in = age_s >= mark[i].seconds && age_s < mark[i + 1].seconds && s <= age_s;
            canvas_put(c, row, at + col, in ? ROLE_SPARK : ROLE_DIM, in ? "#" : "-");
        }
    }
    for (int i = 0; i < MARKS; i++) {
        canvas_put(c, row, at + mark[i].col, ROLE_DIM, "|");
        canvas_put(c, row + 1, at + mark[i].col, ROLE_DIM, mark[i].word);
    }
    bool past = age_s >= mark[MARKS - 1].seconds;
    for (int i = 1; past && i <= PAST_COLS; i++)
        canvas_put(c, row, at + mark[MARKS - 1].col + i, ROLE_CRIT, "#");
    if (past)
        canvas_put(c, row, at + mark[MARKS - 1].col + PAST_COLS + 1, ROLE_CRIT, ">");
    canvas_put(c, row, at + (past ? AGE_COL : mark[MARKS - 1].col + 2), past ? ROLE_CRIT : ROLE_BASE, age);
}

void mesh_draw_peer(const struct console *c, const struct detail *d, const struct peer_row *p,
                    struct canvas at, int top, const char *right)
{
    static const int contexts[] = {CTX_MESH, CTX_ANY};
    struct glyph g = glyph_peer(p);
    char text[320], since[FMT_MAX], age[FMT_MAX], try[16] = "", why[16] = "";
    int64_t age_s = (c->clock.now_ms - p->handshake_ms) / 1000;
    int row = -top;

    int col = canvas_put(at, row, 0, ROLE_STRONG, p->name) + 2;
    canvas_glyph(at, row, col, g.role, g.utf8, g.ascii);
    snprintf(text, sizeof text, "%s since %s: %s", peer_verdict_names[p->verdict],
             fmt_hms(since, &c->clock, p->since_ms), p->evidence);
    int room = at.cols - col - 4 - cells_width(right);
    canvas_put_in(at, row, col + 2, room > 20 ? room : at.cols - col - 2, g.role, CELLS_LEFT, text);
    if (room > 20)
        canvas_put(at, row, at.cols - cells_width(right), ROLE_DIM, right);
    row += 2;
    if (p->handshake_ms)
        draw_scale(at, row, age_s, fmt_age(age, p->handshake_ms, c->clock.now_ms));
    else
        canvas_put(at, row, 0, ROLE_BASE, "handshake  never: no answer has come from it yet");
    row += 2;
    if (d->error[0])
        row = lines_put_wrapped(at, row, ROLE_WARN, d->error);
    row = lines_draw(d, at, row) + 1;
    keymap_format_first(c->keys, contexts, 2, ACT_PEER_TRY, try, sizeof try);
    keymap_format_first(c->keys, contexts, 2, ACT_WHY, why, sizeof why);
    if (!p->foreign && row < at.rows) {
        canvas_put(at, row, 0, ROLE_DIM, "try");
        canvas_printf(at, row, LINES_LABEL_COLS, ROLE_BASE,
                      "%s moves it to its other endpoint now   %s walks the whole path", try, why);
    }
}
