/* What both transports need to know of the way to a server. Text is owned by whoever owns the struct. */
#ifndef APS_NET_OPTIONS_H
#define APS_NET_OPTIONS_H

#include "base/err.h"

struct aps_net_options {
	char *proxy;     /* "http://[user:password@]host:port"; NULL: none (the environment is not looked at) */
	char *ca_file;   /* PEM bundle that replaces the system's; NULL: the system's */
	char *cert_file; /* client certificate, PEM; NULL: none */
	char *key_file;  /* its key; NULL: it stands in cert_file */
	bool verify;     /* certificate chain and host name; true unless the user switched it off */
};

APS_BEGIN_DECLS

void aps_net_options_clear(struct aps_net_options *options);
/* A deep copy; false when memory is out (then *out is cleared). */
bool aps_net_options_dup(const struct aps_net_options *options, struct aps_net_options *out);
/* By content. */
bool aps_net_options_is_same(const struct aps_net_options *a, const struct aps_net_options *b);
/* The TLS files are plain and can be read: both libraries open them without looking, and a pipe would stop the thread
 * that does. E_TLS. */
enum aps_rc aps_net_options_check_files(const struct aps_net_options *options, struct aps_err *err);

APS_END_DECLS

#endif
