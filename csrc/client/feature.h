/* A feature of the core, as the core knows it: a few moments at which it is called. What there is stands in one list
 * (features.c), which is handed to the core at its start; docs/adding-a-feature.md shows how one is made. */
#ifndef APS_CLIENT_FEATURE_H
#define APS_CLIENT_FEATURE_H

#include "base/err.h"

struct aps_core;
struct aps_client;

#define APS_MAX_FEATURES 16

/* All of them @thread core, but for `open` and `close`: before the thread starts and after it was joined (@thread app).
 * Each may be NULL. `part`: what the feature keeps in the core, or in that client (see aps_core_part()). */
struct aps_feature {
	const char *name;
	/* Sets *part, which `close` frees. */
	enum aps_rc (*open)(struct aps_core *core, void **part, struct aps_err *err);
	/* Sets *part, which `client_closing` gives to aps_core_reap(). On failure the client isn't opened. */
	enum aps_rc (*client_opened)(struct aps_core *core, struct aps_client *client, void **part,
	                             struct aps_err *err);
	/* The client will close once its calls have ended: ends with *err what isn't one of them. May come twice. */
	void (*client_leaving)(struct aps_core *core, struct aps_client *client, const struct aps_err *err);
	/* Answers with *err what the application waits for, and lets go of all it has of the client. */
	void (*client_closing)(struct aps_core *core, struct aps_client *client, const struct aps_err *err);
	/* Too much waits for the core or for the application: bring nothing new in; later: go on. */
	void (*hold)(struct aps_core *core, bool is_on);
	/* The application takes nothing for a while, and knows it; later: it is back. */
	void (*suspend)(struct aps_core *core, bool is_on);
	/* A credential of the client has other material. */
	void (*renewed)(struct aps_core *core, struct aps_client *client, uint64_t credential);
	/* Whether turn_end() is going to wait for the disk, for what this client keeps; NULL: for anything. */
	bool (*waits_at_end)(const struct aps_core *core, const struct aps_client *client);
	/* It is: what needn't wait for the disk is committed before. */
	void (*commit_rest)(struct aps_core *core);
	/* All that came in was handled: commit, then emit what depends on it. */
	void (*turn_end)(struct aps_core *core);
	void (*close)(struct aps_core *core, void *part);
};

#endif
