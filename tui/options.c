/* Parsing of the command line by its table. Pure: prints nothing. Main thread, at the start. */
#include "tui/options.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"

static const struct opt_def *find_def(const struct opt_def *defs, const char *name, size_t len)
{
    for (; defs && defs->name; defs++)
        if (strlen(defs->name) == len && strncmp(defs->name, name, len) == 0)
            return defs;
    return NULL;
}

/* "meshdeck vm create", for messages. */
static const char *command_name(const struct opt_table *t, const struct cmd_def *c, char *buf,
                                size_t cap)
{
    size_t len = 0;

    str_add(buf, cap, &len, "%s", t->program);
    if (c && c->group)
        str_add(buf, cap, &len, " %s", c->group);
    if (c && c->word)
        str_add(buf, cap, &len, " %s", c->word);
    return buf;
}

static int usage(const struct opt_table *t, const struct cmd_def *c, struct err *e, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

static int usage(const struct opt_table *t, const struct cmd_def *c, struct err *e, const char *fmt,
                 ...)
{
    char what[160], name[48];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap); /* a cut text is still a text */
    va_end(ap);
    return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s. `%s --help` lists what there is", what,
                   command_name(t, c, name, sizeof name));
}

static int parse_uint(const struct opt_def *d, const char *text, uint64_t *ret)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return -EINVAL;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno || *end || *ret < d->min || *ret > d->max ? -ERANGE : 0;
}

struct parser {
    const struct opt_table *t;
    struct opt_values *v;
    char **argv;
    int argc, at;
    size_t n_kept; /* operands gathered at the beginning of argv */
    struct err *e;
};

static int take_value(struct parser *p, const struct opt_def *d, const char *text)
{
    struct opt_values *v = p->v;
    uint64_t number = 0;

    for (size_t i = 0; i < v->n_values && d->kind != OPT_LIST; i++)
        if (v->values[i].def == d)
            return usage(p->t, v->cmd, p->e, "--%s is given twice", d->name);
    if (v->n_values == OPT_VALUES_MAX)
        return usage(p->t, v->cmd, p->e, "--%s: too many options", d->name);
    if (d->kind == OPT_UINT && parse_uint(d, text, &number) < 0)
        return usage(p->t, v->cmd, p->e, "--%s %.40s: a whole number from %llu to %llu is wanted",
                     d->name, text, (unsigned long long)d->min, (unsigned long long)d->max);
    v->values[v->n_values].def = d;
    v->values[v->n_values].text = text;
    v->values[v->n_values].number = number;
    v->n_values++;
    return 0;
}

static int take_option(struct parser *p, const char *word)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct opt_def *d = p->v->cmd ? find_def(p->v->cmd->options, name, len) : NULL;

    if (!d)
        d = find_def(p->t->globals, name, len);
    if (!d)
        return usage(p->t, p->v->cmd, p->e, "%.60s is no option here", word);
    if (d->kind == OPT_FLAG)
        return equals ? usage(p->t, p->v->cmd, p->e, "--%s takes no value", d->name)
                      : take_value(p, d, "");
    if (equals)
        return take_value(p, d, equals + 1);
    if (p->at == p->argc)
        return usage(p->t, p->v->cmd, p->e, "--%s wants %s", d->name, d->value);
    return take_value(p, d, p->argv[p->at++]);
}

/* The command of the words met so far; a group needs its second word. */
static int take_command(struct parser *p, const char *word)
{
    bool is_group = false;

    for (size_t i = 0; i < p->t->n_commands; i++) {
        const struct cmd_def *c = &p->t->commands[i];
        if (c->group && strcmp(c->group, word) == 0) {
            is_group = true;
            if (p->at < p->argc && strcmp(c->word, p->argv[p->at]) == 0) {
                p->v->cmd = c;
                p->at++;
                return 0;
            }
        } else if (!c->group && c->word && strcmp(c->word, word) == 0) {
            p->v->cmd = c;
            return 0;
        }
    }
    if (!is_group)
        return usage(p->t, NULL, p->e, "%.40s is no command", word);
    if (p->at < p->argc && (!strcmp(p->argv[p->at], "--help") || !strcmp(p->argv[p->at], "-h"))) {
        p->v->help_group = word;
        return 0;
    }
    if (p->at < p->argc && p->argv[p->at][0] != '-')
        return err_set(p->e, ERR_AREA_INPUT, -EINVAL,
                       "%s %.40s is no command. `%s %s --help` lists what there is", word,
                       p->argv[p->at], p->t->program, word);
    return err_set(p->e, ERR_AREA_INPUT, -EINVAL,
                   "%s wants one more word. `%s %s --help` lists what there is", word,
                   p->t->program, word);
}

static bool wants_help(const struct opt_values *v)
{
    return opt_has(v, "help") || opt_has(v, "version");
}

static int check_operands(struct parser *p)
{
    const struct cmd_def *c = p->v->cmd;

    if (p->n_kept < c->least)
        return usage(p->t, c, p->e, "%s is missing", c->operands);
    if (p->n_kept > c->most)
        return usage(p->t, c, p->e, "\"%.40s\" is too much", p->argv[c->most]);
    return 0;
}

static int parse_word(struct parser *p, const char *word, bool *literal)
{
    bool rest = p->v->cmd && (p->v->cmd->flags & CMD_REST) && p->n_kept > 0;

    if (!*literal && strcmp(word, "--") == 0) {
        *literal = true;
        return 0;
    }
    if (!*literal && !rest && strcmp(word, "-h") == 0)
        word = "--help";
    if (!*literal && !rest && strncmp(word, "--", 2) == 0)
        return take_option(p, word);
    if (!*literal && !rest && word[0] == '-' && word[1])
        return usage(p->t, p->v->cmd, p->e, "%.40s is no option here", word);
    if (!p->v->cmd)
        return take_command(p, word);
    p->argv[p->n_kept++] = (char *)(uintptr_t)word;
    return 0;
}

static const struct cmd_def *console_command(const struct opt_table *t)
{
    for (size_t i = 0; i < t->n_commands; i++)
        if (!t->commands[i].group && !t->commands[i].word)
            return &t->commands[i];
    return NULL;
}

/* Which options there are depends on the command: without any it is the console. */
static void foresee_console(struct parser *p)
{
    const struct cmd_def *console = console_command(p->t);

    for (int i = p->at; i < p->argc; i++) {
        const char *w = p->argv[i];
        if (strncmp(w, "--", 2) != 0 && strcmp(w, "-h") != 0)
            return;
        const struct opt_def *d = find_def(p->t->globals, w + 2, strcspn(w + 2, "="));
        if (!d && console)
            d = find_def(console->options, w + 2, strcspn(w + 2, "="));
        if (d && d->kind != OPT_FLAG && !strchr(w, '='))
            i++;
    }
    p->v->cmd = console;
}

int opt_parse(const struct opt_table *t, int argc, char **argv, struct opt_values *ret,
              struct err *e)
{
    struct parser p = {.t = t, .v = ret, .argv = argv, .argc = argc, .at = 1, .e = e};
    bool literal = false;

    memset(ret, 0, sizeof *ret);
    foresee_console(&p);
    while (p.at < p.argc) {
        const char *word = p.argv[p.at++];
        int r = parse_word(&p, word, &literal);
        if (r < 0)
            return r;
        if (wants_help(ret))
            return 0;
    }
    ret->operands = argv;
    ret->n_operands = p.n_kept;
    return check_operands(&p);
}

bool opt_has(const struct opt_values *v, const char *name)
{
    return opt_text(v, name, NULL) != NULL;
}

const char *opt_text(const struct opt_values *v, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < v->n_values; i++)
        if (strcmp(v->values[i].def->name, name) == 0)
            return v->values[i].text;
    return otherwise;
}

uint64_t opt_uint(const struct opt_values *v, const char *name, uint64_t otherwise)
{
    for (size_t i = 0; i < v->n_values; i++)
        if (strcmp(v->values[i].def->name, name) == 0)
            return v->values[i].number;
    return otherwise;
}

json_t *opt_args(const struct opt_values *v)
{
    json_t *args = json_object();

    for (size_t i = 0; args && i < v->n_values; i++) {
        const struct opt_def *d = v->values[i].def;
        json_t *list = d->arg && d->kind == OPT_LIST ? json_object_get(args, d->arg) : NULL;
        if (!d->arg)
            continue;
        if (d->kind == OPT_FLAG)
            json_object_set_new(args, d->arg, json_boolean(!d->invert));
        else if (d->kind == OPT_UINT)
            json_object_set_new(args, d->arg, json_integer((json_int_t)v->values[i].number));
        else if (d->kind == OPT_TEXT)
            json_object_set_new(args, d->arg, json_string(v->values[i].text));
        else if (list)
            json_array_append_new(list, json_string(v->values[i].text));
        else
            json_object_set_new(args, d->arg, json_pack("[s]", v->values[i].text));
    }
    return args;
}
