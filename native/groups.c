/* Rows grouped by their keys: the groups in the order in which their keys are first met, the rows of each in their own order. */
#include "siphash.h"

typedef struct {
    Py_buffer keys, order, begin;
    size_t width; /* words of a key */
    Py_ssize_t rows;
    uint64_t seed;
} Grouping;

static const uint64_t *key_at(const Grouping *call, int64_t row) { return (const uint64_t *)call->keys.buf + (size_t)row * call->width; }

static bool same_key(const Grouping *call, int64_t one, int64_t other)
{
    return !memcmp(key_at(call, one), key_at(call, other), call->width * sizeof(uint64_t));
}

/* The number of each row's group to `group`, the first row of each group to `first`; returns how many groups there are. */
static int64_t number_rows(const Grouping *call, int32_t *table, size_t places, int32_t *group, int64_t *first)
{
    int64_t count = 0;
    for (int64_t row = 0; row < call->rows; row++) {
        Text key = {(const uint8_t *)key_at(call, row), (const uint8_t *)key_at(call, row + 1)};
        size_t place = hash_of(key, call->seed) & (places - 1);
        while (table[place] && !same_key(call, row, first[table[place] - 1])) place = (place + 1) & (places - 1);
        if (!table[place]) {
            first[count] = row;
            table[place] = (int32_t)++count;
        }
        group[row] = table[place] - 1;
    }
    return count;
}

/* Where each group begins, and then its rows one after the other: a counting sort. */
static void set_in_order(const Grouping *call, const int32_t *group, int32_t *next, int64_t count)
{
    int64_t *order = call->order.buf, *begin = call->begin.buf;
    memset(next, 0, (size_t)(count + 1) * sizeof *next);
    for (int64_t row = 0; row < call->rows; row++) next[group[row] + 1]++;
    for (int64_t each = 0; each < count; each++) begin[each] = next[each], next[each + 1] += next[each];
    for (int64_t row = 0; row < call->rows; row++) order[next[group[row]]++] = row;
}

/* -1 without memory. */
static int64_t group_rows(const Grouping *call)
{
    size_t rows = (size_t)call->rows, places = 16;
    while (places < 2 * rows) places *= 2;
    int32_t *table = PyMem_Calloc(places + rows, sizeof *table); /* number + 1; 0 is a free place */
    if (!table) return PyErr_NoMemory(), -1;
    int64_t count = number_rows(call, table, places, table + places, call->begin.buf);
    set_in_order(call, table + places, table, count); /* the places are not needed any more: there are more of them than groups */
    PyMem_Free(table);
    return count;
}

static bool fits(const Grouping *call)
{
    size_t item = sizeof(uint64_t);
    bool whole = call->width && holds(&call->keys, item) && holds(&call->order, item) && holds(&call->begin, item);
    return whole && call->rows < INT32_MAX && call->begin.len == call->order.len && !((size_t)call->keys.len % (call->width * item)) &&
           (size_t)call->keys.len / (call->width * item) == (size_t)call->rows && !overlap(&call->keys, &call->order) &&
           !overlap(&call->keys, &call->begin) && !overlap(&call->order, &call->begin);
}

PyObject *native_grouped(PyObject *self, PyObject *arguments)
{
    Grouping call;
    unsigned long long width, seed;
    int64_t count = -1;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*w*w*KK", &call.keys, &call.order, &call.begin, &width, &seed)) return NULL;
    call.width = width <= MOST_WORDS ? (size_t)width : 0, call.seed = seed;
    call.rows = call.order.len / (Py_ssize_t)sizeof(uint64_t);
    if (fits(&call))
        count = group_rows(&call);
    else
        PyErr_SetString(PyExc_ValueError, "a key, a place in the order and one for the begin of a group for each row, please");
    PyBuffer_Release(&call.keys), PyBuffer_Release(&call.order), PyBuffer_Release(&call.begin);
    return count < 0 ? NULL : PyLong_FromLongLong(count);
}
