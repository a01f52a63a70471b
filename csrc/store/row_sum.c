#include "store/row_sum.h"

#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

void aps_row_sum_init(struct aps_row_sum *sum)
{
	sum->state = UINT64_C(0x243f6a8885a308d3);
}

void aps_row_sum_add_int(struct aps_row_sum *sum, uint64_t value)
{
	uint64_t mixed = (sum->state ^ value) * FACTOR;
	sum->state = mixed ^ mixed >> 29;
}

/* The same on machines of both byte orders; one load on those of ours. */
static uint64_t word_of(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t rest_of(const char *p, size_t n)
{
	uint64_t word = 0;
	for (size_t i = 0; i < n; i++) word |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return word;
}

void aps_row_sum_add(struct aps_row_sum *sum, struct aps_str bytes)
{
	size_t i = 0;
	for (; i + 8 <= bytes.n; i += 8) aps_row_sum_add_int(sum, word_of(bytes.p + i));
	if (i != bytes.n) aps_row_sum_add_int(sum, rest_of(bytes.p + i, bytes.n - i));
	aps_row_sum_add_int(sum, bytes.n); /* two texts one behind the other are not one */
}

int64_t aps_row_sum_value(const struct aps_row_sum *sum)
{
	uint32_t value = (uint32_t)(sum->state >> 32 ^ sum->state);
	return value != 0 ? (int32_t)value : 1;
}

enum aps_rc aps_row_sum_fail(const char *what, struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "%s in the store is damaged", what);
}
