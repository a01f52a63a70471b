/* What the owner is told and given to send. Private to the realtime machine. */
#ifndef APS_PROTO_REALTIME_TELL_H
#define APS_PROTO_REALTIME_TELL_H

#include "proto/realtime_machine.h"

APS_BEGIN_DECLS

/* One action; `err` may be NULL. False: memory is out. */
bool aps_realtime_tell(struct aps_realtime *rt, const struct aps_realtime_action *action, const struct aps_err *err);
void aps_realtime_tell_notice(struct aps_realtime *rt, const char *format, ...) APS_PRINTF(2, 3);
void aps_realtime_tell_send(struct aps_realtime *rt, struct aps_str literal);
/* If it changed. */
void aps_realtime_tell_state(struct aps_realtime *rt, const struct aps_err *cause);

APS_END_DECLS

#endif
