#include "base/str.h"

struct aps_str aps_str_of(const char *zero_terminated)
{
	return (struct aps_str){zero_terminated, zero_terminated != NULL ? strlen(zero_terminated) : 0};
}

bool aps_str_eq(struct aps_str a, struct aps_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool aps_str_is(struct aps_str a, const char *zero_terminated)
{
	return aps_str_eq(a, aps_str_of(zero_terminated));
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool aps_str_eq_nocase(struct aps_str a, struct aps_str b)
{
	if (a.n != b.n) return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i])) return false;
	return true;
}

bool aps_str_starts(struct aps_str text, const char *prefix)
{
	size_t n = strlen(prefix);
	return text.n >= n && memcmp(text.p, prefix, n) == 0;
}

bool aps_str_ends(struct aps_str text, const char *suffix)
{
	size_t n = strlen(suffix);
	return text.n >= n && memcmp(text.p + text.n - n, suffix, n) == 0;
}

const char *aps_str_find(struct aps_str text, const char *needle)
{
	return text.n != 0 ? memmem(text.p, text.n, needle, strlen(needle)) : NULL;
}

bool aps_str_contains_nocase(struct aps_str text, struct aps_str needle)
{
	for (size_t i = 0; i + needle.n <= text.n; i++)
		if (aps_str_eq_nocase((struct aps_str){text.p + i, needle.n}, needle)) return true;
	return false;
}

size_t aps_str_control(struct aps_str text)
{
	size_t i = 0;
	while (i < text.n && (unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7f) i++;
	return i;
}

int aps_str_shown(struct aps_str name)
{
	return name.n > APS_STR_MAX_SHOWN ? APS_STR_MAX_SHOWN : (int)name.n;
}

int aps_str_cmp(struct aps_str a, struct aps_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n != 0 ? memcmp(a.p, b.p, n) : 0;
	if (order != 0) return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct aps_str aps_str_trim(struct aps_str text)
{
	while (text.n != 0 && is_space(text.p[0])) text.p++, text.n--;
	while (text.n != 0 && is_space(text.p[text.n - 1])) text.n--;
	return text;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 32);
}

/* Eight bytes at a time. */
uint64_t aps_str_hash(struct aps_str text, uint64_t seed)
{
	uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325), word;
	size_t at = 0;
	for (; text.n - at >= sizeof word; at += sizeof word) {
		memcpy(&word, text.p + at, sizeof word);
		hash = mix(hash, word);
	}
	word = 0;
	if (at != text.n) memcpy(&word, text.p + at, text.n - at);
	return mix(mix(hash, word), text.n);
}
