/* Ctrl-C and SIGTERM: the first asks the task to save and stop, the second kills. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* From now on signals are requests. Writing to a closed pipe no longer kills: a run does not end
 * because nobody reads its progress any more. */
void signals_catch(void);

/* From here on a reader of standard output who goes away ends the program without a word, by
 * SIGPIPE, as with other tools; before, a training goes on when nobody looks any more. */
void signals_end_with_reader(void);

/* Not 0 once a stop was requested: the stop function of a tacit_observer. */
int signals_stop_requested(void *user);

#endif
