/* What becomes of a column of values: equal ones numbered alike, digits to numbers, and texts around them. */
#include "siphash.h"

enum { MOST_DIGITS = 18 }; /* of a number that fits 64 bits with a sign */

static const char WANTED[] = "as many numbers as values, and apart from them, please";

bool take_values(Values *values, PyObject *data, PyObject *begin, PyObject *end)
{
    memset(values, 0, sizeof *values);
    if (PyObject_GetBuffer(data, &values->data, PyBUF_SIMPLE) < 0 || PyObject_GetBuffer(begin, &values->begin, PyBUF_SIMPLE) < 0 ||
        PyObject_GetBuffer(end, &values->end, PyBUF_SIMPLE) < 0)
        return give_back(values), false;
    bool fits = values->begin.len == values->end.len && holds(&values->begin, sizeof(int32_t)) && holds(&values->end, sizeof(int32_t)) &&
                rows_of(values) <= INT32_MAX;
    const int32_t *from = values->begin.buf, *to = values->end.buf;
    for (Py_ssize_t row = 0; fits && row < rows_of(values); row++) fits = 0 <= from[row] && from[row] <= to[row] && to[row] <= values->data.len;
    if (fits) return true;
    PyErr_SetString(PyExc_ValueError, "a value lies outside the data");
    return give_back(values), false;
}

void give_back(Values *values)
{
    PyBuffer_Release(&values->data), PyBuffer_Release(&values->begin), PyBuffer_Release(&values->end);
}

Py_ssize_t rows_of(const Values *values) { return values->begin.len / (Py_ssize_t)sizeof(int32_t); }

Text value_at(const Values *values, Py_ssize_t row)
{
    const uint8_t *data = values->data.buf;
    return (Text){data + ((const int32_t *)values->begin.buf)[row], data + ((const int32_t *)values->end.buf)[row]};
}

bool overlap(const Py_buffer *one, const Py_buffer *other)
{
    uintptr_t from = (uintptr_t)one->buf, to = (uintptr_t)other->buf;
    return from < to + (size_t)other->len && to < from + (size_t)one->len;
}

/* Whether there is a number of this size for each value, and writing them leaves the values where they are. */
static bool is_column(const Py_buffer *numbers, const Values *values, size_t size)
{
    bool fits = holds(numbers, size) && (size_t)numbers->len / size == (size_t)rows_of(values);
    return fits && !overlap(numbers, &values->begin) && !overlap(numbers, &values->end);
}

static bool equal(Text one, Text other)
{
    return length_of(one) == length_of(other) && memcmp(one.at, other.at, length_of(one)) == 0;
}

/* Numbers the values in the order in which they are first met; returns how many there are, -1 without memory. */
static Py_ssize_t number_values(const Values *values, int32_t *first, int32_t *numbers, uint64_t seed)
{
    Py_ssize_t rows = rows_of(values), count = 0;
    size_t places = 16;
    while (places < 2 * (size_t)rows) places *= 2;
    int32_t *table = PyMem_Calloc(places, sizeof *table); /* number + 1; 0 is a free place */
    if (!table) return PyErr_NoMemory(), -1;
    for (Py_ssize_t row = 0; row < rows; row++) {
        Text value = value_at(values, row);
        if (row && equal(value, value_at(values, row - 1))) { /* mostly: what a log's neighbours say */
            numbers[row] = numbers[row - 1];
            continue;
        }
        size_t place = hash_of(value, seed) & (places - 1);
        while (table[place] && !equal(value, value_at(values, first[table[place] - 1]))) place = (place + 1) & (places - 1);
        if (!table[place]) {
            first[count++] = (int32_t)row;
            table[place] = (int32_t)count;
        }
        numbers[row] = table[place] - 1;
    }
    PyMem_Free(table);
    return count;
}

PyObject *native_distinct(PyObject *self, PyObject *arguments)
{
    PyObject *data, *begin, *end;
    Py_buffer first, numbers;
    unsigned long long seed;
    Values values;
    Py_ssize_t count = -1;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OOOw*w*K", &data, &begin, &end, &first, &numbers, &seed)) return NULL;
    if (take_values(&values, data, begin, end)) {
        if (!is_column(&first, &values, sizeof(int32_t)) || !is_column(&numbers, &values, sizeof(int32_t)))
            PyErr_SetString(PyExc_ValueError, WANTED);
        else
            count = number_values(&values, first.buf, numbers.buf, seed);
        give_back(&values);
    }
    PyBuffer_Release(&first), PyBuffer_Release(&numbers);
    return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static int64_t number_of(Text text)
{
    int64_t number = 0;
    if (text.at == text.end || length_of(text) > MOST_DIGITS) return -1;
    for (; text.at < text.end; text.at++) {
        if (!is_digit(*text.at)) return -1;
        number = number * 10 + (*text.at - '0');
    }
    return number;
}

PyObject *native_numbers(PyObject *self, PyObject *arguments)
{
    PyObject *data, *begin, *end;
    Py_buffer numbers;
    Values values;
    Py_ssize_t others = -1;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OOOw*", &data, &begin, &end, &numbers)) return NULL;
    if (take_values(&values, data, begin, end)) {
        if (!is_column(&numbers, &values, sizeof(int64_t)))
            PyErr_SetString(PyExc_ValueError, WANTED);
        else {
            others = 0;
            for (Py_ssize_t row = 0; row < rows_of(&values); row++)
                others += (((int64_t *)numbers.buf)[row] = number_of(value_at(&values, row))) < 0;
        }
        give_back(&values);
    }
    PyBuffer_Release(&numbers);
    return others < 0 ? NULL : PyLong_FromSsize_t(others);
}

PyObject *native_cut(PyObject *self, PyObject *arguments)
{
    PyObject *data, *begin, *end, *joined;
    Values values;
    Py_ssize_t length = 0;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OOO", &data, &begin, &end) || !take_values(&values, data, begin, end)) return NULL;
    for (Py_ssize_t row = 0; row < rows_of(&values); row++) length += (Py_ssize_t)length_of(value_at(&values, row));
    joined = PyBytes_FromStringAndSize(NULL, length);
    char *at = joined ? PyBytes_AsString(joined) : NULL;
    for (Py_ssize_t row = 0; at && row < rows_of(&values); row++) {
        Text value = value_at(&values, row);
        memcpy(at, value.at, length_of(value));
        at += length_of(value);
    }
    give_back(&values);
    return joined;
}
