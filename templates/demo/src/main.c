#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "tally.h"

static void print(const char *word, unsigned long count, void *data)
{
    (void)data;
    printf("%7lu  %s\n", count, word);
}

int main(int argc, char **argv)
{
    long top = argc > 1 ? strtol(argv[1], NULL, 10) : TALLY_TOP;
    if (top < 1) {
        fprintf(stderr, "usage: tally [HOW-MANY] < TEXT\n");
        return 2;
    }
    struct tally *tally = tally_new();
    char line[4096];
    while (tally && fgets(line, sizeof(line), stdin)) {
        size_t length = 0;
        while (line[length])
            length++;
        if (!tally_add(tally, line, length))
            return 1;
    }
    if (!tally)
        return 1;
    tally_top(tally, (size_t)top, print, NULL);
    tally_free(tally);
    return 0;
}
