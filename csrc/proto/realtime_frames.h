/* What the service says, and what follows from it. Private to the realtime machine. */
#ifndef APS_PROTO_REALTIME_FRAMES_H
#define APS_PROTO_REALTIME_FRAMES_H

#include "proto/realtime_machine.h"

APS_BEGIN_DECLS

void aps_realtime_frame_received(struct aps_realtime *rt, struct aps_str text);
void aps_realtime_frame_too_big(struct aps_realtime *rt, struct aps_str head);

APS_END_DECLS

#endif
