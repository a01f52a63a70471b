#include "client/store_news.h"

#include <stdio.h>
#include <string.h>

#define MAX_SHOWN  200 /* bytes of a path */
#define LINE_BYTES 480

void aps_store_news_addv(struct aps_buf *news, const char *path, const char *level, const char *format, va_list args)
{
	char text[LINE_BYTES];
	size_t n = strlen(path);
	vsnprintf(text, sizeof text, format, args);
	aps_buf_add(news, level, strlen(level) + 1);
	aps_buf_addf(news, "the store %s%s %s", n > MAX_SHOWN ? "…" : "", path + (n > MAX_SHOWN ? n - MAX_SHOWN : 0),
	             text);
	aps_buf_add_byte(news, '\0');
}

void aps_store_news_add(struct aps_buf *news, const char *path, const char *level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	aps_store_news_addv(news, path, level, format, args);
	va_end(args);
}
