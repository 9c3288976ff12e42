/* Texts made of a template and the values of each row: `before`, value, `between`, value, `behind`. */
#include "native.h"

typedef struct {
    Py_ssize_t columns, rows;
    Values *values;      /* one a column */
    PyObject *template;  /* a tuple of bytes: what stands before each value, and behind the last one */
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

static Text literal_at(const Texts *texts, Py_ssize_t number)
{
    char *at = NULL;
    Py_ssize_t length = 0;
    PyBytes_AsStringAndSize(PyTuple_GetItem(texts->template, number), &at, &length);
    return (Text){(uint8_t *)at, (uint8_t *)at + length};
}

/* The text of one row in `room`, or None where a value is not plain. */
static PyObject *text_of(const Texts *texts, Py_ssize_t row, char *room)
{
    char *to = room;
    for (Py_ssize_t column = 0; column < texts->columns; column++) {
        Text before = literal_at(texts, column), value = value_at(&texts->values[column], row);
        if (!is_plain(value)) return Py_NewRef(Py_None);
        to = appended(to, before.at, length_of(before));
        to = appended(to, value.at, length_of(value));
    }
    Text behind = literal_at(texts, texts->columns);
    to = appended(to, behind.at, length_of(behind));
    return PyUnicode_FromStringAndSize(room, to - room);
}

/* Room for the longest text: all literals and the longest value of each column. */
static size_t longest(const Texts *texts)
{
    size_t room = length_of(literal_at(texts, texts->columns));
    for (Py_ssize_t column = 0; column < texts->columns; column++) {
        size_t most = 0;
        for (Py_ssize_t row = 0; row < texts->rows; row++) {
            size_t length = length_of(value_at(&texts->values[column], row));
            if (length > most) most = length;
        }
        room += length_of(literal_at(texts, column)) + most;
    }
    return room;
}

static PyObject *list_of(const Texts *texts)
{
    char *room = PyMem_Malloc(longest(texts) + 1);
    PyObject *list = room ? PyList_New(texts->rows) : PyErr_NoMemory();
    for (Py_ssize_t row = 0; list && row < texts->rows; row++) {
        PyObject *text = text_of(texts, row, room);
        if (!text || PyList_SetItem(list, row, text) < 0) Py_CLEAR(list);
    }
    PyMem_Free(room);
    return list;
}

static bool is_template(PyObject *template, Py_ssize_t columns)
{
    bool fits = PyTuple_Size(template) == columns + 1;
    for (Py_ssize_t number = 0; fits && number <= columns; number++) fits = PyBytes_Check(PyTuple_GetItem(template, number));
    if (!fits) PyErr_SetString(PyExc_ValueError, "a template is one bytes object more than there are columns");
    return fits;
}

PyObject *native_texts(PyObject *self, PyObject *arguments)
{
    PyObject *data, *template, *begins, *ends, *list = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OO!O!O!", &data, &PyTuple_Type, &template, &PyTuple_Type, &begins, &PyTuple_Type, &ends)) return NULL;
    Texts texts = {0, 0, NULL, template};
    Py_ssize_t columns = PyTuple_Size(begins);
    if (columns < 1 || PyTuple_Size(ends) != columns) return PyErr_SetString(PyExc_ValueError, "a begin and an end for each column"), NULL;
    if (!is_template(template, columns)) return NULL;
    texts.values = PyMem_Calloc((size_t)columns, sizeof *texts.values);
    if (!texts.values) return PyErr_NoMemory();
    while (texts.columns < columns && take_values(&texts.values[texts.columns], data, PyTuple_GetItem(begins, texts.columns), PyTuple_GetItem(ends, texts.columns))) {
        Py_ssize_t rows = rows_of(&texts.values[texts.columns++]);
        texts.rows = texts.columns == 1 || rows < texts.rows ? rows : texts.rows;
    }
    if (texts.columns == columns) list = list_of(&texts);
    while (texts.columns) give_back(&texts.values[--texts.columns]);
    PyMem_Free(texts.values);
    return list;
}
