/* The way to a wake-up for an outside loop that watches no descriptor of ours, but opens sockets itself, as nginx's
 * does: it connects to a path, and is sent bytes from then on. Nobody else finds the path: it is in a folder of mode
 * 0700, under a random name, until the loop has connected. */
#ifndef APS_RT_WAKE_SOCKET_H
#define APS_RT_WAKE_SOCKET_H

#include "rt/wake.h"

#define APS_WAKE_SOCKET_PATH 108 /* what sun_path takes */

struct aps_wake_socket {
	int fd; /* -1: it isn't open */
	char folder[APS_WAKE_SOCKET_PATH];
	char path[APS_WAKE_SOCKET_PATH];
};

APS_BEGIN_DECLS

/* E_SYSTEM with errno. */
enum aps_rc aps_wake_socket_open(struct aps_wake_socket *listening, struct aps_err *err);
/* Once the loop has connected. `wake` is made anew, without anything to read on this side: the loop takes the bytes.
 * The socket is closed, and its path removed, in any case. E_SYSTEM: nobody has connected, or another process. */
enum aps_rc aps_wake_socket_accept(struct aps_wake_socket *listening, struct aps_wake *wake, struct aps_err *err);
/* Twice is legal. */
void aps_wake_socket_close(struct aps_wake_socket *listening);

APS_END_DECLS

#endif
