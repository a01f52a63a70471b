/* What must hold in a simulation, whatever happens. */
#ifndef APS_SPEC_SYNC_SIMULATION_CHECK_H
#define APS_SPEC_SYNC_SIMULATION_CHECK_H

#include "sync/simulation.h"

void simulation_say(struct simulation *world, const char *format, ...) APS_PRINTF(2, 3);
void simulation_violate(struct simulation *world, const char *format, ...) APS_PRINTF(2, 3);
/* What was committed is promised to the application. */
void simulation_acknowledge(struct simulation *world);
/* Enqueues that weren't committed have failed. */
void simulation_forget_new(struct simulation *world);
void simulation_check_send(struct simulation *world, uint64_t number);
void simulation_check_told(struct simulation *world, const struct aps_outbox_action *action);
void simulation_check_effects(struct simulation *world, const struct model_mutation *mutation);
/* Not more is under way than may be. */
void simulation_check_busy(struct simulation *world);
/* True: all that is queued is poisoned, or has to do with something that is. */
bool simulation_check_excused(const struct simulation *world);
void simulation_check_end(struct simulation *world);

#endif
