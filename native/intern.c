/* Texts to their numbers, new ones for those that were never met: a dict and a list that grow together. */
#include "native.h"

/* The number of a text, a new one if it has none; -1 with an exception set. */
static Py_ssize_t number_of(PyObject *numbers, PyObject *known, PyObject *text)
{
    PyObject *number = PyDict_GetItemWithError(numbers, text);
    if (number) return PyLong_AsSsize_t(number);
    if (PyErr_Occurred()) return -1;
    Py_ssize_t next = PyList_Size(known);
    number = PyLong_FromSsize_t(next);
    bool is_kept = number && PyDict_SetItem(numbers, text, number) == 0 && PyList_Append(known, text) == 0;
    Py_XDECREF(number);
    return is_kept ? next : -1;
}

PyObject *native_intern(PyObject *self, PyObject *arguments)
{
    PyObject *numbers, *known, *texts;
    Py_buffer found;
    bool done = true;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O!O!O!w*", &PyDict_Type, &numbers, &PyList_Type, &known, &PyList_Type, &texts, &found)) return NULL;
    if (!holds(&found, sizeof(uint32_t)) || found.len / (Py_ssize_t)sizeof(uint32_t) != PyList_Size(texts)) {
        PyErr_SetString(PyExc_ValueError, "a number for each text, please");
        done = false;
    }
    for (Py_ssize_t row = 0; done && row < PyList_Size(texts); row++) {
        Py_ssize_t number = number_of(numbers, known, PyList_GetItem(texts, row));
        done = number >= 0;
        ((uint32_t *)found.buf)[row] = (uint32_t)number;
    }
    PyBuffer_Release(&found);
    if (done) Py_RETURN_NONE;
    return NULL;
}
