package refit.scoring;

import java.util.Arrays;

/** Numbers distinct keys from 0 on, as they are first met: a map without an object an entry. */
final class Numbering {
    static final long MULTIPLIER = 0x9E3779B97F4A7C15L; // Knuth's: 2^64 over the golden ratio

    /** Longs of a key. */
    private final int width;
    /** The keys one after the other, in the order of their numbers. */
    private long[] keys;
    private int size;
    /** The number of a key plus one, by its hash or at the next free place; half of it is empty. */
    private int[] table = new int[64];

    Numbering(int width) {
        this.width = width;
        keys = new long[table.length / 2 * width];
    }

    int size() {
        return size;
    }

    /** A long of the key of that number. */
    long key(int number, int at) {
        return keys[number * width + at];
    }

    /** The number of a key, which is a new one at first. */
    int of(long[] key) {
        int at = place(key, 0);
        if (table[at] == 0) {
            if (2 * size == table.length) {
                grow();
                at = place(key, 0);
            }
            System.arraycopy(key, 0, keys, size * width, width);
            table[at] = ++size;
        }
        return table[at] - 1;
    }

    /** Where the key that begins there in an array has its number, or is to have it. */
    private int place(long[] from, int first) {
        long hash = 0;
        for (int i = first; i < first + width; i++) {
            hash = (hash ^ from[i]) * MULTIPLIER;
            hash ^= hash >>> Integer.SIZE;
        }
        int at = (int) (hash * MULTIPLIER >>> Long.numberOfLeadingZeros(table.length - 1));
        while (table[at] != 0 && !same(from, first, (table[at] - 1) * width)) {
            at = at + 1 & table.length - 1;
        }
        return at;
    }

    private boolean same(long[] from, int first, int known) {
        for (int i = 0; i < width; i++) {
            if (from[first + i] != keys[known + i]) {
                return false;
            }
        }
        return true;
    }

    private void grow() {
        keys = Arrays.copyOf(keys, 2 * keys.length);
        table = new int[2 * table.length];
        for (int number = 0; number < size; number++) {
            table[place(keys, number * width)] = number + 1;
        }
    }
}
