/* The life of the connection: attempts and their delays, acknowledgement, keep-alive, idle close. Private to the
 * realtime machine. */
#ifndef APS_PROTO_REALTIME_LINK_H
#define APS_PROTO_REALTIME_LINK_H

#include "proto/realtime_machine.h"

APS_BEGIN_DECLS

/* Connects if that is due: subscriptions are there and nothing is under way. */
void aps_realtime_link_want(struct aps_realtime *rt);
/* The connection has gone. `is_broken`: the service talks nonsense, so that having worked before counts for nothing. */
void aps_realtime_link_lose(struct aps_realtime *rt, const struct aps_err *cause, bool is_broken);
/* Closes it, then as above. */
void aps_realtime_link_drop(struct aps_realtime *rt, int code, const char *reason, const struct aps_err *cause,
                            bool is_broken);
/* The service refuses the connection's authentication. Closes what is open. */
void aps_realtime_link_refuse(struct aps_realtime *rt, const struct aps_err *err);
/* Ends all subscriptions with *err, and the connection. */
void aps_realtime_link_fail(struct aps_realtime *rt, const struct aps_err *err);
void aps_realtime_link_attempt_after(struct aps_realtime *rt, int64_t delay_ms);
/* The network may be back: what waits for its delay, or hangs, is tried soon. */
void aps_realtime_link_hurry(struct aps_realtime *rt);
/* A subscription has gone: it may have been the last one. */
void aps_realtime_link_sub_gone(struct aps_realtime *rt);
/* Nothing came since a start that wasn't acknowledged in time. */
void aps_realtime_link_start_overdue(struct aps_realtime *rt);
void aps_realtime_link_ready(struct aps_realtime *rt, int64_t keep_alive_ms);
/* An action was lost because memory was out: starts over, so that nobody waits for it. */
void aps_realtime_link_start_over(struct aps_realtime *rt);
void aps_realtime_link_tick(struct aps_realtime *rt);
int64_t aps_realtime_link_deadline_ms(const struct aps_realtime *rt);
bool aps_realtime_link_is_open(const struct aps_realtime *rt);

APS_END_DECLS

#endif
