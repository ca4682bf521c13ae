/* Counts words. */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>

struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *tally);

/* Counts the words of a text; letters and digits make a word. Returns 0 without memory. */
int tally_add(struct tally *tally, const char *text, size_t length);

size_t tally_distinct(const struct tally *tally);

/* The count of one word, 0 if it never came. */
unsigned long tally_count(const struct tally *tally, const char *word);

/* Calls `each` for the `most` most frequent words, then by alphabet. */
void tally_top(const struct tally *tally, size_t most,
               void (*each)(const char *word, unsigned long count, void *data), void *data);

#endif
