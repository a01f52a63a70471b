/* The times that pages and records carry: AppSync's milliseconds, or what a resolver of the application gives. */
#ifndef APS_SYNC_PAGE_TIME_H
#define APS_SYNC_PAGE_TIME_H

#include "codec/json_reader.h"

APS_BEGIN_DECLS

/* Of the value of which `token` was just read: a number or digits of milliseconds or, if it is small, of seconds; a
 * date-time. Milliseconds of Unix time; 0: it is none. */
int64_t aps_page_time_at(const struct aps_json_reader *r, enum aps_json_token token);
/* Of a JSON text, which may be empty. */
int64_t aps_page_time_of(struct aps_str json);

APS_END_DECLS

#endif
