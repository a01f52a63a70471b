#include "rt/descriptor.h"

#include <poll.h>

void aps_descriptors_add(struct aps_descriptors *all, struct aps_descriptor *descriptor, int fd)
{
	descriptor->fd = fd;
	descriptor->is_ready = false;
	if (descriptor->is_added) return;
	descriptor->is_added = true;
	descriptor->next = all->first;
	all->first = descriptor;
}

void aps_descriptors_remove(struct aps_descriptors *all, struct aps_descriptor *descriptor)
{
	if (!descriptor->is_added) return;
	struct aps_descriptor **at = &all->first;
	while (*at != descriptor) at = &(*at)->next;
	*at = descriptor->next;
	descriptor->is_added = descriptor->is_ready = false;
}

size_t aps_descriptors_list(const struct aps_descriptors *all, struct pollfd *fds)
{
	size_t n = 0;
	for (const struct aps_descriptor *at = all->first; at != NULL && n < APS_DESCRIPTORS_MAX; at = at->next)
		fds[n++] = (struct pollfd){.fd = at->fd, .events = POLLIN};
	return n;
}

bool aps_descriptors_note(struct aps_descriptors *all, const struct pollfd *fds)
{
	size_t n = 0;
	bool is_any = false;
	for (struct aps_descriptor *at = all->first; at != NULL && n < APS_DESCRIPTORS_MAX; at = at->next) {
		if (fds[n++].revents == 0) continue;
		at->is_ready = is_any = true;
	}
	return is_any;
}

static struct aps_descriptor *find_ready(const struct aps_descriptors *all)
{
	struct aps_descriptor *at = all->first;
	while (at != NULL && !at->is_ready) at = at->next;
	return at;
}

void aps_descriptors_run(struct aps_descriptors *all, void *context)
{
	struct aps_descriptor *at;
	while ((at = find_ready(all)) != NULL) {
		at->is_ready = false;
		at->ready(at, context);
	}
}
