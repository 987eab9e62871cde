/* Time, for measuring and for log lines only: nothing that is computed depends on it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Seconds since an arbitrary start, monotonic; seconds since 1970. */
double clock_seconds(void);
double clock_wall(void);

/* Peak resident memory of this process so far, in bytes; memory of the machine now available. */
double clock_peak_bytes(void);
double clock_available_bytes(void);

#endif
