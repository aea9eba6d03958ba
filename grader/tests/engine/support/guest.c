/* The program of the tests' image: one file without libraries, which misbehaves as its arguments ask. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

static void all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t wrote = write(fd, bytes, count);
        if (wrote <= 0) return;
        bytes += wrote;
        count -= (size_t)wrote;
    }
}

static void say(int fd, const char *text) { all(fd, text, strlen(text)); }

static void end(int signal) { (void)signal; _exit(0); }

static void stay(void) {
    for (;;) pause();
}

/* Answers every request in one way; `how` says which. */
static void serve(const char *how) {
    signal(SIGTERM, end);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8000)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) _exit(9);
    static char page[1 << 16];
    for (;;) {
        char request[4096];
        int client = accept(listener, NULL, NULL);
        if (client < 0) continue;
        if (!strcmp(how, "silence")) continue;
        if (read(client, request, sizeof request) <= 0) { close(client); continue; }
        if (!strcmp(how, "endless")) {
            say(client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
            memset(page, 'y', sizeof page);
            signal(SIGPIPE, SIG_IGN);
            while (write(client, page, sizeof page) > 0) {}
        } else if (!strcmp(how, "redirect")) {
            say(client, "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        } else if (!strcmp(how, "noise")) {
            all(client, "\x00\xff\xfe\x80 noise\r\n\r\n", 14);
        } else if (!strcmp(how, "no-utf8")) {
            say(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\nConnection: close\r\n\r\n");
            all(client, "{\"a\":\"\xff\xfe", 8);
        } else if (!strcmp(how, "environment")) {
            size_t length = 0;
            for (char **variable = environ; *variable; variable++)
                length += (size_t)snprintf(page + length, sizeof page - length, "%s\n", *variable);
            dprintf(client, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", length, page);
        } else {
            say(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"ok\":true}");
        }
        close(client);
    }
}

/* Prints so many bytes: `lines`, `flat` (no end of line), or `binary`. */
static void print(const char *how, unsigned long long count) {
    static char block[1 << 16];
    say(1, "the first words\n");
    memset(block, 'x', sizeof block);
    if (!strcmp(how, "lines")) for (size_t at = 99; at < sizeof block; at += 100) block[at] = '\n';
    if (!strcmp(how, "binary")) for (size_t at = 0; at < sizeof block; at++) block[at] = (char)(at * 7 + (at >> 8));
    for (; count > 0; count -= count < sizeof block ? count : sizeof block)
        all(1, block, count < sizeof block ? (size_t)count : sizeof block);
    say(1, "\nthe last words\n");
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "stay";
    const char *how = argc > 2 ? argv[2] : "";
    if (!strcmp(what, "serve")) serve(how);
    if (!strcmp(what, "exit")) { say(2, "it ends at once\n"); return atoi(how); }
    if (!strcmp(what, "exit-after")) { usleep((useconds_t)atoi(how) * 1000); return 0; }
    if (!strcmp(what, "stubborn")) { signal(SIGTERM, SIG_IGN); signal(SIGINT, SIG_IGN); stay(); }
    if (!strcmp(what, "fork")) for (;;) { pid_t child = fork(); if (child == 0) stay(); if (child < 0) usleep(50000); }
    if (!strcmp(what, "eat")) for (;;) memset(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 20);
    if (!strcmp(what, "print")) { print(how, argc > 3 ? strtoull(argv[3], NULL, 10) : 0); if (argc > 4) stay(); return 0; }
    if (!strcmp(what, "escapes")) {
        all(1, "\x1b]0;title\x07\x1b[31mred\x1b[2J\x1b]52;c;aGFjaw==\x07 \xc2\x9b""5n \xe2\x80\xae" "abc\r\x08\x00" "end\n", 55);
        all(2, "\x1b[?25l\x1bP+q\x1b\\\x9b""31m on stderr\n", 28);
        return 3;
    }
    if (!strcmp(what, "need")) {
        if (!getenv(how)) { dprintf(2, "cannot start: the variable %s is not set\n", how); return 1; }
        serve("ok");
    }
    if (!strcmp(what, "environment")) { for (char **variable = environ; *variable; variable++) { say(1, *variable); say(2, *variable); say(1, "\n"); } serve("environment"); }
    stay();
}
