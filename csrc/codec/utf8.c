#include "codec/utf8.h"

#include "base/utf8_sequence.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

const char *aps_utf8_skip_wide(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p >= 0x80) {
		size_t n = aps_utf8_sequence((const unsigned char *)p, (size_t)(end - p));
		if (n == 0) break;
		p += n;
	}
	return p;
}

size_t aps_utf8_check(struct aps_str text)
{
	if (text.n == 0) return 0;
	const char *p = text.p;
	const char *end = text.p + text.n;
	for (;;) {
		uint64_t word;
		while (end - p >= 8) {
			memcpy(&word, p, 8);
			if ((word & HIGH_BITS) != 0) break;
			p += 8;
		}
		while (p < end && (unsigned char)*p < 0x80) p++;
		if (p == end) return text.n;
		p = aps_utf8_skip_wide(p, end);
		if (p < end && (unsigned char)*p >= 0x80) return (size_t)(p - text.p);
	}
}

/* Table 3-7: what the second byte of a sequence may be. */
static bool may_be_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0: return second >= 0xa0 && second <= 0xbf;
	case 0xed: return second >= 0x80 && second <= 0x9f;
	case 0xf0: return second >= 0x90 && second <= 0xbf;
	case 0xf4: return second >= 0x80 && second <= 0x8f;
	default: return aps_utf8_continues(second);
	}
}

size_t aps_utf8_broken(const char *p, const char *end)
{
	const unsigned char *at = (const unsigned char *)p;
	size_t left = (size_t)(end - p);
	/* A sequence of two bytes is broken by its second. */
	if (at[0] < 0xe0 || at[0] > 0xf4 || left < 2 || !may_be_second(at[0], at[1])) return 1;
	return at[0] >= 0xf0 && left > 2 && aps_utf8_continues(at[2]) ? 3 : 2;
}

size_t aps_utf8_encode(uint32_t code_point, char out[4])
{
	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		out[0] = (char)(0xc0 | code_point >> 6);
		out[1] = (char)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		if (code_point >= 0xd800 && code_point <= 0xdfff) return 0;
		out[0] = (char)(0xe0 | code_point >> 12);
		out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code_point & 0x3f));
		return 3;
	}
	if (code_point > 0x10ffff) return 0;
	out[0] = (char)(0xf0 | code_point >> 18);
	out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code_point & 0x3f));
	return 4;
}
