package refit.scoring;

import java.util.List;

/**
 * From a category's level to its number in the model. Faster than a map of boxed integers: a table
 * in which, by choice of the multiplier, next to no two levels share a place.
 */
final class Levels {
    /** Places a level: few enough collisions that a look-up's second step is never predicted. */
    private static final int ROOM = 8;
    private static final int TRIALS = 64;

    /**
     * A level at its place, and the one that shares it, or null. The level is interned: a caller's
     * constants, names of an enum for instance, are then the same object.
     */
    private static final class Entry {
        final String level;
        final int hash;
        final int length;
        final char first;
        final char second;
        final double code;
        final Entry next;

        Entry(String level, double code, Entry next) {
            this.level = level;
            this.code = code;
            this.next = next;
            hash = level.hashCode();
            length = level.length();
            first = length > 0 ? level.charAt(0) : 0;
            second = length > 1 ? level.charAt(1) : 0;
        }

        /**
         * Whether this is the level of that name.
         *
         * <p>Of two texts of one length and one hash that differ, at least two characters do: a
         * hash is a sum of characters times odd numbers. So in short texts, as most levels are,
         * all characters but the last decide, which costs half of {@code equals}.
         */
        boolean is(String text, int itsHash) {
            if (text == level) {
                return true;
            } else if (itsHash != hash || text.length() != length) {
                return false;
            }
            return switch (length) {
                case 0, 1 -> true;
                case 2 -> text.charAt(0) == first;
                case 3 -> text.charAt(0) == first && text.charAt(1) == second;
                default -> text.equals(level);
            };
        }
    }

    private final Entry[] table;
    private final int shift;
    private final int multiplier;
    private final List<String> inOrder;

    Levels(String[] levels) {
        int bits = 32 - Integer.numberOfLeadingZeros(Math.max(1, levels.length) * ROOM - 1);
        table = new Entry[1 << bits];
        shift = 32 - bits;
        inOrder = List.of(levels);
        multiplier = bestMultiplier(levels, bits);
        for (int i = 0; i < levels.length; i++) {
            int at = levels[i].hashCode() * multiplier >>> shift;
            // The newest comes first: a level that stands twice in a domain has its last number,
            // as in H2O's own map.
            table[at] = new Entry(levels[i].intern(), i, table[at]);
        }
    }

    private static int bestMultiplier(String[] levels, int bits) {
        int best = 0;
        int fewest = Integer.MAX_VALUE;
        int candidate = 0x9E3779B1; // Knuth's: odd, near 2^32 over the golden ratio
        for (int trial = 0; trial < TRIALS && fewest > 0; trial++, candidate += 0x61C88646) {
            int collisions = collisions(levels, candidate | 1, bits);
            if (collisions < fewest) {
                fewest = collisions;
                best = candidate | 1;
            }
        }
        return best;
    }

    private static int collisions(String[] levels, int multiplier, int bits) {
        boolean[] taken = new boolean[1 << bits];
        int collisions = 0;
        for (String level : levels) {
            int at = level.hashCode() * multiplier >>> 32 - bits;
            collisions += taken[at] ? 1 : 0;
            taken[at] = true;
        }
        return collisions;
    }

    /** The level's number, or NaN where the model does not know it. */
    double code(String level) {
        Entry entry = find(level);
        return entry == null ? Double.NaN : entry.code;
    }

    /** The same text as the object that {@link #code} finds without comparing characters. */
    String own(String level) {
        Entry entry = find(level);
        return entry == null ? level : entry.level;
    }

    private Entry find(String level) {
        int hash = level.hashCode();
        Entry entry = table[hash * multiplier >>> shift];
        while (entry != null && !entry.is(level, hash)) {
            entry = entry.next;
        }
        return entry;
    }

    List<String> inOrder() {
        return inOrder;
    }
}
