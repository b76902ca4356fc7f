/*
 * Tools that are functions of this program: a calculator, and a camera that returns a picture.
 * The model sees them as mcp__desk__calculate and mcp__desk__screenshot.
 */
#include "example.h"

/* ---- The calculator: reads its arguments, answers with text or with what is wrong. ---- */

static const char CALCULATE[] = CLAUDE_JSON({
    "name": "calculate",
    "description": "Computes a (operator) b.",
    "inputSchema": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}, "operator": {"enum": ["+", "-", "*", "/"]}},
        "required": ["a", "operator", "b"],
        "additionalProperties": false
    },
    "annotations": {"readOnlyHint": true}
});

/* The arguments fit the schema by now: a, b and operator are there and of their types. */
static void calculate(claude_tool_call_t *call, void *user_data)
{
    const char *arguments = claude_tool_call_arguments(call, NULL);
    char *a = NULL, *b = NULL, *sign = NULL, text[64];
    double x, y, result = 0;

    (void)user_data;
    if (claude_json_get(arguments, "/a", &a, NULL) != CLAUDE_OK || claude_json_get(arguments, "/b", &b, NULL) != CLAUDE_OK ||
        claude_json_get(arguments, "/operator", &sign, NULL) != CLAUDE_OK)
        goto done; /* freed without an answer, the call fails */
    x = strtod(a, NULL);
    y = strtod(b, NULL);
    switch (*sign) {
    case '+': result = x + y; break;
    case '-': result = x - y; break;
    case '*': result = x * y; break;
    case '/': result = y != 0 ? x / y : 0; break;
    }
    if (*sign == '/' && y == 0) {
        claude_tool_call_fail(call, "Nothing can be divided by 0.", NULL);
    } else {
        sprintf(text, "%.10g", result);
        claude_tool_call_finish(call, text, NULL);
        printf("[calculated %s %s %s = %s]\n", a, sign, b, text);
    }

done:
    claude_string_free(a);
    claude_string_free(b);
    claude_string_free(sign);
    claude_tool_call_free(call);
}

/* ---- The camera: a picture that is drawn here and written as PNG. ---- */

enum { WIDTH = 160, HEIGHT = 100, ROW = 1 + 3 * WIDTH, PIXELS = ROW * HEIGHT };

static unsigned char *put32(unsigned char *to, unsigned long value)
{
    to[0] = (unsigned char)(value >> 24);
    to[1] = (unsigned char)(value >> 16);
    to[2] = (unsigned char)(value >> 8);
    to[3] = (unsigned char)value;
    return to + 4;
}

static unsigned long crc32(const unsigned char *bytes, size_t len)
{
    unsigned long crc = 0xffffffffUL;
    int bit;

    while (len-- > 0) {
        crc ^= *bytes++;
        for (bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320UL & (0UL - (crc & 1)));
    }
    return crc ^ 0xffffffffUL;
}

/* A PNG chunk around `len` bytes that stand at to + 8 already. */
static unsigned char *chunk(unsigned char *to, const char *type, size_t len)
{
    put32(to, (unsigned long)len);
    memcpy(to + 4, type, 4);
    return put32(to + 8 + len, crc32(to + 4, len + 4) & 0xffffffffUL);
}

/* A red disc on blue; each row starts with 0, the PNG filter "none". */
static void draw(unsigned char *pixels)
{
    int x, y;

    for (y = 0; y < HEIGHT; y++) {
        *pixels++ = 0;
        for (x = 0; x < WIDTH; x++) {
            int inside = (x - 80) * (x - 80) + (y - 50) * (y - 50) < 35 * 35;
            *pixels++ = inside ? 220 : 30;
            *pixels++ = 30;
            *pixels++ = inside ? 40 : 160;
        }
    }
}

/* The picture as a PNG whose data is not compressed; `png` has room for PIXELS + 100 bytes. */
static size_t encode(unsigned char *png)
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const unsigned char format[] = {8, 2, 0, 0, 0}; /* 8 bits of red, green and blue */
    unsigned char *to = png, *data;
    unsigned long low = 1, high = 0;
    int i;

    memcpy(to, signature, sizeof signature);
    to += sizeof signature;
    memcpy(put32(put32(to + 8, WIDTH), HEIGHT), format, sizeof format);
    to = chunk(to, "IHDR", 13);
    data = to + 8;
    *data++ = 0x78; /* a zlib stream … */
    *data++ = 0x01;
    *data++ = 1; /* … of one stored block */
    *data++ = (unsigned char)PIXELS;
    *data++ = (unsigned char)(PIXELS >> 8);
    *data++ = (unsigned char)~PIXELS;
    *data++ = (unsigned char)(~PIXELS >> 8);
    draw(data);
    for (i = 0; i < PIXELS; i++) { /* Adler-32 */
        low = (low + data[i]) % 65521;
        high = (high + low) % 65521;
    }
    put32(data + PIXELS, high << 16 | low);
    to = chunk(to, "IDAT", 7 + PIXELS + 4);
    return (size_t)(chunk(to, "IEND", 0) - png);
}

static void screenshot(claude_tool_call_t *call, void *user_data)
{
    static unsigned char png[PIXELS + 100]; /* one call at a time: max_concurrency is 1 */
    size_t len = encode(png);

    (void)user_data;
    claude_tool_call_add_text(call, "What the screen shows:", NULL);
    claude_tool_call_add_image(call, png, len, "image/png", NULL);
    claude_tool_call_finish(call, NULL, NULL);
    claude_tool_call_free(call);
    printf("[took a picture of %lu bytes]\n", (unsigned long)len);
}

int main(int argc, char **argv)
{
    static const char options[] = CLAUDE_JSON({"allowed_tools": ["mcp__desk"]}); /* no questions about these */
    static const char camera[] = CLAUDE_JSON({"name": "screenshot", "description": "Takes a picture of the screen."});
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    claude_mcp_server_t *desk = NULL;

    setvbuf(stdout, NULL, _IOLBF, 4096); /* the tools print on threads of the library */
    TRY(claude_mcp_server_create("desk", CLAUDE_JSON({"instructions": "For sums and for looking at the screen."}), &desk, &error));
    TRY(claude_mcp_server_add_tool(desk, CALCULATE, calculate, NULL, NULL, &error));
    TRY(claude_mcp_server_add_tool(desk, camera, screenshot, NULL, NULL, &error));
    TRY(claude_client_create(example_options(argc, argv, options), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(claude_client_add_mcp_server(client, desk, &error));
    TRY(claude_client_connect_wait(client, "What is 1234.5 * 6? Use the calculator.", 60000, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));
    TRY(claude_client_query(client, "Take a picture of the screen. What do you see?", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    claude_mcp_server_free(desk); /* the client keeps it until it is freed itself */
    return example_end(client, error);
}
