#include "codec/base64.h"

static const char ALPHABETS[2][65] = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void aps_base64_encode(struct aps_buf *out, struct aps_str bytes, enum aps_base64_form form)
{
	const char *alphabet = ALPHABETS[form];
	if (bytes.n > APS_BUF_ANY_SIZE / 2) bytes.n = APS_BUF_ANY_SIZE / 2; /* the ceiling refuses it */
	char *at = aps_buf_reserve(out, (bytes.n + 2) / 3 * 4);
	if (at == NULL) return;
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t left = bytes.n;
	for (; left >= 3; left -= 3, p += 3) {
		uint32_t group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*at++ = alphabet[group >> 18];
		*at++ = alphabet[group >> 12 & 63];
		*at++ = alphabet[group >> 6 & 63];
		*at++ = alphabet[group & 63];
	}
	if (left != 0) {
		uint32_t group = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
		*at++ = alphabet[group >> 18];
		*at++ = alphabet[group >> 12 & 63];
		if (left == 2) *at++ = alphabet[group >> 6 & 63];
		for (size_t i = left; form == APS_BASE64 && i < 3; i++) *at++ = '=';
	}
	*at = '\0';
	out->n = (size_t)(at - out->p);
}

static int value_of(char c, enum aps_base64_form form)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	if (c == ALPHABETS[form][62]) return 62;
	return c == ALPHABETS[form][63] ? 63 : -1;
}

static enum aps_rc fail_at(size_t offset, struct aps_err *err)
{
	return aps_fail_word(err, APS_E_SYNTAX, NULL, (long)offset, "invalid base64 at byte %zu", offset);
}

/* The length without its padding; false when the padding doesn't fill the last group. */
static bool strip_padding(struct aps_str text, size_t *n)
{
	*n = text.n;
	while (*n != 0 && text.n - *n < 2 && text.p[*n - 1] == '=') --*n;
	return *n == text.n || text.n % 4 == 0;
}

/* The last two or three characters. Bits that no byte uses must be zero (RFC 4648 3.5). */
static bool decode_tail(const char *p, size_t n, enum aps_base64_form form, char **at, size_t *bad)
{
	uint32_t group = 0;
	for (size_t i = 0; i < n; i++) {
		int value = value_of(p[i], form);
		*bad = i;
		if (value < 0) return false;
		group = group << 6 | (uint32_t)value;
	}
	if (n == 1 || (group & (n == 2 ? 0xfu : 0x3u)) != 0) return false;
	group >>= n == 2 ? 4 : 2;
	if (n == 3) *(*at)++ = (char)(group >> 8);
	*(*at)++ = (char)(group & 0xff);
	return true;
}

enum aps_rc aps_base64_decode(struct aps_buf *out, struct aps_str text, enum aps_base64_form form, struct aps_err *err)
{
	size_t n;
	if (!strip_padding(text, &n)) return fail_at(n, err);
	char *at = aps_buf_reserve(out, n / 4 * 3 + 2);
	if (at == NULL) return aps_fail(err, out->rc, "no room for %zu bytes of base64", n);
	size_t i = 0;
	for (; n - i >= 4; i += 4) {
		uint32_t group = 0;
		for (size_t k = 0; k < 4; k++) {
			int value = value_of(text.p[i + k], form);
			if (value < 0) return fail_at(i + k, err);
			group = group << 6 | (uint32_t)value;
		}
		*at++ = (char)(group >> 16);
		*at++ = (char)(group >> 8 & 0xff);
		*at++ = (char)(group & 0xff);
	}
	size_t bad;
	if (n > i && !decode_tail(text.p + i, n - i, form, &at, &bad)) return fail_at(i + bad, err);
	*at = '\0';
	out->n = (size_t)(at - out->p);
	return APS_OK;
}
