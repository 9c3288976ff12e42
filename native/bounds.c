/* Where lines end, and which of them hold a byte more than once: two looks at data that is too large to be looked at often. */
#include "native.h"

/* Offsets into the data: the first is 0, each other one that behind a line. */
typedef struct {
    int64_t *at;
    size_t count, room;
} Offsets;

static bool add(Offsets *offsets, int64_t offset)
{
    if (offsets->count == offsets->room) {
        size_t room = offsets->room ? 2 * offsets->room : 1024;
        int64_t *more = PyMem_Realloc(offsets->at, room * sizeof *more);
        if (!more) return PyErr_NoMemory(), false;
        offsets->at = more;
        offsets->room = room;
    }
    offsets->at[offsets->count++] = offset;
    return true;
}

static bool find_bounds(Text data, Offsets *offsets)
{
    bool done = add(offsets, 0);
    for (Text rest = data; done && rest.at < rest.end;) {
        const uint8_t *newline = memchr(rest.at, '\n', length_of(rest));
        rest.at = newline ? newline + 1 : rest.end;
        done = add(offsets, rest.at - data.at);
    }
    return done;
}

PyObject *native_bounds(PyObject *self, PyObject *argument)
{
    Py_buffer data;
    Offsets offsets = {NULL, 0, 0};
    PyObject *result = NULL;
    (void)self;
    if (PyObject_GetBuffer(argument, &data, PyBUF_SIMPLE) < 0) return NULL;
    if (find_bounds((Text){data.buf, (const uint8_t *)data.buf + data.len}, &offsets))
        result = PyBytes_FromStringAndSize((const char *)offsets.at, (Py_ssize_t)(offsets.count * sizeof *offsets.at));
    PyMem_Free(offsets.at);
    PyBuffer_Release(&data);
    return result;
}

static bool holds_twice(Text line, int byte)
{
    const uint8_t *first = memchr(line.at, byte, length_of(line));
    return first && memchr(first + 1, byte, (size_t)(line.end - first - 1));
}

/* Fills `found`, a byte a line; false where a line begins outside the data or before the one in front of it. */
static bool look(Text data, int byte, const int64_t *starts, uint8_t *found, size_t lines)
{
    for (size_t line = 0; line < lines; line++) {
        int64_t end = line + 1 < lines ? starts[line + 1] : data.end - data.at;
        if (starts[line] < 0 || starts[line] > end || end > data.end - data.at) return false;
        found[line] = holds_twice((Text){data.at + starts[line], data.at + end}, byte);
    }
    return true;
}

PyObject *native_twice(PyObject *self, PyObject *arguments)
{
    Py_buffer data, starts, found;
    unsigned char byte;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*by*w*", &data, &byte, &starts, &found)) return NULL;
    size_t lines = (size_t)found.len;
    bool fits = holds(&starts, sizeof(int64_t)) && (size_t)starts.len / sizeof(int64_t) == lines && !overlap(&starts, &found);
    fits = fits && look((Text){data.buf, (const uint8_t *)data.buf + data.len}, byte, starts.buf, found.buf, lines);
    PyBuffer_Release(&data), PyBuffer_Release(&starts), PyBuffer_Release(&found);
    if (fits) Py_RETURN_NONE;
    return PyErr_SetString(PyExc_ValueError, "a start within the data for each line, in order, please"), NULL;
}
