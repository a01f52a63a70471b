/* A server that answers each post with the same file, fast enough not to be what is measured; with a second file, the
 * next ones with its lines, one after the other, and then with the first file again. Arguments: port or 0, the file,
 * the file of lines. HTTP/1.1, kept connections, Content-Length only. */
#include "http_request.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct aps_buf *answers; /* the file, then the lines */
static size_t n_answers, n_given;

static const struct aps_buf *next_answer(void)
{
	const struct aps_buf *answer = &answers[n_given];
	n_given = (n_given + 1) % n_answers;
	return answer;
}

static bool take(struct aps_bench_peer *peer)
{
	struct aps_bench_request request;
	size_t at = 0, n;
	for (; (n = aps_bench_request_at(peer, at, &request)) != 0; at += n)
		aps_buf_add_str(&peer->out, aps_buf_str(next_answer()));
	aps_bench_peer_skip(peer, at);
	return true;
}

static bool add_answer(struct aps_str body)
{
	if ((n_answers & (n_answers - 1)) == 0) /* a power of two, or none: the room is used up */
		answers = aps_realloc(answers, (n_answers == 0 ? 1 : 2 * n_answers) * sizeof *answers);
	if (answers == NULL) return false;
	struct aps_buf *answer = &answers[n_answers++];
	aps_buf_init(answer, APS_BUF_ANY_SIZE);
	aps_bench_add_head(answer, body.n);
	aps_buf_add_str(answer, body);
	return answer->rc == APS_OK;
}

static bool read_file(const char *path, struct aps_buf *body)
{
	char block[4096];
	size_t n;
	FILE *file = fopen(path, "rb");
	aps_buf_init(body, APS_BUF_ANY_SIZE);
	while (file && (n = fread(block, 1, sizeof block, file)) != 0) aps_buf_add(body, block, n);
	if (!file) {
		perror(path);
		return false;
	}
	fclose(file);
	return body->rc == APS_OK;
}

static bool load(const char *path, bool has_lines)
{
	struct aps_buf body;
	char *rest = NULL;
	if (!read_file(path, &body)) return false;
	bool ok = true;
	if (!has_lines)
		ok = add_answer(aps_buf_str(&body));
	else
		for (char *line = strtok_r(body.p, "\n", &rest); ok && line != NULL; line = strtok_r(NULL, "\n", &rest))
			ok = add_answer(aps_str_of(line));
	aps_buf_clear(&body);
	return ok;
}

int main(int n_args, char **args)
{
	if (n_args < 3) return 2;
	for (int i = 2; i < n_args; i++)
		if (!load(args[i], i > 2)) return 2;
	return aps_bench_serve(atoi(args[1]), &(struct aps_bench_server){take, NULL});
}
