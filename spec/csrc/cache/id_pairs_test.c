#include "cache/id_pairs.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_text(struct aps_str text, const char *expected)
{
	assert_true(aps_str_is(text, expected));
}

static void ids_of_clients_are_uuids(void **state)
{
	(void)state;
	static const struct {
		const char *id;
		bool is;
	} ROWS[] = {
	        {"0a1b2c3d-0000-4000-8000-00000000000a", true},
	        {"0A1B2C3D-ABCD-EF00-8000-00000000000F", true},
	        {"0a1b2c3d-0000-4000-8000-00000000000", false},   /* too short */
	        {"0a1b2c3d-0000-4000-8000-00000000000aa", false}, /* too long */
	        {"0a1b2c3d00000-4000-8000-00000000000a", false},  /* a dash is missing */
	        {"0a1b2c3d-0000-4000-8000-0000000000-a", false},  /* or too much */
	        {"0a1b2c3d-0000-4000-8000-00000000000g", false},
	        {"", false},
	        {"1", false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_int_equal(aps_id_is_uuid(aps_str_of(ROWS[i].id)), ROWS[i].is);
}

static void a_key_is_a_type_and_an_id(void **state)
{
	(void)state;
	static const struct {
		const char *key, *type, *id;
	} ROWS[] = {
	        {"RTodo:1", "Todo", "1"}, {"RTodo:a:b", "Todo", "a:b"}, {"RTodo:{\"a\":1}", "Todo", "{\"a\":1}"},
	        {"Rmine", "", "mine"}, /* of the application's function */
	        {"RTodo:", "Todo", ""},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_str type, id;
		aps_key_texts(aps_str_of(ROWS[i].key), &type, &id);
		assert_text(type, ROWS[i].type);
		assert_text(id, ROWS[i].id);
	}
}

static void what_is_identified_comes_back_from_its_bytes(void **state)
{
	(void)state;
	static const struct aps_identified ALL[] = {{UINT64_MAX, 1, true}, {7, UINT64_C(1) << 40, false}, {0, 3, true}};
	struct aps_buf given, bytes, back;
	aps_buf_init(&given, APS_BUF_ANY_SIZE);
	aps_buf_init(&bytes, APS_BUF_ANY_SIZE);
	aps_buf_init(&back, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < APS_COUNTOF(ALL); i++) aps_buf_add(&given, &ALL[i], sizeof ALL[i]);
	aps_identified_put(&bytes, &given);
	assert_true(aps_identified_take(aps_buf_str(&bytes), &back));
	assert_int_equal(back.n, given.n);
	const struct aps_identified *taken = (const struct aps_identified *)(const void *)back.p;
	for (size_t i = 0; i < APS_COUNTOF(ALL); i++) {
		assert_true(taken[i].path == ALL[i].path && taken[i].entry == ALL[i].entry);
		assert_int_equal(taken[i].is_direct, ALL[i].is_direct);
	}
	size_t n_whole = 0; /* cut off at any byte: some are whole, the others damaged */
	for (size_t n = 0; n <= bytes.n; n++) {
		aps_buf_reset(&back);
		n_whole += aps_identified_take((struct aps_str){bytes.p, n}, &back);
	}
	assert_int_equal(n_whole, APS_COUNTOF(ALL) + 1);
	aps_buf_clear(&given);
	aps_buf_clear(&bytes);
	aps_buf_clear(&back);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ids_of_clients_are_uuids),
	        cmocka_unit_test(a_key_is_a_type_and_an_id),
	        cmocka_unit_test(what_is_identified_comes_back_from_its_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
