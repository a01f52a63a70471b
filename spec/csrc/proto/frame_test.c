#include "proto/frame.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct aps_arena decoded;

static struct aps_frame read_ok(enum aps_realtime_protocol protocol, const char *text)
{
	struct aps_frame frame;
	struct aps_err err;
	aps_arena_clear(&decoded);
	assert_int_equal(aps_frame_read(protocol, aps_str_of(text), &decoded, &frame, &err), APS_OK);
	return frame;
}

static void a_message_that_cannot_be_read_may_still_name_its_subscription(void **state)
{
	(void)state;
	static const struct {
		const char *text, *id;
	} rows[] = {
	        {"{\"type\":\"data\",\"id\":\"a\",\"payload\":{\"n\":01}}", "a"},
	        {"{\"payload\":{\"id\":\"b\",\"n\":[tru]},\"id\" : \"a\"}", "a"},
	        {"{\"payload\":\"\\u12\\\"}\",\"id\":\"\\u0061\"}", "a"},
	        {"{\"x\":\"\xff\",\"id\":\"a\"}", "a"},
	        {"{\"id\":\"a\"", "a"},
	        {"{\"id\":1,\"n\":01}", ""},
	        {"{\"id\":\"a", ""},
	        {"{\"id\"", ""},
	        {"{\"id\":", ""},
	        {"{\"a\":{\"id\":\"a\"}", ""},
	        {"[\"id\",\"a\"]", ""},
	        {"\"id\":\"a\"", ""},
	        {"{\"ID\":\"a\"", ""},
	        {"\\", ""},
	        {"\"\\", ""},
	        {"", ""},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		/* Behind the text there is nothing that may be read. */
		size_t n = strlen(rows[i].text);
		char *text = aps_malloc(n + 1);
		memcpy(text, rows[i].text, n);
		char *exact = aps_realloc(text, n > 0 ? n : 1);
		struct aps_str id = aps_frame_find_id((struct aps_str){exact, n}, &decoded);
		if (!aps_str_is(id, rows[i].id)) print_message("row %zu: %.*s\n", i, (int)id.n, id.p);
		assert_true(aps_str_is(id, rows[i].id));
		aps_free(exact);
	}
	aps_arena_clear(&decoded);
}

static void each_type_has_its_name_in_its_protocol(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum aps_frame_type appsync, transport_ws;
	} rows[] = {
	        {"connection_ack", APS_FRAME_CONNECTION_ACK, APS_FRAME_CONNECTION_ACK},
	        {"connection_error", APS_FRAME_CONNECTION_ERROR, APS_FRAME_UNKNOWN},
	        {"ka", APS_FRAME_ALIVE, APS_FRAME_UNKNOWN},
	        {"pong", APS_FRAME_UNKNOWN, APS_FRAME_ALIVE},
	        {"ping", APS_FRAME_UNKNOWN, APS_FRAME_PING},
	        {"start_ack", APS_FRAME_START_ACK, APS_FRAME_UNKNOWN},
	        {"data", APS_FRAME_DATA, APS_FRAME_UNKNOWN},
	        {"next", APS_FRAME_UNKNOWN, APS_FRAME_DATA},
	        {"error", APS_FRAME_ERROR, APS_FRAME_ERROR},
	        {"complete", APS_FRAME_COMPLETE, APS_FRAME_COMPLETE},
	        {"dat", APS_FRAME_UNKNOWN, APS_FRAME_UNKNOWN},
	        {"data2", APS_FRAME_UNKNOWN, APS_FRAME_UNKNOWN},
	        {"", APS_FRAME_UNKNOWN, APS_FRAME_UNKNOWN},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		char text[64];
		snprintf(text, sizeof text, "{\"type\":\"%s\"}", rows[i].name);
		assert_int_equal(read_ok(APS_REALTIME_APPSYNC, text).type, rows[i].appsync);
		assert_int_equal(read_ok(APS_REALTIME_TRANSPORT_WS, text).type, rows[i].transport_ws);
	}
}

static void members_are_found_in_any_order_and_the_last_of_equal_ones_counts(void **state)
{
	(void)state;
	static const char *const texts[] = {
	        "{\"type\":\"data\",\"id\":\"7\",\"payload\":{\"a\":[1]}}",
	        "{\"payload\":{\"a\":[1]},\"id\":\"7\",\"type\":\"data\"}",
	        " { \"id\" : \"7\" , \"x\" : [ {} ] , \"payload\" : {\"a\":[1]} , \"type\" : \"data\" } ",
	        "{\"type\":\"ka\",\"id\":null,\"payload\":0,\"payload\":{\"a\":[1]},\"id\":\"7\",\"type\":\"data\"}",
	        "{\"\\u0074ype\":\"d\\u0061ta\",\"id\":\"\\u0037\",\"payload\":{\"a\":[1]}}",
	};
	for (size_t i = 0; i < APS_COUNTOF(texts); i++) {
		struct aps_frame frame = read_ok(APS_REALTIME_APPSYNC, texts[i]);
		assert_int_equal(frame.type, APS_FRAME_DATA);
		assert_true(aps_str_is(frame.id, "7"));
		assert_true(aps_str_is(frame.payload, "{\"a\":[1]}"));
	}
}

static void members_of_another_kind_count_as_missing(void **state)
{
	(void)state;
	struct aps_frame frame = read_ok(APS_REALTIME_APPSYNC, "{\"type\":[\"data\"],\"id\":{\"a\":1}}");
	assert_int_equal(frame.type, APS_FRAME_UNKNOWN);
	assert_int_equal(frame.type_text.n, 0);
	assert_int_equal(frame.id.n, 0);
	frame = read_ok(APS_REALTIME_APPSYNC, "{\"type\":\"data\",\"id\":5}");
	assert_int_equal(frame.type, APS_FRAME_DATA);
	assert_int_equal(frame.id.n, 0);
	assert_int_equal(frame.payload.n, 0);
}

static void what_is_no_json_object_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
	        {"", "the service sent a message that can't be read: value missing at byte 0, where the text ends"},
	        {"x", "the service sent a message that can't be read: value missing at byte 0"},
	        {"<html>", "the service sent a message that can't be read: HTML or XML in place of a value at byte 0"},
	        {"[]", "the service sent a message that isn't a JSON object"},
	        {"5", "the service sent a message that isn't a JSON object"},
	        {"{", "the service sent a message that can't be read: key missing at byte 1, where the text ends"},
	        {"{\"type\":\"ka\"",
	         "the service sent a message that can't be read: ',' or '}' missing at byte 12, where the text ends"},
	        {"{\"type\":\"ka\"}}",
	         "the service sent a message that can't be read: text after the value at byte 13"},
	        {"{\"a\":01}", "the service sent a message that can't be read: leading zero at byte 5"},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		struct aps_frame frame;
		struct aps_err err;
		assert_int_equal(aps_frame_read(APS_REALTIME_APPSYNC, aps_str_of(rows[i].text), &decoded, &frame, &err),
		                 APS_E_PROTOCOL);
		assert_int_equal(err.code, APS_E_PROTOCOL);
		assert_string_equal(err.msg, rows[i].message);
	}
}

static void a_message_that_is_nested_too_deep_says_so(void **state)
{
	(void)state;
	char text[300] = "{\"payload\":";
	memset(text + strlen(text), '[', 200);
	struct aps_frame frame;
	struct aps_err err;
	assert_int_equal(aps_frame_read(APS_REALTIME_APPSYNC, aps_str_of(text), &decoded, &frame, &err),
	                 APS_E_PROTOCOL);
	assert_string_equal(err.msg,
	                    "the service sent a message that can't be read: nested deeper than 128 levels at byte 138");
	assert_string_equal(aps_err_word(&err), "too_deep");
}

static void a_message_of_bytes_that_are_no_utf8_is_told_from_one_that_is_no_json(void **state)
{
	(void)state;
	static const char *const texts[] = {"{\"id\":\"\xff\"}", "{\"payload\":{\"\xed\xa0\xbd\":1}}"};
	static const long offsets[] = {7, 13};
	for (size_t i = 0; i < APS_COUNTOF(texts); i++) {
		struct aps_frame frame;
		struct aps_err err;
		char message[80];
		snprintf(message, sizeof message, "the service sent a message that is not UTF-8, at byte %ld",
		         offsets[i]);
		assert_int_equal(aps_frame_read(APS_REALTIME_APPSYNC, aps_str_of(texts[i]), &decoded, &frame, &err),
		                 APS_E_UTF8);
		assert_string_equal(err.msg, message);
	}
}

static void lone_surrogates_and_a_byte_order_mark_do_no_harm(void **state)
{
	(void)state;
	struct aps_frame frame =
	        read_ok(APS_REALTIME_APPSYNC, "\xef\xbb\xbf{\"type\":\"data\",\"id\":\"a\\ud83d\",\"\\udc00\":1,"
	                                      "\"payload\":{\"\\ud83d\":\"\\udc00\"}}");
	assert_int_equal(frame.type, APS_FRAME_DATA);
	assert_true(aps_str_is(frame.id, "a\xef\xbf\xbd"));
	assert_true(aps_str_is(frame.payload, "{\"\\ud83d\":\"\\udc00\"}"));
	aps_arena_clear(&decoded);
}

static void a_head_gives_what_stands_in_it(void **state)
{
	(void)state;
	static const struct {
		const char *head;
		const char *id;
	} rows[] = {
	        {"{\"id\":\"7\",\"type\":\"data\",\"payload\":{\"a\":\"bbb", "7"},
	        {"{\"type\":\"data\",\"id\":\"7\"", "7"},
	        {"{\"id\":\"7", ""},
	        {"{\"payload\":{\"id\":\"7\",", ""},
	        {"", ""},
	        {"[\"id\",\"7\"", ""},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		struct aps_frame frame;
		aps_frame_read_head(APS_REALTIME_APPSYNC, aps_str_of(rows[i].head), &decoded, &frame);
		assert_true(aps_str_is(frame.id, rows[i].id));
	}
}

static void the_timeout_of_an_acknowledgement_is_read_from_all_its_places(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
	        {"{\"payload\":{\"connectionTimeoutMs\":300000}}", 300000},
	        {"{\"payload\":{\"connectionTimeout\":240000}}", 240000},
	        {"{\"payload\":{\"connectionTimeout\":1,\"connectionTimeoutMs\":2}}", 2},
	        {"{\"connectionTimeoutMs\":5000}", 5000},
	        {"{\"connectionTimeoutMs\":\"5000\"}", 0},
	        {"{\"payload\":{\"connectionTimeoutMs\":\"5000\"}}", 0},
	        {"{\"payload\":{\"connectionTimeoutMs\":-1}}", 0},
	        {"{\"payload\":{\"connectionTimeoutMs\":1.5}}", 0},
	        {"{\"payload\":null}", 0},
	        {"{}", 0},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		struct aps_frame frame = read_ok(APS_REALTIME_APPSYNC, rows[i].text);
		assert_int_equal(aps_frame_ack_timeout_ms(&frame), rows[i].ms);
	}
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_frame_write_start(&out, APS_REALTIME_APPSYNC, "7", APS_STR("{\"data\":\"{}\"}"));
	assert_true(aps_str_is(aps_buf_str(&out), "{\"id\":\"7\",\"payload\":{\"data\":\"{}\"},\"type\":\"start\"}"));
	struct aps_frame frame = read_ok(APS_REALTIME_APPSYNC, out.p);
	assert_true(aps_str_is(frame.id, "7"));
	aps_buf_reset(&out);
	aps_frame_write_stop(&out, APS_REALTIME_TRANSPORT_WS, "7");
	assert_int_equal(read_ok(APS_REALTIME_TRANSPORT_WS, out.p).type, APS_FRAME_COMPLETE);
	aps_buf_reset(&out);
	aps_frame_write_init(&out, APS_STR("{\"t\":1}"));
	assert_true(aps_str_is(read_ok(APS_REALTIME_TRANSPORT_WS, out.p).payload, "{\"t\":1}"));
	aps_buf_clear(&out);
}

static int set_up(void **state)
{
	(void)state;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	aps_arena_clear(&decoded);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_message_that_cannot_be_read_may_still_name_its_subscription),
	        cmocka_unit_test(each_type_has_its_name_in_its_protocol),
	        cmocka_unit_test(members_are_found_in_any_order_and_the_last_of_equal_ones_counts),
	        cmocka_unit_test(members_of_another_kind_count_as_missing),
	        cmocka_unit_test(a_message_that_is_nested_too_deep_says_so),
	        cmocka_unit_test(a_message_of_bytes_that_are_no_utf8_is_told_from_one_that_is_no_json),
	        cmocka_unit_test(lone_surrogates_and_a_byte_order_mark_do_no_harm),
	        cmocka_unit_test(what_is_no_json_object_is_refused),
	        cmocka_unit_test(a_head_gives_what_stands_in_it),
	        cmocka_unit_test(the_timeout_of_an_acknowledgement_is_read_from_all_its_places),
	        cmocka_unit_test(what_is_written_reads_back),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
