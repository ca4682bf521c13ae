#include "tally.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct entry {
    struct entry *next;
    unsigned long count;
    char *word;
};

struct tally {
    struct entry *buckets[BUCKETS];
    size_t distinct;
};

struct tally *tally_new(void)
{
    return calloc(1, sizeof(struct tally));
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry *entry = tally->buckets[i];
        while (entry) {
            struct entry *next = entry->next;
            free(entry->word);
            free(entry);
            entry = next;
        }
    }
    free(tally);
}

static size_t bucket_of(const char *word, size_t length)
{
    unsigned long hash = 5381;
    for (size_t i = 0; i < length; i++)
        hash = hash * 33 + (unsigned char)word[i];
    return hash % BUCKETS;
}

static struct entry *find(const struct tally *tally, const char *word, size_t length)
{
    struct entry *entry = tally->buckets[bucket_of(word, length)];
    while (entry && (strlen(entry->word) != length || memcmp(entry->word, word, length) != 0))
        entry = entry->next;
    return entry;
}

static int add_word(struct tally *tally, const char *word, size_t length)
{
    struct entry *entry = find(tally, word, length);
    if (entry) {
        entry->count++;
        return 1;
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry || !(entry->word = malloc(length + 1))) {
        free(entry);
        return 0;
    }
    memcpy(entry->word, word, length);
    entry->word[length] = '\0';
    entry->count = 1;
    size_t bucket = bucket_of(word, length);
    entry->next = tally->buckets[bucket];
    tally->buckets[bucket] = entry;
    tally->distinct++;
    return 1;
}

int tally_add(struct tally *tally, const char *text, size_t length)
{
    char word[256];
    size_t used = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && isalnum((unsigned char)text[i])) {
            if (used < sizeof(word))
                word[used++] = (char)tolower((unsigned char)text[i]);
            continue;
        }
        if (used && !add_word(tally, word, used))
            return 0;
        used = 0;
    }
    return 1;
}

size_t tally_distinct(const struct tally *tally)
{
    return tally->distinct;
}

unsigned long tally_count(const struct tally *tally, const char *word)
{
    struct entry *entry = find(tally, word, strlen(word));
    return entry ? entry->count : 0;
}

static int by_count(const void *left, const void *right)
{
    const struct entry *a = *(const struct entry *const *)left;
    const struct entry *b = *(const struct entry *const *)right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return strcmp(a->word, b->word);
}

void tally_top(const struct tally *tally, size_t most,
               void (*each)(const char *word, unsigned long count, void *data), void *data)
{
    struct entry **all = calloc(tally->distinct + 1, sizeof(*all));
    size_t n = 0;
    if (!all)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *entry = tally->buckets[i]; entry; entry = entry->next)
            all[n++] = entry;
    qsort(all, n, sizeof(*all), by_count);
    for (size_t i = 0; i < n && i < most; i++)
        each(all[i]->word, all[i]->count, data);
    free(all);
}
