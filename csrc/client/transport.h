/* Header lists in the form that the transports take. */
#ifndef APS_CLIENT_TRANSPORT_H
#define APS_CLIENT_TRANSPORT_H

#include "auth/appsync_headers.h"

APS_BEGIN_DECLS

/* "Name: value" lines, zero-terminated, in the arena; NULL when memory is out. */
const char **aps_transport_header_lines(struct aps_arena *arena, const struct aps_header_list *list);

APS_END_DECLS

#endif
