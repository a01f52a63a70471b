/* The door of a process: a datagram socket that is a file, mode 0600, at which other processes knock. A knock says a
 * few bits, and nothing more; it waits for nobody, and may be lost. */
#ifndef APS_RT_DOOR_H
#define APS_RT_DOOR_H

#include "base/macros.h"

#include <stdbool.h>
#include <sys/un.h>

struct aps_door {
	int fd; /* readable when somebody has knocked; -1: there is none */
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

APS_BEGIN_DECLS

/* At this path, of which nobody else makes use: what a process that was killed has left there is removed. False: there
 * is none. The path may be too long, the file system may have no sockets, or nothing more can be written or opened. */
bool aps_door_open(struct aps_door *door, const char *path);
/* Removes the file. Twice is legal. */
void aps_door_close(struct aps_door *door);
/* Takes what has come. True: somebody has knocked; *bits: all that was said, 0 where that is nothing that is known. */
bool aps_door_answer(const struct aps_door *door, unsigned *bits);
/* From one's own door at another one. False: nobody is behind that any more. One at which many have knocked that nobody
 * has answered yet isn't knocked at: it will be answered. */
bool aps_door_knock(const struct aps_door *door, const char *path, unsigned char bits);

APS_END_DECLS

#endif
