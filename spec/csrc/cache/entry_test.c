/* Entries over a backing that counts what it is asked for. */
#include "cache/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N_KEYS 5000

struct counting {
	struct aps_entry_backing backing;
	struct aps_str has; /* the one key that it has, with number 7 */
	size_t n_asked;
};

static enum aps_rc find(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct counting *store = APS_CONTAINER_OF(backing, struct counting, backing);
	(void)err;
	store->n_asked++;
	if (aps_str_eq(key, store->has))
		*row = (struct aps_entry_row){.number = 7, .key = store->has, .content = APS_STR("x")};
	return APS_OK;
}

static enum aps_rc load(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct counting *store = APS_CONTAINER_OF(backing, struct counting, backing);
	(void)err;
	if (number == 7) *row = (struct aps_entry_row){.number = 7, .key = store->has, .content = APS_STR("x")};
	return APS_OK;
}

static void done(struct aps_entry_backing *backing)
{
	(void)backing;
}

static enum aps_rc list(struct aps_entry_backing *backing, struct aps_str prefix, struct aps_buf *numbers,
                        struct aps_err *err)
{
	(void)backing, (void)prefix, (void)numbers, (void)err;
	return APS_OK;
}

struct world {
	struct counting store;
	struct aps_entries entries;
	struct aps_err err;
};

static int set_up(void **state)
{
	static struct world world;
	world = (struct world){.store = {.backing = {.find = find, .load = load, .done = done, .list = list}}};
	aps_entries_init(&world.entries, 1, &world.store.backing);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	aps_entries_clear(&world->entries);
	return 0;
}

static struct aps_entry *found(struct world *world, const char *key)
{
	struct aps_entry *entry;
	assert_int_equal(aps_entries_find(&world->entries, aps_str_of(key), &entry, &world->err), APS_OK);
	return entry;
}

/* Looks for `field` of N_KEYS arguments, of which there is none. */
static void look_for_all(struct world *world, const char *field)
{
	char key[64];
	for (int i = 0; i < N_KEYS; i++) {
		snprintf(key, sizeof key, "F1.%s({\"id\":%d})", field, i);
		assert_null(found(world, key));
	}
}

static void what_is_nowhere_is_asked_for_once(void **state)
{
	struct world *world = *state;
	look_for_all(world, "getPost");
	look_for_all(world, "getPost");
	assert_int_equal(world->store.n_asked, N_KEYS);
}

static void what_was_nowhere_is_asked_for_when_it_may_have_come(void **state)
{
	struct world *world = *state;
	look_for_all(world, "getPost");
	aps_entries_forget_absent(&world->entries);
	world->store.has = APS_STR("F1.getPost({\"id\":3})");
	assert_int_equal(found(world, "F1.getPost({\"id\":3})")->number, 7);
	assert_null(found(world, "F1.getPost({\"id\":4})"));
	assert_null(found(world, "F1.getPost({\"id\":4})"));
	assert_int_equal(world->store.n_asked, N_KEYS + 2);
}

static void one_that_came_is_found_by_its_number(void **state)
{
	struct world *world = *state;
	struct aps_entry *entry;
	assert_null(found(world, "RPost:3"));
	aps_entries_forget_absent(&world->entries);
	world->store.has = APS_STR("RPost:3");
	assert_int_equal(aps_entries_at(&world->entries, 7, &entry, &world->err), APS_OK);
	assert_ptr_equal(found(world, "RPost:3"), entry);
}

static void one_that_its_key_does_not_find_is_damage(void **state)
{
	struct world *world = *state;
	struct aps_entry *entry;
	assert_null(found(world, "RPost:3"));
	world->store.has = APS_STR("RPost:3");
	assert_int_equal(aps_entries_at(&world->entries, 7, &entry, &world->err), APS_E_STORAGE);
	assert_string_equal(aps_err_word(&world->err), "corrupt");
}

static void what_is_nowhere_leaves_when_there_is_no_room(void **state)
{
	struct world *world = *state;
	look_for_all(world, "getPost");
	aps_entries_trim(&world->entries, 100 * 1000);
	assert_true(world->entries.n_bytes <= 100 * 1000);
	assert_true(world->entries.n_entries != 0);
}

static size_t n_fields(struct world *world)
{
	struct aps_buf numbers;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	world->entries.is_whole = true;
	assert_int_equal(aps_entries_list(&world->entries, APS_STR("F1."), &numbers, &world->err), APS_OK);
	size_t n = numbers.n / sizeof(uint64_t);
	aps_buf_clear(&numbers);
	return n;
}

/* From the oldest, from the newest, and from between, also behind growth. */
static void fields_of_a_record_leave_in_any_order(void **state)
{
	struct world *world = *state;
	uint64_t numbers[300];
	char key[32];
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof key, "F%d.f(%d)", i % 3 + 1, i);
		numbers[i] = aps_entries_add(&world->entries, aps_str_of(key))->number;
	}
	assert_int_equal(n_fields(world), 100);
	aps_entries_forget_number(&world->entries, numbers[0]);
	aps_entries_forget_number(&world->entries, numbers[297]);
	assert_int_equal(n_fields(world), 98);
	for (int i = 150; i < 300; i++) aps_entries_forget_number(&world->entries, numbers[i]);
	assert_int_equal(n_fields(world), 49);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof key, "F1.g(%d)", i);
		assert_non_null(aps_entries_add(&world->entries, aps_str_of(key)));
	}
	assert_int_equal(n_fields(world), 349);
	for (int i = 149; i >= 0; i--) aps_entries_forget_number(&world->entries, numbers[i]);
	assert_int_equal(n_fields(world), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(fields_of_a_record_leave_in_any_order, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_is_nowhere_is_asked_for_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_was_nowhere_is_asked_for_when_it_may_have_come, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(one_that_came_is_found_by_its_number, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(one_that_its_key_does_not_find_is_damage, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_is_nowhere_leaves_when_there_is_no_room, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
