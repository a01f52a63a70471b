/* The head of an upgrade: libwebsockets writes it, and cuts a request line at 2,048 bytes (4.1), a Host line at 128,
 * takes the brackets off an IPv6 address and has one name for Host and SNI. So it gets a line that is short, and what
 * is meant is put in before the head is sent. Pure. */
#ifndef APS_NET_WS_HEAD_H
#define APS_NET_WS_HEAD_H

#include "base/str.h"

/* The path that libwebsockets is given. */
#define APS_WS_HEAD_PATH "/"

struct aps_ws_head {
	char *end;       /* behind what was written */
	size_t n_before; /* bytes before `end` that may be looked at */
	size_t n_room;   /* bytes behind it that may be written */
};

APS_BEGIN_DECLS

/* Puts in the path and the host. False, with the head as it was or half done: it isn't the expected one, or there is no
 * room. */
bool aps_ws_head_fill(struct aps_ws_head *head, struct aps_str path, struct aps_str host);
/* Appends header lines. */
bool aps_ws_head_add(struct aps_ws_head *head, struct aps_str lines);

APS_END_DECLS

#endif
