#include "sync/in_doubt.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEND    APS_IN_DOUBT_SEND
#define APPLIED APS_IN_DOUBT_APPLIED
#define UNKNOWN APS_IN_DOUBT_UNKNOWN

static const struct aps_identity_part NAMES[] = {{"id", {"\"u\"", 3}}};

static enum aps_in_doubt judge(const char *variables, bool is_made, bool is_delete, struct aps_str record)
{
	const struct aps_safety_question asked = {
	        .variables = aps_str_of(variables), .made = NAMES, .n_made = is_made ? 1 : 0};
	const struct aps_safety safety = aps_safety_of(&asked);
	const struct aps_in_doubt_question q = {
	        .safety = &safety,
	        .is_delete = is_delete,
	        .variables = asked.variables,
	        .identity = NAMES,
	        .n_identity = 1,
	        .is_read = true,
	        .record = record,
	};
	return aps_in_doubt_judge(&q);
}

struct row {
	const char *variables;
	const char *record;
	enum aps_in_doubt judgement;
};

static void check(const struct row *rows, size_t n_rows, bool is_made, bool is_delete)
{
	for (size_t i = 0; i < n_rows; i++) {
		print_message("%s %s\n", rows[i].variables, rows[i].record);
		enum aps_in_doubt judgement = judge(rows[i].variables, is_made, is_delete, aps_str_of(rows[i].record));
		assert_string_equal(aps_in_doubt_name(judgement), aps_in_doubt_name(rows[i].judgement));
	}
}

static void what_is_not_safe_is_unknown_and_what_is_idempotent_is_sent_whatever_is_there(void **state)
{
	(void)state;
	static const char *const RECORDS[] = {"", "null", "{}", "{\"id\":\"u\",\"_version\":2}", "[", "1"};
	for (size_t i = 0; i < APS_COUNTOF(RECORDS) * 2; i++) {
		struct aps_safety safety = {.class = APS_SAFETY_NOT_SAFE};
		struct aps_in_doubt_question q = {
		        .safety = &safety,
		        .variables = APS_STR("{\"id\":\"u\"}"),
		        .is_read = i % 2 == 0,
		        .record = aps_str_of(RECORDS[i / 2]),
		};
		assert_int_equal(aps_in_doubt_judge(&q), UNKNOWN);
		q.is_delete = true;
		assert_int_equal(aps_in_doubt_judge(&q), UNKNOWN);
		safety.class = APS_SAFETY_IDEMPOTENT;
		assert_int_equal(aps_in_doubt_judge(&q), SEND);
	}
}

static void a_record_that_could_not_be_read_is_unknown(void **state)
{
	(void)state;
	struct aps_safety safety = {.class = APS_SAFETY_VERSIONED, .version = 1, .version_field = "_version"};
	struct aps_in_doubt_question q = {.safety = &safety, .record = APS_STR("{\"_version\":1}")};
	assert_int_equal(aps_in_doubt_judge(&q), UNKNOWN);
	q.is_read = true;
	assert_int_equal(aps_in_doubt_judge(&q), SEND);
	q.is_read = false;
	safety.class = APS_SAFETY_CREATES;
	q.record = APS_STR("null");
	assert_int_equal(aps_in_doubt_judge(&q), UNKNOWN);
	q.is_read = true;
	assert_int_equal(aps_in_doubt_judge(&q), SEND);
}

#define UPDATE "{\"input\":{\"id\":\"u\",\"title\":\"x\",\"n\":1,\"_version\":3}}"

static void an_update_is_judged_by_version_and_values(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {UPDATE, "", SEND},
	        {UPDATE, "null", SEND},
	        {UPDATE, " null ", SEND},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"old\",\"_version\":3}", SEND},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"_version\":3}", SEND},
	        {UPDATE, "{\"_version\":3,\"_deleted\":true}", SEND},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":1,\"_version\":4}", APPLIED},
	        {UPDATE, "{\"_version\":4,\"n\":1.0,\"other\":5,\"title\":\"x\",\"_deleted\":false,\"id\":\"u\"}",
	         APPLIED},
	        {UPDATE, "{\"title\":\"x\",\"_version\":4,\"_deleted\":null}", APPLIED},
	        {UPDATE, "{\"id\":\"u\",\"_version\":4}", UNKNOWN},
	        {UPDATE, "{\"_version\":4}", UNKNOWN},
	        {UPDATE, "{\"id\":\"v\",\"title\":\"x\",\"n\":1,\"_version\":4}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":2,\"_version\":4}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":null,\"n\":1,\"_version\":4}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":1,\"_version\":4,\"_deleted\":true}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":1,\"_version\":5}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":1,\"_version\":2}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":1}", UNKNOWN},
	        {UPDATE, "{\"id\":\"u\",\"title\":\"x\",\"n\":1,\"version\":4}", UNKNOWN},
	        {UPDATE, "{\"title\":\"x\",\"_version\":null}", UNKNOWN},
	        {UPDATE, "{\"title\":\"x\",\"_version\":\"4\"}", UNKNOWN},
	        {UPDATE, "{\"title\":\"x\",\"_version\":[4]}", UNKNOWN},
	        {UPDATE, "[]", UNKNOWN},
	        {UPDATE, " \t ", UNKNOWN},
	        {UPDATE, "\"u\"", UNKNOWN},
	        {UPDATE, "{\"title\":\"x\",\"_version\":4", UNKNOWN},
	        {UPDATE, "{\"title\":\"x\",\"_version\":4}}", UNKNOWN},
	        {UPDATE, "{\"_version\":3,}", UNKNOWN},
	};
	check(ROWS, APS_COUNTOF(ROWS), false, false);
}

static void the_record_of_an_expected_version_shows_it_as_version(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{\"id\":\"u\",\"title\":\"x\",\"version\":3,\"expectedVersion\":3}", "{\"version\":3}", SEND},
	        {"{\"id\":\"u\",\"title\":\"x\",\"version\":3,\"expectedVersion\":3}",
	         "{\"version\":4,\"title\":\"x\"}", APPLIED},
	        {"{\"id\":\"u\",\"title\":\"x\",\"version\":3,\"expectedVersion\":3}",
	         "{\"version\":4,\"title\":\"y\"}", UNKNOWN},
	        {"{\"id\":\"u\",\"version\":3,\"expectedVersion\":3}", "{\"id\":\"u\",\"version\":4}", UNKNOWN},
	        {"{\"input\":{\"expectedVersion\":3,\"title\":\"x\"}}", "{\"_version\":4,\"title\":\"x\"}", UNKNOWN},
	        /* `version` is data where `_version` is the version */
	        {"{\"input\":{\"_version\":3,\"version\":7}}", "{\"_version\":4,\"version\":7}", APPLIED},
	        {"{\"input\":{\"_version\":3,\"version\":7}}", "{\"_version\":4,\"version\":8}", UNKNOWN},
	};
	check(ROWS, APS_COUNTOF(ROWS), false, false);
}

static void values_are_compared_deep(void **state)
{
	(void)state;
#define DEEP "{\"input\":{\"_version\":1,\"tags\":[\"a\",{\"k\":1}],\"meta\":{\"x\":null,\"y\":2},\"gone\":null}}"
	static const struct row ROWS[] = {
	        {DEEP,
	         "{\"_version\":2,\"tags\":[\"a\",{\"k\":1,\"__typename\":\"T\"}],\"meta\":{\"y\":2},\"gone\":null}",
	         APPLIED},
	        {DEEP, "{\"_version\":2,\"gone\":null}", APPLIED},
	        {DEEP, "{\"_version\":2,\"gone\":0}", UNKNOWN},
	        {DEEP, "{\"_version\":2,\"tags\":[\"a\"]}", UNKNOWN},
	        {DEEP, "{\"_version\":2,\"tags\":[\"a\",{\"k\":1},\"a\",{\"k\":1}]}", UNKNOWN},
	        {DEEP, "{\"_version\":2,\"meta\":{\"x\":1,\"y\":2}}", UNKNOWN},
	};
	check(ROWS, APS_COUNTOF(ROWS), false, false);
}

/* A field that failed is null like one that is empty. */
static void a_null_beside_errors_says_nothing(void **state)
{
	(void)state;
	static const char EMPTIED[] = "{\"input\":{\"_version\":1,\"note\":null}}";
	static const char BOTH[] = "{\"input\":{\"_version\":1,\"note\":null,\"title\":\"x\"}}";
	static const char INNER[] = "{\"input\":{\"_version\":1,\"meta\":{\"a\":1}}}";
	static const struct {
		struct row row;
		bool has_errors;
	} ROWS[] = {
	        {{EMPTIED, "{\"_version\":2,\"note\":null}", APPLIED}, false},
	        {{EMPTIED, "{\"_version\":2,\"note\":null}", UNKNOWN}, true},
	        {{BOTH, "{\"_version\":2,\"note\":null,\"title\":\"x\"}", APPLIED}, true},
	        {{BOTH, "{\"_version\":2,\"note\":\"n\",\"title\":\"x\"}", UNKNOWN}, true},
	        {{BOTH, "{\"_version\":2,\"note\":null,\"title\":null}", UNKNOWN}, true},
	        {{INNER, "{\"_version\":2,\"meta\":{\"a\":1,\"b\":null}}", APPLIED}, false},
	        {{INNER, "{\"_version\":2,\"meta\":{\"a\":1,\"b\":null}}", UNKNOWN}, true},
	        {{INNER, "{\"_version\":2,\"meta\":{\"a\":1}}", APPLIED}, true},
	        {{INNER, "{\"_version\":null,\"meta\":{\"a\":1}}", UNKNOWN}, true},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct aps_safety_question asked = {.variables = aps_str_of(ROWS[i].row.variables)};
		const struct aps_safety safety = aps_safety_of(&asked);
		const struct aps_in_doubt_question q = {
		        .safety = &safety,
		        .variables = asked.variables,
		        .is_read = true,
		        .record = aps_str_of(ROWS[i].row.record),
		        .has_errors = ROWS[i].has_errors,
		};
		print_message("%s %s\n", ROWS[i].row.variables, ROWS[i].row.record);
		assert_string_equal(aps_in_doubt_name(aps_in_doubt_judge(&q)),
		                    aps_in_doubt_name(ROWS[i].row.judgement));
	}
}

static void what_is_shown_under_the_name_of_another_field_says_nothing(void **state)
{
	(void)state;
	static const struct aps_str DISGUISED[] = {APS_STR("note")};
	static const struct row ROWS[] = {
	        {"{\"input\":{\"_version\":1,\"note\":\"n\"}}", "{\"_version\":2,\"note\":\"n\"}", UNKNOWN},
	        {"{\"input\":{\"_version\":1,\"note\":\"n\",\"title\":\"x\"}}",
	         "{\"_version\":2,\"note\":\"other\",\"title\":\"x\"}", APPLIED},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct aps_safety_question asked = {.variables = aps_str_of(ROWS[i].variables)};
		const struct aps_safety safety = aps_safety_of(&asked);
		const struct aps_in_doubt_question q = {
		        .safety = &safety,
		        .variables = asked.variables,
		        .disguised = DISGUISED,
		        .n_disguised = 1,
		        .is_read = true,
		        .record = aps_str_of(ROWS[i].record),
		};
		assert_string_equal(aps_in_doubt_name(aps_in_doubt_judge(&q)), aps_in_doubt_name(ROWS[i].judgement));
	}
}

#define DELETE "{\"input\":{\"id\":\"u\",\"_version\":3}}"

static void a_delete_is_judged_by_version_and_tombstone(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {DELETE, "null", APPLIED},
	        {DELETE, "{\"id\":\"u\",\"_version\":3}", SEND},
	        {DELETE, "{\"id\":\"u\",\"_version\":4,\"_deleted\":true}", APPLIED},
	        {DELETE, "{\"id\":\"u\",\"_version\":4,\"_deleted\":null}", UNKNOWN},
	        {DELETE, "{\"id\":\"u\",\"_version\":4}", UNKNOWN},
	        {DELETE, "{\"id\":\"u\",\"_version\":5,\"_deleted\":true}", UNKNOWN},
	        {DELETE, "{\"id\":\"u\",\"_deleted\":true}", UNKNOWN},
	        {"{\"id\":\"u\",\"expectedVersion\":3}", "", APPLIED},
	        {"{\"id\":\"u\",\"expectedVersion\":3}", "{\"version\":3}", SEND},
	        {"{\"id\":\"u\",\"expectedVersion\":3}", "{\"version\":1}", UNKNOWN},
	};
	check(ROWS, APS_COUNTOF(ROWS), false, true);
}

#define CREATE "{\"input\":{\"id\":\"u\",\"title\":\"x\",\"note\":null}}"

static void a_create_is_judged_by_its_name_and_values(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {CREATE, "", SEND},
	        {CREATE, "null", SEND},
	        {CREATE, "{\"id\":\"u\",\"title\":\"x\",\"note\":null,\"_version\":1}", APPLIED},
	        {CREATE, "{\"id\":\"u\",\"title\":\"x\",\"_version\":7}", APPLIED},
	        {CREATE, "{\"title\":\"x\"}", APPLIED},
	        {CREATE, "{\"id\":\"u\",\"title\":\"y\"}", UNKNOWN},
	        {CREATE, "{\"id\":\"u\",\"title\":\"x\",\"note\":\"z\"}", UNKNOWN},
	        {CREATE, "{\"id\":\"v\",\"title\":\"x\"}", UNKNOWN},
	        {CREATE, "{\"id\":\"u\"}", UNKNOWN},
	        {CREATE, "{}", UNKNOWN},
	        {CREATE, "{\"id\":\"u\",\"title\":\"x\",\"_deleted\":true}", UNKNOWN},
	        {CREATE, "{\"id\":\"u\",\"title\":\"x\",\"_deleted\":false}", APPLIED},
	        {CREATE, "[null]", UNKNOWN},
	        {"{\"input\":{\"id\":\"u\"}}", "{\"id\":\"u\",\"createdAt\":\"now\"}", APPLIED},
	        {"{\"id\":\"u\",\"title\":\"x\",\"version\":0,\"expectedVersion\":0}",
	         "{\"id\":\"u\",\"title\":\"x\",\"version\":1}", APPLIED},
	        {"{\"id\":\"u\",\"version\":0,\"expectedVersion\":0}", "{\"id\":\"u\",\"version\":1}", APPLIED},
	};
	check(ROWS, APS_COUNTOF(ROWS), true, false);
	static const struct row DELETES[] = {
	        {CREATE, "null", UNKNOWN},
	        {CREATE, "{\"id\":\"u\",\"title\":\"x\"}", UNKNOWN},
	};
	check(DELETES, APS_COUNTOF(DELETES), true, true);
}

/* Two objects with many members in opposite orders, which take a pass for each. */
static void what_takes_too_long_to_compare_is_unknown(void **state)
{
	(void)state;
	struct aps_buf sent, shown;
	aps_buf_init(&sent, APS_BUF_ANY_SIZE);
	aps_buf_init(&shown, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&sent, "{\"_version\":1");
	aps_buf_add_text(&shown, "{\"_version\":2");
	for (int i = 0; i < 4000; i++) {
		aps_buf_addf(&sent, ",\"field%d\":%d", i, i);
		aps_buf_addf(&shown, ",\"field%d\":%d", 3999 - i, 3999 - i);
	}
	aps_buf_add_text(&sent, "}");
	aps_buf_add(&shown, "}\0", 2);
	aps_buf_add(&sent, "\0", 1);
	assert_int_equal(judge(sent.p, false, false, aps_str_of(shown.p)), UNKNOWN);
	struct aps_str same_order = aps_str_of(sent.p);
	char *version = strstr(sent.p, ":1,");
	assert_int_equal(judge(sent.p, false, false, same_order), SEND);
	char *copy = strdup(sent.p);
	copy[version - sent.p + 1] = '2';
	assert_int_equal(judge(sent.p, false, false, aps_str_of(copy)), APPLIED);
	free(copy);
	aps_buf_clear(&sent);
	aps_buf_clear(&shown);
}

static void judgements_have_names(void **state)
{
	(void)state;
	assert_string_equal(aps_in_doubt_name(SEND), "send");
	assert_string_equal(aps_in_doubt_name(UNKNOWN), "unknown");
	assert_string_equal(aps_in_doubt_name(APS_IN_DOUBT_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_not_safe_is_unknown_and_what_is_idempotent_is_sent_whatever_is_there),
	        cmocka_unit_test(a_record_that_could_not_be_read_is_unknown),
	        cmocka_unit_test(an_update_is_judged_by_version_and_values),
	        cmocka_unit_test(the_record_of_an_expected_version_shows_it_as_version),
	        cmocka_unit_test(values_are_compared_deep),
	        cmocka_unit_test(a_null_beside_errors_says_nothing),
	        cmocka_unit_test(what_is_shown_under_the_name_of_another_field_says_nothing),
	        cmocka_unit_test(a_delete_is_judged_by_version_and_tombstone),
	        cmocka_unit_test(a_create_is_judged_by_its_name_and_values),
	        cmocka_unit_test(what_takes_too_long_to_compare_is_unknown),
	        cmocka_unit_test(judgements_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
