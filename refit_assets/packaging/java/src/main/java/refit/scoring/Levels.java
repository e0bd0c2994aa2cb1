package refit.scoring;

import java.util.List;

/** From a category's level to its number in the model. Faster than a map of boxed integers. */
final class Levels {
    private final String[] keys;
    private final int[] codes;
    private final int mask;
    private final List<String> inOrder;

    Levels(String[] levels) {
        int size = Integer.highestOneBit(Math.max(1, levels.length)) * 4;
        keys = new String[size];
        codes = new int[size];
        mask = size - 1;
        inOrder = List.of(levels);
        for (int i = 0; i < levels.length; i++) {
            int at = slot(levels[i]);
            // A level that stands twice in a domain keeps its last number, as in H2O's own map.
            keys[at] = levels[i];
            codes[at] = i;
        }
    }

    /** The level's number, or -1 where the model does not know it. */
    int code(String level) {
        int at = slot(level);
        return keys[at] == null ? -1 : codes[at];
    }

    List<String> inOrder() {
        return inOrder;
    }

    private int slot(String level) {
        int hash = level.hashCode();
        int at = (hash ^ hash >>> 16) & mask;
        while (keys[at] != null && !keys[at].equals(level)) {
            at = at + 1 & mask;
        }
        return at;
    }
}
