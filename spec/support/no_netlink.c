/* Preloaded: the system tells nothing of its network, as in a sandbox. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol)
{
	static int (*real)(int, int, int);
	if (domain == AF_NETLINK) {
		errno = EPERM;
		return -1;
	}
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "socket");
	return real(domain, type, protocol);
}
