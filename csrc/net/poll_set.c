#include "net/poll_set.h"

#include "base/mem.h"

void aps_poll_set_init(struct aps_poll_set *set)
{
	*set = (struct aps_poll_set){0};
}

void aps_poll_set_clear(struct aps_poll_set *set)
{
	aps_free(set->items);
	aps_free(set->ready);
	aps_poll_set_init(set);
}

static struct pollfd *find(const struct aps_poll_set *set, int fd)
{
	for (size_t i = 0; i < set->n_items; i++)
		if (set->items[i].fd == fd) return &set->items[i];
	return NULL;
}

static bool make_room(struct aps_poll_set *set)
{
	if (set->n_items < set->capacity) return true;
	size_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
	struct pollfd *items = aps_realloc(set->items, capacity * sizeof *items);
	if (items == NULL) return false;
	set->items = items;
	struct aps_ready *ready = aps_realloc(set->ready, capacity * sizeof *ready);
	if (ready == NULL) return false;
	set->ready = ready;
	set->capacity = capacity;
	return true;
}

bool aps_poll_set_put(struct aps_poll_set *set, int fd, short events)
{
	struct pollfd *item = find(set, fd);
	if (item == NULL) {
		if (!make_room(set)) return false;
		item = &set->items[set->n_items++];
	}
	*item = (struct pollfd){.fd = fd, .events = events};
	return true;
}

void aps_poll_set_remove(struct aps_poll_set *set, int fd)
{
	struct pollfd *item = find(set, fd);
	if (item != NULL) *item = set->items[--set->n_items];
	for (size_t i = set->at; i < set->n_ready; i++)
		if (set->ready[i].fd == fd) set->ready[i].events = 0;
}

void aps_poll_set_wait(struct aps_poll_set *set, int timeout_ms)
{
	set->n_ready = set->at = 0;
	int n = poll(set->items, (nfds_t)set->n_items, timeout_ms);
	for (size_t i = 0; n > 0 && i < set->n_items; i++) {
		if (set->items[i].revents == 0) continue;
		set->ready[set->n_ready++] = (struct aps_ready){set->items[i].fd, set->items[i].revents};
		n--;
	}
}

bool aps_poll_set_is_ready(const struct aps_poll_set *set, int fd)
{
	for (size_t i = 0; i < set->n_ready; i++)
		if (set->ready[i].fd == fd) return true;
	return false;
}

bool aps_poll_set_next(struct aps_poll_set *set, struct aps_ready *ready)
{
	while (set->at < set->n_ready) {
		*ready = set->ready[set->at++];
		if (ready->events != 0) return true;
	}
	return false;
}
