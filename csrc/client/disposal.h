/* What is large is freed by the core: giving its memory back to the system takes longer than a frame has. @thread app
 */
#ifndef APS_CLIENT_DISPOSAL_H
#define APS_CLIENT_DISPOSAL_H

#include "client/command.h"

APS_BEGIN_DECLS

/* Calls `let_go` with the object: on the core's thread, or where the command is freed without having run. NULL when
 * memory is out; nothing was called then. */
struct aps_command *aps_disposal_command_new(void (*let_go)(void *object), void *object);

APS_END_DECLS

#endif
