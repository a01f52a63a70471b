/* What becomes of a store, in lines for people: levels and lines, each ended by a zero, in one buffer. */
#ifndef APS_CLIENT_STORE_NEWS_H
#define APS_CLIENT_STORE_NEWS_H

#include "base/buf.h"

#include <stdarg.h>

APS_BEGIN_DECLS

/* Adds a line: "the store PATH " and this; of a long path its end. */
void aps_store_news_add(struct aps_buf *news, const char *path, const char *level, const char *format, ...)
        APS_PRINTF(4, 5);
void aps_store_news_addv(struct aps_buf *news, const char *path, const char *level, const char *format, va_list args);

APS_END_DECLS

#endif
