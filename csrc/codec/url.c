#include "codec/url.h"

#include "base/printable.h"

#include <stdio.h>

static size_t span_until(struct aps_str text, size_t from, const char *marks)
{
	while (from < text.n && (text.p[from] == '\0' || strchr(marks, text.p[from]) == NULL)) from++;
	return from;
}

/* Where an authority may begin: behind "scheme://", or "//" of a reference without a scheme; 0: there is none. What
 * stands in a path or a query is no scheme. */
static size_t authority_start(struct aps_str text)
{
	size_t at = span_until(text, 0, ":/?#");
	if (at < text.n && text.p[at] == ':') at++;
	return text.n - at >= 2 && memcmp(text.p + at, "//", 2) == 0 ? at + 2 : 0;
}

void aps_url_show(struct aps_str url, char shown[APS_URL_SHOWN_CHARS])
{
	struct aps_str text = aps_str_trim(url);
	size_t start = authority_start(text);
	size_t host_end = span_until(text, start, "/?#");
	size_t host = start;
	for (size_t i = start; start != 0 && i < host_end; i++)
		if (text.p[i] == '@') host = i + 1;
	size_t end = span_until(text, host_end, "?#");
	snprintf(shown, APS_URL_SHOWN_CHARS, "%.*s%.*s", (int)start, text.p, (int)(end - host), text.p + host);
	aps_printable_cut(shown);
	aps_printable(shown);
}
