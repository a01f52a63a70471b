/* Close-on-exec for descriptors that a library opens without it and keeps to itself: a child of the host would inherit
 * them. What is open before and after the library's call tells which they are. */
#ifndef APS_NET_SEALING_H
#define APS_NET_SEALING_H

#include "base/buf.h"

struct aps_sealing {
	struct aps_buf before; /* one bit for each descriptor that was open */
	bool has_begun;
};

APS_BEGIN_DECLS

void aps_sealing_init(struct aps_sealing *sealing);
void aps_sealing_clear(struct aps_sealing *sealing);
/* Notes what is open; nothing is done where it has begun already. */
void aps_sealing_begin(struct aps_sealing *sealing);
/* Seals the pipes, pairs of sockets and event descriptors that are new. Without memory, or without a /proc, none. */
void aps_sealing_end(struct aps_sealing *sealing);

/* A socket that no child inherits; -1 with errno. */
int aps_sealed_socket(int family, int type, int protocol);

APS_END_DECLS

#endif
