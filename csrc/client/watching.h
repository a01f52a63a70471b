/* The feature behind watches: each shows the application what its operation would give from the cache, anew at the end
 * of each turn in which that has changed. While the application has not taken what a watch showed last, it shows
 * nothing more; then it shows what there is at that time.
 * @thread core, but for the making of commands */
#ifndef APS_CLIENT_WATCHING_H
#define APS_CLIENT_WATCHING_H

#include "client/command.h"
#include "client/event.h"
#include "client/feature.h"
#include "proto/operation.h"

struct aps_watch_command {
	struct aps_command head;
	uint64_t cache; /* the partition's number */
	struct aps_operation operation;
	struct aps_view_event *spare; /* tells a failure */
};

APS_BEGIN_DECLS

/* @thread app. NULL when memory is out. Its VIEW comes with the end of a turn, also where nothing is there. */
struct aps_watch_command *aps_watch_command_new(uint64_t client, uint64_t watch);
/* No VIEW is emitted after it. */
struct aps_command *aps_unwatch_command_new(uint64_t client, uint64_t watch);
/* The application has taken the VIEWs that came. */
struct aps_command *aps_view_taken_command_new(uint64_t client, uint64_t watch);
/* A VIEW is emitted in any case, and says that it was asked for: with what was there when the command was made. */
struct aps_command *aps_show_command_new(uint64_t client, uint64_t watch);

extern const struct aps_feature aps_watching_feature;

APS_END_DECLS

#endif
