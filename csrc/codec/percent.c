#include "codec/percent.h"

static bool is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void aps_percent_encode(struct aps_buf *out, struct aps_str bytes, enum aps_percent_form form)
{
	static const char HEX[] = "0123456789ABCDEF";
	size_t from = 0;
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];
		if (is_unreserved(c) || (c == '/' && form == APS_PERCENT_KEEP_SLASH)) continue;
		aps_buf_add(out, bytes.p + from, i - from);
		aps_buf_add(out, (char[]){'%', HEX[c >> 4], HEX[c & 15]}, 3);
		from = i + 1;
	}
	if (from < bytes.n) aps_buf_add(out, bytes.p + from, bytes.n - from);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void aps_percent_decode(struct aps_buf *out, struct aps_str text)
{
	size_t from = 0;
	for (size_t i = 0; i + 2 < text.n; i++) {
		if (text.p[i] != '%') continue;
		int high = hex_value(text.p[i + 1]);
		int low = hex_value(text.p[i + 2]);
		if (high < 0 || low < 0) continue;
		aps_buf_add(out, text.p + from, i - from);
		aps_buf_add_byte(out, (char)(high * 16 + low));
		i += 2;
		from = i + 1;
	}
	if (from < text.n) aps_buf_add(out, text.p + from, text.n - from);
}
