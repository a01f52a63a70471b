/* The framing of requests, as bytes from a socket. Whatever comes: the guard says the same of the whole as of single
 * bytes, never counts past the end, and nothing follows BAD. */
#include "server/request_guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t feed(struct aps_request_guard *guard, const char *p, size_t n, size_t size)
{
	size_t i = 0;
	aps_request_guard_init(guard, 0);
	while (i < n) {
		size_t n_part = n - i < size ? n - i : size;
		size_t n_good = aps_request_guard_feed(guard, p + i, n_part);
		APS_ASSERT(n_good <= n_part);
		i += n_good;
		if (guard->state == APS_GUARD_BAD) {
			APS_ASSERT(aps_request_guard_feed(guard, p, n) == 0);
			return i;
		}
		APS_ASSERT(n_good == n_part || guard->is_empty_line);
		if (guard->is_empty_line) APS_ASSERT(i > 0 && p[i - 1] == '\n' && guard->state == APS_GUARD_REQUEST);
		guard->is_empty_line = false;
	}
	return i;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct aps_request_guard whole, single;
	size_t n_whole = feed(&whole, (const char *)data, n, n);
	size_t n_single = feed(&single, (const char *)data, n, 1);
	APS_ASSERT(n_whole == n_single && whole.state == single.state);
	APS_ASSERT(whole.n_left == single.n_left && whole.n_digits == single.n_digits);
	APS_ASSERT(whole.n_name <= APS_GUARD_NAME_CHARS && whole.n_value <= APS_GUARD_VALUE_CHARS);
	APS_ASSERT(whole.is_inside_line == single.is_inside_line);
	return 0;
}
