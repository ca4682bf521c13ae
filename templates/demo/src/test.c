#include <stdio.h>
#include <string.h>

#include "tally.h"

static int failures;

static void check(int good, const char *what)
{
    printf("%s: %s\n", good ? "PASS" : "FAIL", what);
    failures += !good;
}

static void first(const char *word, unsigned long count, void *data)
{
    (void)count;
    char *slot = data;
    if (!*slot)
        strcpy(slot, word);
}

int main(void)
{
    const char *text = "One two TWO, three three three.";
    char top[256] = "";
    struct tally *tally = tally_new();
    check(tally && tally_add(tally, text, strlen(text)), "words are added");
    check(tally_distinct(tally) == 3, "distinct words are counted");
    check(tally_count(tally, "two") == 2, "letters are folded");
    check(tally_count(tally, "four") == 0, "an unknown word counts nothing");
    tally_top(tally, 2, first, top);
    check(strcmp(top, "three") == 0, "the most frequent word comes first");
    check(tally_add(tally, "", 0) && tally_distinct(tally) == 3, "an empty text adds nothing");
    tally_free(tally);
    return failures != 0;
}
