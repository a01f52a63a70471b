/* Descriptors that are waited for with poll(2). */
#ifndef APS_NET_POLL_SET_H
#define APS_NET_POLL_SET_H

#include "base/macros.h"

#include <poll.h>
#include <stdbool.h>

struct aps_ready {
	int fd;
	short events;
};

struct aps_poll_set {
	struct pollfd *items;
	size_t n_items;
	size_t capacity;
	struct aps_ready *ready; /* of the last wait; as large as items */
	size_t n_ready;
	size_t at;
};

APS_BEGIN_DECLS

void aps_poll_set_init(struct aps_poll_set *set);
void aps_poll_set_clear(struct aps_poll_set *set);
/* Adds or changes; false when memory is out. */
bool aps_poll_set_put(struct aps_poll_set *set, int fd, short events);
/* Also of what is ready and not yet taken. Unknown ones are ignored. */
void aps_poll_set_remove(struct aps_poll_set *set, int fd);
/* timeout_ms -1: for ever. A signal ends it early. */
void aps_poll_set_wait(struct aps_poll_set *set, int timeout_ms);
/* Whether the last wait found this one ready. */
bool aps_poll_set_is_ready(const struct aps_poll_set *set, int fd);
/* What is ready, one by one; false at the end. Putting and removing meanwhile is legal. */
bool aps_poll_set_next(struct aps_poll_set *set, struct aps_ready *ready);

APS_END_DECLS

#endif
