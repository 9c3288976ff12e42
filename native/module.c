/* The module's table of functions; what each promises stands in unmasq/model/native.py. */
#include "native.h"

static PyMethodDef functions[] = {
    {"bounds", native_bounds, METH_O, "Where the lines of some data end."},
    {"twice", native_twice, METH_VARARGS, "Which lines hold a byte more than once."},
    {"match", native_match, METH_VARARGS, "Where the values of each line stand that is of a layout."},
    {"distinct", native_distinct, METH_VARARGS, "Number equal values alike."},
    {"numbers", native_numbers, METH_VARARGS, "Whole numbers in digits."},
    {"cut", native_cut, METH_VARARGS, "Values one behind the other."},
    {"texts", native_texts, METH_VARARGS, "Texts made of a template and the values of each row."},
    {"claims", native_claims, METH_VARARGS, "The addresses that header texts name."},
    {"intern", native_intern, METH_VARARGS, "The number of each text."},
    {"spread", native_spread, METH_VARARGS, "Let numbers of texts have a larger table."},
    {"grouped", native_grouped, METH_VARARGS, "Rows with equal keys become neighbours."},
    {"index_find", native_index_find, METH_VARARGS, "The number of each key."},
    {"index_put", native_index_put, METH_VARARGS, "Give each key its number."},
    {"index_drop", native_index_drop, METH_VARARGS, "Forget keys that still have their number."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "unmasq.model._native", "Columns from bytes, fast.", 0, functions, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
