#include "client/uses.h"

#include <string.h>

#define MAX_BYTES ((size_t)512 * 1024)

void aps_uses_init(struct aps_uses *uses)
{
	*uses = (struct aps_uses){.is_noting = false};
	aps_buf_init(&uses->untold, MAX_BYTES);
}

void aps_uses_clear(struct aps_uses *uses)
{
	aps_number_set_clear(&uses->noted);
	aps_buf_clear(&uses->untold);
}

void aps_uses_forget(struct aps_uses *uses)
{
	aps_number_set_clear(&uses->noted);
	aps_buf_reset(&uses->untold);
}

void aps_uses_begin_minute(struct aps_uses *uses, int64_t minute)
{
	if (minute != uses->minute) aps_number_set_clear(&uses->noted);
	uses->minute = minute;
}

void aps_uses_note(struct aps_uses *uses, uint64_t number)
{
	bool is_new;
	if (!uses->is_noting || number == 0 || number > APS_NUMBER_SET_MAX) return;
	if (!aps_number_set_add(&uses->noted, number, &is_new) || !is_new) return;
	aps_buf_add(&uses->untold, &number, sizeof number);
	uses->untold.rc = APS_OK;
}

size_t aps_uses_take(struct aps_uses *uses, int64_t now_s, uint64_t *numbers, size_t max)
{
	size_t n = uses->untold.n / sizeof *numbers;
	if (n == 0 || (n < max && now_s - uses->told_s < 60)) return 0;
	if (n > max) n = max;
	uses->untold.n -= n * sizeof *numbers;
	memcpy(numbers, uses->untold.p + uses->untold.n, n * sizeof *numbers);
	if (uses->untold.n == 0) uses->told_s = now_s;
	return n;
}
