/* Texts made of a template and the values of each row: `before`, value, `between`, value, `behind`. */
#include "native.h"

typedef struct {
    Py_ssize_t columns, rows;
    Values *values;      /* one a column */
    Text *template;      /* what stands before each value, and behind the last one */
} Texts;

/* Whether JSON takes the value as it stands, and every reader means the same by it. */
static bool is_plain(Text text)
{
    for (; text.at < text.end; text.at++)
        if (*text.at < 0x20 || *text.at > 0x7e || *text.at == '"' || *text.at == '\\') return false;
    return true;
}

static char *appended(char *to, const void *from, size_t length)
{
    memcpy(to, from, length);
    return to + length;
}

/* The text of one row in `room`, or None where a value is not plain. */
static PyObject *text_of(const Texts *texts, Py_ssize_t row, char *room)
{
    char *to = room;
    for (Py_ssize_t column = 0; column < texts->columns; column++) {
        Text before = texts->template[column], value = value_at(&texts->values[column], row);
        if (!is_plain(value)) return Py_NewRef(Py_None);
        to = appended(to, before.at, length_of(before));
        to = appended(to, value.at, length_of(value));
    }
    Text behind = texts->template[texts->columns];
    to = appended(to, behind.at, length_of(behind));
    return PyUnicode_FromStringAndSize(room, to - room);
}

/* Room for the longest text: all literals and the longest value of each column. */
static size_t longest(const Texts *texts)
{
    size_t room = length_of(texts->template[texts->columns]);
    for (Py_ssize_t column = 0; column < texts->columns; column++) {
        size_t most = 0;
        for (Py_ssize_t row = 0; row < texts->rows; row++) {
            size_t length = length_of(value_at(&texts->values[column], row));
            if (length > most) most = length;
        }
        room += length_of(texts->template[column]) + most;
    }
    return room;
}

/* Adds a number to a list; false with an exception set. */
static bool append_number(PyObject *list, Py_ssize_t number)
{
    PyObject *object = PyLong_FromSsize_t(number);
    bool done = object && !PyList_Append(list, object);
    Py_XDECREF(object);
    return done;
}

/* Fills `list` with the texts; the rows that have none go to `left`. */
static bool fill(const Texts *texts, PyObject *list, PyObject *left)
{
    char *room = PyMem_Malloc(longest(texts) + 1);
    bool done = room || (PyErr_NoMemory(), false);
    for (Py_ssize_t row = 0; done && row < texts->rows; row++) {
        PyObject *text = text_of(texts, row, room);
        done = text && !PyList_SetItem(list, row, text) && (text != Py_None || append_number(left, row));
    }
    PyMem_Free(room);
    return done;
}

static PyObject *list_of(const Texts *texts)
{
    PyObject *list = PyList_New(texts->rows), *left = PyList_New(0), *both = NULL;
    if (list && left && fill(texts, list, left)) both = PyTuple_Pack(2, list, left);
    Py_XDECREF(list), Py_XDECREF(left);
    return both;
}

/* Fills `found` with the literals of a template, one more than there are columns; false with an exception set. */
static bool read_template(PyObject *template, Py_ssize_t columns, Text *found)
{
    bool fits = PyTuple_Size(template) == columns + 1;
    for (Py_ssize_t number = 0; fits && number <= columns; number++) {
        char *at = NULL;
        Py_ssize_t length = 0;
        PyObject *literal = PyTuple_GetItem(template, number);
        fits = PyBytes_Check(literal) && !PyBytes_AsStringAndSize(literal, &at, &length);
        found[number] = (Text){(uint8_t *)at, (uint8_t *)at + length};
    }
    if (!fits) PyErr_SetString(PyExc_ValueError, "a template is one bytes object more than there are columns");
    return fits;
}

/* Takes the values of each column; false with an exception set. */
static bool take_columns(Texts *texts, Py_ssize_t columns, PyObject *data, PyObject *begins, PyObject *ends)
{
    while (texts->columns < columns) {
        Values *values = &texts->values[texts->columns];
        if (!take_values(values, data, PyTuple_GetItem(begins, texts->columns), PyTuple_GetItem(ends, texts->columns))) return false;
        Py_ssize_t rows = rows_of(values);
        texts->rows = texts->columns++ && texts->rows < rows ? texts->rows : rows;
    }
    return true;
}

PyObject *native_texts(PyObject *self, PyObject *arguments)
{
    PyObject *data, *template, *begins, *ends, *both = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OO!O!O!", &data, &PyTuple_Type, &template, &PyTuple_Type, &begins, &PyTuple_Type, &ends)) return NULL;
    Py_ssize_t columns = PyTuple_Size(begins);
    if (columns < 1 || PyTuple_Size(ends) != columns) return PyErr_SetString(PyExc_ValueError, "a begin and an end for each column"), NULL;
    Texts texts = {0, 0, PyMem_Calloc((size_t)columns, sizeof(Values)), PyMem_Calloc((size_t)columns + 1, sizeof(Text))};
    if (!texts.values || !texts.template)
        PyErr_NoMemory();
    else if (read_template(template, columns, texts.template) && take_columns(&texts, columns, data, begins, ends))
        both = list_of(&texts);
    while (texts.columns) give_back(&texts.values[--texts.columns]);
    PyMem_Free(texts.values), PyMem_Free(texts.template);
    return both;
}
