#include "proto/realtime_tell.h"

#include <stdarg.h>
#include <stdio.h>

bool aps_realtime_tell(struct aps_realtime *rt, const struct aps_realtime_action *action, const struct aps_err *err)
{
	return aps_action_queue_push(&rt->queue, action, aps_action_queue_keep_err(&rt->queue, err));
}

void aps_realtime_tell_notice(struct aps_realtime *rt, const char *format, ...)
{
	char line[160];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	size_t at = rt->queue.bytes.n;
	aps_buf_add(&rt->queue.bytes, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
	bool was_short = rt->queue.is_short;
	const struct aps_realtime_action action = {.kind = APS_REALTIME_NOTICE};
	/* A notice that is lost changes nothing. */
	if (!aps_action_queue_push_built(&rt->queue, &action, at)) rt->queue.is_short = was_short;
}

void aps_realtime_tell_send(struct aps_realtime *rt, struct aps_str literal)
{
	const struct aps_realtime_action action = {.kind = APS_REALTIME_DO_SEND, .text = literal};
	aps_realtime_tell(rt, &action, NULL);
}

void aps_realtime_tell_state(struct aps_realtime *rt, const struct aps_err *cause)
{
	enum aps_conn_state state = aps_conn_state_of(&rt->inputs);
	if (state == rt->state) return;
	const struct aps_realtime_action action = {.kind = APS_REALTIME_STATE, .state = state};
	if (aps_realtime_tell(rt, &action, cause)) rt->state = state;
}
