/* Threads that never run a signal handler of the host. */
#ifndef APS_RT_THREAD_H
#define APS_RT_THREAD_H

#include "base/err.h"

struct aps_thread; /* opaque; heap */

/* Entry points say which thread they belong to. Tests and sanitizer builds hold them to it; `thread` NULL: none runs
 * yet, or a test is it. */
#if defined APS_TESTING || defined APS_CHECK_THREADS
#define APS_ON_THREAD(thread) APS_ASSERT((thread) == NULL || aps_thread_is_current(thread))
#else
#define APS_ON_THREAD(thread) ((void)(thread))
#endif

APS_BEGIN_DECLS

/* Started with all signals blocked; `self` is what is returned here. `name`: at most 15 characters. NULL with *err when
 * the system refuses. */
struct aps_thread *aps_thread_start(const char *name, void (*run)(void *context, const struct aps_thread *self),
                                    void *context, struct aps_err *err);
/* Waits until it has ended and frees it; timeout_ms < 0: for ever. False: it still runs (and the object stays; try
 * again). */
bool aps_thread_join(struct aps_thread *thread, int64_t timeout_ms);
/* True on that thread itself. */
bool aps_thread_is_current(const struct aps_thread *thread);

APS_END_DECLS

#endif
