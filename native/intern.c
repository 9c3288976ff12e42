/* Texts to their numbers, new ones for those that were never met: a list, and a table of hashes beside it.
 *
 * A dict would do the same. It looks at the text itself to compare hashes; here they stand in the table, so a text that was
 * never met, as most header texts are, costs one look at memory instead of three.
 */
#include "native.h"

typedef struct {
    uint64_t hash, number; /* number + 1; 0 is a free place */
} Slot;

typedef struct {
    Slot *slots;
    size_t places; /* a power of two, more than there are texts */
    PyObject *known;
} Interned;

/* The number of a text, a new one if it has none; -1 with an exception set. Python's hash is kept with the text, and secret. */
static int64_t number_of(const Interned *in, PyObject *text)
{
    Py_hash_t hash = PyObject_Hash(text);
    if (hash == -1) return -1;
    size_t place = (size_t)hash & (in->places - 1);
    for (size_t tried = 0; in->slots[place].number; place = (place + 1) & (in->places - 1)) {
        if (tried++ == in->places) return PyErr_SetString(PyExc_ValueError, "no place is free"), -1;
        if (in->slots[place].hash != (uint64_t)hash) continue;
        PyObject *other = PyList_GetItem(in->known, (Py_ssize_t)in->slots[place].number - 1);
        int order = other ? PyUnicode_Compare(text, other) : -1;
        if (!order) return (int64_t)in->slots[place].number - 1;
        if (PyErr_Occurred()) return -1;
    }
    in->slots[place] = (Slot){(uint64_t)hash, (uint64_t)PyList_Size(in->known) + 1};
    return PyList_Append(in->known, text) < 0 ? -1 : (int64_t)in->slots[place].number - 1;
}

enum { AHEAD = 8 };

/* A text and its slot are mostly far from everything that was looked at lately: have them fetched while others are numbered. */
static void fetch(const Interned *in, PyObject *texts, Py_ssize_t row)
{
    Py_ssize_t count = PyList_Size(texts);
    if (row + 2 * AHEAD < count) __builtin_prefetch(PyList_GetItem(texts, row + 2 * AHEAD));
    PyObject *text = row + AHEAD < count ? PyList_GetItem(texts, row + AHEAD) : NULL;
    if (!text || !PyUnicode_CheckExact(text)) return;
    size_t hash = (size_t)PyObject_Hash(text); /* a text remembers it */
    __builtin_prefetch(&in->slots[hash & (in->places - 1)]);
}

static bool number_each(const Interned *in, PyObject *texts, uint32_t *found)
{
    for (Py_ssize_t row = 0; row < PyList_Size(texts); row++) {
        fetch(in, texts, row);
        int64_t number = number_of(in, PyList_GetItem(texts, row));
        if (number < 0) return false;
        found[row] = (uint32_t)number;
    }
    return true;
}

PyObject *native_intern(PyObject *self, PyObject *arguments)
{
    PyObject *known, *texts;
    Py_buffer slots, found;
    bool done = false;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "w*O!O!w*", &slots, &PyList_Type, &known, &PyList_Type, &texts, &found)) return NULL;
    Interned in = {slots.buf, (size_t)slots.len / sizeof(Slot), known};
    bool has_room = holds(&slots, sizeof(Slot)) && !(in.places & (in.places - 1)) && in.places > (size_t)(PyList_Size(known) + PyList_Size(texts));
    if (has_room && holds(&found, sizeof(uint32_t)) && found.len / (Py_ssize_t)sizeof(uint32_t) == PyList_Size(texts) && !overlap(&slots, &found))
        done = number_each(&in, texts, found.buf);
    else
        PyErr_SetString(PyExc_ValueError, "a number for each text, and a power of two places, more than there will be texts, please");
    PyBuffer_Release(&slots), PyBuffer_Release(&found);
    if (done) Py_RETURN_NONE;
    return NULL;
}

/* The hashes stand in the table, so no text is looked at. False where there is no free place. */
static bool move(const Slot *from, size_t count, Slot *slots, size_t places)
{
    for (const Slot *slot = from; slot < from + count; slot++) {
        size_t place = (size_t)slot->hash & (places - 1), tried = 0;
        if (!slot->number) continue;
        while (slots[place].number && tried++ < places) place = (place + 1) & (places - 1);
        if (slots[place].number) return false;
        slots[place] = *slot;
    }
    return true;
}

PyObject *native_spread(PyObject *self, PyObject *arguments)
{
    Py_buffer slots, wider;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*w*", &slots, &wider)) return NULL;
    size_t places = (size_t)wider.len / sizeof(Slot);
    bool done = holds(&slots, sizeof(Slot)) && holds(&wider, sizeof(Slot)) && places && !(places & (places - 1)) && !overlap(&slots, &wider);
    done = done && move(slots.buf, (size_t)slots.len / sizeof(Slot), wider.buf, places);
    PyBuffer_Release(&slots), PyBuffer_Release(&wider);
    if (done) Py_RETURN_NONE;
    return PyErr_SetString(PyExc_ValueError, "another table, a power of two places and enough for all, please"), NULL;
}
