/* The subscriptions: their ids, their starts, their ends. Private to the realtime machine. */
#ifndef APS_PROTO_REALTIME_SUBS_H
#define APS_PROTO_REALTIME_SUBS_H

#include "proto/error_list.h"
#include "proto/realtime_machine.h"

APS_BEGIN_DECLS

struct aps_realtime_sub *aps_realtime_sub_find(const struct aps_realtime *rt, uint64_t number);
struct aps_realtime_sub *aps_realtime_sub_find_id(const struct aps_realtime *rt, struct aps_str id);
/* NULL: memory is out. */
struct aps_realtime_sub *aps_realtime_sub_new(struct aps_realtime *rt, uint64_t number);
void aps_realtime_sub_free(struct aps_realtime *rt, struct aps_realtime_sub *sub);
void aps_realtime_sub_set_phase(struct aps_realtime *rt, struct aps_realtime_sub *sub,
                                enum aps_realtime_sub_phase phase, int64_t deadline_ms);
/* Gives DO_START. */
void aps_realtime_sub_ask(struct aps_realtime *rt, struct aps_realtime_sub *sub);
void aps_realtime_sub_send_start(struct aps_realtime *rt, struct aps_realtime_sub *sub, struct aps_str payload);
/* Where the service knows of it. */
void aps_realtime_sub_send_stop(struct aps_realtime *rt, const struct aps_realtime_sub *sub);
/* It was stopped on this connection, and the service may not have known when it sent what names it. */
bool aps_realtime_was_stopped(const struct aps_realtime *rt, struct aps_str id);
void aps_realtime_sub_started(struct aps_realtime *rt, struct aps_realtime_sub *sub);
/* SUB_ENDED; `err_at` of the action queue. The subscription stays if memory is out, and is started anew; else
 * aps_realtime_link_sub_gone() is next. */
void aps_realtime_sub_end(struct aps_realtime *rt, struct aps_realtime_sub *sub, size_t err_at);
/* An `error` message about this subscription, which it may end as above. */
void aps_realtime_sub_failed(struct aps_realtime *rt, struct aps_realtime_sub *sub, const struct aps_error_list *list);
/* The connection has gone: all of them wait for the next one. */
void aps_realtime_subs_interrupt(struct aps_realtime *rt, size_t err_at);
void aps_realtime_subs_ask_all(struct aps_realtime *rt);
/* Reading was resumed: acknowledgements get their full time again. */
void aps_realtime_subs_extend(struct aps_realtime *rt);
/* Starts that are due, and those that nobody answered, some of which may end. True: nothing else comes either. */
bool aps_realtime_subs_tick(struct aps_realtime *rt);
int64_t aps_realtime_subs_deadline_ms(const struct aps_realtime *rt);
/* The machine is at rest: keeps the earliest deadline, so that a message does not cost a walk over all of them. */
void aps_realtime_subs_settle(struct aps_realtime *rt);

APS_END_DECLS

#endif
