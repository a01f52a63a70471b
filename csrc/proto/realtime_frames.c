#include "proto/realtime_frames.h"

#include "codec/status.h"
#include "proto/error_list.h"
#include "proto/frame.h"
#include "proto/realtime_link.h"
#include "proto/realtime_subs.h"
#include "proto/realtime_tell.h"

#include <stdio.h>

#define CLOSE_PROTOCOL_ERROR 1002 /* RFC 6455 7.4.1 */
#define CLOSE_NOT_UTF8       1007 /* RFC 6455 8.1 */
#define CLOSE_NO_ACK         3001 /* as amplify-js closes a failed handshake */
#define SHOWN_CHARS          40

/* Bytes of the service in a notice: printable ASCII, and few of them. */
static void show(struct aps_str text, char out[SHOWN_CHARS + 1])
{
	size_t n = text.n < SHOWN_CHARS ? text.n : SHOWN_CHARS;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		out[i] = (char)(c < 0x20 || c >= 0x7f ? '?' : c);
	}
	out[n] = '\0';
}

/* list->n_errors is 0 where nothing was told. False: memory is out, and what the message meant is not known. */
static bool read_errors(struct aps_realtime *rt, const struct aps_frame *frame, struct aps_error_list *list)
{
	struct aps_str errors = frame->errors.n != 0 ? frame->errors : aps_error_list_find(frame->payload);
	*list = (struct aps_error_list){.code = APS_E_GRAPHQL};
	rt->told = errors;
	if (errors.n == 0 || aps_error_list_read(errors, &rt->decoded, list) != APS_E_NOMEM) return true;
	rt->queue.is_short = true;
	return false;
}

static void make_err(const struct aps_error_list *list, enum aps_rc code, struct aps_err *err)
{
	char line[APS_ERROR_LINE_CHARS + 1];
	aps_error_list_line(list, line);
	aps_fail_word(err, code, list->word, (long)list->number, "%s", line);
}

static void fail_sub(struct aps_realtime *rt, struct aps_realtime_sub *sub, const struct aps_error_list *list)
{
	aps_realtime_sub_failed(rt, sub, list);
	aps_realtime_link_sub_gone(rt);
}

static void end_sub(struct aps_realtime *rt, struct aps_realtime_sub *sub, size_t err_at)
{
	aps_realtime_sub_end(rt, sub, err_at);
	aps_realtime_link_sub_gone(rt);
}

/* What doesn't change by waiting. A connection that has worked is tried again where the API is said not to exist: it
 * may be half deployed. */
static bool is_final(const struct aps_realtime *rt, const struct aps_error_list *list)
{
	if (list->n_errors == 0) return false;
	if (list->number == 400 || list->family == APS_FAMILY_BAD_REQUEST) return true;
	bool is_hopeless = list->family == APS_FAMILY_NOT_FOUND ||
	                   (list->number >= 400 && !aps_status_is_passing((long)list->number));
	return is_hopeless && !rt->was_acked;
}

/* amplify-js, constants.ts: the codes 400, 401 and 403 and the types Unauthorized and BadRequest are final there. Here
 * a refused authentication is the owner's to answer: fresh material may be all that is missing. */
static void on_connection_error(struct aps_realtime *rt, const struct aps_frame *frame)
{
	struct aps_error_list list;
	struct aps_err err;
	if (!read_errors(rt, frame, &list)) return;
	const struct aps_realtime_action close = {
	        .kind = APS_REALTIME_DO_CLOSE, .code = CLOSE_NO_ACK, .text = APS_STR("Connection failed")};
	if (list.n_errors != 0 && aps_error_list_is_auth(&list)) {
		make_err(&list, APS_E_AUTH, &err);
		aps_action_queue_push(&rt->queue, &close, APS_ACTION_NO_ERR);
		aps_realtime_link_refuse(rt, &err);
	} else if (is_final(rt, &list)) {
		make_err(&list, list.type.n != 0 ? APS_E_GRAPHQL : APS_E_PROTOCOL, &err);
		aps_realtime_link_fail(rt, &err);
	} else {
		make_err(&list, APS_E_GRAPHQL, &err);
		err.retryable = true;
		aps_realtime_link_drop(rt, CLOSE_NO_ACK, "Connection failed", &err, false);
	}
}

static struct aps_realtime_sub *only_unacknowledged(const struct aps_realtime *rt)
{
	struct aps_realtime_sub *found = NULL;
	for (struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = sub->next) {
		if (sub->phase != APS_REALTIME_SUB_SENT) continue;
		if (found != NULL) return NULL;
		found = sub;
	}
	return found;
}

static void on_error_without_id(struct aps_realtime *rt, const struct aps_error_list *list)
{
	char line[APS_ERROR_LINE_CHARS + 1];
	aps_error_list_line(list, line);
	if (aps_error_list_is_auth(list)) {
		struct aps_err err;
		make_err(list, APS_E_AUTH, &err);
		const struct aps_realtime_action close = {
		        .kind = APS_REALTIME_DO_CLOSE, .code = 1000, .text = APS_STR("Auth error - reconnecting")};
		aps_action_queue_push(&rt->queue, &close, APS_ACTION_NO_ERR);
		aps_realtime_link_refuse(rt, &err);
		return;
	}
	bool is_limit = list->family == APS_FAMILY_SUBSCRIPTION_LIMIT || list->family == APS_FAMILY_THROTTLED;
	struct aps_realtime_sub *sub = is_limit ? only_unacknowledged(rt) : NULL;
	if (sub != NULL)
		fail_sub(rt, sub, list);
	else
		aps_realtime_tell_notice(rt, "error without id: %s", line);
}

static void on_error(struct aps_realtime *rt, const struct aps_frame *frame)
{
	struct aps_error_list list;
	if (!read_errors(rt, frame, &list)) return;
	if (frame->id.n == 0) {
		on_error_without_id(rt, &list);
		return;
	}
	struct aps_realtime_sub *sub = aps_realtime_sub_find_id(rt, frame->id);
	if (sub != NULL && (sub->phase == APS_REALTIME_SUB_SENT || sub->phase == APS_REALTIME_SUB_LIVE)) {
		fail_sub(rt, sub, &list);
		return;
	}
	if (aps_realtime_was_stopped(rt, frame->id)) return;
	char line[APS_ERROR_LINE_CHARS + 1];
	aps_error_list_line(&list, line);
	aps_realtime_tell_notice(rt, "error for an unknown subscription: %s", line);
}

static void on_data(struct aps_realtime *rt, const struct aps_frame *frame)
{
	struct aps_realtime_sub *sub = aps_realtime_sub_find_id(rt, frame->id);
	if (sub == NULL || (sub->phase != APS_REALTIME_SUB_LIVE && sub->phase != APS_REALTIME_SUB_SENT)) {
		if (!aps_realtime_was_stopped(rt, frame->id))
			aps_realtime_tell_notice(rt, "data for an unknown subscription");
		return;
	}
	if (frame->payload.n == 0) {
		aps_realtime_tell_notice(rt, "data without a payload");
		return;
	}
	if (sub->phase == APS_REALTIME_SUB_SENT) aps_realtime_sub_started(rt, sub);
	const struct aps_realtime_action action = {
	        .kind = APS_REALTIME_SUB_DATA, .sub = sub->number, .payload = frame->payload};
	aps_action_queue_push(&rt->queue, &action, APS_ACTION_NO_ERR);
}

static void on_unknown(struct aps_realtime *rt, const struct aps_frame *frame)
{
	char shown[SHOWN_CHARS + 1];
	show(frame->type_text, shown);
	if (shown[0] == '\0')
		aps_realtime_tell_notice(rt, "a message without a type");
	else
		aps_realtime_tell_notice(rt, "unknown message type \"%s\"", shown);
}

static void on_frame_when_ready(struct aps_realtime *rt, const struct aps_frame *frame)
{
	struct aps_realtime_sub *sub = NULL;
	switch (frame->type) {
	case APS_FRAME_DATA: on_data(rt, frame); break;
	case APS_FRAME_START_ACK:
		sub = aps_realtime_sub_find_id(rt, frame->id);
		if (sub != NULL && sub->phase == APS_REALTIME_SUB_SENT) aps_realtime_sub_started(rt, sub);
		break;
	case APS_FRAME_COMPLETE:
		/* Without a subscription it is the answer to our own stop. */
		sub = aps_realtime_sub_find_id(rt, frame->id);
		if (sub != NULL && (sub->phase == APS_REALTIME_SUB_SENT || sub->phase == APS_REALTIME_SUB_LIVE))
			end_sub(rt, sub, APS_ACTION_NO_ERR);
		break;
	case APS_FRAME_ERROR: on_error(rt, frame); break;
	case APS_FRAME_CONNECTION_ERROR: on_connection_error(rt, frame); break;
	case APS_FRAME_CONNECTION_ACK: aps_realtime_tell_notice(rt, "a second connection_ack"); break;
	case APS_FRAME_ALIVE:
	case APS_FRAME_PING: break;
	case APS_FRAME_UNKNOWN: on_unknown(rt, frame); break;
	}
}

static void on_frame_before_ack(struct aps_realtime *rt, const struct aps_frame *frame)
{
	char shown[SHOWN_CHARS + 1];
	struct aps_error_list list;
	switch (frame->type) {
	case APS_FRAME_CONNECTION_ACK: aps_realtime_link_ready(rt, aps_frame_ack_timeout_ms(frame)); break;
	case APS_FRAME_CONNECTION_ERROR: on_connection_error(rt, frame); break;
	case APS_FRAME_ERROR:
		if (read_errors(rt, frame, &list)) on_error_without_id(rt, &list);
		break;
	case APS_FRAME_ALIVE: /* the service sends ka as soon as it is connected */
	case APS_FRAME_PING: break;
	case APS_FRAME_START_ACK:
	case APS_FRAME_DATA:
	case APS_FRAME_COMPLETE:
		show(frame->type_text, shown);
		aps_realtime_tell_notice(rt, "\"%s\" before connection_ack", shown);
		break;
	case APS_FRAME_UNKNOWN: on_unknown(rt, frame); break;
	}
}

void aps_realtime_frame_life(struct aps_realtime *rt, int64_t at_ms)
{
	rt->life_at_ms = at_ms;
	if (rt->inputs.is_keep_alive) return;
	rt->inputs.is_keep_alive = true;
	aps_realtime_tell_state(rt, NULL);
}

static bool is_on_the_service(const struct aps_realtime *rt, const struct aps_realtime_sub *sub)
{
	return sub != NULL && rt->phase == APS_REALTIME_READY &&
	       (sub->phase == APS_REALTIME_SUB_SENT || sub->phase == APS_REALTIME_SUB_LIVE);
}

/* What names a subscription is about it alone: it ends, the others and their connection stay. */
static void on_unreadable(struct aps_realtime *rt, struct aps_str text, const struct aps_err *err)
{
	struct aps_str id = aps_frame_find_id(text, &rt->decoded);
	struct aps_realtime_sub *sub = id.n != 0 ? aps_realtime_sub_find_id(rt, id) : NULL;
	if (id.n == 0 || !aps_realtime_was_stopped(rt, id)) aps_realtime_tell_notice(rt, "%s", err->msg);
	if (id.n == 0) {
		aps_realtime_link_drop(rt, CLOSE_PROTOCOL_ERROR, "invalid message", err, true);
	} else if (is_on_the_service(rt, sub)) {
		aps_realtime_sub_send_stop(rt, sub);
		end_sub(rt, sub, aps_action_queue_keep_err(&rt->queue, err));
	}
}

void aps_realtime_frame_received(struct aps_realtime *rt, struct aps_str text)
{
	struct aps_frame frame;
	struct aps_err err;
	if (rt->phase != APS_REALTIME_INIT && rt->phase != APS_REALTIME_READY) return;
	aps_realtime_frame_life(rt, rt->now_ms);
	enum aps_rc rc = aps_frame_read(rt->options.protocol, text, &rt->decoded, &frame, &err);
	if (rc == APS_E_NOMEM) {
		rt->queue.is_short = true;
		return;
	}
	if (rc == APS_E_UTF8) {
		aps_realtime_tell_notice(rt, "%s", err.msg);
		aps_realtime_link_drop(rt, CLOSE_NOT_UTF8, "invalid UTF-8", &err, true);
		return;
	}
	if (rc != APS_OK) {
		on_unreadable(rt, text, &err);
		return;
	}
	if (frame.type == APS_FRAME_PING) aps_realtime_tell_send(rt, APS_STR("{\"type\":\"pong\"}"));
	if (rt->phase == APS_REALTIME_READY)
		on_frame_when_ready(rt, &frame);
	else
		on_frame_before_ack(rt, &frame);
}

void aps_realtime_frame_too_big(struct aps_realtime *rt, struct aps_str head)
{
	struct aps_frame frame;
	struct aps_err err;
	if (rt->phase != APS_REALTIME_INIT && rt->phase != APS_REALTIME_READY) return;
	aps_realtime_frame_life(rt, rt->now_ms);
	aps_fail_word(&err, APS_E_TOO_BIG, "message_too_big", 0, "a message of the service is above the size limit");
	aps_frame_read_head(rt->options.protocol, head, &rt->decoded, &frame);
	if (frame.id.n == 0) {
		aps_realtime_link_fail(rt, &err);
		return;
	}
	struct aps_realtime_sub *sub = aps_realtime_sub_find_id(rt, frame.id);
	if (sub == NULL) {
		if (!aps_realtime_was_stopped(rt, frame.id))
			aps_realtime_tell_notice(rt, "a message above the size limit for an unknown subscription");
		return;
	}
	aps_realtime_sub_send_stop(rt, sub);
	end_sub(rt, sub, aps_action_queue_keep_err(&rt->queue, &err));
}
