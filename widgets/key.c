/* Names of keys, both ways. Pure; any thread. */
#include "widgets/key.h"

#include <stdio.h>
#include <string.h>

#include "widgets/cells.h"
#include "widgets/xmem.h"

static const struct {
    uint32_t code;
    const char *name;
} names[] = {
    {KEYSYM_ENTER, "Enter"},
    {KEYSYM_TAB, "Tab"},
    {KEYSYM_BACKSPACE, "BS"},
    {KEYSYM_ESC, "Esc"},
    {KEYSYM_UP, "Up"},
    {KEYSYM_DOWN, "Down"},
    {KEYSYM_LEFT, "Left"},
    {KEYSYM_RIGHT, "Right"},
    {KEYSYM_HOME, "Home"},
    {KEYSYM_END, "End"},
    {KEYSYM_PGUP, "PgUp"},
    {KEYSYM_PGDN, "PgDn"},
    {KEYSYM_INSERT, "Ins"},
    {KEYSYM_DELETE, "Del"},
    {' ', "Space"},
    {KEYSYM_MOUSE, "Mouse"},
    {KEYSYM_UNKNOWN, "unknown key"},
};

bool key_is(const struct key *k, uint32_t code, unsigned mods)
{
    return k->code == code && k->mods == mods;
}

bool key_is_text(const struct key *k)
{
    return k->code >= 0x20 && k->code < KEYSYM_ENTER && cells_is_safe(k->code) &&
           !(k->mods & (KEYMOD_ALT | KEYMOD_CTRL));
}

void key_format(const struct key *k, char *buf, size_t cap)
{
    char text[8] = "";
    const char *name = text;

    for (size_t i = 0; i < XMEM_LEN(names); i++)
        if (names[i].code == k->code)
            name = names[i].name;
    if (k->code >= KEYSYM_F1 && k->code <= KEYSYM_F12)
        snprintf(text, sizeof text, "F%u", (unsigned)(k->code - KEYSYM_F1 + 1) & 0xfu);
    else if (name == text && k->code < KEYSYM_ENTER && cells_is_safe(k->code))
        text[cells_encode(text, k->code)] = '\0';
    else if (name == text)
        name = "?";
    snprintf(buf, cap, "%s%s%s%s", k->mods & KEYMOD_CTRL ? "C-" : "",
             k->mods & KEYMOD_ALT ? "M-" : "", k->mods & KEYMOD_SHIFT ? "S-" : "", name);
}

bool key_parse(const char *name, size_t len, struct key *ret)
{
    struct key k = {0};
    uint32_t cp = 0;

    while (len > 2 && name[1] == '-') {
        if (name[0] == 'C')
            k.mods |= KEYMOD_CTRL;
        else if (name[0] == 'M')
            k.mods |= KEYMOD_ALT;
        else if (name[0] == 'S')
            k.mods |= KEYMOD_SHIFT;
        else
            return false;
        name += 2;
        len -= 2;
    }
    for (size_t i = 0; i < XMEM_LEN(names) && k.code == 0; i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
            k.code = names[i].code;
    if (k.code == 0 && len >= 2 && len <= 3 && name[0] == 'F') {
        unsigned n = 0;
        for (size_t i = 1; i < len; i++) {
            if (name[i] < '0' || name[i] > '9')
                return false;
            n = n * 10 + (unsigned)(name[i] - '0');
        }
        if (n >= 1 && n <= 12)
            k.code = KEYSYM_F1 + n - 1;
    }
    if (k.code == 0 && len > 0 && cells_decode(name, len, &cp) == len && cells_is_safe(cp))
        k.code = cp;
    if (k.code == 0 || k.code == KEYSYM_MOUSE || k.code == KEYSYM_UNKNOWN)
        return false;
    if ((k.mods & KEYMOD_CTRL) && k.code >= 'A' && k.code <= 'Z')
        k.code += 32;
    *ret = k;
    return true;
}
