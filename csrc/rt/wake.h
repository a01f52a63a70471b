/* A descriptor that is readable after it was raised: eventfd on Linux, a pipe elsewhere; or the other end of a socket,
 * whose owner takes what was written (rt/wake_socket.h). */
#ifndef APS_RT_WAKE_H
#define APS_RT_WAKE_H

#include "base/err.h"

struct aps_wake {
	int read_fd; /* -1: it is another's */
	int write_fd;
	bool is_socket;
};

APS_BEGIN_DECLS

/* Close-on-exec, non-blocking. E_SYSTEM with errno. */
enum aps_rc aps_wake_init(struct aps_wake *wake, struct aps_err *err);
void aps_wake_clear(struct aps_wake *wake);
/* @thread any. Async-signal-safe; never blocks. */
void aps_wake_raise(struct aps_wake *wake);
/* Clears it. The receiver does this before it drains. */
void aps_wake_lower(struct aps_wake *wake);
/* Waits until raised; timeout_ms < 0: for ever. True when it was raised; EINTR counts as a time-out. */
bool aps_wake_wait(const struct aps_wake *wake, int timeout_ms);

APS_END_DECLS

#endif
