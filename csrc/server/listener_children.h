/* Child processes of a listener: what they write and how they end are events among its others. */
#ifndef APS_SERVER_LISTENER_CHILDREN_H
#define APS_SERVER_LISTENER_CHILDREN_H

#include "server/child_process.h"
#include "server/listener.h"

APS_BEGIN_DECLS

/* The set of the listener's processes, made when it is asked for first; it ends with the listener. E_NOMEM. */
enum aps_rc aps_listener_children(struct aps_listener *listener, struct aps_child_set **out, struct aps_err *err);

APS_END_DECLS

#endif
