#include "sync/entity_order.h"

#include "base/mem.h"
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_ENTRIES 64
#define MAX_RECORDS 4

/* The same, as it is said: each entry is compared with all before it. */
struct plain_entry {
	uint64_t number, records[MAX_RECORDS];
	size_t n;
	bool is_started;
};

struct plain_order {
	struct plain_entry entries[MAX_ENTRIES];
	size_t n;
};

static bool have_a_record_in_common(const struct plain_entry *a, const struct plain_entry *b)
{
	if (a->n == 0 || b->n == 0) return true;
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (a->records[i] == b->records[j]) return true;
	return false;
}

static uint64_t plain_start(struct plain_order *plain)
{
	for (size_t i = 0; i < plain->n; i++) {
		bool is_free = !plain->entries[i].is_started;
		for (size_t j = 0; is_free && j < plain->n; j++)
			is_free = j == i || (j > i && !plain->entries[j].is_started) ||
			          !have_a_record_in_common(&plain->entries[j], &plain->entries[i]);
		if (!is_free) continue;
		plain->entries[i].is_started = true;
		return plain->entries[i].number;
	}
	return 0;
}

static void plain_end(struct plain_order *plain, size_t i)
{
	plain->n--;
	memmove(&plain->entries[i], &plain->entries[i + 1], (plain->n - i) * sizeof plain->entries[0]);
}

static void add_to_both(struct aps_entity_order *order, struct plain_order *plain, uint64_t number,
                        struct aps_rand *rand)
{
	struct aps_err err = {.code = APS_OK};
	struct plain_entry entry = {.number = number, .is_started = aps_rand_below(rand, 20) == 0};
	entry.n = aps_rand_below(rand, 8) == 0 ? 0 : 1 + aps_rand_below(rand, MAX_RECORDS);
	for (size_t i = 0; i < entry.n; i++) entry.records[i] = 1 + aps_rand_below(rand, 12);
	if (plain->n == MAX_ENTRIES) return;
	plain->entries[plain->n++] = entry;
	enum aps_rc rc = entry.is_started ? aps_entity_order_add_started(order, number, entry.records, entry.n, &err)
	                                  : aps_entity_order_add(order, number, entry.records, entry.n, &err);
	assert_int_equal(rc, APS_OK);
}

static void step(struct aps_entity_order *order, struct plain_order *plain, uint64_t *last, struct aps_rand *rand)
{
	struct aps_err err = {.code = APS_OK};
	size_t i = aps_rand_below(rand, plain->n);
	uint64_t number = 0;
	switch (aps_rand_below(rand, 8)) {
	case 0:
	case 1: add_to_both(order, plain, *last += 1 + aps_rand_below(rand, 3), rand); break;
	case 2:
	case 3:
	case 4:
		assert_int_equal(aps_entity_order_start(order, &number, &err), APS_OK);
		assert_int_equal(number, plain_start(plain));
		break;
	case 5:
		if (plain->n == 0) break;
		aps_entity_order_step_back(order, plain->entries[i].number);
		plain->entries[i].is_started = false;
		break;
	default:
		aps_entity_order_end(order, *last + 100); /* nobody's */
		if (plain->n == 0) break;
		aps_entity_order_end(order, plain->entries[i].number);
		plain_end(plain, i);
	}
	size_t n_started = 0;
	for (size_t j = 0; j < plain->n; j++) n_started += plain->entries[j].is_started;
	assert_int_equal(aps_entity_order_count(order), plain->n);
	assert_int_equal(order->n_started, n_started);
}

static void it_starts_what_comparing_each_with_all_before_it_starts(void **state)
{
	(void)state;
	struct aps_rand rand;
	print_message("seed 11\n");
	aps_rand_init(&rand, 11);
	for (int run = 0; run < 200; run++) {
		static struct plain_order plain;
		struct aps_entity_order order;
		uint64_t last = 0;
		plain.n = 0;
		aps_entity_order_init(&order);
		for (int i = 0; i < 400; i++) step(&order, &plain, &last, &rand);
		aps_entity_order_clear(&order);
		aps_entity_order_clear(&order);
	}
	assert_int_equal(aps_mem_live(), 0);
}

static uint64_t start(struct aps_entity_order *order)
{
	struct aps_err err = {.code = APS_OK};
	uint64_t number;
	assert_int_equal(aps_entity_order_start(order, &number, &err), APS_OK);
	return number;
}

static void add(struct aps_entity_order *order, uint64_t number, uint64_t record)
{
	struct aps_err err = {.code = APS_OK};
	assert_int_equal(aps_entity_order_add(order, number, &record, record != 0 ? 1 : 0, &err), APS_OK);
}

static void a_barrier_waits_for_all_before_it_and_holds_all_behind_it(void **state)
{
	(void)state;
	struct aps_entity_order order;
	aps_entity_order_init(&order);
	add(&order, 1, 10);
	add(&order, 2, 20);
	add(&order, 3, 0);
	add(&order, 4, 40);
	assert_int_equal(start(&order), 1);
	assert_int_equal(start(&order), 2);
	assert_int_equal(start(&order), 0);
	aps_entity_order_end(&order, 2);
	assert_int_equal(start(&order), 0);
	aps_entity_order_end(&order, 1);
	assert_int_equal(start(&order), 3);
	assert_int_equal(start(&order), 0);
	aps_entity_order_end(&order, 3);
	assert_int_equal(start(&order), 4);
	aps_entity_order_clear(&order);
}

static void what_is_held_holds_those_behind_it(void **state)
{
	(void)state;
	struct aps_entity_order order;
	struct aps_err err = {.code = APS_OK};
	const uint64_t both[] = {10, 20};
	aps_entity_order_init(&order);
	add(&order, 1, 10);
	assert_int_equal(aps_entity_order_add(&order, 2, both, 2, &err), APS_OK);
	add(&order, 3, 20);
	assert_int_equal(start(&order), 1);
	assert_int_equal(start(&order), 0);
	aps_entity_order_end(&order, 2); /* it is taken away */
	assert_int_equal(start(&order), 3);
	aps_entity_order_clear(&order);
}

static void an_earlier_one_that_comes_later_waits_for_what_is_started(void **state)
{
	(void)state;
	struct aps_entity_order order;
	struct aps_err err = {.code = APS_OK};
	const uint64_t record = 10;
	aps_entity_order_init(&order);
	add(&order, 1, 10);
	assert_int_equal(aps_entity_order_add_started(&order, 2, &record, 1, &err), APS_OK);
	assert_int_equal(start(&order), 0);
	aps_entity_order_end(&order, 2);
	assert_int_equal(start(&order), 1);
	assert_int_equal(aps_entity_order_add_started(&order, 3, NULL, 0, &err), APS_OK);
	add(&order, 4, 20);
	aps_entity_order_end(&order, 1);
	assert_int_equal(start(&order), 0);
	aps_entity_order_end(&order, 3);
	assert_int_equal(start(&order), 4);
	aps_entity_order_clear(&order);
}

static void as_many_as_may_be_are_held_by_one_record(void **state)
{
	(void)state;
	struct aps_entity_order order;
	aps_entity_order_init(&order);
	for (uint64_t number = 1; number <= 65536; number++) add(&order, number, 7);
	for (uint64_t number = 1; number <= 20; number++) {
		assert_int_equal(start(&order), number);
		assert_int_equal(start(&order), 0);
		aps_entity_order_end(&order, number);
	}
	add(&order, 65537, 8);
	assert_int_equal(start(&order), 21);
	assert_int_equal(start(&order), 65537);
	aps_entity_order_clear(&order);
	assert_int_equal(aps_mem_live(), 0);
}

static void records_of_those_that_have_ended_take_no_memory(void **state)
{
	(void)state;
	struct aps_entity_order order;
	aps_entity_order_init(&order);
	add(&order, 1, 1);
	for (uint64_t number = 2; number < 100000; number++) {
		add(&order, number, number);
		if (number > 10) aps_entity_order_end(&order, number - 5);
	}
	assert_true(order.records.n < 100 * sizeof(uint64_t));
	assert_int_equal(start(&order), 1);
	aps_entity_order_clear(&order);
}

/* False: an allocation failed, and nothing else has changed. */
static bool fill_without_memory(struct aps_entity_order *order)
{
	struct aps_err err = {.code = APS_OK};
	uint64_t started;
	for (uint64_t number = 1; number <= 40; number++) {
		size_t n = aps_entity_order_count(order);
		uint64_t records[] = {number, number / 2};
		bool is_added = aps_entity_order_add(order, number, records, 2, &err) == APS_OK;
		assert_int_equal(aps_entity_order_count(order), n + is_added);
		if (!is_added) assert_int_equal(err.code, APS_E_NOMEM);
		if (!is_added) return false;
		size_t n_started = order->n_started;
		if (aps_entity_order_start(order, &started, &err) == APS_OK) continue;
		assert_int_equal(started, 0);
		assert_int_equal(order->n_started, n_started);
		return false;
	}
	return true;
}

static void without_memory_nothing_is_added_or_started(void **state)
{
	(void)state;
	bool is_full = false;
	for (size_t nth = 1; !is_full; nth++) {
		struct aps_entity_order order;
		aps_entity_order_init(&order);
		aps_mem_fail_at(nth);
		is_full = fill_without_memory(&order);
		aps_mem_fail_at(0);
		uint64_t first = is_full || order.n_started > 0 ? 1 : 0;
		if (first == 0 && aps_entity_order_count(&order) > 0) assert_int_equal(start(&order), 1);
		aps_entity_order_clear(&order);
		assert_int_equal(aps_mem_live(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_starts_what_comparing_each_with_all_before_it_starts),
	        cmocka_unit_test(a_barrier_waits_for_all_before_it_and_holds_all_behind_it),
	        cmocka_unit_test(what_is_held_holds_those_behind_it),
	        cmocka_unit_test(an_earlier_one_that_comes_later_waits_for_what_is_started),
	        cmocka_unit_test(as_many_as_may_be_are_held_by_one_record),
	        cmocka_unit_test(records_of_those_that_have_ended_take_no_memory),
	        cmocka_unit_test(without_memory_nothing_is_added_or_started),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
