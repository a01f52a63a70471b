/* Descriptors that a loop waits for besides its own: each is told when it can be read, and is read by whoever has it.
 * Pure: the loop polls them. */
#ifndef APS_RT_DESCRIPTOR_H
#define APS_RT_DESCRIPTOR_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct pollfd;

/* Embedded in what waits. Zero-initialize it. */
struct aps_descriptor {
	struct aps_descriptor *next;
	int fd;
	bool is_added;
	bool is_ready; /* as the last poll said */
	void (*ready)(struct aps_descriptor *descriptor, void *context);
};

struct aps_descriptors {
	struct aps_descriptor *first;
};

/* Those behind are looked at by whoever has them, from time to time. */
#define APS_DESCRIPTORS_MAX 63

APS_BEGIN_DECLS

/* Twice is legal: it has this number from now on. */
void aps_descriptors_add(struct aps_descriptors *all, struct aps_descriptor *descriptor, int fd);
/* One that isn't there is legal. */
void aps_descriptors_remove(struct aps_descriptors *all, struct aps_descriptor *descriptor);
/* What to poll: so many of `fds`, which has room for APS_DESCRIPTORS_MAX. */
size_t aps_descriptors_list(const struct aps_descriptors *all, struct pollfd *fds);
/* The answer to that, with nothing added or removed meanwhile. True: some can be read. */
bool aps_descriptors_note(struct aps_descriptors *all, const struct pollfd *fds);
/* Calls `ready` of each that can be read. It may remove any. */
void aps_descriptors_run(struct aps_descriptors *all, void *context);

APS_END_DECLS

#endif
