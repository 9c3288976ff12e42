/* The address that a text names: `unmasq.model.address.parse` for ASCII. */
#include "native.h"

#include <arpa/inet.h>

enum { LONGEST = 128 }; /* with zone, brackets, quotes and port; anything longer is no address */

static const Address NONE = {0, 0};

/* a.b.c.d, each at most 255 and without leading zeros, as inet_pton has it. */
static bool read_dotted(Text text, Address *address)
{
    uint32_t bits = 0;
    for (int part = 0; part < 4; part++) {
        const uint8_t *from = text.at;
        uint32_t number = 0;
        while (text.at < text.end && is_digit(*text.at) && text.at - from < 3) number = number * 10 + (*text.at++ - '0');
        if (text.at == from || number > 255 || (text.at - from > 1 && *from == '0')) return false;
        if (part < 3 && (text.at == text.end || *text.at++ != '.')) return false;
        bits = bits << 8 | number;
    }
    *address = (Address){0, (uint64_t)0xffff << 32 | bits};
    return text.at == text.end;
}

static uint64_t half(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int at = 0; at < 8; at++) value = value << 8 | bytes[at];
    return value;
}

static bool read_colons(Text text, Address *address)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (length_of(text) >= sizeof copy || memchr(text.at, 0, length_of(text))) return false;
    memcpy(copy, text.at, length_of(text));
    copy[length_of(text)] = 0;
    if (inet_pton(AF_INET6, copy, bytes) != 1) return false;
    *address = (Address){half(bytes), half(bytes + 8)};
    return true;
}

static bool read_bare(Text text, Address *address)
{
    return memchr(text.at, ':', length_of(text)) ? read_colons(text, address) : read_dotted(text, address);
}

static bool is_around(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '"'; }

/* Without the port that stands behind the only colon; nothing where what stands there is no port. */
static Text without_port(Text text)
{
    const uint8_t *colon = memchr(text.at, ':', length_of(text));
    if (!colon || memchr(colon + 1, ':', (size_t)(text.end - colon - 1))) return text;
    const uint8_t *digit = colon + 1;
    while (digit < text.end && is_digit(*digit)) digit++;
    return (Text){text.at, colon + 1 < text.end && digit == text.end ? colon : text.at};
}

/* The address inside "…", […], […]:port, a.b.c.d:port and …%zone. */
static Text bare(Text text)
{
    while (text.at < text.end && is_around(*text.at)) text.at++;
    while (text.at < text.end && is_around(text.end[-1])) text.end--;
    if (text.at < text.end && *text.at == '[') {
        const uint8_t *bracket = memchr(text.at, ']', length_of(text));
        text = (Text){text.at + 1, bracket ? bracket : text.at + 1};
    } else {
        text = without_port(text);
    }
    const uint8_t *zone = memchr(text.at, '%', length_of(text));
    return (Text){text.at, zone ? zone : text.end};
}

Address read_address(Text text)
{
    Address address = NONE;
    if (read_bare(text, &address)) return address;
    return length_of(text) <= LONGEST && read_bare(bare(text), &address) ? address : NONE;
}
