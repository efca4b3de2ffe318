#include "widgets/dialog.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/keys.h"
#include "widgets/menu.h"
#include "widgets/palette.h"
#include "widgets/toast.h"
#include "widgets/xmem.h"

static char text[8192];

static const char *dump(struct canvas_grid *g)
{
    canvas_grid_dump(g, text, sizeof text);
    return text;
}

static enum dialog_result press(struct dialog *d, const char *name)
{
    struct key k = keys_named(name);

    return dialog_key(d, &k);
}

static void test_plain_question(void **state)
{
    struct dialog *d = dialog_new("Stop the VM web1?", "Stop", NULL);
    struct key paste = keys_pasted("y");

    (void)state;
    assert_int_equal(press(d, "y"), DIALOG_YES);
    assert_int_equal(press(d, "n"), DIALOG_NO);
    assert_int_equal(press(d, "Esc"), DIALOG_NO);
    assert_int_equal(press(d, "Enter"), DIALOG_NO); /* Cancel is in focus */
    assert_int_equal(press(d, "q"), DIALOG_SECOND_Q);
    assert_int_equal(press(d, "x"), DIALOG_OPEN);
    assert_int_equal(dialog_key(d, &paste), DIALOG_OPEN);
    press(d, "Tab");
    assert_int_equal(press(d, "Enter"), DIALOG_YES);
    dialog_free(d);
}

static void test_typed_question(void **state)
{
    struct dialog *d = dialog_new("Delete the VM old-db on ams1?", "Delete", "old-db");
    struct canvas_grid *g = canvas_grid_new(19, 80);

    (void)state;
    dialog_add(d, "Lost for ever", "its disk, 3.4 GiB written since 10-02");
    dialog_add(d, "", "2 checkpoints: before-upgrade, monday");
    dialog_add(d, "", "its forwarded port 5432");
    dialog_add(d, "Set free", "10.210.0.8  fd5e:ed68:d54d:1:0:2:0:16");
    dialog_add(d, "Kept", "image builtin, the journal");
    assert_int_equal(press(d, "Enter"), DIALOG_MISMATCH);
    assert_non_null(strstr(dialog_get_hint(d), "does nothing until"));
    assert_int_equal(press(d, "y"), DIALOG_OPEN); /* a letter, not an answer */
    press(d, "BS");
    for (const char *s = "old-db"; *s; s++) {
        struct key k = {.code = (unsigned char)*s};
        assert_int_equal(dialog_key(d, &k), DIALOG_OPEN);
    }
    dialog_draw(d, canvas_of(g), 3);
    assert_string_equal(
        dump(g), "\n\n\n"
                 "                   +----------------------------------------------------------+\n"
                 "                   |  Delete the VM old-db on ams1?                           |\n"
                 "                   |                                                          |\n"
                 "                   |  Lost for ever  its disk, 3.4 GiB written since 10-02    |\n"
                 "                   |                 2 checkpoints: before-upgrade, monday    |\n"
                 "                   |                 its forwarded port 5432                  |\n"
                 "                   |  Set free       10.210.0.8  fd5e:ed68:d54d:1:0:2:0:16    |\n"
                 "                   |  Kept           image builtin, the journal               |\n"
                 "                   |                                                          |\n"
                 "                   |  Type its name  [old-db                         ]        |\n"
                 "                   |                                                          |\n"
                 "                   |                        [ Cancel ]    ( Delete )          |\n"
                 "                   +----------------------------------------------------------+\n"
                 "\n\n\n");
    assert_int_equal(press(d, "Enter"), DIALOG_YES);
    assert_int_equal(press(d, "Esc"), DIALOG_NO);
    dialog_free(d);
    canvas_grid_free(g);
}

/* The row in question stays in sight, also where the box is as wide as the window. */
static void test_row_stays_in_sight(void **state)
{
    struct dialog *d = dialog_new("Delete the VM old-db on ams1, with all that belongs to it, now?",
                                  "Delete", "old-db");

    (void)state;
    for (int row = 1; row < 18; row++) {
        struct canvas_grid *g = canvas_grid_new(18, 80);
        canvas_put(canvas_of(g), row, 0, ROLE_CURSOR, "> - old-db");
        dialog_draw(d, canvas_of(g), row);
        assert_non_null(strstr(dump(g), "> - old-db"));
        canvas_grid_free(g);
    }
    for (int rows = 1; rows < 10; rows++) {
        struct canvas_grid *g = canvas_grid_new(rows, rows * 4);
        dialog_draw(d, canvas_of(g), 0);
        canvas_grid_free(g);
    }
    dialog_free(d);
}

static enum menu_result menu_press(struct menu *m, const char *name, int *id)
{
    struct key k = keys_named(name);

    return menu_key(m, &k, id);
}

static void test_menu(void **state)
{
    struct menu *m = menu_new("web1");
    struct canvas_grid *g = canvas_grid_new(10, 40);
    int id = 0;

    (void)state;
    menu_add(m, 1, "B", "boot", "it runs already", true);
    menu_add(m, 2, "X", "stop", "", false);
    menu_add(m, 3, "D", "delete", "", false);
    assert_int_equal(menu_press(m, "Enter", &id), MENU_BLOCKED);
    assert_string_equal(menu_get_note(m), "it runs already");
    assert_int_equal(menu_press(m, "Down", &id), MENU_OPEN);
    assert_int_equal(menu_press(m, "Enter", &id), MENU_CHOSEN);
    assert_int_equal(id, 2);
    assert_int_equal(menu_press(m, "D", &id), MENU_CHOSEN);
    assert_int_equal(id, 3);
    menu_press(m, "j", &id);
    assert_int_equal(menu_press(m, "Enter", &id), MENU_BLOCKED); /* around to the first */
    assert_int_equal(menu_press(m, "Esc", &id), MENU_CLOSED);
    menu_draw(m, canvas_of(g), 8, 38); /* kept inside */
    assert_non_null(strstr(dump(g), "B  boot    it runs already"));
    menu_free(m);
    canvas_grid_free(g);
}

static bool items(void *ctx, size_t i, struct palette_item *out)
{
    static const struct palette_item list[] = {
        {1, "vm-stop", "X", "Shut a VM down", false},
        {2, "vm-boot", "B", "Boot a VM", false},
        {3, "vm-delete", "D", "read-only: not allowed", true},
        {4, "set", "", "Change an option", false},
        {5, "view-mesh", "3", "Tunnels", false},
    };

    (void)ctx;
    if (i >= XMEM_LEN(list))
        return false;
    *out = list[i];
    return true;
}

static enum palette_result type(struct palette *p, const char *s, int *id)
{
    enum palette_result r = PALETTE_OPEN;

    for (; *s; s++) {
        struct key k = {.code = (unsigned char)*s};
        r = palette_key(p, &k, id);
    }
    return r;
}

static enum palette_result enter(struct palette *p, int *id)
{
    struct key k = {.code = KEYSYM_ENTER};

    return palette_key(p, &k, id);
}

static void test_palette(void **state)
{
    struct palette *p = palette_new(items, NULL);
    struct canvas_grid *g = canvas_grid_new(8, 50);
    struct key up = keys_named("Up"), tab = keys_named("Tab"), esc = keys_named("Esc");
    int id = 0;

    (void)state;
    palette_open(p, "");
    assert_int_equal(palette_matches(p), 5);
    type(p, "stop", &id);
    assert_int_equal(palette_matches(p), 1);
    assert_int_equal(enter(p, &id), PALETTE_CHOSEN);
    assert_int_equal(id, 1);
    palette_open(p, "");
    type(p, "vm", &id);
    palette_draw(p, canvas_of(g));
    assert_string_equal(dump(g), "\n\n\n\n"
                                 "  vm-delete     D    read-only: not allowed\n"
                                 "  vm-boot       B    Boot a VM\n"
                                 "> vm-stop       X    Shut a VM down\n"
                                 ":vm\n");
    palette_key(p, &up, &id);
    assert_int_equal(enter(p, &id), PALETTE_CHOSEN);
    assert_int_equal(id, 2);
    palette_open(p, "");
    type(p, "vm-delete", &id);
    assert_int_equal(enter(p, &id), PALETTE_BLOCKED);
    palette_open(p, "");
    type(p, "set time utc", &id);
    assert_int_equal(enter(p, &id), PALETTE_CHOSEN);
    assert_int_equal(id, 4);
    assert_string_equal(palette_get_args(p), "time utc");
    palette_open(p, "");
    type(p, "tunnels", &id); /* found by help, chosen only by the cursor */
    assert_int_equal(palette_matches(p), 1);
    assert_int_equal(enter(p, &id), PALETTE_LINE);
    palette_key(p, &up, &id);
    assert_int_equal(enter(p, &id), PALETTE_CHOSEN);
    assert_int_equal(id, 5);
    palette_open(p, "");
    type(p, "vi", &id);
    palette_key(p, &tab, &id);
    assert_string_equal(palette_get_line(p), "view-mesh");
    palette_open(p, "");
    assert_int_equal(enter(p, &id), PALETTE_CLOSED);
    assert_int_equal(palette_key(p, &esc, &id), PALETTE_CLOSED);
    palette_free(p);
    canvas_grid_free(g);
}

static void test_toast(void **state)
{
    struct toast t = {0};
    char b[300];

    (void)state;
    assert_false(toast_format(&t, 0, b, sizeof b));
    toast_show(&t, ROLE_BASE, "copied 25 bytes", 1000);
    assert_int_equal(toast_wait_ms(&t, 1000), TOAST_MS);
    toast_show(&t, ROLE_BASE, "copied 25 bytes", 2000);
    assert_true(toast_format(&t, 2000, b, sizeof b));
    assert_string_equal(b, "copied 25 bytes x2");
    toast_dismiss(&t);
    assert_true(toast_format(&t, 6999, b, sizeof b));
    assert_false(toast_format(&t, 7000, b, sizeof b));
    toast_show(&t, ROLE_BASE, "copied 25 bytes", 8000);
    assert_true(toast_format(&t, 8000, b, sizeof b));
    assert_string_equal(b, "copied 25 bytes"); /* it was over: counted anew */
    toast_show_error(&t, "web1 did not start\033[2J", 9000);
    assert_int_equal(toast_wait_ms(&t, 9000), -1);
    assert_true(toast_format(&t, 999999, b, sizeof b)); /* errors stay until a key */
    assert_string_equal(b, "web1 did not start?[2J");
    toast_dismiss(&t);
    assert_false(toast_format(&t, 999999, b, sizeof b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_question),
        cmocka_unit_test(test_typed_question),
        cmocka_unit_test(test_row_stays_in_sight),
        cmocka_unit_test(test_menu),
        cmocka_unit_test(test_palette),
        cmocka_unit_test(test_toast),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
