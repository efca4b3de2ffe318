#ifndef MESHDECK_WIDGETS_FILTER_H
#define MESHDECK_WIDGETS_FILTER_H
/*
 * A filter line, parsed: words that must all match somewhere, !word that must not, column:word in
 * one column, cpu>50 (also < >= <= =) by number. Case does not matter. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum { FILTER_TERMS = 16, FILTER_TEXT = 128 };

enum filter_kind {
    FILTER_WORD,
    FILTER_LESS,
    FILTER_LESS_EQ,
    FILTER_MORE,
    FILTER_MORE_EQ,
    FILTER_EQ
};

struct filter_term {
    enum filter_kind kind;
    bool not;
    int column;    /* -1: anywhere */
    double number; /* all but FILTER_WORD */
    char word[FILTER_TEXT];
};

struct filter {
    char text[FILTER_TEXT];
    struct filter_term term[FILTER_TERMS];
    size_t n;
};

/* Answers a column's index for the beginning of its id or title, -1 for none. */
typedef int filter_column_fn(void *ctx, const char *name, size_t len);

/* Never fails: what is no column is a word. False when it was cut to the limits. */
bool filter_parse(struct filter *f, const char *text, filter_column_fn *column, void *ctx);

/* True when everything that matches next also matches before: the old result can be narrowed. */
bool filter_narrows(const struct filter *before, const struct filter *next);

bool filter_number_matches(const struct filter_term *t, double value);

#endif
