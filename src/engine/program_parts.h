/* The inside of a program, for the files that make, run and describe it. */
#ifndef ENGINE_PROGRAM_PARTS_H
#define ENGINE_PROGRAM_PARTS_H

#include "engine/cpu/cpu.h"
#include "engine/program.h"

/* An input, knob or output by name. */
struct port {
    const char *name;
    int kind;
    struct shape shape;
    float *data;
};

struct program {
    struct arena memory; /* names */
    struct call *call;
    size_t calls;
    char *temporary, *fixed, *scratch;
    size_t temporary_bytes, scratch_bytes;
    bool borrows_temporary, borrows_scratch;
    struct port *port;
    size_t ports;
    struct program_size size;
    struct run_key key;
    bool check, profile;
    struct guard *guard; /* check: what must stay untouched, what is poisoned after which call */
    size_t guards;
};

/* check: one temporary, with the calls between which it lives. */
struct guard {
    char *data;
    size_t bytes;
    uint32_t first, last;
};

#endif
