#include "base/printable.h"

#include "base/utf8_sequence.h"

#include <string.h>

/* First and last code points of what is not shown; of two and three bytes only. */
static const struct {
	uint32_t first;
	uint32_t last;
} HIDDEN[] = {
        {0x80, 0x9f},     /* C1 */
        {0x61c, 0x61c},   /* Arabic letter mark */
        {0x200e, 0x200f}, /* left-to-right and right-to-left marks */
        {0x2028, 0x202e}, /* separators, embeddings and overrides */
        {0x2066, 0x206f}, /* isolates, and format characters that Unicode deprecates */
        {0xfeff, 0xfeff}, /* byte order mark */
        {0xfff9, 0xfffb}, /* interlinear annotation */
};

static bool is_hidden(const unsigned char *p, size_t n)
{
	if (n > 3) return false;
	uint32_t code_point = n == 2 ? (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f)
	                             : (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	for (size_t i = 0; i < APS_COUNTOF(HIDDEN); i++)
		if (code_point >= HIDDEN[i].first && code_point <= HIDDEN[i].last) return true;
	return false;
}

void aps_printable(char *text)
{
	unsigned char *to = (unsigned char *)text;
	const unsigned char *p = to;
	size_t left = strlen(text);
	while (left != 0) {
		size_t n = *p < 0x80 ? 1 : aps_utf8_sequence(p, left);
		size_t n_read = n != 0 ? n : 1;
		bool is_shown = n == 1 ? *p >= 0x20 && *p != 0x7f : n != 0 && !is_hidden(p, n);
		if (is_shown) {
			memmove(to, p, n);
			to += n;
		} else {
			*to++ = '?';
		}
		p += n_read;
		left -= n_read;
	}
	*to = '\0';
}

void aps_printable_cut(char *text)
{
	size_t n = strlen(text);
	size_t at = n;
	while (at > 0 && n - at < 3 && aps_utf8_continues((unsigned char)text[at - 1])) at--;
	if (at == 0 || (unsigned char)text[at - 1] < 0xc0) return;
	const unsigned char *first = (const unsigned char *)text + at - 1;
	size_t n_wanted = *first < 0xe0 ? 2 : *first < 0xf0 ? 3 : 4;
	if (n - at + 1 < n_wanted) text[at - 1] = '\0';
}
