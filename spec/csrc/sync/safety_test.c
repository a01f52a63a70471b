#include "sync/safety.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOT_SAFE   APS_SAFETY_NOT_SAFE
#define IDEMPOTENT APS_SAFETY_IDEMPOTENT
#define VERSIONED  APS_SAFETY_VERSIONED
#define CREATES    APS_SAFETY_CREATES
#define NO_VERSION (-1)

/* Of a record that the client named "u" ("u" and 7 where it has two names), and of one that it didn't. */
struct row {
	const char *variables;
	enum aps_safety_class class;
	enum aps_safety_class class_made;
	int64_t version;
	const char *field;
};

static const struct row ROWS[] = {
        {"", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"id\":\"u\",\"title\":\"x\"}}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"input\":{\"id\":\"\\u0075\"}}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"id\":\"u\",\"title\":\"x\"}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"id\":\"u\",\"input\":{\"title\":\"x\"}}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"input\":{\"id\":\"v\"}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"id\":null}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"todo\":{\"id\":\"u\"}}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":[{\"id\":\"u\"}]}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        /* a condition isn't safe */
        {"{\"input\":{\"id\":\"v\"},\"condition\":{\"_version\":{\"eq\":3}}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"condition\":{\"expectedVersion\":3}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        /* expected versions */
        {"{\"input\":{\"id\":\"v\",\"expectedVersion\":3}}", VERSIONED, NOT_SAFE, 3, "version"},
        {"{\"input\":{\"id\":\"v\",\"_version\":3}}", VERSIONED, NOT_SAFE, 3, "_version"},
        {"{\"input\":{\"id\":\"u\",\"_version\":3}}", VERSIONED, VERSIONED, 3, "_version"},
        {"{\"id\":\"v\",\"expectedVersion\":1}", VERSIONED, NOT_SAFE, 1, "version"},
        {"{\"id\":\"v\",\"_version\":1}", VERSIONED, NOT_SAFE, 1, "_version"},
        {"{\"_version\":4,\"input\":{\"id\":\"v\"}}", VERSIONED, NOT_SAFE, 4, "_version"},
        {"{\"input\":{\"_version\":3.0}}", VERSIONED, NOT_SAFE, 3, "_version"},
        {"{\"version\":2,\"expectedVersion\":2}", VERSIONED, NOT_SAFE, 2, "version"},
        {"{\"input\":{\"expectedVersion\":3,\"_version\":3}}", VERSIONED, NOT_SAFE, 3, "version"},
        {"{\"input\":{\"_version\":9007199254740992}}", VERSIONED, NOT_SAFE, INT64_C(9007199254740992), "_version"},
        {"{\"todoId\":\"u\",\"expectedVersion\":3}", VERSIONED, VERSIONED, 3, "version"},
        {"{\"input\":{\"todos\":[\"\\u0075\"],\"_version\":3}}", VERSIONED, VERSIONED, 3, "_version"},
        /* what is none */
        {"{\"input\":{\"version\":3}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":null}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":\"3\"}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":-1}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":1.5}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":1e300}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":1e999}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":9007199254740993}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":[3]}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"_version\":true}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"expectedVersion\":3,\"_version\":4}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"_version\":4,\"input\":{\"_version\":3}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"_version\":4,\"input\":{\"id\":\"u\",\"_version\":3}}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"input\":{\"a\":{\"_version\":3}}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        /* creates of buildMutation */
        {"{\"input\":{\"id\":\"u\",\"expectedVersion\":0}}", NOT_SAFE, CREATES, 0, "version"},
        {"{\"id\":\"u\",\"version\":0,\"expectedVersion\":0}", NOT_SAFE, CREATES, 0, "version"},
        {"{\"input\":{\"id\":\"u\",\"_version\":0}}", NOT_SAFE, CREATES, 0, "_version"},
        {"{\"input\":{\"id\":\"u\",\"_version\":null}}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"input\":{\"id\":\"u\",\"version\":1}}", NOT_SAFE, CREATES, NO_VERSION, NULL},
        {"{\"input\":{\"title\":\"x\",\"expectedVersion\":0}}", NOT_SAFE, NOT_SAFE, 0, "version"},
        /* no JSON, no object */
        {"[{\"_version\":3}]", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
        {"{\"input\":{\"a\":1,}}", NOT_SAFE, NOT_SAFE, NO_VERSION, NULL},
};

static const struct aps_identity_part MADE[] = {{"id", {"\"u\"", 3}}};

static void each_row_of_the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		print_message("%s\n", row->variables);
		struct aps_safety_question q = {.variables = aps_str_of(row->variables), .n_roots = 1, .made = MADE};
		assert_int_equal(aps_safety_of(&q).class, row->class);
		q.n_made = 1;
		struct aps_safety safety = aps_safety_of(&q);
		assert_int_equal(safety.class, row->class_made);
		assert_int_equal(safety.has_version, row->version != NO_VERSION);
		if (safety.has_version) {
			assert_int_equal(safety.version, row->version);
			assert_string_equal(safety.version_field, row->field);
			bool is_expected = strcmp(row->field, "version") == 0;
			assert_string_equal(safety.version_argument, is_expected ? "expectedVersion" : "_version");
		}
		q.n_roots = 2;
		assert_int_equal(aps_safety_of(&q).class, NOT_SAFE);
		q.is_idempotent = true;
		assert_int_equal(aps_safety_of(&q).class, IDEMPOTENT);
		assert_int_equal(aps_safety_of(&q).has_version, safety.has_version);
	}
}

static enum aps_safety_class of_two(const char *variables)
{
	static const struct aps_identity_part TWO[] = {{"id", {"\"u\"", 3}}, {"shelf", {"7", 1}}};
	const struct aps_safety_question q = {.variables = aps_str_of(variables), .made = TWO, .n_made = 2};
	return aps_safety_of(&q).class;
}

static void a_record_with_two_names_is_made_by_both(void **state)
{
	(void)state;
	assert_int_equal(of_two("{\"input\":{\"shelf\":7,\"id\":\"u\"}}"), CREATES);
	assert_int_equal(of_two("{\"shelf\":7,\"input\":{\"id\":\"u\"}}"), CREATES);
	assert_int_equal(of_two("{\"input\":{\"id\":\"u\"}}"), NOT_SAFE);
	assert_int_equal(of_two("{\"input\":{\"shelf\":8,\"id\":\"u\"}}"), NOT_SAFE);
	assert_int_equal(of_two("{\"input\":{\"shelf\":{},\"id\":\"u\"}}"), NOT_SAFE);
}

static void the_input_is_the_variable_of_that_name_or_all_of_them(void **state)
{
	(void)state;
	assert_true(aps_str_is(aps_safety_input(APS_STR("{\"a\":1,\"input\":{\"b\":2}}")), "{\"b\":2}"));
	assert_true(aps_str_is(aps_safety_input(APS_STR("{\"input\":null}")), "{\"input\":null}"));
	assert_true(aps_str_is(aps_safety_input(APS_STR("{\"input\":[1]}")), "{\"input\":[1]}"));
	assert_true(aps_str_is(aps_safety_input(APS_STR("{\"a\":1}")), "{\"a\":1}"));
	assert_int_equal(aps_safety_input((struct aps_str){NULL, 0}).n, 0);
}

static void classes_have_names(void **state)
{
	(void)state;
	assert_string_equal(aps_safety_name(NOT_SAFE), "not_safe");
	assert_string_equal(aps_safety_name(CREATES), "creates");
	assert_string_equal(aps_safety_name(APS_SAFETY_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_row_of_the_table_holds),
	        cmocka_unit_test(a_record_with_two_names_is_made_by_both),
	        cmocka_unit_test(the_input_is_the_variable_of_that_name_or_all_of_them),
	        cmocka_unit_test(classes_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
