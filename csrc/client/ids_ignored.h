/* A service that makes its own ids has no record under the one that a create has brought along: that the record is
 * absent doesn't say then that the create wasn't executed. The answers of earlier ones tell (sync/id_evidence.h), as
 * long as the log of outcomes has them. @thread core */
#ifndef APS_CLIENT_IDS_IGNORED_H
#define APS_CLIENT_IDS_IGNORED_H

#include "client/sending.h"

APS_BEGIN_DECLS

/* For an entry in doubt whose record is absent: the newest answer of the same mutation that tells, among the last
 * thousand outcomes. Where none does, the application is believed. */
enum aps_rc aps_ids_are_ignored(const struct aps_sending *sending, bool *are_ignored, struct aps_err *err);

APS_END_DECLS

#endif
