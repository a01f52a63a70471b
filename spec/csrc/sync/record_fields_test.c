#include "sync/record_fields.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct aps_arena arena;

static int start(void **state)
{
	(void)state;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	return 0;
}

static int end(void **state)
{
	(void)state;
	aps_arena_clear(&arena);
	return 0;
}

static void assert_is(const struct aps_record_fields *fields, const char *json)
{
	struct aps_json_writer w;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &text);
	aps_record_fields_write(fields, &w);
	assert_int_equal(aps_json_writer_finish(&w), APS_OK);
	assert_string_equal(text.p, json);
	aps_buf_clear(&text);
}

static struct aps_record_fields fields_of(const char *json, bool keeps_null)
{
	struct aps_record_fields fields;
	struct aps_err err;
	assert_int_equal(aps_record_fields_read(&fields, aps_str_of(json), keeps_null, &arena, &err), APS_OK);
	return fields;
}

static void members_are_read(void **state)
{
	(void)state;
	struct aps_record_fields fields = fields_of(" { \"a\" : 1, \"\\u0062\":[1, 2], \"c\":null } ", false);
	assert_is(&fields, "{\"a\":1,\"b\":[1, 2]}");
	fields = fields_of("{\"a\":1,\"c\":null}", true);
	assert_is(&fields, "{\"a\":1,\"c\":null}");
	fields = fields_of("{\"a\":1,\"b\":2,\"a\":3,\"b\":null}", false);
	assert_is(&fields, "{\"a\":3}");
	fields = fields_of("{}", false);
	assert_is(&fields, "{}");
}

static void what_is_no_record_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		enum aps_rc rc;
	} ROWS[] = {
	        {"", APS_E_SYNTAX},         {"[]", APS_E_PROTOCOL},     {"null", APS_E_PROTOCOL},
	        {"{", APS_E_SYNTAX},        {"{\"a\":}", APS_E_SYNTAX}, {"{\"a\":1} x", APS_E_SYNTAX},
	        {"{\"a\":1", APS_E_SYNTAX},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_record_fields fields;
		struct aps_err err;
		print_message("%s\n", ROWS[i].json);
		assert_int_equal(aps_record_fields_read(&fields, aps_str_of(ROWS[i].json), false, &arena, &err),
		                 ROWS[i].rc);
		assert_int_equal(err.code, ROWS[i].rc);
	}
}

static void a_record_has_a_bound(void **state)
{
	(void)state;
	struct aps_record_fields fields;
	struct aps_buf text;
	struct aps_err err;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"f\":1");
	for (int i = 0; i < APS_RECORD_FIELDS_MAX; i++) aps_buf_addf(&text, ",\"f%d\":1", i);
	aps_buf_add_text(&text, "}");
	assert_int_equal(aps_record_fields_read(&fields, aps_buf_str(&text), false, &arena, &err), APS_E_PROTOCOL);
	aps_buf_clear(&text);
	struct aps_arena small;
	aps_arena_init(&small, 16);
	assert_int_equal(aps_record_fields_read(&fields, APS_STR("{\"a\":1}"), false, &small, &err), APS_E_TOO_BIG);
	aps_arena_clear(&small);
}

static void changes_are_applied(void **state)
{
	(void)state;
	struct aps_record_fields record = fields_of("{\"a\":1,\"b\":2}", false), copy;
	assert_true(aps_record_fields_copy(&copy, &record, &arena));
	const struct aps_record_fields change = fields_of("{\"a\":null,\"b\":3,\"c\":[]}", true);
	assert_true(aps_record_fields_apply(&record, &change, &arena));
	assert_is(&record, "{\"b\":3,\"c\":[]}");
	assert_is(&copy, "{\"a\":1,\"b\":2}");
}

static void metadata_is_read(void **state)
{
	(void)state;
	int64_t version;
	const struct aps_record_fields record = fields_of("{\"_version\":7,\"_deleted\":true,\"x\":\"7\"}", false);
	assert_true(aps_record_fields_int(&record, "_version", &version));
	assert_int_equal(version, 7);
	assert_false(aps_record_fields_int(&record, "x", &version));
	assert_false(aps_record_fields_int(&record, "y", &version));
	assert_true(aps_record_fields_is_true(&record, "_deleted"));
	assert_false(aps_record_fields_is_true(&record, "_version"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(members_are_read, start, end),
	        cmocka_unit_test_setup_teardown(what_is_no_record_is_refused, start, end),
	        cmocka_unit_test_setup_teardown(a_record_has_a_bound, start, end),
	        cmocka_unit_test_setup_teardown(changes_are_applied, start, end),
	        cmocka_unit_test_setup_teardown(metadata_is_read, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
