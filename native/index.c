/* A table of keys, each a row of 64-bit words, with one number a key. Its memory belongs to whoever calls: `slots` holds
 * places of a key's words and its number, 0 where a place is free; keys that meet stand one behind the other.
 */
#include "siphash.h"

typedef struct {
    uint64_t *slots;
    size_t width, places; /* words of a key; places are a power of two */
    uint64_t seed;
} Index;

typedef struct {
    Py_buffer slots, keys, numbers;
    Index index;
    Py_ssize_t rows;
} Call;

static uint64_t *slot_at(const Index *index, size_t place) { return index->slots + place * (index->width + 1); }

static uint64_t *number_in(const Index *index, size_t place) { return slot_at(index, place) + index->width; }

static size_t home_of(const Index *index, const uint64_t *key)
{
    Text text = {(const uint8_t *)key, (const uint8_t *)(key + index->width)};
    return hash_of(text, index->seed) & (index->places - 1);
}

static size_t behind(const Index *index, size_t place) { return (place + 1) & (index->places - 1); }

/* The place of a key that belongs at `place`, or the free one where it would stand; NULL where there is neither. */
static uint64_t *find(const Index *index, const uint64_t *key, size_t place)
{
    for (size_t tried = 0; tried < index->places; tried++, place = behind(index, place))
        if (!*number_in(index, place) || !memcmp(slot_at(index, place), key, index->width * sizeof *key)) return slot_at(index, place);
    return NULL;
}

/* Free a place: what stands behind it and belongs no later moves up, so that every key is found from its home on. */
static void leave(const Index *index, size_t place)
{
    size_t next = behind(index, place);
    for (size_t tried = 1; tried < index->places && *number_in(index, next); tried++, next = behind(index, next)) {
        size_t from_home = (next - home_of(index, slot_at(index, next))) & (index->places - 1);
        if (from_home < ((next - place) & (index->places - 1))) continue;
        memcpy(slot_at(index, place), slot_at(index, next), (index->width + 1) * sizeof(uint64_t));
        place = next;
    }
    *number_in(index, place) = 0;
}

static void release(Call *call)
{
    PyBuffer_Release(&call->slots), PyBuffer_Release(&call->keys), PyBuffer_Release(&call->numbers);
}

static bool fits(const Call *call)
{
    const Index *index = &call->index;
    size_t item = sizeof(uint64_t), slot = (index->width + 1) * item;
    bool whole = holds(&call->slots, item) && holds(&call->keys, item) && holds(&call->numbers, item);
    return whole && index->places && !(index->places & (index->places - 1)) && (size_t)call->slots.len == index->places * slot &&
           (size_t)call->keys.len == (size_t)call->rows * index->width * item && !overlap(&call->slots, &call->keys) &&
           !overlap(&call->slots, &call->numbers) && !overlap(&call->keys, &call->numbers);
}

/* The arguments of a call: slots, keys, a number for each key, the words of a key, the seed. */
static bool taken(Call *call, PyObject *arguments)
{
    unsigned long long width, seed;
    memset(call, 0, sizeof *call);
    if (!PyArg_ParseTuple(arguments, "w*y*w*KK", &call->slots, &call->keys, &call->numbers, &width, &seed)) return false;
    bool possible = 0 < width && width <= MOST_WORDS;
    call->rows = call->numbers.len / (Py_ssize_t)sizeof(uint64_t);
    call->index = (Index){call->slots.buf, (size_t)width, possible ? (size_t)call->slots.len / ((size_t)(width + 1) * sizeof(uint64_t)) : 0, seed};
    if (possible && fits(call)) return true;
    PyErr_SetString(PyExc_ValueError, "a power of two places, a key for each number, and all of them apart, please");
    return release(call), false;
}

/* What is done with one key: its slot (NULL where there is none and no room), and the number that came with it. */
typedef bool Deed(const Index *index, uint64_t *slot, const uint64_t *key, uint64_t *number);

static bool tell(const Index *index, uint64_t *slot, const uint64_t *key, uint64_t *number)
{
    (void)key;
    *number = slot ? slot[index->width] : 0;
    return true;
}

static bool exchange(const Index *index, uint64_t *slot, const uint64_t *key, uint64_t *number)
{
    if (!slot) return false;
    uint64_t before = slot[index->width];
    memcpy(slot, key, index->width * sizeof *key);
    slot[index->width] = *number;
    *number = before;
    return true;
}

static bool drop(const Index *index, uint64_t *slot, const uint64_t *key, uint64_t *number)
{
    (void)key;
    bool is_this = slot && *number && slot[index->width] == *number;
    if (is_this) leave(index, (size_t)(slot - index->slots) / (index->width + 1));
    *number = is_this;
    return true;
}

enum { AT_ONCE = 16 };

/* Does it with some keys. Their slots are mostly far from everything that was looked at lately, so all are fetched before. */
static bool with_some(const Index *index, Deed *deed, const uint64_t *keys, uint64_t *numbers, size_t rows)
{
    size_t homes[AT_ONCE];
    for (size_t row = 0; row < rows; row++) {
        homes[row] = home_of(index, keys + row * index->width);
        __builtin_prefetch(slot_at(index, homes[row]));
        __builtin_prefetch(number_in(index, homes[row]));
    }
    bool done = true;
    for (size_t row = 0; done && row < rows; row++) {
        const uint64_t *key = keys + row * index->width;
        done = deed(index, find(index, key, homes[row]), key, numbers + row);
    }
    return done;
}

static PyObject *with_each(PyObject *arguments, Deed *deed)
{
    Call call;
    bool done = true;
    if (!taken(&call, arguments)) return NULL;
    for (size_t row = 0, rows = (size_t)call.rows; done && row < rows; row += AT_ONCE) {
        size_t some = rows - row < AT_ONCE ? rows - row : AT_ONCE;
        done = with_some(&call.index, deed, (const uint64_t *)call.keys.buf + row * call.index.width, (uint64_t *)call.numbers.buf + row, some);
    }
    release(&call);
    if (done) Py_RETURN_NONE;
    return PyErr_SetString(PyExc_ValueError, "no place is free"), NULL;
}

PyObject *native_index_find(PyObject *self, PyObject *arguments) { return (void)self, with_each(arguments, tell); }

PyObject *native_index_put(PyObject *self, PyObject *arguments) { return (void)self, with_each(arguments, exchange); }

PyObject *native_index_drop(PyObject *self, PyObject *arguments) { return (void)self, with_each(arguments, drop); }
