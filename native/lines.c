/* Lines of one layout: where in each line its values stand.
 *
 * A layout comes as a program, one step after the other, each with its kind first
 * (numbers low byte first):
 *   L length:u16 bytes                                  these very bytes
 *   R captured:u8 least:u32 most:u32 members:256 bytes  as many bytes of a set as there are, at least and at most so many
 *   N                                                   a number as JSON writes it, captured; short enough to lose nothing
 * A line is of the layout when its last step ends where the line does. A step never gives back what it took, so the time
 * is linear in the length of the line, whatever somebody wrote into it.
 */
#include "native.h"

enum { LONGEST_WHOLE = 10, LONGEST_FRACTION = 4 };

typedef struct {
    uint8_t kind;
    bool captured;
    size_t least, most;
    const uint8_t *bytes; /* of a literal, or the members of a set */
} Step;

typedef struct {
    Step *steps;
    size_t count, captures;
} Program;

/* Low byte first, on every machine. */
static uint32_t u32_at(const uint8_t *at) { return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24; }

/* Reads one step; false where the program ends within it or knows another kind. */
static bool read_step(Text *program, Step *step)
{
    step->kind = *program->at++;
    step->captured = step->kind == 'N';
    if (step->kind == 'L' && length_of(*program) >= 2) {
        step->least = (size_t)(program->at[0] | program->at[1] << 8);
        step->bytes = program->at + 2;
        program->at += 2;
        if (length_of(*program) < step->least) return false;
        program->at += step->least;
        return true;
    }
    if (step->kind == 'R' && length_of(*program) >= 9 + 256) {
        step->captured = program->at[0];
        step->least = u32_at(program->at + 1);
        step->most = u32_at(program->at + 5);
        step->bytes = program->at + 9;
        program->at += 9 + 256;
        return true;
    }
    return step->kind == 'N';
}

static bool read_program(Text text, Program *program)
{
    program->steps = PyMem_Calloc(length_of(text) + 1, sizeof(Step)); /* every step takes a byte at least */
    program->count = program->captures = 0;
    if (!program->steps) return PyErr_NoMemory(), false;
    while (text.at < text.end) {
        Step *step = &program->steps[program->count++];
        if (!read_step(&text, step)) return PyErr_SetString(PyExc_ValueError, "no such step"), false;
        program->captures += step->captured;
    }
    return true;
}

static const uint8_t *after_run(const Step *step, Text rest)
{
    const uint8_t *at = rest.at, *end = length_of(rest) > step->most ? rest.at + step->most : rest.end;
    while (at < end && step->bytes[*at]) at++;
    return (size_t)(at - rest.at) < step->least ? NULL : at;
}

static const uint8_t *after_digits(const uint8_t *at, const uint8_t *end, ptrdiff_t most)
{
    const uint8_t *from = at;
    while (at < end && is_digit(*at)) at++;
    return at == from || at - from > most ? NULL : at;
}

static const uint8_t *after_number(Text rest)
{
    const uint8_t *at = after_digits(rest.at, rest.end, LONGEST_WHOLE);
    if (!at || (at - rest.at > 1 && *rest.at == '0')) return NULL;
    return at < rest.end && *at == '.' ? after_digits(at + 1, rest.end, LONGEST_FRACTION) : at;
}

static const uint8_t *after_step(const Step *step, Text rest)
{
    if (step->kind == 'R') return after_run(step, rest);
    if (step->kind == 'N') return after_number(rest);
    bool equal = length_of(rest) >= step->least && memcmp(rest.at, step->bytes, step->least) == 0;
    return equal ? rest.at + step->least : NULL;
}

/* Fills one column of `spans` (captures x {begin, end} x lines), in part where the line is not of the layout: then false. */
static bool match_line(const Program *program, Text line, const uint8_t *data, int32_t *spans, size_t lines)
{
    for (size_t number = 0; number < program->count; number++) {
        const Step *step = &program->steps[number];
        const uint8_t *after = after_step(step, line);
        if (!after) return false;
        if (step->captured) {
            spans[0] = (int32_t)(line.at - data);
            spans[lines] = (int32_t)(after - data);
            spans += 2 * lines;
        }
        line.at = after;
    }
    return line.at == line.end;
}

static size_t match_lines(const Program *program, const Py_buffer *data, uint8_t *taken, int32_t *spans, size_t lines)
{
    Text rest = {data->buf, (const uint8_t *)data->buf + data->len};
    size_t count = 0;
    for (size_t number = 0; number < lines && rest.at < rest.end; number++) {
        const uint8_t *newline = memchr(rest.at, '\n', length_of(rest));
        Text line = {rest.at, newline ? newline : rest.end};
        taken[number] = match_line(program, line, data->buf, spans + count, lines);
        count += taken[number];
        rest.at = newline ? newline + 1 : rest.end;
    }
    return count;
}

/* Whether `spans` has a column for each line. The division cannot overflow, as a product could. */
static bool fits(const Py_buffer *spans, const Program *program, size_t lines)
{
    size_t line = program->captures * 2 * sizeof(int32_t);
    if (!holds(spans, sizeof(int32_t))) return false;
    return line ? (size_t)spans->len % line == 0 && (size_t)spans->len / line == lines : spans->len == 0;
}

PyObject *native_match(PyObject *self, PyObject *arguments)
{
    Py_buffer data, text, taken, spans;
    Program program = {NULL, 0, 0};
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*y*w*w*", &data, &text, &taken, &spans)) return NULL;
    if (read_program((Text){text.buf, (const uint8_t *)text.buf + text.len}, &program)) {
        size_t lines = (size_t)taken.len;
        if (data.len > INT32_MAX || !fits(&spans, &program, lines))
            PyErr_SetString(PyExc_ValueError, "the buffers do not fit the program");
        else
            result = PyLong_FromSize_t(match_lines(&program, &data, taken.buf, spans.buf, lines));
    }
    PyMem_Free(program.steps);
    PyBuffer_Release(&data), PyBuffer_Release(&text), PyBuffer_Release(&taken), PyBuffer_Release(&spans);
    return result;
}
