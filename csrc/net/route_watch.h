/* What the system tells of its addresses and routes: a netlink socket on Linux (rtnetlink(7)), nothing elsewhere. One
 * that can't be had, in a sandbox or for lack of descriptors, isn't missed: whoever waits for a network tries by itself
 * now and then. @thread core */
#ifndef APS_NET_ROUTE_WATCH_H
#define APS_NET_ROUTE_WATCH_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct aps_route_watch {
	int fd; /* readable when there is news; -1: not open */
};

APS_BEGIN_DECLS

void aps_route_watch_init(struct aps_route_watch *watch);
void aps_route_watch_clear(struct aps_route_watch *watch);
/* False: there is none. Again is legal. */
bool aps_route_watch_open(struct aps_route_watch *watch);
/* Takes what is there. True: a link, an address or a route has come, so that what wasn't reached may be reached. One
 * that fails is closed. */
bool aps_route_watch_read(struct aps_route_watch *watch);
/* The same of the bytes of one datagram, whatever they are. */
bool aps_route_watch_has_news(const char *bytes, size_t n);

APS_END_DECLS

#endif
