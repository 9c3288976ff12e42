/* What becomes of a column of values: equal ones numbered alike, digits to numbers, and texts around them. */
#include "native.h"

enum { MOST_DIGITS = 18 }; /* of a number that fits 64 bits with a sign */

bool take_values(Values *values, PyObject *data, PyObject *begin, PyObject *end)
{
    memset(values, 0, sizeof *values);
    if (PyObject_GetBuffer(data, &values->data, PyBUF_SIMPLE) < 0 || PyObject_GetBuffer(begin, &values->begin, PyBUF_SIMPLE) < 0 ||
        PyObject_GetBuffer(end, &values->end, PyBUF_SIMPLE) < 0)
        return give_back(values), false;
    bool fits = values->begin.len == values->end.len;
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

/* The seed is a secret of the process: who writes the log cannot choose values that meet in one place of the table. */
static uint64_t hash_of(Text text, uint64_t seed)
{
    uint64_t hash = seed ^ length_of(text), word;
    for (; length_of(text) >= sizeof word; text.at += sizeof word) {
        memcpy(&word, text.at, sizeof word);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, text.at, length_of(text));
    hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
    return hash ^ hash >> 29;
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
        if (first.len != values.begin.len || numbers.len != values.begin.len)
            PyErr_SetString(PyExc_ValueError, "as many numbers as values, please");
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
        if (numbers.len != 2 * values.begin.len)
            PyErr_SetString(PyExc_ValueError, "as many numbers as values, please");
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
