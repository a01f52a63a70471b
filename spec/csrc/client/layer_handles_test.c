#include "client/layer_handles.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct aps_layer_handles handles;

static int setup(void **state)
{
	(void)state;
	aps_layer_handles_init(&handles);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_layer_handles_clear(&handles);
	aps_layer_handles_clear(&handles);
	return aps_mem_live() == 0 ? 0 : -1;
}

static void add(uint64_t handle, uint64_t id, bool is_passing)
{
	assert_true(aps_layer_handles_reserve(&handles));
	aps_layer_handles_add(&handles, handle, id, is_passing);
}

static uint64_t find(uint64_t handle)
{
	return aps_layer_handles_find(&handles, handle);
}

static size_t n_owed(void)
{
	return handles.owed.n / sizeof(uint64_t);
}

/* Whether it is known afterwards, and whether its layer has to leave. */
struct row {
	bool is_passing, was_there, ends, is_written, fails; /* the turn */
	bool is_known, is_owed;
};

static void a_layer_is_known_until_its_end_is_written(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        /* passing, there, ends, written, fails -> known, owed */
	        {true, false, false, false, false, true, false}, /* it came */
	        {true, false, false, false, true, false, false}, /* and went with its turn */
	        {true, false, true, true, false, false, false},  /* it came and left */
	        {true, false, true, true, true, false, false},
	        {true, false, true, false, false, false, true}, /* its end couldn't be written */
	        {true, true, false, false, true, true, false},
	        {true, true, true, true, false, false, false},
	        {true, true, true, true, true, false, true}, /* its end went with the turn */
	        {true, true, true, false, false, false, true},
	        {true, true, true, false, true, false, true},
	        {false, true, true, true, false, false, false}, /* of a queued mutation: */
	        {false, true, true, true, true, true, false},   /* it is as it was */
	        {false, true, true, false, false, true, false},
	        {false, false, true, false, true, false, false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		aps_layer_handles_clear(&handles);
		add(7, 70, true); /* another one */
		if (row->was_there) add(8, 80, row->is_passing);
		aps_layer_handles_committed(&handles);
		if (!row->was_there) add(8, 80, row->is_passing);
		assert_int_equal(find(8), 80);
		if (row->ends) aps_layer_handles_end(&handles, 80, row->is_written);
		if (row->ends && (row->is_written || row->is_passing)) assert_int_equal(find(8), 0);
		if (row->fails)
			aps_layer_handles_failed(&handles);
		else
			aps_layer_handles_committed(&handles);
		assert_int_equal(find(8), row->is_known ? 80 : 0);
		assert_int_equal(n_owed() != 0, row->is_owed);
		assert_int_equal(find(7), 70);
		assert_int_equal(find(9), 0);
	}
}

static void what_is_owed_is_owed_until_a_turn_that_pays_it_is_committed(void **state)
{
	(void)state;
	add(7, 70, true);
	add(8, 80, true);
	aps_layer_handles_committed(&handles);
	aps_layer_handles_end(&handles, 70, false);
	assert_int_equal(n_owed(), 1);
	aps_layer_handles_committed(&handles);
	assert_int_equal(n_owed(), 1);
	handles.is_paid = true;
	aps_layer_handles_failed(&handles);
	assert_int_equal(n_owed(), 1);
	assert_false(handles.is_paid);
	handles.is_paid = true;
	aps_layer_handles_end(&handles, 80, false); /* in the same turn, and after that */
	aps_layer_handles_committed(&handles);
	assert_int_equal(n_owed(), 2);
	handles.is_paid = true;
	aps_layer_handles_committed(&handles);
	assert_int_equal(n_owed(), 0);
}

static void layers_that_no_call_has_are_owed(void **state)
{
	(void)state;
	static const uint64_t IDS[] = {70, 80, 90};
	struct aps_buf ids;
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	aps_buf_add(&ids, IDS, sizeof IDS);
	add(8, 80, true);
	aps_mem_fail_at(1);
	bool is_owed = aps_layer_handles_owe_others(&handles, &ids);
	aps_mem_fail_at(0);
	assert_true(is_owed == (n_owed() == 2));
	if (!is_owed) assert_true(aps_layer_handles_owe_others(&handles, &ids));
	assert_int_equal(n_owed(), 2);
	assert_memory_equal(handles.owed.p, &IDS[0], sizeof IDS[0]);
	assert_memory_equal(handles.owed.p + sizeof IDS[0], &IDS[2], sizeof IDS[2]);
	aps_buf_clear(&ids);
}

/* Once there was room for it to come there is room for its end. */
static void without_memory_nothing_comes_and_everything_ends(void **state)
{
	(void)state;
	uint64_t n_failed = 0;
	for (uint64_t id = 1; id < 400; id++) {
		aps_mem_fail_at(1);
		bool has_room = aps_layer_handles_reserve(&handles);
		aps_mem_fail_at(0);
		n_failed += !has_room;
		if (has_room) aps_layer_handles_add(&handles, id, id, true);
		if (!has_room) add(id, id, true);
	}
	assert_true(n_failed != 0);
	aps_mem_fail_at(1);
	aps_layer_handles_end(&handles, 0, false);
	aps_mem_fail_at(0);
	assert_int_equal(n_owed(), 399);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(a_layer_is_known_until_its_end_is_written),
	        TEST(what_is_owed_is_owed_until_a_turn_that_pays_it_is_committed),
	        TEST(layers_that_no_call_has_are_owed),
	        TEST(without_memory_nothing_comes_and_everything_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
