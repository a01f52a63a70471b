#include "net/ws_head.h"

#include <string.h>

#define METHOD       "GET "
#define REQUEST_LINE METHOD APS_WS_HEAD_PATH " HTTP/1.1\r\n"
#define HOST         "\r\nHost: "

/* The last place: what came into the buffer earlier stands before. */
static char *find_start(const struct aps_ws_head *head)
{
	const size_t n = sizeof REQUEST_LINE - 1;
	for (size_t back = n; back <= head->n_before; back++)
		if (memcmp(head->end - back, REQUEST_LINE, n) == 0) return head->end - back;
	return NULL;
}

static bool replace(struct aps_ws_head *head, char *at, size_t n_old, struct aps_str text)
{
	if (text.n > n_old && text.n - n_old > head->n_room) return false;
	memmove(at + text.n, at + n_old, (size_t)(head->end - at) - n_old);
	if (text.n != 0) memcpy(at, text.p, text.n);
	head->end = head->end - n_old + text.n;
	head->n_before = head->n_before - n_old + text.n;
	head->n_room = head->n_room + n_old - text.n;
	return true;
}

bool aps_ws_head_fill(struct aps_ws_head *head, struct aps_str path, struct aps_str host)
{
	char *start = find_start(head);
	if (start == NULL || !replace(head, start + sizeof METHOD - 1, sizeof APS_WS_HEAD_PATH - 1, path)) return false;
	struct aps_str written = {start, (size_t)(head->end - start)};
	const char *line = aps_str_find(written, HOST);
	if (line == NULL) return false;
	char *value = start + (line - start) + sizeof HOST - 1;
	const char *stop = memchr(value, '\r', (size_t)(head->end - value));
	return stop != NULL && replace(head, value, (size_t)(stop - value), host);
}

bool aps_ws_head_add(struct aps_ws_head *head, struct aps_str lines)
{
	return replace(head, head->end, 0, lines);
}
