#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sync/named_ids.h"

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "BBBBBBBB-0000-4000-8000-000000000002"

static struct aps_err err;

/* "u:text " for a UUID, "m:text " for a member's value, "um:text " for both */
static void note(void *context, struct aps_str text, unsigned how)
{
	struct aps_buf *out = context;
	if ((how & APS_NAMED_ID_UUID) != 0) aps_buf_add_byte(out, 'u');
	if ((how & APS_NAMED_ID_MEMBER) != 0) aps_buf_add_byte(out, 'm');
	aps_buf_add_byte(out, ':');
	aps_buf_add_str(out, text);
	aps_buf_add_byte(out, ' ');
}

static void assert_named(const char *json, const char *expected)
{
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_named_ids_scan(aps_str_of(json), note, &out, &err), APS_OK);
	if (!aps_str_is(aps_buf_str(&out), expected)) print_message("got: %s\n", out.p);
	assert_true(aps_str_is(aps_buf_str(&out), expected));
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

static void assert_key(const char *key, const char *expected)
{
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_named_ids_scan_key(aps_str_of(key), note, &out, &err), APS_OK);
	if (!aps_str_is(aps_buf_str(&out), expected)) print_message("got: %s\n", out.p);
	assert_true(aps_str_is(aps_buf_str(&out), expected));
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

static void uuids_are_named_at_any_depth_and_in_lists(void **state)
{
	(void)state;
	assert_named("\"" A "\"", "u:" A " ");
	assert_named("{\"input\":{\"note\":\"" A "\",\"l\":[[\"" B "\"],{\"x\":[\"" A "\"]}]}}",
	             "u:" A " u:" B " u:" A " ");
	assert_named("[\"\\u0061aaaaaaa-0000-4000-8000-00000000000\\u0031\"]", "u:" A " ");
}

static void assert_declared(const char *query, const char *json, const char *expected)
{
	struct aps_gql_document *doc;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, &err), APS_OK);
	const struct aps_gql_operation *operation = aps_gql_document_operation(doc, 0);
	assert_int_equal(aps_named_ids_scan_declared(aps_str_of(json), operation, note, &out, &err), APS_OK);
	assert_string_equal(out.p != NULL ? out.p : "", expected);
	aps_buf_clear(&out);
	aps_gql_document_unref(doc);
	assert_int_equal(aps_mem_live(), 0);
}

static void variables_that_are_declared_as_ids_are_named_whatever_they_are_called(void **state)
{
	(void)state;
#define ADD "mutation M($counter: ID!, $owner: ID, $n: Int!, $all: [ID!]) { add(counter: $counter, n: $n) { total } }"
	assert_declared(ADD, "{\"counter\":\"c\\u0033\",\"n\":1,\"x\":\"y\"}", "m:c3 ");
	assert_declared(ADD, "{\"n\":{\"counter\":\"no\"},\"owner\":7,\"counter\":\"" A "\"}", "m:7 um:" A " ");
	assert_declared(ADD, "{\"owner\":null,\"counter\":{\"id\":\"1\"}}", "");
	assert_declared(ADD, "{\"all\":[\"1\",null,[2,\"\\u0033\"]]}", "m:1 m:2 m:3 ");
	assert_declared(ADD, "{\"all\":[\"1\",{\"x\":\"2\"},\"3\"],\"counter\":\"4\"}", "m:1 m:4 ");
	assert_declared(ADD, "{\"all\":[]}", "");
	assert_declared(ADD, "{}", "");
	assert_declared(ADD, "null", "");
	assert_declared("mutation { a }", "{\"counter\":\"1\"}", "");
#undef ADD
}

static void keys_and_parts_of_strings_are_not_named(void **state)
{
	(void)state;
	assert_named("{\"" A "\":\"x" A "\",\"b\":\"" A " \",\"c\":\"Todo:" A "\"}", "");
}

static void members_are_identities_by_what_they_are_called(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool is_one;
	} ROWS[] = {
	        {"id", true},      {"_id", true}, {"ID", true},        {"todoId", true}, {"todoID", true},
	        {"todo_id", true}, {"Id", true},  {"xid", false},      {"paid", false},  {"todoid", false},
	        {"iD", false},     {"", false},   {"identity", false}, {"ids", false},   {"idx", false},
	        {"Idx", false},    {"d", false},  {"i", false},
	};
	char json[64];
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		snprintf(json, sizeof json, "{\"input\":{\"%s\":\"7\"}}", ROWS[i].name);
		assert_named(json, ROWS[i].is_one ? "m:7 " : "");
		snprintf(json, sizeof json, "[{\"%s\":7}]", ROWS[i].name);
		assert_named(json, ROWS[i].is_one ? "m:7 " : "");
	}
	assert_named("{\"\\u0069d\":\"x\",\"todo\\u0049d\":2,\"a\\u0069d\":3}", "m:x m:2 ");
}

static void an_identity_that_is_a_uuid_is_both(void **state)
{
	(void)state;
	assert_named("{\"id\":\"" A "\"}", "um:" A " ");
}

static void only_strings_and_numbers_are_identities(void **state)
{
	(void)state;
	assert_named("{\"id\":null,\"aId\":true,\"bId\":false,\"cId\":[true],\"dId\":{\"eq\":\"2\"},\"e\":\"3\"}", "");
	assert_named("{\"id\":[],\"x\":\"1\",\"yId\":{},\"z\":\"2\"}", "");
}

static void those_in_lists_are_named_too(void **state)
{
	(void)state;
	assert_named("{\"ids\":[\"a\",null,7,\"b\"],\"x\":[\"c\"]}", "m:a m:7 m:b ");
	assert_named("{\"input\":{\"todoIds\":[\"a\"],\"todoIDs\":[\"b\"],\"todo_ids\":[\"c\"],\"tagId\":[\"d\"]},"
	             "\"y\":\"e\"}",
	             "m:a m:b m:c m:d ");
	assert_named("{\"ids\":[{\"x\":\"a\"}],\"kids\":[\"b\"],\"idsOf\":[\"c\"],\"ids\":\"d\"}", "");
	assert_named("{\"ids\":[\"" A "\"]}", "um:" A " ");
}

static void strings_come_decoded(void **state)
{
	(void)state;
	assert_named("{\"id\":\"a\\n\\u00e9\\\"\"}", "m:a\n\xc3\xa9\" ");
	assert_named("{\"id\":\"\\ud83d\",\"a_id\":\"\xff\"}", "m:\xef\xbf\xbd m:\xef\xbf\xbd ");
	assert_named("{\"id\":\"\"}", "m: ");
}

static void numbers_come_as_a_key_has_them(void **state)
{
	(void)state;
	assert_named("{\"aId\":12,\"bId\":-3,\"cId\":1.0,\"dId\":-0,\"eId\":0.0,\"fId\":1e2,\"gId\":2.50}",
	             "m:12 m:-3 m:1 m:0 m:0 m:100 m:2.5 ");
	assert_named("{\"aId\":123456789012345678901234567890,\"bId\":1e999,\"cId\":0.12345678901234567890123}",
	             "m:123456789012345678901234567890 m:1e999 m:0.12345678901234567890123 ");
}

static void a_short_key_names_what_is_behind_its_type(void **state)
{
	(void)state;
	assert_key("Todo:1", "m:1 ");
	assert_key("Todo:a:b", "m:a:b ");
	assert_key("Todo:" A, "um:" A " ");
	assert_key("own-key", "m:own-key ");
	assert_key("Todo:{x", "m:{x ");
	assert_key("Todo:{\"a\":1}x", "m:{\"a\":1}x ");
}

static void a_long_key_names_each_of_its_values(void **state)
{
	(void)state;
	assert_key("Post:{\"blogId\":\"b\",\"slug\":\"s\\n\",\"n\":1,\"t\":true}", "m:b m:s\n m:1 ");
	assert_key("Post:{\"a\":\"" A "\",\"b\":null}", "um:" A " ");
}

/* What the sink of this test keeps: the hash of the last id. */
static void hash_of(void *context, struct aps_str text, unsigned how)
{
	(void)how;
	*(uint64_t *)context = aps_named_ids_hash(text);
}

static void an_id_hashes_alike_as_a_string_a_number_and_in_a_key(void **state)
{
	(void)state;
	static const char *const VARIABLES[] = {"{\"id\":\"1\"}", "{\"id\":1}", "{\"id\":\"\\u0031\"}", "{\"id\":1.0}"};
	uint64_t hash = 0, other;
	assert_int_equal(aps_named_ids_scan_key(APS_STR("Todo:1"), hash_of, &hash, &err), APS_OK);
	assert_true(hash == aps_named_ids_hash(APS_STR("1")));
	for (size_t i = 0; i < APS_COUNTOF(VARIABLES); i++) {
		other = 0;
		assert_int_equal(aps_named_ids_scan(aps_str_of(VARIABLES[i]), hash_of, &other, &err), APS_OK);
		assert_true(other == hash);
	}
	assert_int_equal(aps_named_ids_scan_key(APS_STR("Post:{\"a\":\"1\"}"), hash_of, &other, &err), APS_OK);
	assert_true(other == hash);
	assert_int_equal(aps_named_ids_scan_key(APS_STR("Todo:2"), hash_of, &other, &err), APS_OK);
	assert_true(other != hash);
}

static void a_text_that_is_no_json_is_refused(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_named_ids_scan(APS_STR(""), note, &out, &err), APS_E_SYNTAX);
	assert_int_equal(err.code, APS_E_SYNTAX);
	assert_int_equal(aps_named_ids_scan(APS_STR("{\"id\":\"1\"}x"), note, &out, NULL), APS_E_SYNTAX);
	assert_true(aps_str_is(aps_buf_str(&out), "m:1 "));
	aps_buf_reset(&out);
	for (int i = 0; i < 513; i++) aps_buf_add_byte(&out, '[');
	assert_int_equal(aps_named_ids_scan(aps_buf_str(&out), hash_of, &(uint64_t){0}, &err), APS_E_DEPTH);
	aps_buf_clear(&out);
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	static const char JSON[] = "{\"\\u0061\":\"1\",\"\\u0069d\":\"\\n0123456789012345678901234567890123456789"
	                           "0123456789012345678901234567890123456789\"}";
	for (size_t nth = 1;; nth++) {
		uint64_t hash;
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_named_ids_scan(aps_str_of(JSON), hash_of, &hash, &err);
		aps_mem_fail_at(0);
		assert_int_equal(aps_mem_live(), 0);
		if (rc == APS_OK) {
			assert_true(nth > 2);
			return;
		}
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(err.code, APS_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(uuids_are_named_at_any_depth_and_in_lists),
	        cmocka_unit_test(variables_that_are_declared_as_ids_are_named_whatever_they_are_called),
	        cmocka_unit_test(keys_and_parts_of_strings_are_not_named),
	        cmocka_unit_test(members_are_identities_by_what_they_are_called),
	        cmocka_unit_test(an_identity_that_is_a_uuid_is_both),
	        cmocka_unit_test(only_strings_and_numbers_are_identities),
	        cmocka_unit_test(those_in_lists_are_named_too),
	        cmocka_unit_test(strings_come_decoded),
	        cmocka_unit_test(numbers_come_as_a_key_has_them),
	        cmocka_unit_test(a_short_key_names_what_is_behind_its_type),
	        cmocka_unit_test(a_long_key_names_each_of_its_values),
	        cmocka_unit_test(an_id_hashes_alike_as_a_string_a_number_and_in_a_key),
	        cmocka_unit_test(a_text_that_is_no_json_is_refused),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
