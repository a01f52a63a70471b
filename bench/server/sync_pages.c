/* A server of the pages that bench/sync_pages.lua makes, one thread: a query with the token "p7" gets the page 7, one
 * without a token the first one; one with a lastSync above 0 gets the changes. The time in them (startedAt) becomes
 * that of the answer. Subscriptions are acknowledged, and hear nothing. Any other query is told how many of each there
 * were:
 * {"counts":{"pages":…,"deltas":…,"subscriptions":…}}. Arguments: port or 0, the pages, the changes. */
#include "realtime_peer.h"

#include "base/clock.h"
#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct aps_str *pages, changes;
static size_t n_pages;
static struct {
	unsigned pages, deltas, subscriptions;
} counts;

/* Connections that were upgraded; what is beyond these isn't dropped. */
static int upgraded[64];
static size_t n_upgraded;

/* The file is mapped: a large one needn't be in memory twice. */
static struct aps_str map_file(const char *path)
{
	struct stat found;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &found) != 0 || found.st_size == 0) {
		perror(path);
		exit(2);
	}
	void *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) exit(2);
	close(fd);
	return (struct aps_str){bytes, (size_t)found.st_size};
}

static void find_pages(struct aps_str text)
{
	const char *at = text.p, *end = text.p + text.n;
	for (const char *stop; at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL; at = stop + 1) {
		if ((n_pages & (n_pages - 1)) == 0) /* a power of two, or none: the room is used up */
			pages = aps_realloc(pages, (n_pages == 0 ? 1 : 2 * n_pages) * sizeof *pages);
		if (pages == NULL) exit(2);
		pages[n_pages++] = (struct aps_str){at, (size_t)(stop - at)};
	}
}

/* The number behind this text; 0: there is none. */
static uint64_t number_after(struct aps_str body, const char *text)
{
	const char *at = aps_str_find(body, text);
	return at != NULL ? strtoull(at + strlen(text), NULL, 10) : 0; /* something stands behind each number */
}

static void answer(struct aps_buf *out, struct aps_str text)
{
	static const char STARTED_AT[] = "\"startedAt\":";
	char now[24];
	aps_bench_add_head(out, text.n);
	aps_buf_add_str(out, text);
	if (out->rc != APS_OK) return;
	int n = snprintf(now, sizeof now, "%013" PRId64, aps_clock_wall_ms());
	size_t n_from_end = strlen("1717243200000}}}");
	char *at = out->p + out->n - n_from_end;
	if (n == 13 && memcmp(at - strlen(STARTED_AT), STARTED_AT, strlen(STARTED_AT)) == 0) memcpy(at, now, 13);
}

static void answer_counts(struct aps_buf *out)
{
	char text[160];
	int n = snprintf(text, sizeof text,
	                 "{\"data\":{\"counts\":{\"__typename\":\"Counts\",\"pages\":%u,\"deltas\":%u,"
	                 "\"subscriptions\":%u}}}",
	                 counts.pages, counts.deltas, counts.subscriptions);
	aps_bench_add_head(out, (size_t)n);
	aps_buf_add(out, text, (size_t)n);
}

static void drop_upgraded(void)
{
	for (size_t i = 0; i < n_upgraded; i++) shutdown(upgraded[i], SHUT_RDWR);
}

static void answer_query(struct aps_buf *out, struct aps_str body)
{
	size_t page = number_after(body, "\"nextToken\":\"p");
	if (aps_str_find(body, "syncTodos") == NULL) {
		if (aps_str_find(body, "drop") != NULL) drop_upgraded();
		answer_counts(out);
	} else if (number_after(body, "\"lastSync\":") != 0) {
		counts.deltas++;
		answer(out, changes);
	} else {
		counts.pages++;
		answer(out, pages[page < n_pages ? page : 0]);
	}
}

static void started(struct aps_bench_peer *peer APS_UNUSED)
{
	counts.subscriptions++;
}

static bool upgrade(struct aps_bench_peer *peer, const struct aps_bench_request *request)
{
	if (!aps_bench_realtime_upgrade(peer, request)) return false;
	if (n_upgraded < APS_COUNTOF(upgraded)) upgraded[n_upgraded++] = peer->fd;
	return true;
}

static void closed(struct aps_bench_peer *peer)
{
	for (size_t i = 0; i < n_upgraded; i++)
		if (upgraded[i] == peer->fd) upgraded[i] = upgraded[--n_upgraded];
	aps_bench_realtime_free(peer);
}

static bool take(struct aps_bench_peer *peer)
{
	struct aps_bench_request request;
	char protocol[128];
	size_t at = 0, n;
	while (peer->state == NULL && (n = aps_bench_request_at(peer, at, &request)) != 0) {
		at += n;
		bool is_upgrade = aps_bench_request_field(&request, "upgrade", protocol) &&
		                  strcasecmp(protocol, "websocket") == 0;
		if (is_upgrade && !upgrade(peer, &request)) return false;
		if (!is_upgrade) answer_query(&peer->out, request.body);
	}
	aps_bench_peer_skip(peer, at);
	return peer->state == NULL || aps_bench_realtime_take(peer, started);
}

int main(int n_args, char **args)
{
	if (n_args < 4) return 2;
	find_pages(map_file(args[2]));
	changes = map_file(args[3]);
	if (n_pages == 0) return 2;
	return aps_bench_serve(atoi(args[1]), &(struct aps_bench_server){take, closed});
}
