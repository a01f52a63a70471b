/* The two clocks. Only thin code reads them; the pure layers get the time as an argument. */
#ifndef APS_BASE_CLOCK_H
#define APS_BASE_CLOCK_H

#include "base/macros.h"

APS_BEGIN_DECLS

/* Milliseconds of a clock that never goes back; its zero means nothing. */
int64_t aps_clock_mono_ms(void);
/* The same clock in seconds with its full resolution. */
double aps_clock_mono_s(void);
/* Seconds that the calling thread has worked, without those in which others did; 0 where the system can't tell. */
double aps_clock_thread_s(void);
/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t aps_clock_wall_ms(void);

/* From now on the calling thread's clocks, also that of its work, stand at these times, until they are set anew: a
 * simulation tells it the time. Other threads' clocks go on. */
void aps_clock_stand(int64_t mono_ms, int64_t wall_ms);
void aps_clock_go_on(void);

APS_END_DECLS

#endif
