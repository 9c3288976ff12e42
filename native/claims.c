/* Header texts to claims: `unmasq.unwind.claims` for texts as readers write them, `{"name":"value",...}` without escapes. */
#include "native.h"

enum { MOST_KINDS = 16 };

/* One address that a header names; what Python sees as four numbers of 8 bytes. */
typedef struct {
    int64_t text, kind;
    uint64_t hi, lo;
} Element;

typedef struct {
    Element *at;
    size_t count, room;
} Elements;

/* The headers that there are: name and nature, which is `,` for a list, ` ` for one address, `?` for what is left to Python. */
typedef struct {
    size_t count;
    Text names[MOST_KINDS];
    char natures[MOST_KINDS];
} Kinds;

static bool add(Elements *elements, Element element)
{
    if (elements->count == elements->room) {
        size_t room = elements->room ? 2 * elements->room : 1024;
        Element *more = PyMem_Realloc(elements->at, room * sizeof *more);
        if (!more) return PyErr_NoMemory(), false;
        elements->at = more;
        elements->room = room;
    }
    elements->at[elements->count++] = element;
    return true;
}

static bool skip(Text *text, char byte)
{
    bool is_there = text->at < text->end && *text->at == byte;
    text->at += is_there;
    return is_there;
}

/* What stands between two quotes: ASCII without escapes; false where it is not so. */
static bool read_quoted(Text *text, Text *value)
{
    if (!skip(text, '"')) return false;
    value->at = text->at;
    while (text->at < text->end && *text->at != '"' && *text->at != '\\' && *text->at >= 0x20 && *text->at < 0x80) text->at++;
    value->end = text->at;
    return skip(text, '"');
}

static size_t kind_of(const Kinds *kinds, Text name)
{
    size_t kind = 0;
    while (kind < kinds->count && (length_of(kinds->names[kind]) != length_of(name) || memcmp(kinds->names[kind].at, name.at, length_of(name)))) kind++;
    return kind;
}

/* The value of each header, `at` NULL where it is not recorded; false where the text is none of those that we read. */
static bool read_values(const Kinds *kinds, Text text, Text *values)
{
    memset(values, 0, sizeof(Text) * MOST_KINDS);
    if (text.at == text.end) return true;
    if (!skip(&text, '{')) return false;
    do {
        Text name, value;
        if (!read_quoted(&text, &name) || !skip(&text, ':') || !read_quoted(&text, &value)) return false;
        size_t kind = kind_of(kinds, name);
        if (kind == kinds->count || values[kind].at) return false;
        values[kind] = value;
    } while (skip(&text, ','));
    return skip(&text, '}') && text.at == text.end;
}

static bool is_absent(Text value) { return value.at == value.end || (length_of(value) == 1 && *value.at == '-'); }

static Text stripped(Text text)
{
    while (text.at < text.end && (*text.at == ' ' || *text.at == '\t')) text.at++;
    while (text.at < text.end && (text.end[-1] == ' ' || text.end[-1] == '\t')) text.end--;
    return text;
}

/* Adds the elements of one header's value; false without memory. */
static bool add_elements(Elements *elements, int64_t text, size_t kind, char nature, Text value)
{
    while (true) {
        const uint8_t *comma = nature == ',' ? memchr(value.at, ',', length_of(value)) : NULL;
        Address address = read_address(stripped((Text){value.at, comma ? comma : value.end}));
        if (!add(elements, (Element){text, (int64_t)kind, address.hi, address.lo})) return false;
        if (!comma) return true;
        value.at = comma + 1;
    }
}

static bool is_left_to_python(const Kinds *kinds, const Text *values)
{
    for (size_t kind = 0; kind < kinds->count; kind++)
        if (kinds->natures[kind] == '?' && !is_absent(values[kind])) return true;
    return false;
}

/* 1: the text was read, 0: it is left to Python, -1: an exception is set. */
static int read_text(const Kinds *kinds, int64_t number, PyObject *object, Elements *elements, uint8_t *recorded)
{
    Py_ssize_t length;
    const char *at = PyUnicode_AsUTF8AndSize(object, &length);
    Text values[MOST_KINDS];
    if (!at && !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
    if (!at) return PyErr_Clear(), 0; /* half a surrogate pair: a text without UTF-8 */
    if (!read_values(kinds, (Text){(const uint8_t *)at, (const uint8_t *)at + length}, values) || is_left_to_python(kinds, values)) return 0;
    for (size_t kind = 0; kind < kinds->count; kind++) {
        recorded[kind] = values[kind].at != NULL;
        if (!is_absent(values[kind]) && !add_elements(elements, number, kind, kinds->natures[kind], values[kind])) return -1;
    }
    return 1;
}

static bool read_kinds(Kinds *kinds, PyObject *names, const char *natures)
{
    kinds->count = strlen(natures);
    if (kinds->count > MOST_KINDS || (Py_ssize_t)kinds->count != PyTuple_Size(names)) {
        PyErr_SetString(PyExc_ValueError, "one nature for each name, and not that many");
        return false;
    }
    for (size_t kind = 0; kind < kinds->count; kind++) {
        Py_ssize_t length;
        const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(names, (Py_ssize_t)kind), &length);
        if (!name) return false;
        kinds->names[kind] = (Text){(const uint8_t *)name, (const uint8_t *)name + length};
        kinds->natures[kind] = natures[kind];
    }
    return true;
}

/* The numbers of the texts that are left to Python; NULL with an exception set. */
static PyObject *read_texts(const Kinds *kinds, PyObject *texts, Py_ssize_t count, Elements *elements, uint8_t *recorded)
{
    PyObject *left = PyList_New(0);
    for (Py_ssize_t number = 0; left && number < count; number++) {
        PyObject *text = PyList_GetItem(texts, number); /* NULL if somebody shortened the list in the meantime */
        int read = text ? read_text(kinds, number, text, elements, recorded + number * (Py_ssize_t)kinds->count) : -1;
        PyObject *index = read ? NULL : PyLong_FromSsize_t(number);
        if (read < 0 || (!read && (!index || PyList_Append(left, index) < 0))) Py_CLEAR(left);
        Py_XDECREF(index);
    }
    return left;
}

PyObject *native_claims(PyObject *self, PyObject *arguments)
{
    PyObject *texts, *names, *left = NULL, *result = NULL;
    const char *natures;
    Py_buffer recorded;
    Elements elements = {NULL, 0, 0};
    Kinds kinds;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O!O!sw*", &PyList_Type, &texts, &PyTuple_Type, &names, &natures, &recorded)) return NULL;
    if (read_kinds(&kinds, names, natures)) {
        Py_ssize_t count = PyList_Size(texts);
        if (recorded.len != count * (Py_ssize_t)kinds.count)
            PyErr_SetString(PyExc_ValueError, "`recorded` is one byte for each text and kind");
        else
            left = read_texts(&kinds, texts, count, &elements, recorded.buf);
    }
    if (left) result = Py_BuildValue("NN", PyBytes_FromStringAndSize((const char *)elements.at, (Py_ssize_t)(elements.count * sizeof *elements.at)), left);
    PyMem_Free(elements.at);
    PyBuffer_Release(&recorded);
    return result;
}
