/* What the parts of the extension share. Everything here is a pure function of buffers: it keeps no state between calls,
 * reads and writes nothing outside the buffers it was given, and has a twin in Python that says the same, more slowly.
 */
#ifndef UNMASQ_NATIVE_H
#define UNMASQ_NATIVE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000 /* the stable ABI of Python 3.11: one library for all later ones */
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes from `at` to before `end`. */
typedef struct {
    const uint8_t *at, *end;
} Text;

static inline size_t length_of(Text text) { return (size_t)(text.end - text.at); }

static inline bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* Columns `begin` and `end` of values: offsets into the data they were found in. */
typedef struct {
    Py_buffer data, begin, end;
} Values;

/* Whether a buffer holds whole items of this size, where the machine wants them to stand. */
static inline bool holds(const Py_buffer *buffer, size_t item)
{
    return (size_t)buffer->len % item == 0 && (uintptr_t)buffer->buf % item == 0;
}

/* Values from three buffers of equal sense; false with an exception set where a row points outside the data. */
bool take_values(Values *values, PyObject *data, PyObject *begin, PyObject *end);
void give_back(Values *values);
Py_ssize_t rows_of(const Values *values);
Text value_at(const Values *values, Py_ssize_t row);

enum { MOST_WORDS = 64 }; /* of a key */

bool overlap(const Py_buffer *one, const Py_buffer *other);

PyObject *native_bounds(PyObject *self, PyObject *argument);
PyObject *native_twice(PyObject *self, PyObject *arguments);
PyObject *native_match(PyObject *self, PyObject *arguments);
PyObject *native_distinct(PyObject *self, PyObject *arguments);
PyObject *native_numbers(PyObject *self, PyObject *arguments);
PyObject *native_cut(PyObject *self, PyObject *arguments);
PyObject *native_texts(PyObject *self, PyObject *arguments);
PyObject *native_claims(PyObject *self, PyObject *arguments);
PyObject *native_intern(PyObject *self, PyObject *arguments);
PyObject *native_spread(PyObject *self, PyObject *arguments);
PyObject *native_grouped(PyObject *self, PyObject *arguments);
PyObject *native_index_find(PyObject *self, PyObject *arguments);
PyObject *native_index_put(PyObject *self, PyObject *arguments);
PyObject *native_index_drop(PyObject *self, PyObject *arguments);

/* The 128 bits of an address in two halves, IPv4 as v4-mapped; both zero where a text names none. */
typedef struct {
    uint64_t hi, lo;
} Address;

Address read_address(Text text);

#endif
