#include "net/route_watch.h"

void aps_route_watch_init(struct aps_route_watch *watch)
{
	watch->fd = -1;
}

#ifdef __linux__

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_BYTES 8192 /* what is longer is cut, and its first messages tell enough */
#define MAX_DATAGRAMS  64   /* of one look: others have their turn */

void aps_route_watch_clear(struct aps_route_watch *watch)
{
	if (watch->fd >= 0) close(watch->fd);
	watch->fd = -1;
}

bool aps_route_watch_open(struct aps_route_watch *watch)
{
	if (watch->fd >= 0) return true;
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
	                                    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	                                                 RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (watch->fd < 0) return false;
	if (bind(watch->fd, (const struct sockaddr *)&address, sizeof address) != 0) aps_route_watch_clear(watch);
	return watch->fd >= 0;
}

/* What goes isn't news, nor what is only the machine's own. */
static bool is_news(const struct nlmsghdr *head, const char *payload, size_t n)
{
	struct ifinfomsg link;
	struct rtmsg route;
	switch (head->nlmsg_type) {
	case RTM_NEWLINK:
		if (n < sizeof link) return false;
		memcpy(&link, payload, sizeof link);
		return (link.ifi_flags & IFF_RUNNING) != 0 && (link.ifi_flags & IFF_LOOPBACK) == 0;
	case RTM_NEWADDR: return n >= sizeof(struct ifaddrmsg);
	case RTM_NEWROUTE:
		if (n < sizeof route) return false;
		memcpy(&route, payload, sizeof route);
		return route.rtm_type == RTN_UNICAST && (route.rtm_flags & RTM_F_CLONED) == 0;
	default: return false;
	}
}

bool aps_route_watch_has_news(const char *bytes, size_t n)
{
	struct nlmsghdr head;
	while (n >= (size_t)NLMSG_HDRLEN) {
		memcpy(&head, bytes, sizeof head);
		if (head.nlmsg_len < (size_t)NLMSG_HDRLEN || head.nlmsg_len > n) return false;
		if (is_news(&head, bytes + NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN)) return true;
		size_t whole = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (whole >= n) return false;
		bytes += whole;
		n -= whole;
	}
	return false;
}

bool aps_route_watch_read(struct aps_route_watch *watch)
{
	char bytes[DATAGRAM_BYTES];
	bool has_news = false;
	for (int i = 0; i < MAX_DATAGRAMS && watch->fd >= 0; i++) {
		struct sockaddr_nl from = {.nl_pid = 0};
		socklen_t n_from = sizeof from;
		ssize_t n = recvfrom(watch->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n_from);
		if (n < 0 && errno == ENOBUFS) {
			has_news = true; /* more came than the socket holds */
		} else if (n < 0 && errno != EINTR) {
			/* one that has failed would be readable for ever */
			if (errno != EAGAIN && errno != EWOULDBLOCK) aps_route_watch_clear(watch);
			break;
		} else if (n > 0 && from.nl_pid == 0) { /* the system itself */
			has_news = has_news || aps_route_watch_has_news(bytes, (size_t)n);
		}
	}
	return has_news;
}

#else

void aps_route_watch_clear(struct aps_route_watch *watch)
{
	watch->fd = -1;
}

bool aps_route_watch_open(struct aps_route_watch *watch APS_UNUSED)
{
	return false;
}

bool aps_route_watch_read(struct aps_route_watch *watch APS_UNUSED)
{
	return false;
}

bool aps_route_watch_has_news(const char *bytes APS_UNUSED, size_t n APS_UNUSED)
{
	return false;
}

#endif
