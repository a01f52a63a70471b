#include "http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t aps_bench_request_at(struct aps_bench_peer *peer, size_t at, struct aps_bench_request *request)
{
	char length[128];
	const char *start = peer->in.p + at;
	const char *end = peer->in.n > at ? memmem(start, peer->in.n - at, "\r\n\r\n", 4) : NULL;
	if (!end) return 0;
	request->head = (struct aps_str){start, (size_t)(end - start) + 2};
	size_t n_body = aps_bench_request_field(request, "content-length", length) ? strtoul(length, NULL, 10) : 0;
	size_t n = request->head.n + 2 + n_body;
	request->body = (struct aps_str){end + 4, n_body};
	return peer->in.n - at < n ? 0 : n;
}

bool aps_bench_request_field(const struct aps_bench_request *request, const char *name, char value[128])
{
	size_t n_name = strlen(name);
	const char *end = request->head.p + request->head.n;
	const char *line = memmem(request->head.p, request->head.n, "\r\n", 2);
	for (; line != NULL; line = memmem(line, (size_t)(end - line), "\r\n", 2)) {
		line += 2;
		if ((size_t)(end - line) <= n_name || strncasecmp(line, name, n_name) != 0 || line[n_name] != ':')
			continue;
		return sscanf(line + n_name + 1, " %127[^,\r]", value) == 1;
	}
	return false;
}

void aps_bench_add_head(struct aps_buf *out, size_t n_body)
{
	aps_buf_addf(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", n_body);
}
