/* How the compute team waits between its tasks. */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

/* OpenMP threads that wait by spinning keep a shared or busy machine from doing the work they wait
 * for: a step beside one busy process took 385 ms instead of 156. libgomp reads its settings when
 * the program is loaded, so that the program starts itself again with a short spin, once, unless
 * the user has chosen (OMP_WAIT_POLICY or GOMP_SPINCOUNT). Returns when there is nothing to do. */
void waiting_settle(char *const words[]);

#endif
