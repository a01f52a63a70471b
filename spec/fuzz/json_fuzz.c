/* What the reader accepts, the writer must be able to write, and the reader must read the same tokens from that.
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Icsrc -D_GNU_SOURCE spec/fuzz/json_fuzz.c csrc/base/?*.c
 * csrc/codec/?*.c \ -lcrypto -lm -o json_fuzz && ./json_fuzz -max_total_time=60 spec/fuzz/corpus/json */
#include "codec/json_reader.h"
#include "codec/json_writer.h"

#include <stdlib.h>

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) abort();                                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static struct aps_str unescaped(const struct aps_json_reader *r, struct aps_arena *decoded)
{
	aps_arena_clear(decoded);
	struct aps_str text = aps_json_unescape(r, decoded);
	REQUIRE(text.p != NULL);
	return text;
}

static void write_token(struct aps_json_writer *w, const struct aps_json_reader *r, enum aps_json_token token,
                        struct aps_arena *decoded)
{
	switch (token) {
	case APS_JSON_OBJECT: aps_json_write_object(w); break;
	case APS_JSON_OBJECT_END: aps_json_write_object_end(w); break;
	case APS_JSON_ARRAY: aps_json_write_array(w); break;
	case APS_JSON_ARRAY_END: aps_json_write_array_end(w); break;
	case APS_JSON_KEY: aps_json_write_key(w, unescaped(r, decoded)); break;
	case APS_JSON_STRING: aps_json_write_string(w, unescaped(r, decoded)); break;
	case APS_JSON_INT: aps_json_write_int(w, r->integer); break;
	case APS_JSON_BIGINT: aps_json_write_raw(w, r->text); break;
	case APS_JSON_DOUBLE:
		if (r->number - r->number == 0)
			aps_json_write_double(w, r->number);
		else
			aps_json_write_raw(w, r->text); /* an infinity: too big a number */
		break;
	case APS_JSON_TRUE: aps_json_write_bool(w, true); break;
	case APS_JSON_FALSE: aps_json_write_bool(w, false); break;
	case APS_JSON_NULL: aps_json_write_null(w); break;
	case APS_JSON_ERROR:
	case APS_JSON_END: break;
	}
}

static bool is_number(enum aps_json_token token)
{
	return token == APS_JSON_INT || token == APS_JSON_BIGINT || token == APS_JSON_DOUBLE;
}

static void compare(struct aps_str first, struct aps_str second)
{
	struct aps_json_reader a, b;
	struct aps_arena decoded_a, decoded_b;
	aps_arena_init(&decoded_a, APS_BUF_ANY_SIZE);
	aps_arena_init(&decoded_b, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&a, first, 0);
	aps_json_reader_init(&b, second, 0);
	for (;;) {
		enum aps_json_token token = aps_json_next(&a);
		enum aps_json_token other = aps_json_next(&b);
		if (is_number(token)) {
			/* An integral double is written, and so read again, as an integer. */
			REQUIRE(is_number(other) && a.number == b.number);
			REQUIRE(token != APS_JSON_INT || (other == token && a.integer == b.integer));
			continue;
		}
		REQUIRE(token == other && token != APS_JSON_ERROR);
		if (token == APS_JSON_END) break;
		if (token == APS_JSON_KEY || token == APS_JSON_STRING)
			REQUIRE(aps_str_eq(unescaped(&a, &decoded_a), unescaped(&b, &decoded_b)));
	}
	aps_arena_clear(&decoded_a);
	aps_arena_clear(&decoded_b);
}

static void check_skip(struct aps_str text, bool is_valid)
{
	struct aps_json_reader r;
	struct aps_str span;
	aps_json_reader_init(&r, text, 0);
	bool is_read = aps_json_skip_value(&r, &span) == APS_OK && aps_json_next(&r) == APS_JSON_END;
	REQUIRE(is_read == is_valid);
	if (aps_str_starts(text, "\xef\xbb\xbf")) text = (struct aps_str){text.p + 3, text.n - 3};
	if (is_valid) REQUIRE(aps_str_eq(span, aps_str_trim(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct aps_str text = {(const char *)data, n_bytes};
	struct aps_json_reader r;
	struct aps_json_writer w;
	struct aps_buf written;
	struct aps_arena decoded;
	aps_buf_init(&written, APS_BUF_ANY_SIZE);
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, text, 0);
	aps_json_writer_init(&w, &written);
	enum aps_json_token token;
	do {
		token = aps_json_next(&r);
		write_token(&w, &r, token, &decoded);
	} while (token != APS_JSON_END && token != APS_JSON_ERROR);
	if (token == APS_JSON_END) {
		REQUIRE(aps_json_writer_finish(&w) == APS_OK);
		compare(text, aps_buf_str(&written));
	} else {
		REQUIRE(r.err.code != APS_OK && r.err.native >= 0 && (size_t)r.err.native <= n_bytes);
	}
	check_skip(text, token == APS_JSON_END);
	aps_buf_clear(&written);
	aps_arena_clear(&decoded);
	return 0;
}
