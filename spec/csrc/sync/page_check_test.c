/* What of a page says that it isn't whole. */
#include "sync/page_check.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONNECTION "query { l { items { id version } nextToken } }"
#define BARE       "query { l { id version } }"
#define AUTHORED   "query { l { id version author { name } } }"
#define NESTED     "query { p { nextToken page { rows { id version } n: nextToken } } }"
#define LISTED     "{\"l\":{\"items\":[{\"id\":1}],\"nextToken\":null}}"

static const struct aps_page_duty BASE = {.is_base = true, .asks_next = true};
static const struct aps_page_duty BY_HAND = {.is_base = true, .may_be_nothing = true};
static const struct aps_page_duty DELTA = {.asks_next = true};
static const struct aps_page_duty ONE_PAGE = {.asks_next = false};

static struct aps_err err;

/* The message, or NULL: it is whole. */
static const char *check(const char *text, const char *data, const struct aps_page_duty *duty, const char *errors)
{
	struct aps_gql_document *document;
	struct aps_page_names names;
	struct aps_page page;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &document, NULL, &err), APS_OK);
	const struct aps_gql_operation *definition = aps_gql_document_operation(document, 0);
	assert_int_equal(aps_page_names_init(&names, document, definition, APS_STR(""), &err), APS_OK);
	assert_int_equal(aps_page_read(&page, &names, aps_str_of(data), &err), APS_OK);
	enum aps_rc rc = aps_page_check(&page, &names, duty, aps_str_of(errors), &err);
	assert_true(rc == APS_OK || rc == APS_E_PROTOCOL);
	aps_page_clear(&page);
	aps_page_names_clear(&names);
	aps_gql_document_unref(document);
	assert_int_equal(aps_mem_live(), 0);
	return rc == APS_OK ? NULL : err.msg;
}

/* "": it has none, or is whole. */
static const char *word_of(const char *text, const char *data, const struct aps_page_duty *duty)
{
	err.word = NULL;
	return check(text, data, duty, "") != NULL && err.word != NULL ? err.word : "";
}

struct row {
	const char *document, *data;
	bool base, by_hand, delta; /* is whole */
};

static void null_is_no_list_of_a_base_query_and_no_change_of_a_delta_query(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {CONNECTION, LISTED, true, true, true},
	        {CONNECTION, "{\"l\":{\"items\":[],\"nextToken\":null}}", true, true, true},
	        {CONNECTION, "{\"l\":null}", false, false, true},
	        {CONNECTION, "{\"l\":{\"items\":null,\"nextToken\":null}}", false, false, true},
	        {CONNECTION, "{\"l\":{\"items\":null,\"nextToken\":\"t\"}}", false, false, true},
	        {CONNECTION, "{\"l\":{\"nextToken\":null}}", false, false, false},
	        {CONNECTION, "{\"l\":{}}", false, false, false},
	        {CONNECTION, "{\"l\":{\"items\":7}}", false, false, false},
	        {CONNECTION, "{}", false, false, false},
	        {CONNECTION, "{\"l\":[]}", true, true, true},
	        {BARE, "{\"l\":[]}", true, true, true},
	        {BARE, "{\"l\":{\"id\":1}}", true, true, true}, /* one record */
	        {BARE, "{\"l\":null}", false, true, true},
	        {BARE, "{}", false, false, false},
	        {BARE, "{\"l\":7}", false, false, false},
	        {BARE, "{\"l\":[7,\"x\"]}", false, false, false},
	        {BARE, "{\"l\":[[{\"id\":1}]]}", false, false, false},
	        {BARE, "{\"l\":[null,7]}", false, false, false},
	        {BARE, "{\"l\":[null]}", true, true, true},         /* bad records, */
	        {BARE, "{\"l\":[7,{\"id\":1}]}", true, true, true}, /* one of two */
	        {CONNECTION, "{\"l\":{\"items\":[7]}}", false, false, false},
	        {CONNECTION, "{\"l\":{\"items\":{\"id\":1}}}", false, false, false},
	        {AUTHORED, "{\"l\":{\"id\":1,\"author\":null}}", true, true, true},
	        {NESTED, "{\"p\":{\"page\":{\"rows\":[]}}}", true, true, true},
	        {NESTED, "{\"p\":{\"page\":{\"rows\":null}}}", false, false, true},
	        {NESTED, "{\"p\":{\"page\":null}}", false, false, true},
	        {NESTED, "{\"p\":{}}", false, false, false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		bool base = check(row->document, row->data, &BASE, "") == NULL;
		bool by_hand = check(row->document, row->data, &BY_HAND, "") == NULL;
		bool delta = check(row->document, row->data, &DELTA, "") == NULL;
		if (base != row->base || by_hand != row->by_hand || delta != row->delta)
			fail_msg("%s: %d %d %d", row->data, base, by_hand, delta);
	}
}

static void a_message_says_what_is_missing(void **state)
{
	(void)state;
	assert_string_equal(check(CONNECTION, "{\"l\":{\"items\":null}}", &BASE, ""),
	                    "the service's answer to the base query has null for the list l.items; where there are no "
	                    "records the list has to be empty");
	assert_string_equal(
	        check(BARE, "{\"l\":null}", &BASE, ""),
	        "the service's answer to the base query has null for the list l; where there are no records "
	        "the list has to be empty");
	assert_string_equal(check(CONNECTION, "{\"l\":{}}", &DELTA, ""),
	                    "delta_query: the service's answer has one object without a list for l; a list of records "
	                    "is needed there, or an object with such a list");
	static const struct aps_page_duty CATCH_UP = {.is_catch_up = true};
	assert_string_equal(check(CONNECTION, "{\"l\":{}}", &CATCH_UP, ""),
	                    "catch_up: the service's answer has one object without a list for l; a list of records "
	                    "is needed there, or an object with such a list");
}

static void what_is_no_list_is_told_where_it_is_kept_by_rule(void **state)
{
	(void)state;
	static const struct aps_page_duty BY_RULE = {.is_base = true, .keeps_list = true};
	static const struct aps_page_duty DELTA_BY_RULE = {.keeps_list = true};
	static const struct {
		const char *document, *data, *what;
	} ROWS[] = {
	        {CONNECTION, "{}", "doesn't have the field l;"},
	        {CONNECTION, "{\"l\":7}", "has a scalar for l;"},
	        {CONNECTION, "{\"l\":{}}", "has one object without a list for l;"},
	        {CONNECTION, "{\"l\":{\"items\":[true]}}", "has a list of scalars for l;"},
	        {AUTHORED, "{\"l\":{\"id\":1,\"author\":null}}", "has one object without a list for l;"},
	        {CONNECTION, "{\"l\":null}", "null for the list l.items;"},
	        {BARE, "{\"m\":[]}", "doesn't have the field l;"},
	        {BARE, "{\"l\":true}", "has a scalar for l;"},
	        {BARE, "{\"l\":{\"id\":1}}", "has one object without a list for l;"},
	        {BARE, "{\"l\":null}", "null for the list l;"},
	        {NESTED, "{\"p\":\"x\"}", "has a scalar for p;"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const char *msg = check(ROWS[i].document, ROWS[i].data, &BY_RULE, "");
		if (msg == NULL || strstr(msg, ROWS[i].what) == NULL) fail_msg("%s: %s", ROWS[i].data, msg);
	}
	assert_null(check(BARE, "{\"l\":[]}", &BY_RULE, ""));
	assert_null(check(CONNECTION, LISTED, &BY_RULE, ""));
	assert_null(check(BARE, "{\"l\":{\"id\":1}}", &DELTA_BY_RULE, "")); /* one that has changed */
}

/* No later answer would be another: whoever asks ends. */
static void what_can_never_become_records_has_a_word(void **state)
{
	(void)state;
	static const struct aps_page_duty *const DUTIES[] = {&BASE, &BY_HAND, &DELTA};
	static const char *const WRONG[] = {"{}", "{\"l\":7}", "{\"l\":\"x\"}", "{\"l\":[1,2]}"};
	static const char *const NULLS[] = {"{\"l\":null}", "{\"l\":[null]}"};
	for (size_t i = 0; i < APS_COUNTOF(DUTIES); i++) {
		for (size_t n = 0; n < APS_COUNTOF(WRONG); n++)
			assert_string_equal(word_of(BARE, WRONG[n], DUTIES[i]), APS_PAGE_NO_LIST);
		for (size_t n = 0; n < APS_COUNTOF(NULLS); n++)
			assert_string_equal(word_of(BARE, NULLS[n], DUTIES[i]), "");
		assert_string_equal(word_of(CONNECTION, "{\"l\":{\"items\":7}}", DUTIES[i]), APS_PAGE_NO_LIST);
		assert_string_equal(word_of(CONNECTION, "{\"l\":{\"items\":null}}", DUTIES[i]), "");
	}
}

static void null_beside_errors_says_nothing(void **state)
{
	(void)state;
	static const char *const ERRORS = "[{\"message\":\"no\",\"path\":[\"l\"]}]";
	assert_non_null(check(CONNECTION, "{\"l\":null}", &DELTA, ERRORS));
	assert_non_null(check(CONNECTION, "{\"l\":{\"items\":null}}", &DELTA, "[{\"message\":\"no\"}]"));
	assert_non_null(check(BARE, "{\"l\":null}", &BY_HAND, ERRORS));
	assert_null(check(CONNECTION, LISTED, &BASE, "[{\"message\":\"no\"}]"));
}

static void a_token_that_an_error_has_taken_is_no_end(void **state)
{
	(void)state;
	static const char *const ROWS = "{\"p\":{\"page\":{\"rows\":[],\"n\":null},\"nextToken\":null}}";
	static const struct {
		const char *path;
		bool is_whole;
	} PATHS[] = {
	        {"[\"p\",\"page\",\"n\"]", false},
	        {"[\"p\",\"n\"]", false},
	        {"[\"p\",\"page\",\"n\",0]", true},
	        {"[\"p\",\"other\",\"n\"]", true},
	        {"[\"q\",\"page\",\"n\"]", true},
	        {"[\"p\",\"page\",\"rows\",\"n\"]", true},
	        {"[\"p\",\"page\",\"rows\",0,\"n\"]", true},
	        {"[\"n\"]", true},
	        {"[]", true},
	        {"null", true},
	        {"[\"p\",", true},
	};
	char errors[256];
	for (size_t i = 0; i < APS_COUNTOF(PATHS); i++) {
		snprintf(errors, sizeof errors, "[{\"message\":\"other\"},{\"message\":\"no\",\"path\":%s}]",
		         PATHS[i].path);
		/* the first nextToken on the way to the records has the other name */
		static const char *const ALIASED =
		        "query { p { n: nextToken page { rows { id version } n: nextToken } } }";
		bool is_whole = check(ALIASED, ROWS, &BASE, errors) == NULL;
		if (is_whole != PATHS[i].is_whole) fail_msg("%s", PATHS[i].path);
	}
	static const char *const BESIDE = "[{\"path\":[\"l\",\"nextToken\"],\"message\":\"no\"}]";
	assert_string_equal(check(CONNECTION, LISTED, &BASE, BESIDE),
	                    "an error of the service is in the place of a page's nextToken");
	assert_non_null(check(CONNECTION, LISTED, &DELTA, BESIDE));
	assert_null(check(CONNECTION, LISTED, &ONE_PAGE, BESIDE)); /* nobody would have asked for it */
	assert_null(check(CONNECTION, "{\"l\":{\"items\":[],\"nextToken\":\"t\"}}", &BASE, BESIDE));
	assert_null(
	        check(CONNECTION, LISTED, &BASE, "[{\"path\":[\"l\",\"items\",0,\"version\"],\"message\":\"no\"}]"));
}

static void a_token_has_64_kibibytes_at_most(void **state)
{
	(void)state;
	static char data[APS_PAGE_MAX_TOKEN_BYTES + 128];
	for (size_t more = 0; more < 2; more++) {
		size_t n = (size_t)snprintf(data, sizeof data, "{\"l\":{\"items\":[],\"nextToken\":\"");
		memset(data + n, 'a', APS_PAGE_MAX_TOKEN_BYTES + more);
		n += APS_PAGE_MAX_TOKEN_BYTES + more;
		snprintf(data + n, sizeof data - n, "\"}}");
		const char *message = check(CONNECTION, data, &BASE, "");
		if (more == 0)
			assert_null(message);
		else
			assert_string_equal(message, "a page's nextToken has 65537 bytes; 65536 are the most");
		assert_null(check(CONNECTION, data, &ONE_PAGE, ""));
	}
}

static void a_token_that_is_none_is_no_end(void **state)
{
	(void)state;
	static const char ODD[] =
	        "a page's nextToken is neither a string nor a number nor null: nobody can tell whether "
	        "more pages follow";
	static const struct {
		const char *token;
		bool is_odd;
	} rows[] = {{"{}", true},    {"{\"a\":[\"b\"]}", true}, {"[\"a\"]", true}, {"true", true}, {"false", true},
	            {"null", false}, {"\"\"", false},           {"\"a\"", false},  {"7", false},   {"1.5", false}};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		for (int is_first = 0; is_first <= 1; is_first++) {
			char data[160];
			const char *const format = is_first ? "{\"l\":{\"nextToken\":%s,\"items\":[{\"id\":\"1\"}]}}"
			                                    : "{\"l\":{\"items\":[{\"id\":\"1\"}],\"nextToken\":%s}}";
			snprintf(data, sizeof data, format, rows[i].token);
			const char *message = check(CONNECTION, data, &BASE, "");
			if (rows[i].is_odd)
				assert_string_equal(message, ODD);
			else
				assert_null(message);
			assert_null(check(CONNECTION, data, &ONE_PAGE, ""));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(null_is_no_list_of_a_base_query_and_no_change_of_a_delta_query),
	        cmocka_unit_test(a_message_says_what_is_missing),
	        cmocka_unit_test(a_token_that_is_none_is_no_end),
	        cmocka_unit_test(what_is_no_list_is_told_where_it_is_kept_by_rule),
	        cmocka_unit_test(what_can_never_become_records_has_a_word),
	        cmocka_unit_test(null_beside_errors_says_nothing),
	        cmocka_unit_test(a_token_that_an_error_has_taken_is_no_end),
	        cmocka_unit_test(a_token_has_64_kibibytes_at_most),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
