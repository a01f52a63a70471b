/* HTTP header fields as names and values: a list whose text is safe to send (RFC 9110 section 5). How a field is
 * spelled on its way out is the transports' matter (net/curl_headers.h, net/ws_request.h). */
#ifndef APS_CODEC_HEADER_H
#define APS_CODEC_HEADER_H

#include "base/arena.h"

struct aps_header {
	struct aps_str name;
	struct aps_str value;
};

struct aps_header_list {
	struct aps_header *items; /* text in `arena` */
	size_t n_items;
	size_t capacity;
	struct aps_arena *arena;
};

APS_BEGIN_DECLS

void aps_header_list_init(struct aps_header_list *list, struct aps_arena *arena);
/* Copies name and value. E_USAGE for a name that is no HTTP token or a value with a control character but tabs;
 * E_TOO_BIG, E_NOMEM. Items stay with the arena. */
enum aps_rc aps_header_list_add(struct aps_header_list *list, struct aps_str name, struct aps_str value,
                                struct aps_err *err);
/* ASCII case is ignored; NULL when there is none. */
const struct aps_header *aps_header_list_find(const struct aps_header_list *list, const char *name);

/* RFC 9110 section 5.6.2: what a method or a header's name consists of. */
bool aps_header_is_token(struct aps_str text);
/* Section 5.5: of the control characters only the tab. */
bool aps_header_is_value(struct aps_str text);

APS_END_DECLS

#endif
