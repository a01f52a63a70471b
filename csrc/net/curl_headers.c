#include "net/curl_headers.h"

#include "base/mem.h"

/* libcurl itself takes 1 MB for the head of a request, and calls what is longer a lack of memory. */
#define MAX_BYTES ((size_t)512 * 1024)

/* No header of that name, so that no server makes us wait a second for 100 Continue. */
#define NO_EXPECT "Expect:"

void aps_curl_headers_init(struct aps_curl_headers *list)
{
	*list = (struct aps_curl_headers){.n_nodes = 0};
	aps_buf_init(&list->lines, MAX_BYTES);
}

void aps_curl_headers_clear(struct aps_curl_headers *list)
{
	aps_buf_clear(&list->lines);
	aps_free(list->nodes);
	aps_curl_headers_init(list);
}

void aps_curl_headers_reset(struct aps_curl_headers *list)
{
	aps_buf_reset(&list->lines);
	list->n_nodes = 0;
}

/* libcurl takes "Name:" for a header that is not to be sent; a semicolon stands for the colon of one without a value.
 */
static const char *separator(struct aps_str value)
{
	return value.n != 0 ? ": " : ";";
}

static void add_line(struct aps_buf *lines, const struct aps_header *header)
{
	struct aps_str value = aps_str_trim(header->value);
	aps_buf_add_str(lines, header->name);
	aps_buf_add_text(lines, separator(value));
	aps_buf_add_str(lines, value);
	aps_buf_add_byte(lines, '\0');
}

static bool starts_with(const char **line, struct aps_str part)
{
	if (strncmp(*line, part.p, part.n) != 0) return false;
	*line += part.n;
	return true;
}

static bool is_line(const char *line, const struct aps_header *header)
{
	struct aps_str value = aps_str_trim(header->value);
	return starts_with(&line, header->name) && starts_with(&line, aps_str_of(separator(value))) &&
	       starts_with(&line, value) && *line == '\0';
}

bool aps_curl_headers_is(const struct aps_curl_headers *list, const struct aps_header *headers, size_t n_headers)
{
	if (list->n_nodes != n_headers + 1) return false;
	for (size_t i = 0; i < n_headers; i++)
		if (!is_line(list->nodes[i].data, &headers[i])) return false;
	return true;
}

static enum aps_rc render(struct aps_curl_headers *list, const struct aps_header *headers, size_t n_headers,
                          struct aps_err *err)
{
	for (size_t i = 0; i < n_headers; i++) {
		if (!aps_header_is_value(headers[i].name) || !aps_header_is_value(headers[i].value))
			return aps_fail(err, APS_E_USAGE,
			                "a request header holds a line break or another control character");
		add_line(&list->lines, &headers[i]);
	}
	aps_buf_add(&list->lines, NO_EXPECT, sizeof NO_EXPECT);
	if (list->lines.rc == APS_E_TOO_BIG)
		return aps_fail(err, APS_E_TOO_BIG, "the request's header section is longer than %zu bytes", MAX_BYTES);
	if (list->lines.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for the request's header section");
	return APS_OK;
}

static bool make_room(struct aps_curl_headers *list, size_t n)
{
	if (n <= list->capacity) return true;
	struct curl_slist *nodes = aps_realloc(list->nodes, n * sizeof *nodes);
	if (nodes == NULL) return false;
	list->nodes = nodes;
	list->capacity = n;
	return true;
}

enum aps_rc aps_curl_headers_set(struct aps_curl_headers *list, const struct aps_header *headers, size_t n_headers,
                                 struct aps_err *err)
{
	size_t n = n_headers + 1;
	aps_curl_headers_reset(list);
	if (!make_room(list, n)) return aps_fail(err, APS_E_NOMEM, "no memory for the request's headers");
	enum aps_rc rc = render(list, headers, n_headers, err);
	if (rc != APS_OK) return rc;
	char *at = list->lines.p;
	for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
		list->nodes[i] = (struct curl_slist){at, i + 1 < n ? &list->nodes[i + 1] : NULL};
	list->n_nodes = n;
	return APS_OK;
}
