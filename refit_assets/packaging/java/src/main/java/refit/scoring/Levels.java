package refit.scoring;

import java.util.Arrays;
import java.util.List;

/**
 * From a category's level to its number in the model. Faster than a map of boxed integers: a table
 * in which, by choice of the multiplier, next to no two levels share a place.
 */
final class Levels {
    /** Places a level: few enough collisions that a look-up's second step is never predicted. */
    private static final int ROOM = 8;
    private static final int TRIALS = 64;

    private final String[] keys;
    /** Numbers as the model reads them; NaN where there is no level. */
    private final double[] codes;
    private final int shift;
    private final int multiplier;
    private final List<String> inOrder;

    Levels(String[] levels) {
        int bits = 32 - Integer.numberOfLeadingZeros(Math.max(1, levels.length) * ROOM - 1);
        keys = new String[1 << bits];
        codes = new double[1 << bits];
        Arrays.fill(codes, Double.NaN);
        shift = 32 - bits;
        inOrder = List.of(levels);
        multiplier = bestMultiplier(levels, bits);
        for (int i = 0; i < levels.length; i++) {
            int at = slot(levels[i]);
            // A level that stands twice in a domain keeps its last number, as in H2O's own map.
            keys[at] = levels[i];
            codes[at] = i;
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
        return codes[slot(level)];
    }

    List<String> inOrder() {
        return inOrder;
    }

    private int slot(String level) {
        int at = level.hashCode() * multiplier >>> shift;
        while (keys[at] != null && !keys[at].equals(level)) {
            at = at + 1 & keys.length - 1;
        }
        return at;
    }
}
