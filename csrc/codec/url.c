#include "codec/url.h"

#include "base/printable.h"

#include <stdio.h>

static size_t span_until(struct aps_str text, size_t from, const char *marks)
{
	while (from < text.n && (text.p[from] == '\0' || strchr(marks, text.p[from]) == NULL)) from++;
	return from;
}

void aps_url_show(struct aps_str url, char shown[APS_URL_SHOWN_CHARS])
{
	struct aps_str text = aps_str_trim(url);
	const char *mark = aps_str_find(text, "://");
	size_t n_scheme = mark != NULL ? (size_t)(mark + 3 - text.p) : 0;
	size_t host_end = span_until(text, n_scheme, "/?#");
	size_t host = n_scheme;
	for (size_t i = n_scheme; n_scheme != 0 && i < host_end; i++)
		if (text.p[i] == '@') host = i + 1;
	size_t end = span_until(text, host_end, "?#");
	snprintf(shown, APS_URL_SHOWN_CHARS, "%.*s%.*s", (int)n_scheme, text.p, (int)(end - host), text.p + host);
	aps_printable_cut(shown);
	aps_printable(shown);
}
