package refit.scoring;

import java.util.Arrays;

/** Numbers distinct longs from 0 on, as they are first met: a map without an object an entry. */
final class Numbering {
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L; // Knuth's: 2^64 over the golden ratio

    private long[] keys = new long[32];
    private int size;
    /** The number of a key plus one, by its hash or at the next free place; half of it is empty. */
    private int[] table = new int[64];

    int size() {
        return size;
    }

    /** The key of that number. */
    long key(int number) {
        return keys[number];
    }

    /** The number of a key, which is a new one at first. */
    int of(long key) {
        int at = place(key);
        if (table[at] == 0) {
            if (size == keys.length) {
                grow();
                at = place(key);
            }
            keys[size++] = key;
            table[at] = size;
        }
        return table[at] - 1;
    }

    private int place(long key) {
        int at = (int) (key * MULTIPLIER >>> Long.numberOfLeadingZeros(table.length - 1));
        while (table[at] != 0 && keys[table[at] - 1] != key) {
            at = at + 1 & table.length - 1;
        }
        return at;
    }

    private void grow() {
        keys = Arrays.copyOf(keys, 2 * keys.length);
        table = new int[2 * keys.length];
        for (int i = 0; i < size; i++) {
            table[place(keys[i])] = i + 1;
        }
    }
}
