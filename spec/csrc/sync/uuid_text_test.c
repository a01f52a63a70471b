#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "sync/uuid_text.h"

static void a_uuid_of_any_version_and_case_is_one(void **state)
{
	(void)state;
	assert_true(aps_is_uuid(APS_STR("0123abcd-4567-4ef0-89ab-cdefABCDEF01")));
	assert_true(aps_is_uuid(APS_STR("00000000-0000-0000-0000-000000000000")));
	assert_true(aps_is_uuid(APS_STR("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")));
	assert_true(aps_is_uuid(APS_STR("019345f0-9f3c-7b7a-b7a1-0242ac120002")));
	struct aps_rand rand;
	char text[APS_UUID_CHARS + 1];
	aps_rand_init(&rand, 1);
	aps_rand_uuid(&rand, text);
	assert_true(aps_is_uuid(aps_str_of(text)));
}

static void any_other_byte_at_any_place_makes_it_none(void **state)
{
	(void)state;
	static const char UUID[] = "0123abcd-4567-4ef0-89ab-cdefABCDEF01";
	char text[sizeof UUID];
	for (size_t i = 0; i < APS_UUID_CHARS; i++) {
		for (int c = 0; c < 256; c++) {
			memcpy(text, UUID, sizeof UUID);
			text[i] = (char)c;
			bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
			bool expected = UUID[i] == '-' ? c == '-' : is_hex;
			assert_int_equal(aps_is_uuid((struct aps_str){text, APS_UUID_CHARS}), expected);
		}
	}
}

static void a_text_of_another_length_is_none(void **state)
{
	(void)state;
	assert_false(aps_is_uuid(APS_STR("")));
	assert_false(aps_is_uuid((struct aps_str){NULL, 0}));
	assert_false(aps_is_uuid(APS_STR("0123abcd-4567-4ef0-89ab-cdefABCDEF0")));
	assert_false(aps_is_uuid(APS_STR("0123abcd-4567-4ef0-89ab-cdefABCDEF011")));
	assert_false(aps_is_uuid(APS_STR("{0123abcd-4567-4ef0-89ab-cdefABCDEF0}")));
	assert_false(aps_is_uuid(APS_STR("0123abcd45674ef089abcdefABCDEF01")));
}

static bool read(const char *json, char room[APS_UUID_CHARS], struct aps_str *uuid)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, aps_str_of(json), 0);
	assert_int_equal(aps_json_next(&r), APS_JSON_STRING);
	return aps_uuid_of_json(&r, room, uuid);
}

static void a_json_string_counts_by_its_decoded_value(void **state)
{
	(void)state;
	char room[APS_UUID_CHARS];
	struct aps_str uuid;
	assert_true(read("\"0123abcd-4567-4ef0-89ab-cdefABCDEF01\"", room, &uuid));
	assert_true(aps_str_is(uuid, "0123abcd-4567-4ef0-89ab-cdefABCDEF01"));
	assert_ptr_not_equal(uuid.p, room);
	assert_true(read("\"0123\\u0061bcd\\u002d4567-4ef0-89ab-cdefABCDEF0\\u0031\"", room, &uuid));
	assert_true(aps_str_is(uuid, "0123abcd-4567-4ef0-89ab-cdefABCDEF01"));
	assert_ptr_equal(uuid.p, room);
	assert_false(read("\"\\u0061\"", room, &uuid));
	assert_false(read("\"0123abcd-4567-4ef0-89ab-cdefABCDEF0\\u0031\\u0031\"", room, &uuid));
	assert_false(read("\"0123abcd-4567-4ef0-89ab-cdefABCDEF0\xff\"", room, &uuid));
}

static void a_json_string_may_be_escaped_whole_and_not_longer(void **state)
{
	(void)state;
	char json[2 + (APS_UUID_CHARS + 1) * 6 + 1] = "\"", room[APS_UUID_CHARS];
	static const char UUID[] = "0123abcd-4567-4ef0-89ab-cdefABCDEF01";
	struct aps_str uuid;
	size_t n = 1;
	for (size_t i = 0; i < APS_UUID_CHARS; i++, n += 6)
		snprintf(json + n, 7, "\\u%04x", (unsigned)(unsigned char)UUID[i]);
	memcpy(json + n, "\"", 2);
	assert_true(read(json, room, &uuid));
	assert_true(aps_str_is(uuid, UUID));
	memcpy(json + n, "\\u0031\"", 8);
	assert_false(read(json, room, &uuid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_uuid_of_any_version_and_case_is_one),
	        cmocka_unit_test(any_other_byte_at_any_place_makes_it_none),
	        cmocka_unit_test(a_text_of_another_length_is_none),
	        cmocka_unit_test(a_json_string_counts_by_its_decoded_value),
	        cmocka_unit_test(a_json_string_may_be_escaped_whole_and_not_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
