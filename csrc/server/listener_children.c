#include "server/listener_children.h"

#include "base/mem.h"
#include "server/peer.h"

static bool queue(struct aps_listener *listener, struct aps_peer_event what, struct aps_str text)
{
	struct aps_peer_event *event = aps_malloc(sizeof(*event) + text.n);
	if (event == NULL) return false;
	*event = what;
	event->bytes = (char *)(event + 1);
	event->n_bytes = text.n;
	if (text.n > 0) memcpy(event->bytes, text.p, text.n);
	aps_peer_queue(listener, event);
	return true;
}

static bool on_output(void *context, uint64_t id, struct aps_str text)
{
	return queue(context, (struct aps_peer_event){.kind = APS_LISTENER_OUTPUT, .id = id}, text);
}

static bool on_ended(void *context, uint64_t id, const struct aps_child_end *end)
{
	struct aps_peer_event event = {.kind = APS_LISTENER_EXIT, .id = id};
	event.code = end->signal != 0 ? -end->signal : end->status;
	return queue(context, event, end->is_cut ? APS_STR("cut") : APS_STR(""));
}

enum aps_rc aps_listener_children(struct aps_listener *listener, struct aps_child_set **out, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	if (listener->children == NULL) {
		struct aps_child_hooks hooks = {listener, on_output, on_ended};
		rc = aps_child_set_new(listener->base, &hooks, &listener->children, err);
	}
	*out = listener->children;
	return rc;
}
