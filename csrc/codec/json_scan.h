/* The inner loop that the JSON reader and writer share: finds what can't be copied as it is. Eight bytes at a time. */
#ifndef APS_CODEC_JSON_SCAN_H
#define APS_CODEC_JSON_SCAN_H

#include "codec/utf8.h"

APS_BEGIN_DECLS

#define APS_SCAN_ONES UINT64_C(0x0101010101010101)

/* A high bit at each byte that is a quote, a backslash, a control byte or not ASCII. Subtraction borrows into the bytes
 * above, so only the lowest bit that is set is to be trusted; 0 is always right. */
static inline APS_UNUSED uint64_t aps_json_scan_mask(uint64_t word)
{
	uint64_t control = word - APS_SCAN_ONES * 0x20;
	uint64_t quote = (word ^ APS_SCAN_ONES * '"') - APS_SCAN_ONES;
	uint64_t backslash = (word ^ APS_SCAN_ONES * '\\') - APS_SCAN_ONES;
	return (control | quote | backslash | word) & APS_SCAN_ONES * 0x80;
}

/* The first quote, backslash, control byte or byte that is not ASCII; or `end`. */
static inline APS_UNUSED const char *aps_json_scan_ascii(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		uint64_t mask = aps_json_scan_mask(word);
		if (mask != 0) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return p + (__builtin_ctzll(mask) >> 3);
#else
			break;
#endif
		}
		p += 8;
	}
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
	}
	return p;
}

/* The first quote, backslash, control byte or byte that is not UTF-8 (then it is above 0x7f); or `end`. */
static inline APS_UNUSED const char *aps_json_scan(const char *p, const char *end)
{
	for (;;) {
		p = aps_json_scan_ascii(p, end);
		if (p == end || (unsigned char)*p < 0x80) return p;
		p = aps_utf8_skip_wide(p, end);
		if (p == end || (unsigned char)*p >= 0x80) return p;
	}
}

APS_END_DECLS

#endif
