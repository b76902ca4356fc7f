/*
 * A game with a window (SDL2): sixty frames a second, and Claude tells a story meanwhile.
 *
 * In PUMP mode callbacks run only inside claude_client_pump(), on the thread of the window, and no longer than the
 * 2 ms that a frame can spare. Space asks for another story, Escape interrupts the one that is being told, or quits.
 *
 *     ./sdl_loop                         in a window, until it is closed
 *     ./sdl_loop '{}' picture.bmp        saves the last frame of the first story, and quits
 */
#include "example.h"
#include <SDL.h>

enum { WIDTH = 960, HEIGHT = 540, SCALE = 2, MARGIN = 24, FRAME_US = 1000000 / 60, BUDGET_US = 2000, HISTORY = 120 };
enum { GLYPH = 6 * SCALE, LINE = 10 * SCALE, TOP = 110 };
enum { COLUMNS = (WIDTH - 2 * MARGIN) / GLYPH, ROWS = (HEIGHT - TOP - MARGIN) / LINE };

static const char PROMPT[] = "Tell me a short story about a robot.";

typedef struct {
    claude_client_t *client;
    char story[16384];
    size_t length;
    int ready; /* to take a prompt */
    int told;  /* stories */
    int closed, failed;
} game_t;

typedef struct {
    double frame_ms[HISTORY]; /* the latest frames, in a ring */
    double longest_ms, longest_dispatch_ms, dispatch_ms;
    int frames;
} meter_t;

/* Five columns of seven pixels for each printable character of ASCII, the top pixel in the lowest bit. */
static const unsigned char FONT[95][5] = {
    {0, 0, 0, 0, 0}, {0, 0, 95, 0, 0}, {0, 7, 0, 7, 0}, {20, 127, 20, 127, 20}, {36, 42, 127, 42, 18},
    {35, 19, 8, 100, 98}, {54, 73, 86, 32, 80}, {0, 5, 3, 0, 0}, {0, 28, 34, 65, 0}, {0, 65, 34, 28, 0},
    {20, 8, 62, 8, 20}, {8, 8, 62, 8, 8}, {0, 80, 48, 0, 0}, {8, 8, 8, 8, 8}, {0, 96, 96, 0, 0},
    {32, 16, 8, 4, 2}, {62, 81, 73, 69, 62}, {0, 66, 127, 64, 0}, {66, 97, 81, 73, 70}, {33, 65, 69, 75, 49},
    {24, 20, 18, 127, 16}, {39, 69, 69, 69, 57}, {60, 74, 73, 73, 48}, {1, 113, 9, 5, 3}, {54, 73, 73, 73, 54},
    {6, 73, 73, 41, 30}, {0, 54, 54, 0, 0}, {0, 86, 54, 0, 0}, {8, 20, 34, 65, 0}, {20, 20, 20, 20, 20},
    {0, 65, 34, 20, 8}, {2, 1, 81, 9, 6}, {50, 73, 121, 65, 62}, {126, 17, 17, 17, 126}, {127, 73, 73, 73, 54},
    {62, 65, 65, 65, 34}, {127, 65, 65, 34, 28}, {127, 73, 73, 73, 65}, {127, 9, 9, 9, 1}, {62, 65, 73, 73, 122},
    {127, 8, 8, 8, 127}, {0, 65, 127, 65, 0}, {32, 64, 65, 63, 1}, {127, 8, 20, 34, 65}, {127, 64, 64, 64, 64},
    {127, 2, 12, 2, 127}, {127, 4, 8, 16, 127}, {62, 65, 65, 65, 62}, {127, 9, 9, 9, 6}, {62, 65, 81, 33, 94},
    {127, 9, 25, 41, 70}, {70, 73, 73, 73, 49}, {1, 1, 127, 1, 1}, {63, 64, 64, 64, 63}, {31, 32, 64, 32, 31},
    {63, 64, 56, 64, 63}, {99, 20, 8, 20, 99}, {7, 8, 112, 8, 7}, {97, 81, 73, 69, 67}, {0, 127, 65, 65, 0},
    {2, 4, 8, 16, 32}, {0, 65, 65, 127, 0}, {4, 2, 1, 2, 4}, {64, 64, 64, 64, 64}, {0, 1, 2, 4, 0},
    {32, 84, 84, 84, 120}, {127, 72, 68, 68, 56}, {56, 68, 68, 68, 32}, {56, 68, 68, 72, 127}, {56, 84, 84, 84, 24},
    {8, 126, 9, 1, 2}, {12, 82, 82, 82, 62}, {127, 8, 4, 4, 120}, {0, 68, 125, 64, 0}, {32, 64, 68, 61, 0},
    {127, 16, 40, 68, 0}, {0, 65, 127, 64, 0}, {124, 4, 24, 4, 120}, {124, 8, 4, 4, 120}, {56, 68, 68, 68, 56},
    {124, 20, 20, 20, 8}, {8, 20, 20, 24, 124}, {124, 8, 4, 4, 8}, {72, 84, 84, 84, 32}, {4, 63, 68, 64, 32},
    {60, 64, 64, 32, 124}, {28, 32, 64, 32, 28}, {60, 64, 48, 64, 60}, {68, 40, 16, 40, 68}, {12, 80, 80, 80, 60},
    {68, 100, 84, 76, 68}, {0, 8, 54, 65, 0}, {0, 0, 127, 0, 0}, {0, 65, 54, 8, 0}, {8, 4, 8, 16, 8},
};

/* 1. Claude. */

static void say(game_t *game, const char *text, size_t len)
{
    if (len > sizeof game->story - game->length)
        len = sizeof game->story - game->length;
    memcpy(game->story + game->length, text, len);
    game->length += len;
}

static void on_message(claude_message_kind_t kind, const char *text, size_t len, void *user_data)
{
    game_t *game = user_data;

    example_is_failure(kind, text);
    if (kind == CLAUDE_EVENT_TEXT_DELTA) {
        say(game, text, len);
    } else if (kind == CLAUDE_MESSAGE_RESULT) {
        game->ready = 1;
        game->told++;
    }
}

/* Also comes when connecting has failed. */
static void on_closed(claude_status_t status, const char *error_json, size_t len, void *user_data)
{
    game_t *game = user_data;
    char *message = NULL;

    (void)len;
    game->closed = 1;
    if (status == CLAUDE_OK)
        return;
    game->failed = 1;
    if (claude_json_get(error_json, "/message", &message, NULL) == CLAUDE_OK) {
        say(game, "\n", 1);
        say(game, message, strlen(message));
        fprintf(stderr, "closed: %s\n", message);
    }
    claude_string_free(message);
}

static void ask_again(game_t *game)
{
    if (game->ready && claude_client_query(game->client, PROMPT, NULL, NULL, NULL) == CLAUDE_OK) {
        game->length = 0;
        game->ready = 0;
    }
}

/* 2. The picture. */

static void rectangle(SDL_Renderer *to, SDL_Color color, int x, int y, int width, int height)
{
    SDL_Rect area;

    area.x = x;
    area.y = y;
    area.w = width;
    area.h = height;
    SDL_SetRenderDrawColor(to, color.r, color.g, color.b, 255);
    SDL_RenderFillRect(to, &area);
}

static void glyph(SDL_Renderer *to, SDL_Color color, int x, int y, unsigned char c)
{
    int column, row;

    if (c < ' ' || c > '~') { /* the font has no more */
        rectangle(to, color, x + SCALE, y + 2 * SCALE, 3 * SCALE, 3 * SCALE);
        return;
    }
    for (column = 0; column < 5; column++)
        for (row = 0; row < 7; row++)
            if (FONT[c - ' '][column] >> row & 1)
                rectangle(to, color, x + column * SCALE, y + row * SCALE, SCALE, SCALE);
}

static size_t word_length(const char *text, size_t len)
{
    size_t length = 0;

    while (length < len && text[length] != ' ' && text[length] != '\n')
        length++;
    return length;
}

/* Draws text with its lines broken between words, without the first `skipped` lines; counts the lines where `to` is NULL. */
static int paragraph(SDL_Renderer *to, SDL_Color color, int y, int skipped, const char *text, size_t len)
{
    int column = 0, line = 0;
    size_t at;

    for (at = 0; at < len; at++) {
        const unsigned char c = (unsigned char)text[at];
        const int begins_word = at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n';

        if (c == ' ' && column >= COLUMNS) /* no line begins with it */
            continue;
        if (c == '\n' || column >= COLUMNS ||
            (begins_word && column > 0 && column + (int)word_length(text + at, len - at) > COLUMNS)) {
            line++;
            column = 0;
        }
        if (c == '\n' || (c & 0xC0) == 0x80) /* one box for all bytes of a character */
            continue;
        if (to != NULL && line >= skipped)
            glyph(to, color, MARGIN + column * GLYPH, y + (line - skipped) * LINE, c);
        column++;
    }
    return line + 1;
}

static void bars(SDL_Renderer *to, const meter_t *meter)
{
    const SDL_Color calm = {80, 200, 120, 255}, late = {230, 90, 80, 255};
    int i;

    for (i = 0; i < HISTORY && i < meter->frames; i++) {
        const double ms = meter->frame_ms[(meter->frames - 1 - i) % HISTORY];
        const int height = ms < 50 ? (int)ms : 50;

        rectangle(to, ms < 25 ? calm : late, WIDTH - MARGIN - 2 * i, MARGIN + 50 - height, 1, height);
    }
}

static void draw(SDL_Renderer *to, const game_t *game, const meter_t *meter)
{
    const SDL_Color sky = {18, 22, 40, 255}, paper = {235, 230, 215, 255}, grey = {130, 140, 170, 255},
                    robot = {240, 180, 70, 255};
    const double ms = meter->frames > 0 ? meter->frame_ms[(meter->frames - 1) % HISTORY] : 0;
    const int way = (WIDTH - 2 * MARGIN) - 30, step = meter->frames * 3 % (2 * way);
    char status[128];
    int lines;

    rectangle(to, sky, 0, 0, WIDTH, HEIGHT);
    sprintf(status, "frame %4.1f ms\nClaude %4.2f ms", ms, meter->dispatch_ms);
    paragraph(to, grey, MARGIN, 0, status, strlen(status));
    bars(to, meter);
    /* It walks to and fro: a frame that comes late is seen at once. */
    rectangle(to, robot, MARGIN + (step < way ? step : 2 * way - step), TOP - 36, 30, 18);
    lines = paragraph(NULL, paper, 0, 0, game->story, game->length);
    paragraph(to, paper, TOP, lines > ROWS ? lines - ROWS : 0, game->story, game->length);
    if (game->length == 0)
        paragraph(to, grey, TOP, 0, "...", 3);
}

static int save(SDL_Renderer *from, const char *path)
{
    SDL_Surface *picture = SDL_CreateRGBSurfaceWithFormat(0, WIDTH, HEIGHT, 32, SDL_PIXELFORMAT_ARGB8888);
    int saved = picture != NULL &&
                SDL_RenderReadPixels(from, NULL, SDL_PIXELFORMAT_ARGB8888, picture->pixels, picture->pitch) == 0 &&
                SDL_SaveBMP(picture, path) == 0;

    SDL_FreeSurface(picture);
    if (!saved)
        fprintf(stderr, "no picture: %s\n", SDL_GetError());
    return saved;
}

/* 3. The loop. */

static double ms_since(Uint64 start)
{
    return (double)(SDL_GetPerformanceCounter() - start) * 1000.0 / (double)SDL_GetPerformanceFrequency();
}

/* False when the player is gone. */
static int take_input(game_t *game)
{
    SDL_Event event;

    while (SDL_PollEvent(&event)) {
        if (event.type == SDL_QUIT)
            return 0;
        if (event.type != SDL_KEYDOWN)
            continue;
        if (event.key.keysym.sym == SDLK_SPACE)
            ask_again(game);
        if (event.key.keysym.sym == SDLK_ESCAPE && (game->ready || game->closed))
            return 0;
        if (event.key.keysym.sym == SDLK_ESCAPE)
            claude_client_interrupt(game->client, NULL, NULL, NULL);
    }
    return 1;
}

static void measure(meter_t *meter, double frame_ms)
{
    meter->frame_ms[meter->frames++ % HISTORY] = frame_ms;
    if (frame_ms > meter->longest_ms)
        meter->longest_ms = frame_ms;
    if (meter->dispatch_ms > meter->longest_dispatch_ms)
        meter->longest_dispatch_ms = meter->dispatch_ms;
}

/* Returns when the player quits, or the picture is saved; false when something failed. */
static int play(game_t *game, SDL_Renderer *renderer, meter_t *meter, const char *picture, claude_error_t **error)
{
    while (take_input(game)) {
        const Uint64 start = SDL_GetPerformanceCounter();
        double left;

        if (claude_client_pump(game->client, 0, BUDGET_US, CLAUDE_NO_WAIT, NULL, error) != CLAUDE_OK)
            return 0;
        meter->dispatch_ms = ms_since(start);
        draw(renderer, game, meter);
        if (picture != NULL && (game->told > 0 || game->closed))
            return save(renderer, picture) && !game->failed;
        SDL_RenderPresent(renderer);
        left = FRAME_US / 1000.0 - ms_since(start);
        if (left >= 1)
            SDL_Delay((Uint32)left);
        measure(meter, ms_since(start));
    }
    return !game->failed;
}

int main(int argc, char **argv)
{
    static const char OPTIONS[] = CLAUDE_JSON({"text_deltas": true});
    static game_t game;
    meter_t meter = {{0}, 0, 0, 0, 0};
    claude_error_t *error = NULL;
    SDL_Window *window = NULL;
    SDL_Renderer *renderer = NULL;
    int played = 0, code;

    if (SDL_Init(SDL_INIT_VIDEO) != 0 || SDL_CreateWindowAndRenderer(WIDTH, HEIGHT, 0, &window, &renderer) != 0) {
        fprintf(stderr, "SDL: %s\n", SDL_GetError());
        SDL_Quit();
        return EXIT_FAILURE;
    }
    SDL_SetWindowTitle(window, "Claude tells a story");
    TRY(claude_client_create(example_options(argc, argv, OPTIONS), &game.client, &error));
    TRY(claude_client_set_dispatch(game.client, CLAUDE_DISPATCH_PUMP, &error));
    TRY(claude_client_on_message(game.client, on_message, &game, NULL, &error));
    TRY(claude_client_on_closed(game.client, on_closed, &game, NULL, &error));
    TRY(claude_client_connect(game.client, PROMPT, NULL, NULL, &error));
    played = play(&game, renderer, &meter, argc > 2 ? argv[2] : NULL, &error);
    printf("%d frames, the longest took %.1f ms, the longest dispatch %.2f ms\n", meter.frames, meter.longest_ms,
           meter.longest_dispatch_ms);

done:
    SDL_DestroyRenderer(renderer);
    SDL_DestroyWindow(window); /* first: freeing the client waits for the CLI to end */
    code = example_end(game.client, error);
    SDL_Quit();
    return played ? code : EXIT_FAILURE;
}
