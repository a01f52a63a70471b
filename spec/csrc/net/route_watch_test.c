/* What the system tells of addresses and routes: its messages, and whatever else the bytes may be; then the real ones,
 * in a network of the test's own, where the system lets it have one. */
#include "net/route_watch.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not in <sched.h> without _GNU_SOURCE. */
int unshare(int flags);
#define NEW_NETWORK 0x40000000
#define NEW_USER    0x10000000

enum { ANSWER_WAIT_MS = 10000 };

static char bytes[4096];
static size_t n_bytes;

/* Appends a message with a payload of its own length. */
static void add(uint16_t type, const void *payload, size_t n)
{
	struct nlmsghdr head = {.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + n), .nlmsg_type = type};
	memcpy(bytes + n_bytes, &head, sizeof head);
	memcpy(bytes + n_bytes + NLMSG_HDRLEN, payload, n);
	n_bytes += NLMSG_ALIGN((size_t)NLMSG_HDRLEN + n);
}

/* Whether the system's news are news to us; a copy of its own length, so that nothing beyond it is read. */
static bool has_news(void)
{
	char *copy = malloc(n_bytes != 0 ? n_bytes : 1);
	assert_non_null(copy);
	memcpy(copy, bytes, n_bytes);
	bool is_news = aps_route_watch_has_news(copy, n_bytes);
	free(copy);
	n_bytes = 0;
	return is_news;
}

static void add_link(uint16_t type, unsigned flags)
{
	const struct ifinfomsg link = {.ifi_index = 2, .ifi_flags = flags};
	add(type, &link, sizeof link);
}

static void add_address(uint16_t type)
{
	const struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_index = 2};
	add(type, &address, sizeof address);
}

static void add_route(uint16_t type, unsigned char kind, unsigned flags)
{
	const struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = kind, .rtm_flags = flags};
	add(type, &route, sizeof route);
}

static void a_link_an_address_or_a_route_that_comes_is_news(void **state)
{
	(void)state;
	add_link(RTM_NEWLINK, IFF_UP | IFF_RUNNING);
	assert_true(has_news());
	add_address(RTM_NEWADDR);
	assert_true(has_news());
	add_route(RTM_NEWROUTE, RTN_UNICAST, 0);
	assert_true(has_news());
}

static void what_goes_or_leads_nowhere_is_none(void **state)
{
	(void)state;
	add_link(RTM_DELLINK, IFF_UP | IFF_RUNNING);
	add_link(RTM_NEWLINK, IFF_UP); /* no carrier */
	add_link(RTM_NEWLINK, IFF_UP | IFF_RUNNING | IFF_LOOPBACK);
	add_address(RTM_DELADDR);
	add_route(RTM_DELROUTE, RTN_UNICAST, 0);
	add_route(RTM_NEWROUTE, RTN_LOCAL, 0);
	add_route(RTM_NEWROUTE, RTN_UNREACHABLE, 0);
	add_route(RTM_NEWROUTE, RTN_UNICAST, RTM_F_CLONED);
	add(NLMSG_DONE, "", 0);
	add(RTM_NEWNEIGH, "abcdefgh", 8);
	assert_false(has_news());
	assert_false(has_news()); /* nothing at all */
}

static void news_may_come_behind_others(void **state)
{
	(void)state;
	add(RTM_NEWNEIGH, "abcde", 5); /* padded */
	add_link(RTM_DELLINK, 0);
	add_address(RTM_NEWADDR);
	assert_true(has_news());
}

static void a_message_that_is_cut_or_lies_about_its_length_ends_it(void **state)
{
	(void)state;
	static const uint32_t LENGTHS[] = {0, 1, 15, 16, 17, 23, 25, 100, 0x7fffffff, 0xfffffff0, 0xffffffff};
	for (size_t i = 0; i < APS_COUNTOF(LENGTHS); i++) {
		add_address(RTM_NEWADDR);
		memcpy(bytes, &LENGTHS[i], sizeof LENGTHS[i]);
		assert_false(has_news());
		add_address(RTM_NEWADDR);
		memcpy(bytes, &LENGTHS[i], sizeof LENGTHS[i]);
		add_address(RTM_NEWADDR);
		(void)has_news();
	}
	for (size_t n = 0; n < NLMSG_HDRLEN + sizeof(struct ifaddrmsg); n++) {
		add_address(RTM_NEWADDR);
		n_bytes = n;
		assert_false(has_news());
	}
	add(RTM_NEWADDR, "abc", 3);
	add(RTM_NEWLINK, "abc", 3);
	add(RTM_NEWROUTE, "", 0);
	assert_false(has_news());
}

static void bytes_of_chance_are_read_within_their_bounds(void **state)
{
	(void)state;
	const uint64_t seed = 20260301;
	struct aps_rand rand;
	aps_rand_init(&rand, seed);
	print_message("seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < 200000; i++) {
		n_bytes = aps_rand_below(&rand, 120);
		for (size_t at = 0; at < n_bytes; at++) bytes[at] = (char)aps_rand_below(&rand, 256);
		for (size_t at = 0; at + 8 < n_bytes; at += 16 + 4 * aps_rand_below(&rand, 6)) {
			uint32_t n = (uint32_t)aps_rand_below(&rand, 48);
			uint16_t type = (uint16_t)(RTM_NEWLINK + aps_rand_below(&rand, 12));
			memcpy(bytes + at, &n, sizeof n);
			memcpy(bytes + at + 4, &type, sizeof type);
		}
		(void)has_news();
	}
}

/* ---- the real one ---- */

static bool wait_for_news(struct aps_route_watch *watch)
{
	struct pollfd fd = {.fd = watch->fd, .events = POLLIN};
	while (poll(&fd, 1, ANSWER_WAIT_MS) > 0)
		if (aps_route_watch_read(watch)) return true;
	return false;
}

static bool set_address(const char *text)
{
	struct ifreq request = {.ifr_name = "lo"};
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, text, &address.sin_addr);
	memcpy(&request.ifr_addr, &address, sizeof address);
	bool is_set = fd >= 0 && ioctl(fd, SIOCSIFADDR, &request) == 0;
	if (fd >= 0) close(fd);
	return is_set;
}

/* In a network of its own: 0: as it should be; 77: there can be none; else which step failed. */
static int watch_a_network(void)
{
	if (unshare(NEW_NETWORK) != 0 && unshare(NEW_USER | NEW_NETWORK) != 0) return 77;
	struct aps_route_watch watch;
	aps_route_watch_init(&watch);
	if (aps_route_watch_read(&watch)) return 1; /* it isn't open */
	if (!aps_route_watch_open(&watch) || !aps_route_watch_open(&watch)) return 2;
	if (aps_route_watch_read(&watch) || watch.fd < 0) return 3;
	if (!set_address("127.1.2.3")) return 77;
	if (!wait_for_news(&watch)) return 4;
	if (aps_route_watch_read(&watch)) return 5;
	if (!set_address("0.0.0.0")) return 77; /* it goes */
	struct pollfd fd = {.fd = watch.fd, .events = POLLIN};
	if (poll(&fd, 1, ANSWER_WAIT_MS) <= 0 || aps_route_watch_read(&watch)) return 6;
	if (!set_address("127.1.2.4") || !wait_for_news(&watch)) return 7;
	/* more than the socket holds: what was lost may have been news */
	for (int i = 0; i < 4000; i++)
		if (!set_address(i % 2 == 0 ? "127.1.2.4" : "127.1.2.5")) return 8;
	if (!wait_for_news(&watch)) return 9;
	aps_route_watch_clear(&watch);
	aps_route_watch_clear(&watch);
	return watch.fd == -1 ? 0 : 10;
}

static void an_address_that_comes_is_told_by_the_system(void **state)
{
	(void)state;
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) _exit(watch_a_network());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("no network of its own can be had here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void without_a_descriptor_there_is_none(void **state)
{
	(void)state;
	struct rlimit before, none;
	struct aps_route_watch watch;
	aps_route_watch_init(&watch);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bool is_open = aps_route_watch_open(&watch);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(is_open);
	assert_int_equal(watch.fd, -1);
	assert_true(aps_route_watch_open(&watch)); /* it is tried again */
	aps_route_watch_clear(&watch);
}

static void one_that_fails_is_closed(void **state)
{
	(void)state;
	struct aps_route_watch watch;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	watch.fd = ends[0]; /* no socket */
	close(ends[1]);
	assert_false(aps_route_watch_read(&watch));
	assert_int_equal(watch.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_link_an_address_or_a_route_that_comes_is_news),
	        cmocka_unit_test(what_goes_or_leads_nowhere_is_none),
	        cmocka_unit_test(news_may_come_behind_others),
	        cmocka_unit_test(a_message_that_is_cut_or_lies_about_its_length_ends_it),
	        cmocka_unit_test(bytes_of_chance_are_read_within_their_bounds),
	        cmocka_unit_test(an_address_that_comes_is_told_by_the_system),
	        cmocka_unit_test(without_a_descriptor_there_is_none),
	        cmocka_unit_test(one_that_fails_is_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void there_is_none(void **state)
{
	(void)state;
	struct aps_route_watch watch;
	aps_route_watch_init(&watch);
	assert_false(aps_route_watch_open(&watch));
	assert_false(aps_route_watch_read(&watch));
	assert_false(aps_route_watch_has_news("", 0));
	aps_route_watch_clear(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_none)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
