#include "net/descriptors.h"

#include "net/sealing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool aps_descriptors_are_out(struct aps_err *err)
{
	int fd = aps_sealed_socket(AF_UNIX, SOCK_STREAM, 0);
	int why = errno;
	if (fd >= 0) {
		close(fd);
		return false;
	}
	if (why != EMFILE && why != ENFILE && why != ENOBUFS && why != ENOMEM) return false;
	aps_fail_word(err, APS_E_SYSTEM, "descriptors", why,
	              "no descriptor is left for a socket (%s); raise the limit of open files", strerror(why));
	return true;
}
