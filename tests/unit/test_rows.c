/* Row types: field tables that cover their structs, JSON there and back, hostile JSON refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/model/rows.h"
#include "backend/model/text.h"

union any_row {
    struct vm_row vm;
    struct peer_row peer;
    struct route_row route;
    struct link_row link;
    struct network_row network;
    struct node_row node;
    struct image_row image;
    struct event_row event;
    struct alert_row alert;
    struct ticket_row ticket;
};

static size_t alignment(size_t size)
{
    return size >= 8 && size % 8 == 0 ? 8 : size == 4 ? 4 : size == 2 ? 2 : 1;
}

/* Every byte of a row belongs to a field or to padding before one that needs it. */
static void test_fields_cover(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TABLE_COUNT; t++) {
        const struct row_type *type = row_type_of((enum table_id)t);
        unsigned char owner[sizeof(union any_row)] = {0};
        assert_true(type->size <= sizeof(union any_row));
        for (size_t i = 0; i < type->n_fields; i++) {
            const struct field *f = &type->fields[i];
            assert_true((size_t)f->offset + f->size <= type->size);
            for (size_t b = f->offset; b < (size_t)f->offset + f->size; b++) {
                assert_int_equal(owner[b], 0); /* no two fields share a byte */
                owner[b] = (unsigned char)(i + 1);
            }
            for (size_t k = 0; k < i; k++)
                assert_string_not_equal(f->name, type->fields[k].name);
        }
        size_t gap = 0;
        for (size_t b = 0; b < type->size; b++) {
            if (!owner[b]) {
                gap++;
                continue;
            }
            if (gap) {
                const struct field *f = &type->fields[owner[b] - 1];
                bool is_ptr_or_word = alignment(f->size) > gap || f->size == 20; /* endpoint: 2 */
                assert_true(is_ptr_or_word);
            }
            gap = 0;
        }
        assert_true(gap < 8);
    }
}

static size_t kind_size(enum field_kind kind, size_t size)
{
    switch (kind) {
    case FIELD_TEXT:
        return size;
    case FIELD_SYM:
    case FIELD_LIST:
        return sizeof(const char *);
    case FIELD_U8:
    case FIELD_BOOL:
    case FIELD_ENUM:
        return 1;
    case FIELD_U16:
        return 2;
    case FIELD_U32:
        return 4;
    case FIELD_U64:
    case FIELD_INSTANT:
        return 8;
    case FIELD_ADDR:
        return sizeof(struct addr);
    case FIELD_ENDPOINT:
        return sizeof(struct endpoint);
    case FIELD_MAC:
        return 6;
    case FIELD_KEY:
        return 32;
    }
    return 0;
}

static void test_field_kinds(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TABLE_COUNT; t++) {
        const struct row_type *type = row_type_of((enum table_id)t);
        assert_int_equal(row_table_find(type->name), t);
        for (size_t i = 0; i < type->n_fields; i++) {
            const struct field *f = &type->fields[i];
            assert_int_equal(f->size, kind_size(f->kind, f->size));
            assert_int_equal(f->kind == FIELD_ENUM, f->names != NULL);
            assert_int_equal(strspn(f->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                             strlen(f->name));
        }
    }
    assert_int_equal(row_table_find("nonesuch"), TABLE_COUNT);
}

/* What may stand in a struct that two threads share: values, and pointers to const text. */
static void check_public_structs(const char *path, const char *const *allowed_pointers)
{
    char line[256];
    bool inside = false;
    unsigned members = 0;
    FILE *f = fopen(path, "re");

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *comment = strstr(line, "/*");
        if (comment)
            *comment = '\0';
        if (strncmp(line, "struct ", 7) == 0 && strchr(line, '{'))
            inside = true;
        else if (line[0] == '}')
            inside = false;
        else if (inside && strchr(line, ';')) {
            bool fine = !strchr(line, '*') || strncmp(line, "    const char *", 16) == 0;
            for (const char *const *p = allowed_pointers; *p && !fine; p++)
                fine = strncmp(line, *p, strlen(*p)) == 0;
            if (!fine)
                fail_msg("%s: %s", path, line);
            members++;
        }
    }
    (void)fclose(f);
    assert_true(members > 20);
}

static void test_values_only(void **state)
{
    /* Field tables are constants; a snapshot holds counted, immutable views. */
    static const char *const of_rows[] = {
        "    const char *const *names;", "    const struct field *fields;",
        "    int (*compare)(const void *a, const void *b);", NULL};
    static const char *const of_snapshot[] = {"    struct table_view *tables[TABLE_COUNT];", NULL};

    (void)state;
    check_public_structs("backend/model/rows.h", of_rows);
    check_public_structs("backend/model/snapshot.h", of_snapshot);
}

static struct addr an_address(const char *text)
{
    struct addr a = {0};
    assert_int_equal(addr_parse(text, false, &a, NULL), 0);
    return a;
}

/* Puts something that is not nothing into every field. */
static void fill(const struct row_type *type, void *row, unsigned salt)
{
    memset(row, 0, type->size);
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *f = &type->fields[i];
        char *at = (char *)row + f->offset;
        const char *sym =
            text_intern(f->kind == FIELD_LIST ? "8080:80/tcp 53:53/udp" : "some text");
        struct addr a = an_address(salt % 2 ? "fd5e:ed68:d54d::1/64" : "10.210.0.2");
        struct endpoint p = {.addr = an_address("2001:db8::7"), .port = 51820};
        switch (f->kind) {
        case FIELD_TEXT:
            (void)snprintf(at, f->size, "text%u", salt);
            break;
        case FIELD_SYM:
        case FIELD_LIST:
            memcpy(at, &sym, sizeof sym);
            break;
        case FIELD_BOOL:
        case FIELD_ENUM:
            *at = 1;
            break;
        case FIELD_ADDR:
            memcpy(at, &a, sizeof a);
            break;
        case FIELD_ENDPOINT:
            memcpy(at, &p, sizeof p);
            break;
        case FIELD_U8:
        case FIELD_U16:
        case FIELD_U32:
        case FIELD_U64:
        case FIELD_INSTANT:
        case FIELD_MAC:
        case FIELD_KEY:
            memset(at, (int)(0x11 + salt), f->size);
            break;
        }
    }
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TABLE_COUNT; t++)
        for (unsigned salt = 0; salt < 2; salt++) {
            const struct row_type *type = row_type_of((enum table_id)t);
            union any_row a, b, zero, back;
            struct err e = {0};
            fill(type, &a, salt);
            json_t *j = row_to_json(type, &a);
            assert_non_null(j);
            assert_int_equal(json_object_size(j), type->n_fields);
            assert_int_equal(row_from_json(type, j, &b, &e), 0);
            assert_true(row_equal(type, &a, &b));
            json_decref(j);

            j = json_object(); /* all fields missing: nothing set, no NULL text */
            assert_int_equal(row_from_json(type, j, &zero, &e), 0);
            json_decref(j);
            assert_false(row_equal(type, &a, &zero));
            j = row_to_json(type, &zero);
            assert_int_equal(row_from_json(type, j, &back, &e), 0);
            assert_true(row_equal(type, &zero, &back));
            json_decref(j);
        }
}

static void test_names_of_the_command_line(void **state)
{
    static const struct {
        enum table_id table;
        const char *names;
    } wanted[] = {
        {TABLE_VMS,
         "name id state node network ipv4 ipv6 mac tap vcpus memory_mib image pid ports labels"},
        {TABLE_PEERS,
         "name public_key endpoint allowed_ips latest_handshake rx_bytes tx_bytes verdict"},
        {TABLE_ROUTES, "dst gateway dev table protocol metric owner"},
        {TABLE_NODES, "name id state address endpoints vms"},
        {TABLE_TICKETS, "id command state step steps step_name error by started ended"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        union any_row row;
        char words[256], *rest = NULL;
        fill(row_type_of(wanted[i].table), &row, 0);
        json_t *j = row_to_json(row_type_of(wanted[i].table), &row);
        assert_true(str_copy(words, sizeof words, wanted[i].names));
        for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
            assert_non_null(json_object_get(j, w));
        json_decref(j);
    }
}

static void test_forms(void **state)
{
    struct vm_row vm;
    struct peer_row peer;

    (void)state;
    fill(row_type_of(TABLE_VMS), &vm, 0);
    vm.state = VM_STATE_RUNNING;
    json_t *j = row_to_json(row_type_of(TABLE_VMS), &vm);
    assert_string_equal(json_string_value(json_object_get(j, "state")), "running");
    assert_string_equal(json_string_value(json_object_get(j, "ipv4")), "10.210.0.2");
    assert_string_equal(json_string_value(json_object_get(j, "mac")), "11:11:11:11:11:11");
    assert_int_equal(json_array_size(json_object_get(j, "ports")), 2);
    assert_true(json_is_true(json_object_get(j, "wanted")));
    json_decref(j);
    fill(row_type_of(TABLE_PEERS), &peer, 0);
    memset(&peer.endpoint, 0, sizeof peer.endpoint);
    for (unsigned i = 0; i < 32; i++)
        peer.public_key[i] = (uint8_t)(i * 7);
    j = row_to_json(row_type_of(TABLE_PEERS), &peer);
    assert_true(json_is_null(json_object_get(j, "endpoint")));
    assert_string_equal(json_string_value(json_object_get(j, "public_key")),
                        "AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=");
    json_decref(j);
}

static void test_hostile(void **state)
{
    static const struct {
        enum table_id table;
        const char *json;
    } bad[] = {
        {TABLE_VMS, "[]"},
        {TABLE_VMS, "{\"name\": 3}"},
        {TABLE_VMS, "{\"name\": \"a-name-that-is-longer-than-31-bytes\"}"},
        {TABLE_VMS, "{\"state\": \"flying\"}"},
        {TABLE_VMS, "{\"state\": 200}"},
        {TABLE_VMS, "{\"vcpus\": -1}"},
        {TABLE_VMS, "{\"vcpus\": 4294967296}"},
        {TABLE_VMS, "{\"vcpus\": 1.5}"},
        {TABLE_VMS, "{\"id\": -1}"},
        {TABLE_VMS, "{\"wanted\": 1}"},
        {TABLE_VMS, "{\"ipv4\": \"10.0.0.300\"}"},
        {TABLE_VMS, "{\"ipv4\": \"10.0.0.1/33\"}"},
        {TABLE_VMS, "{\"ipv4\": 7}"},
        {TABLE_VMS, "{\"mac\": \"02:5e:ed:00:00\"}"},
        {TABLE_VMS, "{\"mac\": \"02:5e:ed:00:00:0g\"}"},
        {TABLE_VMS, "{\"ports\": \"80:80\"}"},
        {TABLE_VMS, "{\"ports\": [\"80:80 81:81\"]}"},
        {TABLE_VMS, "{\"ports\": [\"\"]}"},
        {TABLE_VMS, "{\"ports\": [[]]}"},
        {TABLE_VMS, "{\"node\": {}}"},
        {TABLE_PEERS, "{\"public_key\": \"AAAA\"}"},
        {TABLE_PEERS, "{\"public_key\": \"AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0t!=\"}"},
        {TABLE_PEERS, "{\"public_key\": \"AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=\\n\"}"},
        {TABLE_PEERS, "{\"keepalive_s\": 65536}"},
        {TABLE_PEERS, "{\"endpoint\": \"1.2.3.4\"}"},
        {TABLE_ROUTES, "{\"protocol\": 256}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        union any_row row;
        struct err e = {0};
        json_t *j = json_loads(bad[i].json, 0, NULL);
        assert_non_null(j);
        int r = row_from_json(row_type_of(bad[i].table), j, &row, &e);
        if (r >= 0)
            fail_msg("taken: %s", bad[i].json);
        assert_int_equal(e.code, r);
        assert_true(e.text[0]);
        json_decref(j);
    }
}

static void test_cleaned(void **state)
{
    struct vm_row vm;
    json_t *j = json_loads("{\"name\": \"a\\u001b[2Jb\", \"reason\": \"x\\u009by\\u202ez\","
                           " \"labels\": [\"k=\\u001b\"], \"unheard\": [1, 2]}",
                           0, NULL);

    (void)state;
    assert_int_equal(row_from_json(row_type_of(TABLE_VMS), j, &vm, NULL), 0);
    assert_string_equal(vm.name, "a?[2Jb");
    assert_string_equal(vm.reason, "x?y?z");
    assert_string_equal(vm.labels, "k=?");
    json_decref(j);

    struct route_row r; /* a kernel may hold what an operator may not type */
    j = json_loads("{\"dst\": \"::ffff:0.0.0.0/96\", \"gateway\": null}", 0, NULL);
    assert_int_equal(row_from_json(row_type_of(TABLE_ROUTES), j, &r, NULL), 0);
    assert_int_equal(r.dst.prefix_len, 96);
    assert_false(addr_is_set(&r.gateway));
    json_decref(j);
}

static void test_equal_and_ids(void **state)
{
    const char *none = text_intern(NULL);
    struct ticket_row a = {.id = 1,
                           .verb = none,
                           .object = none,
                           .step_name = none,
                           .error = none,
                           .by = none,
                           .undone = none},
                      b;

    (void)state;
    b = a;
    memset(b.command, 'x', sizeof b.command);
    (void)str_copy(b.command, sizeof b.command, "create web1");
    (void)str_copy(a.command, sizeof a.command, "create web1");
    assert_true(
        row_equal(row_type_of(TABLE_TICKETS), &a, &b)); /* what is behind the NUL is nothing */
    b.step = 1;
    assert_false(row_equal(row_type_of(TABLE_TICKETS), &a, &b));

    struct route_row r = {.dst = an_address("10.0.0.0/8"), .table = 254}, s = r;
    s.metric = 5;
    assert_int_not_equal(route_row_id(&r), route_row_id(&s));
    s.metric = 0;
    s.since_ms = 99;
    assert_int_equal(route_row_id(&r), route_row_id(&s));
    assert_true(route_row_id(&r) < UINT64_C(1) << 53);
    char buf[8];
    assert_string_equal(route_protocol_name(77, buf), "meshdeck");
    assert_string_equal(route_protocol_name(200, buf), "200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_cover),
        cmocka_unit_test(test_field_kinds),
        cmocka_unit_test(test_values_only),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_names_of_the_command_line),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_cleaned),
        cmocka_unit_test(test_equal_and_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
