/* Process-wide state, the only one of the project: what must be stopped at exit, the fork generation, the exit hook. */
#ifndef APS_CLIENT_PROCESS_H
#define APS_CLIENT_PROCESS_H

#include "base/err.h"

/* What the exit hook stops: its threads must not run while exit handlers take libraries apart. */
struct aps_stoppable {
	/* False: a thread of it is stuck; call it again. @thread any */
	bool (*stop)(void *object, int64_t timeout_ms);
	void *object;
};

APS_BEGIN_DECLS

/* When the module is loaded: pins it, and keeps OpenSSL whole at exit. @thread app */
void aps_process_load(void);
/* Once: initializes libcurl, registers the fork and exit hooks (in this order: the exit hook must run before libcurl's
 * own). @thread app */
enum aps_rc aps_process_init(struct aps_err *err);
/* Grows by one in each forked child. */
unsigned aps_process_generation(void);
/* What the exit hook will stop. False: there are too many. @thread app */
bool aps_process_add(struct aps_stoppable stoppable);
/* False: it isn't there, because the exit hook has taken it. Whoever has taken an object stops it. */
bool aps_process_take(const void *object);
/* True in nginx's processes, the master included. */
bool aps_process_is_nginx(void);

APS_END_DECLS

#endif
