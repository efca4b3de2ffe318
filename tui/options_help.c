/* --help and the man page's sections, made from the table of commands. */
#include <string.h>

#include "backend/model/text.h"
#include "tui/options.h"

enum { HELP_INDENT = 26, USAGE_COLS = 79 };

static void usage_name(const struct opt_table *t, const struct cmd_def *c, char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    str_add(buf, cap, &len, "%s", t->program);
    if (c->group)
        str_add(buf, cap, &len, " %s", c->group);
    if (c->word)
        str_add(buf, cap, &len, " %s", c->word);
}

static void option_form(const struct opt_def *d, char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    str_add(buf, cap, &len, "--%s", d->name);
    if (d->kind != OPT_FLAG)
        str_add(buf, cap, &len, " %s", d->value);
}

void opt_print_usage(const struct opt_table *t, const struct cmd_def *c, FILE *f)
{
    char name[64], form[64];

    usage_name(t, c, name, sizeof name);
    int col = fprintf(f, "%s", name), margin = (int)strlen(name);
    for (const struct opt_def *d = c->options; d && d->name; d++) {
        if (d->hidden)
            continue;
        option_form(d, form, sizeof form);
        const char *more = d->kind == OPT_LIST ? "..." : "";
        if (col + (int)strlen(form) + 6 > USAGE_COLS)
            col = fprintf(f, "\n%*s", margin, "") - 1;
        col += fprintf(f, " [%s]%s", form, more);
    }
    if (c->operands && col + (int)strlen(c->operands) + 1 > USAGE_COLS)
        (void)fprintf(f, "\n%*s", margin, "");
    (void)fprintf(f, "%s%s\n", c->operands ? " " : "", c->operands ? c->operands : "");
}

static void print_options(const struct opt_def *d, const char *title, FILE *f)
{
    char form[64];

    if (!d || !d->name)
        return;
    (void)fprintf(f, "\n%s\n", title);
    for (; d->name; d++) {
        if (d->hidden)
            continue;
        option_form(d, form, sizeof form);
        (void)fprintf(f, "  %-*s%s\n", HELP_INDENT, form, d->help);
    }
}

static void print_one_line(const struct cmd_def *c, FILE *f)
{
    char words[64];
    size_t len = 0, line = strcspn(c->help, "\n");

    words[0] = '\0';
    if (c->group)
        str_add(words, sizeof words, &len, "%s ", c->group);
    if (c->word)
        str_add(words, sizeof words, &len, "%s", c->word);
    else
        str_add(words, sizeof words, &len, "(no command)");
    (void)fprintf(f, "  %-*s%.*s\n", HELP_INDENT, words, (int)line, c->help);
}

void opt_print_help(const struct opt_table *t, const struct cmd_def *c, const char *group, FILE *f)
{
    if (c) {
        (void)fprintf(f, "usage: ");
        opt_print_usage(t, c, f);
        (void)fprintf(f, "\n%s\n", c->help);
        print_options(c->options, "options:", f);
        print_options(t->globals, "options of every command:", f);
        return;
    }
    (void)fprintf(f, "usage: %s [COMMAND] [OPTION]... [OPERAND]...\n\ncommands:\n", t->program);
    for (size_t i = 0; i < t->n_commands; i++) {
        const struct cmd_def *one = &t->commands[i];
        if (!(one->flags & CMD_HIDDEN) &&
            (!group || (one->group && strcmp(one->group, group) == 0)))
            print_one_line(one, f);
    }
    print_options(t->globals, "options of every command:", f);
    (void)fprintf(f, "\n`%s COMMAND --help` tells more about one.\n", t->program);
}

/* Text for groff: backslashes and dashes as they are meant, no line that begins a request. */
static void groff(const char *s, FILE *f)
{
    for (bool start = true; *s; s++) {
        if (start && (*s == '.' || *s == '\''))
            (void)fputs("\\&", f);
        start = *s == '\n';
        if (*s == '-')
            (void)fputs("\\-", f);
        else if (*s == '\\')
            (void)fputs("\\e", f);
        else
            (void)fputc(*s, f);
    }
}

static void man_options(const struct opt_def *d, FILE *f)
{
    for (; d && d->name; d++) {
        if (d->hidden)
            continue;
        (void)fprintf(f, ".TP\n\\fB\\-\\-");
        groff(d->name, f);
        (void)fprintf(f, "\\fR");
        if (d->kind != OPT_FLAG) {
            (void)fprintf(f, " \\fI");
            groff(d->value, f);
            (void)fprintf(f, "\\fR");
        }
        (void)fputc('\n', f);
        groff(d->help, f);
        (void)fputc('\n', f);
    }
}

static void man_synopsis(const struct opt_table *t, const struct cmd_def *c, FILE *f)
{
    char name[64], form[64];

    usage_name(t, c, name, sizeof name);
    (void)fprintf(f, ".HP\n\\fB");
    groff(name, f);
    (void)fprintf(f, "\\fR");
    for (const struct opt_def *d = c->options; d && d->name; d++) {
        if (d->hidden)
            continue;
        option_form(d, form, sizeof form);
        (void)fprintf(f, "\n[");
        groff(form, f);
        (void)fprintf(f, "]%s", d->kind == OPT_LIST ? "..." : "");
    }
    if (c->operands) {
        (void)fprintf(f, "\n\\fI");
        groff(c->operands, f);
        (void)fprintf(f, "\\fR");
    }
    (void)fputc('\n', f);
}

void opt_print_man(const struct opt_table *t, FILE *f)
{
    (void)fprintf(f, ".SH SYNOPSIS\n");
    for (size_t i = 0; i < t->n_commands; i++)
        if (!(t->commands[i].flags & CMD_HIDDEN))
            man_synopsis(t, &t->commands[i], f);
    (void)fprintf(f, ".SH OPTIONS OF EVERY COMMAND\n");
    man_options(t->globals, f);
    (void)fprintf(f, ".SH COMMANDS\n");
    for (size_t i = 0; i < t->n_commands; i++) {
        const struct cmd_def *c = &t->commands[i];
        char name[64];
        if (c->flags & CMD_HIDDEN)
            continue;
        usage_name(t, c, name, sizeof name);
        (void)fprintf(f, ".SS ");
        groff(name, f);
        (void)fputc('\n', f);
        groff(c->help, f);
        (void)fputc('\n', f);
        man_options(c->options, f);
    }
}
