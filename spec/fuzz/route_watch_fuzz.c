/* What a netlink socket gives. Whatever comes: nothing beyond it is read, and where the whole is no news no part is. */
#include "net/route_watch.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *bytes = (const char *)data;
	bool has_news = aps_route_watch_has_news(bytes, n);
	for (size_t part = 0; part < n && !has_news; part++) APS_ASSERT(!aps_route_watch_has_news(bytes, part));
	return 0;
}
