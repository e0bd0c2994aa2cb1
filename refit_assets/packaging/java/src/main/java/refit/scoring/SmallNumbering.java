package refit.scoring;

import java.util.Arrays;

/**
 * A {@link Numbering} of keys that have 33 bits at most, as thresholds have.
 *
 * <p>A key and its number fit into one long: looking it up waits for memory once. A forest looks up
 * every node, so that most of a cold start would be such waiting.
 */
final class SmallNumbering {
    private static final int NUMBER_BITS = 31;

    /** The keys in the order of their numbers. */
    private long[] keys = new long[32];
    private int size;
    /** By its hash or at the next free place, a key and its number plus one; half of it is empty. */
    private long[] table = new long[2 * keys.length];

    int size() {
        return size;
    }

    /** All keys in the order of their numbers, and behind them room for more. */
    long[] keys() {
        return keys;
    }

    /** The number of a key, which is a new one at first. */
    int of(long key) {
        int at = place(key);
        for (long entry = table[at]; entry != 0; entry = table[at]) {
            if (entry >>> NUMBER_BITS == key) {
                return (int) entry - 1 & Integer.MAX_VALUE;
            }
            at = at + 1 & table.length - 1;
        }
        if (size == keys.length) {
            grow();
            return of(key);
        }
        keys[size++] = key;
        table[at] = key << NUMBER_BITS | size;
        return size - 1;
    }

    private int place(long key) {
        long hash = key * Numbering.MULTIPLIER;
        return (int) (hash >>> Long.numberOfLeadingZeros(table.length - 1));
    }

    private void grow() {
        keys = Arrays.copyOf(keys, 2 * size);
        table = new long[2 * keys.length];
        for (int number = 0; number < size; number++) {
            int at = place(keys[number]);
            while (table[at] != 0) {
                at = at + 1 & table.length - 1;
            }
            table[at] = keys[number] << NUMBER_BITS | number + 1;
        }
    }
}
