#include "client/sync_settings.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BASE = APS_SYNC_PART_BASE, DELTA = APS_SYNC_PART_DELTA, LIVE = APS_SYNC_PART_SUBSCRIPTION };

static struct aps_sync_settings settings;
static struct aps_err err;
static size_t n_live;

static int setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	settings = (struct aps_sync_settings){.unit = APS_LAST_SYNC_BY_DOCUMENT};
	aps_sync_settings_init(&settings);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_sync_settings_clear(&settings);
	aps_sync_settings_clear(&settings);
	return aps_mem_live() == n_live ? 0 : -1;
}

static void set_part(int kind, const char *text, const char *variables)
{
	struct aps_gql_document *doc;
	struct aps_sync_part *part = &settings.parts[kind];
	if (aps_gql_document_new(aps_str_of(text), &doc, NULL, &err) != APS_OK) fail_msg("%s", err.msg);
	if (part->operation.document != NULL) aps_operation_clear(&part->operation);
	assert_int_equal(aps_operation_init(&part->operation, doc, aps_gql_document_operation(doc, 0), true,
	                                    aps_str_of(variables), &err),
	                 APS_OK);
	aps_gql_document_unref(doc);
}

static void set_version_field(const char *name)
{
	settings.version_field = aps_strndup(name, strlen(name));
	assert_non_null(settings.version_field);
}

static void look(void)
{
	if (aps_sync_settings_look(&settings, &err) != APS_OK) fail_msg("%s", err.msg);
}

static void assert_version(int kind, const char *key, const char *field)
{
	const struct aps_page_names *names = &settings.parts[kind].names;
	if (!aps_str_is(names->version, key) || !aps_str_is(names->version_field, field))
		fail_msg("part %d: %.*s, %.*s", kind, (int)names->version.n, names->version.p,
		         (int)names->version_field.n, names->version_field.p);
}

static void all_parts_go_by_the_first_one_s_version(void **state)
{
	(void)state;
	set_part(BASE, "{ list { items { id updatedAt } } }", "{}");
	set_part(DELTA, "query D($lastSync: Int) { sync(lastSync: $lastSync) { items { id _version at: updatedAt } } }",
	         "{}");
	set_part(LIVE, "subscription { on { id version updatedAt } }", "{}");
	look();
	assert_version(BASE, "updatedAt", "updatedAt");
	assert_version(DELTA, "at", "updatedAt");
	assert_version(LIVE, "updatedAt", "updatedAt");
	assert_true(aps_sync_settings_are_ordered(&settings));
	assert_true(settings.options.has_base && settings.options.has_delta && settings.options.has_subscription);
}

/* Another one in its place would be compared with what the first one has left. */
static void a_part_without_it_tells_nothing_of_the_order(void **state)
{
	(void)state;
	set_part(BASE, "{ list { items { id _version } } }", "{}");
	set_part(LIVE, "subscription { on { id updatedAt } }", "{}");
	look();
	assert_version(BASE, "_version", "_version");
	assert_version(LIVE, "", "");
	assert_false(aps_sync_settings_are_ordered(&settings));
	assert_false(settings.options.has_delta);
}

static void where_the_first_part_has_none_the_next_one_decides(void **state)
{
	(void)state;
	set_part(BASE, "{ list { items { id } } }", "{}");
	set_part(DELTA, "{ sync { items { id version } } }", "{}");
	set_part(LIVE, "subscription { on { id version _version } }", "{}");
	look();
	assert_version(BASE, "", "");
	assert_version(DELTA, "version", "version");
	assert_version(LIVE, "version", "version");
	assert_false(aps_sync_settings_are_ordered(&settings));
}

static void a_field_that_is_named_has_to_be_selected_everywhere(void **state)
{
	(void)state;
	set_version_field("rev");
	set_part(BASE, "{ list { items { id rev _version } } }", "{}");
	set_part(LIVE, "subscription { on { id r: rev } }", "{}");
	look();
	assert_version(BASE, "rev", "rev");
	assert_version(LIVE, "r", "rev");
	set_part(LIVE, "subscription { on { id _version } }", "{}");
	assert_int_equal(aps_sync_settings_look(&settings, &err), APS_E_USAGE);
	assert_non_null(strstr(err.msg, "rev"));
}

static void by_an_empty_one_nothing_is_ordered(void **state)
{
	(void)state;
	set_version_field("");
	set_part(BASE, "{ list { items { id _version } } }", "{}");
	set_part(LIVE, "subscription { on { id _version } }", "{}");
	look();
	assert_version(BASE, "", "");
	assert_version(LIVE, "", "");
	assert_false(aps_sync_settings_are_ordered(&settings));
}

static void a_document_that_is_no_page_is_misuse(void **state)
{
	(void)state;
	set_part(BASE, "{ a { id } b { id } }", "{}");
	assert_int_equal(aps_sync_settings_look(&settings, &err), APS_E_USAGE);
}

/* Else a version would count for nothing, and older states replace newer ones, because memory was out once. */
static void without_memory_no_part_loses_its_version(void **state)
{
	(void)state;
	set_part(BASE, "{ list { items { id _version } } }", "{}");
	set_part(DELTA, "{ sync { items { id _version } } }", "{}");
	set_part(LIVE, "subscription { on { id _version } }", "{}");
	enum aps_rc rc = APS_E_NOMEM;
	size_t nth = 0;
	while (rc != APS_OK) {
		aps_mem_fail_at(++nth);
		rc = aps_sync_settings_look(&settings, &err);
		aps_mem_fail_at(0);
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
	}
	assert_true(nth > 3);
	assert_true(aps_sync_settings_are_ordered(&settings));
	/* all of them failed, or made all of it */
	for (size_t i = 1; i < nth; i++) {
		aps_mem_fail_at(i);
		rc = aps_sync_settings_look(&settings, &err);
		aps_mem_fail_at(0);
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

/* Sixty-four digits. */
static const char *name(void)
{
	static char text[65];
	assert_true(aps_sync_settings_name(&settings, 0, text));
	assert_int_equal(strlen(text), 64);
	assert_int_equal(strspn(text, "0123456789abcdef"), 64);
	return text;
}

static void it_is_named_by_documents_and_variables_alone(void **state)
{
	(void)state;
	static const char BASE_TEXT[] = "query L($n: Int) { list(n: $n) { items { id _version } } }";
	set_part(BASE, BASE_TEXT, "{\"n\":1}");
	char first[65];
	memcpy(first, name(), sizeof first);
	set_part(BASE, "query L($n:Int) {\n  # the same\n  list(n: $n) { items { id _version } } }", "{\"n\":1}");
	assert_string_equal(name(), first);
	settings.keeps_list = true;
	settings.options.max_records = 7;
	set_version_field("_version");
	assert_string_equal(name(), first);
	set_part(BASE, BASE_TEXT, "{\"n\":2}");
	assert_string_not_equal(name(), first);
	set_part(BASE, "query L($n: Int) { list(n: $n) { items { id _version x } } }", "{\"n\":1}");
	assert_string_not_equal(name(), first);
	set_part(BASE, BASE_TEXT, "{\"n\":1}");
	assert_string_equal(name(), first);
	set_part(LIVE, "subscription { on { id _version } }", "{}");
	assert_string_not_equal(name(), first);
	/* the same document in another part */
	aps_operation_clear(&settings.parts[LIVE].operation);
	aps_operation_clear(&settings.parts[BASE].operation);
	set_part(DELTA, BASE_TEXT, "{\"n\":1}");
	assert_string_not_equal(name(), first);
	aps_mem_fail_at(1);
	char none[65];
	assert_false(aps_sync_settings_name(&settings, 0, none));
	aps_mem_fail_at(0);
}

static void others_that_ask_for_the_same_have_names_of_their_own(void **state)
{
	(void)state;
	char names[3][65];
	set_part(BASE, "{ list { id } }", "{}");
	for (unsigned i = 0; i < 3; i++) assert_true(aps_sync_settings_name(&settings, i, names[i]));
	assert_string_equal(names[0], name());
	assert_string_not_equal(names[1], names[0]);
	assert_string_not_equal(names[2], names[0]);
	assert_string_not_equal(names[2], names[1]);
}

static const char *variables_of(const struct aps_sync_fetch *fetch)
{
	static char text[512];
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	if (aps_sync_settings_variables(&settings, fetch, &out, &err) != APS_OK) fail_msg("%s", err.msg);
	snprintf(text, sizeof text, "%.*s", (int)out.n, out.p);
	aps_buf_clear(&out);
	return text;
}

static char *text_of(const char *text)
{
	return aps_strndup(text, strlen(text));
}

static void a_page_of_the_base_query_has_its_size_and_its_token(void **state)
{
	(void)state;
	set_part(BASE, "query L($n: Int, $limit: Int, $nextToken: String) { list(n: $n) { items { id } } }",
	         "{\"n\":1,\"limit\":5,\"nextToken\":\"mine\",\"x\":{\"y\":[1]}}");
	struct aps_sync_fetch fetch = {.query = APS_SYNC_BASE_QUERY, .page_size = 50};
	look();
	assert_false(settings.options.is_paged);
	/* nobody has said which variables they are */
	assert_string_equal(variables_of(&fetch), "{\"n\":1,\"limit\":5,\"nextToken\":\"mine\",\"x\":{\"y\":[1]}}");
	settings.parts[BASE].limit_variable = text_of("limit");
	settings.parts[BASE].token_variable = text_of("nextToken");
	look();
	assert_true(settings.options.is_paged);
	assert_string_equal(variables_of(&fetch), "{\"n\":1,\"nextToken\":\"mine\",\"x\":{\"y\":[1]},\"limit\":50}");
	fetch.token = APS_STR("a \"b\"\n");
	assert_string_equal(variables_of(&fetch),
	                    "{\"n\":1,\"x\":{\"y\":[1]},\"limit\":50,\"nextToken\":\"a \\\"b\\\"\\n\"}");
}

static void names_with_escapes_are_the_same_names(void **state)
{
	(void)state;
	set_part(BASE, "query L($limit: Int) { list(limit: $limit) { items { id } } }",
	         "{\"l\\u0069mit\":5,\"a\\u0062\":\"\\u0063\"}");
	settings.parts[BASE].limit_variable = text_of("limit");
	const struct aps_sync_fetch fetch = {.query = APS_SYNC_BASE_QUERY, .page_size = 50};
	assert_string_equal(variables_of(&fetch), "{\"ab\":\"\\u0063\",\"limit\":50}");
}

#define PLAIN   "{ sync { items { id } } }"
#define STARTED "{ sync { items { id } nextToken startedAt } }"
#define JOBS    "{ jobs { id startedAt version } }"
#define NESTED  "{ jobs { id version session { startedAt } } }"

static void a_delta_query_has_the_last_sync_in_its_unit(void **state)
{
	(void)state;
	static const struct {
		const char *base, *document;
		enum aps_last_sync_unit unit;
		const char *last_sync;
	} ROWS[] = {
	        {PLAIN, STARTED, APS_LAST_SYNC_BY_DOCUMENT, "1700000000123"},
	        {STARTED, PLAIN, APS_LAST_SYNC_BY_DOCUMENT, "1700000000123"},
	        {PLAIN, PLAIN, APS_LAST_SYNC_BY_DOCUMENT, "1700000000"},
	        {STARTED, STARTED, APS_LAST_SYNC_SECONDS, "1700000000"},
	        {PLAIN, PLAIN, APS_LAST_SYNC_MILLISECONDS, "1700000000123"},
	        /* of a record it says nothing of the service's times */
	        {JOBS, JOBS, APS_LAST_SYNC_BY_DOCUMENT, "1700000000"},
	        {NESTED, NESTED, APS_LAST_SYNC_BY_DOCUMENT, "1700000000"},
	        {JOBS, STARTED, APS_LAST_SYNC_BY_DOCUMENT, "1700000000123"},
	};
	const struct aps_sync_fetch fetch = {
	        .query = APS_SYNC_DELTA_QUERY, .last_sync_ms = INT64_C(1700000000123), .page_size = 50};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char variables[64];
		snprintf(variables, sizeof variables, "{\"n\":1,\"lastSync\":%s}", ROWS[i].last_sync);
		set_part(BASE, ROWS[i].base, "{}");
		set_part(DELTA, ROWS[i].document, "{\"n\":1,\"lastSync\":3}");
		settings.unit = ROWS[i].unit;
		look();
		assert_string_equal(variables_of(&fetch), variables);
	}
}

static void what_a_subscription_selects_says_nothing_of_that_unit(void **state)
{
	(void)state;
	const struct aps_sync_fetch fetch = {.query = APS_SYNC_DELTA_QUERY, .last_sync_ms = INT64_C(1700000000123)};
	set_part(BASE, PLAIN, "{}");
	set_part(DELTA, PLAIN, "{}");
	set_part(LIVE, "subscription { changed { items { id } nextToken startedAt } }", "{}");
	look();
	assert_string_equal(variables_of(&fetch), "{\"lastSync\":1700000000}");
}

/* What its function has told: the page size is a matter of its own, the last sync is ours. */
static void the_application_s_page_variables_take_the_place_of_all(void **state)
{
	(void)state;
	set_part(BASE, "query L($limit: Int) { list(limit: $limit) { items { id } } }", "{\"limit\":5}");
	set_part(DELTA, "query D($lastSync: Int) { sync(lastSync: $lastSync) { items { id } } }", "{}");
	settings.parts[BASE].has_page = settings.parts[DELTA].has_page = true;
	settings.parts[BASE].limit_variable = text_of("limit");
	settings.parts[BASE].token_variable = text_of("nextToken");
	look();
	struct aps_sync_fetch fetch = {.query = APS_SYNC_BASE_QUERY, .page_size = 50};
	assert_string_equal(variables_of(&fetch), "{\"limit\":5}");
	fetch.token = APS_STR("{\"offset\":10,\"limit\":3}");
	assert_string_equal(variables_of(&fetch), "{\"offset\":10,\"limit\":3}");
	fetch.query = APS_SYNC_DELTA_QUERY;
	fetch.last_sync_ms = 5000;
	fetch.token = APS_STR("{\"offset\":10,\"lastSync\":1}");
	assert_string_equal(variables_of(&fetch), "{\"offset\":10,\"lastSync\":5}");
}

static void without_memory_there_are_no_variables(void **state)
{
	(void)state;
	set_part(BASE, "query L($limit: Int) { list(limit: $limit) { items { id } } }", "{\"a\\u0062\":5}");
	settings.parts[BASE].limit_variable = text_of("limit");
	const struct aps_sync_fetch fetch = {.query = APS_SYNC_BASE_QUERY, .page_size = 50};
	enum aps_rc rc = APS_E_NOMEM;
	size_t nth = 0;
	while (rc != APS_OK) {
		struct aps_buf out;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(++nth);
		rc = aps_sync_settings_variables(&settings, &fetch, &out, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) assert_true(aps_str_is(aps_buf_str(&out), "{\"ab\":5,\"limit\":50}"));
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
		aps_buf_clear(&out);
	}
	assert_true(nth > 1);
}

static void parts_have_names(void **state)
{
	(void)state;
	assert_string_equal(aps_sync_part_name(APS_SYNC_PART_BASE), "base");
	assert_string_equal(aps_sync_part_name(APS_SYNC_PART_DELTA), "delta");
	assert_string_equal(aps_sync_part_name(APS_SYNC_PART_SUBSCRIPTION), "subscription");
	assert_string_equal(aps_sync_part_name(APS_SYNC_PARTS), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(all_parts_go_by_the_first_one_s_version),
	        TEST(a_part_without_it_tells_nothing_of_the_order),
	        TEST(where_the_first_part_has_none_the_next_one_decides),
	        TEST(a_field_that_is_named_has_to_be_selected_everywhere),
	        TEST(by_an_empty_one_nothing_is_ordered),
	        TEST(a_document_that_is_no_page_is_misuse),
	        TEST(without_memory_no_part_loses_its_version),
	        TEST(it_is_named_by_documents_and_variables_alone),
	        TEST(others_that_ask_for_the_same_have_names_of_their_own),
	        TEST(a_page_of_the_base_query_has_its_size_and_its_token),
	        TEST(names_with_escapes_are_the_same_names),
	        TEST(a_delta_query_has_the_last_sync_in_its_unit),
	        TEST(what_a_subscription_selects_says_nothing_of_that_unit),
	        TEST(the_application_s_page_variables_take_the_place_of_all),
	        TEST(without_memory_there_are_no_variables),
	        TEST(parts_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
