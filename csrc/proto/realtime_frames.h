/* What the service says, and what follows from it. Private to the realtime machine. */
#ifndef APS_PROTO_REALTIME_FRAMES_H
#define APS_PROTO_REALTIME_FRAMES_H

#include "proto/realtime_machine.h"

APS_BEGIN_DECLS

void aps_realtime_frame_received(struct aps_realtime *rt, struct aps_str text);
void aps_realtime_frame_too_big(struct aps_realtime *rt, struct aps_str head);
/* The service gave a sign of life at that time, which isn't earlier than the last one. */
void aps_realtime_frame_life(struct aps_realtime *rt, int64_t at_ms);

APS_END_DECLS

#endif
