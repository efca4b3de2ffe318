#ifndef MESHDECK_TUI_OPTIONS_H
#define MESHDECK_TUI_OPTIONS_H
/*
 * The command line as one table: each command with its operands and options. Parsing, --help and
 * the man page's synopsis come from it, so none can lie. Pure but for the texts it prints to a
 * FILE.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backend/model/err.h"

enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_UINT, OPT_LIST /* may be given again */ };

struct opt_def {
    const char *name; /* "memory", given as --memory */
    enum opt_kind kind;
    const char *value; /* "MIB", in help */
    uint64_t min, max; /* of OPT_UINT */
    const char *arg;   /* the engine's name for it in the command's arguments; NULL: ours */
    bool invert;       /* a flag that makes arg false */
    bool hidden;
    const char *help;
};

enum {
    CMD_DESTROYS = 1, /* asks, or wants --yes */
    CMD_REST = 2,     /* everything behind the first operand is an operand: exec's words */
    CMD_NO_ENGINE = 4,
    CMD_HIDDEN = 8,
};

struct cli;

struct cmd_def {
    const char *group, *word; /* "vm", "create"; group NULL: one word; both NULL: the console */
    const char *operands;     /* "NAME...", in help */
    unsigned least, most;     /* operands; most 0 with least 0: none */
    unsigned flags;
    const struct opt_def *options; /* ends at a NULL name; may be NULL */
    const char *help;              /* a sentence, and more lines if it needs them */
    int (*run)(struct cli *c);
};

enum { OPT_VALUES_MAX = 64, OPT_DEFS_MAX = 32 };

/* What was given. Texts point into argv. */
struct opt_values {
    const struct cmd_def *cmd; /* NULL only with --help or --version */
    const char *help_group;    /* `meshdeck vm --help` */
    struct {
        const struct opt_def *def;
        const char *text;
        uint64_t number;
    } values[OPT_VALUES_MAX];
    size_t n_values;
    char *const *operands;
    size_t n_operands;
};

struct opt_table {
    const char *program;           /* "meshdeck" */
    const struct opt_def *globals; /* taken with every command */
    const struct cmd_def *commands;
    size_t n_commands;
};

/*
 * Sorts argv out; it is reordered (operands to its end). 0, or -EINVAL with a text that says what
 * is wrong and how to learn more. --help or --version stop it: they are then the last value.
 */
int opt_parse(const struct opt_table *t, int argc, char **argv, struct opt_values *ret,
              struct err *e);

bool opt_has(const struct opt_values *v, const char *name);
const char *opt_text(const struct opt_values *v, const char *name, const char *otherwise);
uint64_t opt_uint(const struct opt_values *v, const char *name, uint64_t otherwise);
/* The options that have an engine's name, as the command's arguments; NULL: no memory. */
struct json_t;
struct json_t *opt_args(const struct opt_values *v);

/* "meshdeck vm stop [--timeout S] NAME..." */
void opt_print_usage(const struct opt_table *t, const struct cmd_def *c, FILE *f);
/* cmd NULL: the list of commands; group: that group's. */
void opt_print_help(const struct opt_table *t, const struct cmd_def *c, const char *group, FILE *f);
/* The man page's synopsis and command sections, in groff. */
void opt_print_man(const struct opt_table *t, FILE *f);

#endif
