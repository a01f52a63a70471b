/* Which places the errors of a response name. */
#include "cache/error_paths.h"

#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct aps_error_paths paths;

static void follow(const char *errors)
{
	struct aps_err err;
	aps_err_clear(&err);
	aps_error_paths_init(&paths, aps_str_of(errors), 5, &err);
	assert_int_equal(err.code, APS_OK);
}

/* "a.1.t": whether this place is named; the reader is where it was then. */
static bool is_named(const char *place)
{
	char text[64];
	bool is_it = false;
	size_t depth = 0;
	snprintf(text, sizeof text, "%s", place);
	for (char *rest = text, *step; (step = strsep(&rest, ".")) != NULL; depth++) {
		bool is_index = step[0] >= '0' && step[0] <= '9';
		is_it = is_index ? aps_error_paths_enter_item(&paths, strtoul(step, NULL, 10))
		                 : aps_error_paths_enter(&paths, aps_str_of(step));
	}
	for (; depth > 0; depth--) aps_error_paths_leave(&paths);
	return is_it;
}

static void a_place_is_named_by_its_whole_path(void **state)
{
	(void)state;
	follow("[{\"message\":\"no\",\"path\":[\"a\",1,\"t\"]},{\"path\":[\"c\"]},{\"path\":[\"a\",1,\"t\"]},{\"path\":"
	       "[\"\\u0064\",0]}]");
	static const char *const NAMED[] = {"a.1.t", "c", "d.0"}, *const OTHERS[] = {"a",       "a.1", "a.0.t", "a.1.u",
	                                                                             "a.1.t.x", "c.0", "b",     "b.1.t",
	                                                                             "d",       "1",   "t"};
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < APS_COUNTOF(NAMED); i++)
			if (!is_named(NAMED[i])) fail_msg("%s", NAMED[i]);
		for (size_t i = 0; i < APS_COUNTOF(OTHERS); i++)
			if (is_named(OTHERS[i])) fail_msg("%s", OTHERS[i]);
	}
	aps_error_paths_clear(&paths);
	aps_error_paths_clear(&paths);
	assert_false(is_named("c"));
}

static void what_is_no_path_names_nothing(void **state)
{
	(void)state;
	static const char *const ERRORS[] = {"",
	                                     "{}",
	                                     "null",
	                                     "[]",
	                                     "[null,7,\"a\",[\"a\"]]",
	                                     "[{\"message\":\"a\"}]",
	                                     "[{\"path\":null}]",
	                                     "[{\"path\":\"a\"}]",
	                                     "[{\"path\":[]}]",
	                                     "[{\"path\":[\"a\",null]}]",
	                                     "[{\"path\":[\"a\",0.5]}]",
	                                     "[{\"path\":[\"a\",{}]}]",
	                                     "[{\"path\":[\"a\"",
	                                     "[{\"path\":[\"a\",\"\\x"};
	for (size_t i = 0; i < APS_COUNTOF(ERRORS); i++) {
		follow(ERRORS[i]);
		if (is_named("a") || is_named("a.0")) fail_msg("%s", ERRORS[i]);
		aps_error_paths_clear(&paths);
	}
	follow("[{\"path\":[null]},3,{\"path\":[\"b\"]}]");
	assert_true(is_named("b"));
	aps_error_paths_clear(&paths);
}

static void put_many(struct aps_buf *out, size_t n)
{
	aps_buf_init(out, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < n; i++)
		aps_buf_addf(out, "%s{\"message\":\"it isn't there\",\"path\":[\"list\",\"items\",%zu,\"n\"]}",
		             i == 0 ? "[" : ",", i);
	aps_buf_add_byte(out, ']');
	assert_int_equal(out->rc, APS_OK);
}

/* One for each record of a large page, say. */
static void there_may_be_a_hundred_thousand(void **state)
{
	(void)state;
	struct aps_buf errors;
	const size_t n = 100000;
	struct aps_err err;
	aps_err_clear(&err);
	put_many(&errors, n);
	aps_error_paths_init(&paths, aps_buf_str(&errors), 5, &err);
	assert_int_equal(err.code, APS_OK);
	assert_false(aps_error_paths_enter(&paths, APS_STR("list")));
	assert_false(aps_error_paths_enter(&paths, APS_STR("items")));
	for (size_t i = 0; i < n + 1; i++) {
		assert_false(aps_error_paths_enter_item(&paths, i));
		assert_false(aps_error_paths_enter(&paths, APS_STR("id")));
		aps_error_paths_leave(&paths);
		assert_int_equal(aps_error_paths_enter(&paths, APS_STR("n")), i < n);
		aps_error_paths_leave(&paths);
		aps_error_paths_leave(&paths);
	}
	aps_error_paths_clear(&paths);
	aps_buf_clear(&errors);
}

static void more_than_half_a_million_places_are_refused_for_what_they_are(void **state)
{
	(void)state;
	struct aps_buf errors;
	struct aps_err err;
	put_many(&errors, APS_ERROR_PATHS_MAX_PLACES / 2);
	aps_error_paths_init(&paths, aps_buf_str(&errors), 5, &err);
	assert_int_equal(err.code, APS_E_TOO_BIG);
	assert_string_equal(err.msg, "the errors of a response name more than 500000 places");
	assert_false(is_named("list.items.0.n"));
	aps_error_paths_clear(&paths);
	aps_buf_clear(&errors);
}

static void each_allocation_that_fails_is_told(void **state)
{
	(void)state;
	struct aps_buf errors;
	put_many(&errors, 100);
	size_t live = aps_mem_live(), nth = 1;
	for (bool is_whole = false; !is_whole; nth++) {
		struct aps_err err;
		aps_err_clear(&err);
		aps_mem_fail_at(nth);
		aps_error_paths_init(&paths, aps_buf_str(&errors), 5, &err);
		aps_mem_fail_at(0);
		is_whole = err.code == APS_OK;
		if (!is_whole) assert_int_equal(err.code, APS_E_NOMEM);
		assert_int_equal(is_named("list.items.7.n"), is_whole);
		aps_error_paths_clear(&paths);
		assert_int_equal(aps_mem_live(), live);
	}
	assert_true(nth > 4);
	aps_buf_clear(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_place_is_named_by_its_whole_path),
	        cmocka_unit_test(what_is_no_path_names_nothing),
	        cmocka_unit_test(there_may_be_a_hundred_thousand),
	        cmocka_unit_test(more_than_half_a_million_places_are_refused_for_what_they_are),
	        cmocka_unit_test(each_allocation_that_fails_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
