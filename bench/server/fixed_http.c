/* A server that answers each post with the same file, fast enough not to be what is measured. Arguments: port or 0, the
 * file. HTTP/1.1, kept connections, Content-Length only. */
#include "peer_loop.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct aps_buf answer;

static bool take(struct aps_bench_peer *peer)
{
	size_t at = 0;
	for (;;) {
		char *request = peer->in.p + at;
		char *end = memmem(request, peer->in.n - at, "\r\n\r\n", 4);
		if (!end) break;
		*end = '\0';
		const char *length = strcasestr(request, "\r\ncontent-length:");
		*end = '\r';
		size_t n = (size_t)(end - request) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
		if (peer->in.n - at < n) break;
		at += n;
		aps_buf_add_str(&peer->out, aps_buf_str(&answer));
	}
	aps_bench_peer_skip(peer, at);
	return true;
}

static bool load(const char *path)
{
	struct aps_buf body;
	char block[4096];
	size_t n;
	FILE *file = fopen(path, "rb");
	aps_buf_init(&body, APS_BUF_ANY_SIZE);
	aps_buf_init(&answer, APS_BUF_ANY_SIZE);
	while (file && (n = fread(block, 1, sizeof block, file)) != 0) aps_buf_add(&body, block, n);
	if (!file) {
		perror(path);
		return false;
	}
	fclose(file);
	aps_buf_addf(&answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
	             body.n);
	aps_buf_add_str(&answer, aps_buf_str(&body));
	aps_buf_clear(&body);
	return answer.rc == APS_OK;
}

int main(int n_args, char **args)
{
	if (n_args < 3 || !load(args[2])) return 2;
	return aps_bench_serve(atoi(args[1]), &(struct aps_bench_server){take, NULL});
}
