#include "net/answer.h"

#include "base/mem.h"

#include <string.h>

static void add_header(struct aps_http_answer *answer, char *line, size_t n)
{
	char *colon = memchr(line, ':', n);
	if (!colon) return;
	for (char *p = line; p < colon; p++)
		if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
	struct aps_header *header = &answer->headers[answer->n_headers++];
	header->name = aps_str_trim((struct aps_str){line, (size_t)(colon - line)});
	header->value = aps_str_trim((struct aps_str){colon + 1, n - (size_t)(colon - line) - 1});
}

bool aps_answer_take_headers(struct aps_http_answer *answer, struct aps_str lines, size_t n_lines)
{
	answer->n_headers = 0;
	if (n_lines == 0) return true;
	answer->headers = aps_calloc(n_lines, sizeof *answer->headers);
	answer->header_text = aps_strndup(lines.p, lines.n);
	if (!answer->headers || !answer->header_text) return false; /* the answer's owner clears it */
	char *at = answer->header_text, *end = at + lines.n;
	while (at < end && answer->n_headers < n_lines) {
		char *line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end) line_end = end;
		add_header(answer, at, (size_t)(line_end - at));
		at = line_end < end ? line_end + 1 : end;
	}
	return true;
}

struct aps_str aps_answer_url_host(struct aps_str url)
{
	const char *end = url.p + url.n;
	const char *start = aps_str_find(url, "://");
	start = start ? start + 3 : url.p;
	const char *stop = start;
	while (stop < end && *stop != '/' && *stop != '?' && *stop != '#') stop++;
	for (const char *p = start; p < stop; p++)
		if (*p == '@') start = p + 1;
	return (struct aps_str){start, (size_t)(stop - start)};
}

void aps_http_answer_clear(struct aps_http_answer *answer)
{
	aps_free(answer->body);
	aps_free(answer->headers);
	aps_free(answer->header_text);
	*answer = (struct aps_http_answer){.tag = NULL};
}

struct aps_str aps_http_answer_header(const struct aps_http_answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->n_headers; i++)
		if (aps_str_is(answer->headers[i].name, name)) return answer->headers[i].value;
	return (struct aps_str){"", 0};
}
