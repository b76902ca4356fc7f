/* The functions for programs without a JSON library, and every way in which they are called wrongly. */
#include "host.h"

static char *value;

static void is(const char *expected, const char *file, int line)
{
    if (value == NULL || strcmp(value, expected) != 0) {
        fprintf(stderr, "%s:%d: %s instead of %s\n", file, line, value != NULL ? value : "NULL", expected);
        _exit(1);
    }
    claude_string_free(value);
    value = NULL;
}
#define IS(expected) is((expected), __FILE__, __LINE__)

/* The member of the last error has this text; the error is dropped. */
static void said(const char *member, const char *expected)
{
    char *text = NULL;

    if (claude_json_get(claude_error_json(error), member, &text, NULL) != CLAUDE_OK || strcmp(text, expected) != 0) {
        fprintf(stderr, "%s is not %s in %s\n", member, expected, claude_error_json(error));
        _exit(1);
    }
    claude_string_free(text);
    drop_error();
}

static void values(void)
{
    static const char json[] = "\n{ \"a/b\" : 1 , \"m~n\" : [ true , null ] , \"\" : \"e\" , \"~1\":{\"~0\":2},"
        " \"text\":\"a \\\"b\\\" \\u00e9\\ud83d\\ude00\\/\\n\", \"half\":\"\\ud83d\", \"nul\":\"a\\u0000b\","
        " \"big\":12345678901234567890123.4500, \"huge\":1e9999, \"tiny\":-0.0, \"twice\":{\"x\":1},"
        " \"\\u0074wice\":{\"y\":[1, 2]}, \"raw\":\"\\\\u0041\" }\r\n";

    OK(claude_json_get(json, "/a~1b", &value, &error));
    IS("1");
    OK(claude_json_get(json, "/m~0n", &value, &error));
    IS("[ true , null ]");
    OK(claude_json_get(json, "/m~0n/1", &value, &error));
    IS("null");
    OK(claude_json_get(json, "/", &value, &error));
    IS("e");
    OK(claude_json_get(json, "/~01/~00", &value, &error));
    IS("2");
    OK(claude_json_get(json, "/text", &value, &error));
    IS("a \"b\" \xC3\xA9\xF0\x9F\x98\x80/\n");
    OK(claude_json_get(json, "/half", &value, &error));
    IS("\xEF\xBF\xBD");
    OK(claude_json_get(json, "/nul", &value, &error));
    IS("a\xEF\xBF\xBD" "b");
    OK(claude_json_get(json, "/raw", &value, &error));
    IS("\\u0041");
    /* Numbers stay as they are written. */
    OK(claude_json_get(json, "/big", &value, &error));
    IS("12345678901234567890123.4500");
    OK(claude_json_get(json, "/huge", &value, &error));
    IS("1e9999");
    OK(claude_json_get(json, "/tiny", &value, &error));
    IS("-0.0");
    /* As for JSON.parse, the last of equal names counts. */
    OK(claude_json_get(json, "/twice/y/1", &value, &error));
    IS("2");
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_get(json, "/twice/x", &value, &error));
    said("/pointer", "/twice/x");
    OK(claude_json_get("\"x\"", "", &value, &error));
    IS("x");
    OK(claude_json_get(CLAUDE_JSON({"model": "opus", "list": [1, "two"]}), "/list/1", &value, &error));
    IS("two");
}

static void counts_and_names(void)
{
    static const char json[] = "{\"a\":[],\"b~/\":[1,[2,3],{}],\"\\u0061\":{},\"n\\u0000\":\"x\",\"c\\ud83d\":5}";
    size_t count = 99;

    OK(claude_json_count(json, "", &count, &error));
    CHECK(count == 4);
    OK(claude_json_count(json, "/b~0~1", &count, &error));
    CHECK(count == 3);
    OK(claude_json_count(json, "/a", &count, &error));
    CHECK(count == 0);
    OK(claude_json_count("[]", "", &count, &error));
    CHECK(count == 0);
    count = 99;
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_count(json, "/n", &count, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_count(json, "/b~0~1/0", &count, &error));
    said("/message", "neither a list nor an object is at \"/b~0~1/0\"");
    CHECK(count == 99);
    OK(claude_json_key(json, "", 0, &value, &error));
    IS("a");
    OK(claude_json_key(json, "", 1, &value, &error));
    IS("b~/");
    OK(claude_json_key(json, "", 2, &value, &error));
    IS("n\xEF\xBF\xBD");
    OK(claude_json_key(json, "", 3, &value, &error));
    IS("c\xEF\xBF\xBD");
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_key(json, "", 4, &value, &error));
    said("/argument", "index");
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_key(json, "", (size_t)-1, &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_key(json, "/b~0~1", 0, &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_key(json, "/x", 0, &value, NULL));
    CHECK(value == NULL);
}

static void quotes(void)
{
    char *back = NULL;
    char all[128];
    int at;

    OK(claude_json_quote("a \"b\" \\ \n \x7f \xC3\xA9", &value, &error));
    IS("\"a \\\"b\\\" \\\\ \\n \x7f \xC3\xA9\"");
    OK(claude_json_quote("", &value, &error));
    IS("\"\"");
    for (at = 0; at < 127; at++)
        all[at] = (char)(at + 1);
    all[127] = '\0';
    OK(claude_json_quote(all, &value, &error));
    OK(claude_json_get(value, "", &back, &error));
    CHECK(strcmp(back, all) == 0);
    claude_string_free(back);
    claude_string_free(value);
    value = NULL;
}

static void texts_of_messages(void)
{
    OK(claude_message_text(CLAUDE_JSON({"type": "assistant", "message": {"content": [{"type": "text", "text": "one "},
        {"type": "tool_use", "name": "t", "input": {}}, {"type": "text", "text": "two"}]}}), &value, &error));
    IS("one two");
    OK(claude_message_text(CLAUDE_JSON({"type": "user", "message": {"content": "said"}}), &value, &error));
    IS("said");
    OK(claude_message_text(CLAUDE_JSON({"type": "result", "errors": ["one", "two"]}), &value, &error));
    IS("one\ntwo");
    OK(claude_message_text(CLAUDE_JSON({"type": "result", "result": "a\u0000b"}), &value, &error));
    IS("a\xEF\xBF\xBD" "b");
    OK(claude_message_text(CLAUDE_JSON({"type": "stream_event", "event": {"type": "content_block_delta",
        "delta": {"type": "text_delta", "text": "d"}}}), &value, &error));
    IS("d");
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_message_text(CLAUDE_JSON({"type": "assistant", "message": {"content": [
        {"type": "tool_use", "name": "t"}]}}), &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_message_text(CLAUDE_JSON({"type": "system", "subtype": "init"}), &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_message_text("[1]", &value, NULL));
    CHECK(value == NULL);
}

/* The CLI tells of a failure in the form of an answer. */
static void texts_of_failures(void)
{
    FAILS(CLAUDE_ERR_RESULT, claude_message_text(CLAUDE_JSON({"type": "assistant", "error": "authentication_failed",
        "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "Not logged in"}]}}), &value, &error));
    CHECK(value == NULL);
    CHECK(strcmp(claude_error_message(error), "Not logged in; give a key or a token that is valid with the option "
        "env (ANTHROPIC_API_KEY, CLAUDE_CODE_OAUTH_TOKEN), or run claude and /login in a terminal") == 0);
    OK(claude_json_get(claude_error_json(error), "/error", &value, NULL));
    IS("authentication_failed");
    claude_error_free(error);
    error = NULL;
    FAILS(CLAUDE_ERR_RESULT, claude_message_text(CLAUDE_JSON({"type": "assistant", "error": "overloaded",
        "message": {"content": []}}), &value, NULL));
    OK(claude_message_text(CLAUDE_JSON({"type": "assistant", "error": null, "message": {"content": [
        {"type": "text", "text": "said"}]}}), &value, &error));
    IS("said");
    OK(claude_message_text(CLAUDE_JSON({"type": "result", "is_error": true, "result": "Not logged in"}), &value, &error));
    IS("Not logged in");
}

static void wrong_calls(void)
{
    static const char *const broken_json[] = {"", " ", "{", "{\"a\":1,}", "[1 2]", "nul", "{}{}", "01", "\"\t\"", "'a'", "\"\\x\""};
    static const char not_utf8[] = "{\"a\":\"\xff\"}";
    size_t at, count = 99;
    char *long_pointer = malloc(100001);

    for (at = 0; at < sizeof broken_json / sizeof *broken_json; at++) {
        FAILS(CLAUDE_ERR_JSON_DECODE, claude_json_get(broken_json[at], "/a", &value, NULL));
        FAILS(CLAUDE_ERR_JSON_DECODE, claude_json_count(broken_json[at], "", &count, NULL));
        FAILS(CLAUDE_ERR_JSON_DECODE, claude_json_key(broken_json[at], "", 0, &value, NULL));
        FAILS(CLAUDE_ERR_JSON_DECODE, claude_message_text(broken_json[at], &value, NULL));
    }
    FAILS(CLAUDE_ERR_JSON_DECODE, claude_json_get("{\"a\":1,\n!}", "/a", &value, &error));
    said("/offset", "8");
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get(NULL, "/a", &value, &error));
    said("/argument", "json");
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get("{}", NULL, &value, &error));
    said("/argument", "pointer");
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get("{}", "", NULL, &error));
    said("/argument", "value");
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get(not_utf8, "/a", &value, &error));
    said("/offset", "6");
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get("{}", "/\xff", &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_count(NULL, "", &count, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_count("{}", NULL, &count, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_count("{}", "", NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_count(not_utf8, "", &count, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_key(NULL, "", 0, &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_key("{}", NULL, 0, &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_key("{\"a\":1}", "", 0, NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_key(not_utf8, "", 0, &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_quote(NULL, &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_quote("x", NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_quote("\xC3", &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_message_text(NULL, &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_message_text("{}", NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_message_text(not_utf8, &value, NULL));
    /* What is no pointer is a broken call; what leads nowhere is not. */
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get("{\"a\":1}", "a", &value, &error));
    said("/remedy", "write \"/a\"");
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_count("{\"a\":1}", "/~2", &count, &error));
    said("/remedy", "write \"~0\" for \"~\"");
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_get("[1]", "/-", &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_get("[1]", "/00", &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_get("[1]", "/18446744073709551616", &value, NULL));
    memset(long_pointer, '/', 100000);
    long_pointer[100000] = '\0';
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_get("{\"\":{\"\":1}}", long_pointer, &value, &error));
    CHECK(strlen(claude_error_json(error)) < 2000);
    drop_error();
    free(long_pointer);
    CHECK(value == NULL && count == 99);
    /* The status alone, for whoever does not want more. */
    CHECK(strcmp(claude_status_name(CLAUDE_ERR_NOT_FOUND), "CLAUDE_ERR_NOT_FOUND") == 0);
}

/* A text of a megabyte, with what is sought at its end. */
static void large_texts(void)
{
    size_t room = 1u << 20, used, count = 0;
    char *json = malloc(room + 64);

    strcpy(json, "{\"list\":[");
    used = strlen(json);
    while (used < room) {
        memcpy(json + used, "\"\\\\x\",", 6);
        used += 6;
    }
    strcpy(json + used, "0],\"last\":\"here\"}");
    OK(claude_json_get(json, "/last", &value, &error));
    IS("here");
    OK(claude_json_count(json, "/list", &count, &error));
    CHECK(count == (used - 9) / 6 + 1);
    OK(claude_json_key(json, "", 1, &value, &error));
    IS("last");
    free(json);
}

int main(void)
{
    values();
    counts_and_names();
    quotes();
    texts_of_messages();
    texts_of_failures();
    wrong_calls();
    large_texts();
    return 0;
}
