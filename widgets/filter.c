/* Reads a filter line into terms. Pure; any thread. */
#include "widgets/filter.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/xmem.h"

static const struct {
    const char *sign;
    enum filter_kind kind;
} signs[] = {{"<=", FILTER_LESS_EQ},
             {">=", FILTER_MORE_EQ},
             {"<", FILTER_LESS},
             {">", FILTER_MORE},
             {"=", FILTER_EQ}};

/* "cpu>50", "mem>=1.5k": true when it is a column, a sign and a number. */
static bool parse_number(struct filter_term *t, const char *w, filter_column_fn *column, void *ctx)
{
    size_t n = strcspn(w, "<>=");

    if (n == 0 || w[n] == '\0')
        return false;
    for (size_t i = 0; i < XMEM_LEN(signs); i++) {
        size_t len = strlen(signs[i].sign);
        if (strncmp(w + n, signs[i].sign, len) != 0)
            continue;
        const char *digits = w + n + len;
        char *end = NULL;
        double v = strtod(digits, &end);
        if (end == digits || !(digits[0] == '-' || (digits[0] >= '0' && digits[0] <= '9')))
            return false;
        double scale = *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
        if (scale > 1)
            end++;
        int c = *end == '\0' ? column(ctx, w, n) : -1;
        if (c < 0)
            return false;
        t->kind = signs[i].kind;
        t->column = c;
        t->number = v * scale;
        return true;
    }
    return false;
}

static void parse_term(struct filter_term *t, const char *w, filter_column_fn *column, void *ctx)
{
    *t = (struct filter_term){.column = -1};
    if (w[0] == '!' && w[1] != '\0') {
        t->not = true;
        w++;
    }
    if (parse_number(t, w, column, ctx))
        return;
    const char *colon = strchr(w, ':');
    if (colon && colon > w) {
        t->column = column(ctx, w, (size_t)(colon - w));
        if (t->column >= 0)
            w = colon + 1;
    }
    xmem_copy_text(t->word, sizeof t->word, w);
}

bool filter_parse(struct filter *f, const char *text, filter_column_fn *column, void *ctx)
{
    char word[FILTER_TEXT];
    bool whole = xmem_copy_text(f->text, sizeof f->text, text);
    const char *s = f->text;

    f->n = 0;
    while (*(s += strspn(s, " "))) {
        size_t n = strcspn(s, " ");
        if (f->n == FILTER_TERMS)
            return false;
        memcpy(word, s, n);
        word[n] = '\0';
        parse_term(&f->term[f->n], word, column, ctx);
        if (f->term[f->n].kind != FILTER_WORD || f->term[f->n].word[0])
            f->n++;
        s += n;
    }
    return whole;
}

static bool same(const struct filter_term *a, const struct filter_term *b)
{
    return a->kind == b->kind && a->not == b->not &&a->column == b->column &&
           a->number <= b->number && a->number >= b->number && strcmp(a->word, b->word) == 0;
}

bool filter_narrows(const struct filter *before, const struct filter *next)
{
    if (before->n > next->n)
        return false;
    for (size_t i = 0; i < before->n; i++) {
        const struct filter_term *a = &before->term[i], *b = &next->term[i];
        if (same(a, b))
            continue;
        /* A longer word in the same place can only match less. */
        if (a->kind != FILTER_WORD || b->kind != FILTER_WORD || a->not || b->not ||
            a->column != b->column || strncmp(a->word, b->word, strlen(a->word)) != 0)
            return false;
    }
    return true;
}

bool filter_number_matches(const struct filter_term *t, double v)
{
    switch (t->kind) {
    case FILTER_LESS:
        return v < t->number;
    case FILTER_LESS_EQ:
        return v <= t->number;
    case FILTER_MORE:
        return v > t->number;
    case FILTER_MORE_EQ:
        return v >= t->number;
    case FILTER_EQ:
        return v >= t->number && v <= t->number;
    case FILTER_WORD:
        break;
    }
    return false;
}
