/* Child processes of a listener: what they write and how they end are events among its others. */
#ifndef APS_SERVER_LISTENER_CHILDREN_H
#define APS_SERVER_LISTENER_CHILDREN_H

#include "server/listener.h"
#include "server/process.h"

APS_BEGIN_DECLS

/* The set of the listener's processes, made when it is asked for first. E_NOMEM. */
enum aps_rc aps_listener_children(struct aps_listener *listener, struct aps_process_set **out, struct aps_err *err);
/* Kills them and waits until they are gone. */
void aps_listener_children_free(struct aps_listener *listener);

APS_END_DECLS

#endif
