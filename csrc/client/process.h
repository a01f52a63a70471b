/* Process-wide state, the only one of the project: live runtimes, the fork generation, the exit hook.
 * A runtime's threads don't exist in a forked child, and must not run while exit handlers take libraries apart. */
#ifndef APS_CLIENT_PROCESS_H
#define APS_CLIENT_PROCESS_H

#include "base/err.h"

struct aps_runtime;

APS_BEGIN_DECLS

/* When the module is loaded: pins it, and keeps OpenSSL whole at exit. @thread app */
void aps_process_load(void);
/* Once: initializes libcurl, registers the fork and exit hooks (in this order: the exit hook must run before libcurl's
 * own). @thread app */
enum aps_rc aps_process_init(struct aps_err *err);
/* Grows by one in each forked child. */
unsigned aps_process_generation(void);
/* The runtimes that the exit hook stops. @thread app */
bool aps_process_add(struct aps_runtime *runtime);
/* False: it isn't there, because the exit hook has taken it. Whoever has taken a runtime stops it. */
bool aps_process_take(struct aps_runtime *runtime);
/* True in nginx's processes, the master included. */
bool aps_process_is_nginx(void);

APS_END_DECLS

#endif
