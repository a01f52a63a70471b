/* The input: a line that is the secret, then a text that a service might say. Whatever that is, JSON stays JSON and the
 * secret is not left in it; nor where the secret is written into it as JSON, URLs or base64 would. */
#include "auth/mask.h"
#include "codec/base64.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "codec/percent.h"

#include <stdlib.h>

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) abort();                                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static bool contains(struct aps_str text, struct aps_str part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (memcmp(text.p + i, part.p, part.n) == 0) return true;
	return false;
}

/* False: the text isn't JSON. */
static bool reads(struct aps_str text, struct aps_str secret)
{
	struct aps_json_reader r;
	struct aps_arena decoded;
	enum aps_json_token token;
	bool is_json = true;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, text, 0);
	while ((token = aps_json_next(&r)) != APS_JSON_END && is_json) {
		if (token == APS_JSON_ERROR) is_json = false;
		if (token != APS_JSON_KEY && token != APS_JSON_STRING) continue;
		if (secret.n != 0) REQUIRE(!contains(aps_json_unescape(&r, &decoded), secret));
	}
	aps_arena_clear(&decoded);
	return is_json;
}

static void check(const struct aps_secrets *secrets, struct aps_str secret, struct aps_buf *text)
{
	REQUIRE(text->rc == APS_OK);
	bool was_json = reads(aps_buf_str(text), APS_STR(""));
	aps_mask(secrets, text->p, text->n, APS_STR(""));
	if (was_json)
		REQUIRE(reads(aps_buf_str(text), secret));
	else
		REQUIRE(!contains(aps_buf_str(text), secret));
	aps_buf_clear(text);
}

static void check_json(const struct aps_secrets *secrets, struct aps_str secret, struct aps_str plain)
{
	struct aps_buf text, once;
	struct aps_json_writer w;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&once, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &text);
	aps_json_write_string(&w, plain);
	if (aps_json_writer_finish(&w) == APS_OK) {
		aps_buf_add_str(&once, aps_buf_str(&text));
		check(secrets, secret, &text);
	}
	aps_buf_clear(&text);
	aps_buf_clear(&once);
}

static void check_percent(const struct aps_secrets *secrets, struct aps_str secret, struct aps_str plain)
{
	struct aps_buf text, decoded;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&decoded, APS_BUF_ANY_SIZE);
	aps_percent_encode(&text, plain, APS_PERCENT_ALL);
	aps_mask(secrets, text.p, text.n, APS_STR(""));
	aps_percent_decode(&decoded, aps_buf_str(&text));
	REQUIRE(!contains(aps_buf_str(&decoded), secret));
	aps_buf_clear(&text);
	aps_buf_clear(&decoded);
}

/* The characters that the secret decides: some of them are gone. */
static void check_base64(const struct aps_secrets *secrets, struct aps_str secret, struct aps_str plain, size_t at,
                         enum aps_base64_form form)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_base64_encode(&text, plain, form);
	aps_mask(secrets, text.p, text.n, APS_STR(""));
	size_t from = (at * 4 + 2) / 3, to = (at + secret.n) * 4 / 3;
	REQUIRE(memchr(text.p + from, '*', to - from) != NULL);
	aps_buf_clear(&text);
}

/* '*' and '9' are what masks are made of; a control character isn't legal in what is sent; U+FFFD is read where bytes
 * aren't UTF-8, whatever they were. */
static bool may_be_secret(struct aps_str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '*' || text.p[i] == '9' || (unsigned char)text.p[i] < 0x20) return false;
	if (text.n < APS_SECRET_MIN_BYTES || text.n > 200 || contains(text, APS_STR("\xef\xbf\xbd"))) return false;
	return ((unsigned char)text.p[0] & 0xc0) != 0x80; /* within a character nothing is looked for */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	const char *p = (const char *)data;
	const char *end = n_bytes != 0 ? memchr(p, '\n', n_bytes) : NULL;
	if (end == NULL || n_bytes > 4096) return 0;
	struct aps_str secret = aps_str_trim((struct aps_str){p, (size_t)(end - p)});
	struct aps_str text = {end + 1, n_bytes - (size_t)(end - p) - 1};
	struct aps_secrets secrets;
	aps_secrets_init(&secrets);
	aps_secrets_add_header(&secrets, APS_STR("x-api-key"), secret);
	if (may_be_secret(secret)) {
		struct aps_buf plain, copy;
		aps_buf_init(&plain, APS_BUF_ANY_SIZE);
		aps_buf_init(&copy, APS_BUF_ANY_SIZE);
		aps_buf_add_str(&copy, text);
		if (copy.n != 0) check(&secrets, secret, &copy);
		size_t at = text.n / 2;
		aps_buf_add(&plain, text.p, at);
		aps_buf_add_str(&plain, secret);
		aps_buf_add(&plain, text.p + at, text.n - at);
		check_json(&secrets, secret, aps_buf_str(&plain));
		check_percent(&secrets, secret, aps_buf_str(&plain));
		check_base64(&secrets, secret, aps_buf_str(&plain), at, APS_BASE64);
		check_base64(&secrets, secret, aps_buf_str(&plain), at, APS_BASE64_URL);
		aps_buf_add_str(&copy, aps_buf_str(&plain));
		check(&secrets, secret, &copy);
		aps_buf_clear(&plain);
		aps_buf_clear(&copy);
	}
	aps_secrets_clear(&secrets);
	return 0;
}
