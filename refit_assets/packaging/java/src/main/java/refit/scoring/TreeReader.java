package refit.scoring;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;

/**
 * Reads the compressed trees of a GBM, DRF or isolation forest MOJO into flat arrays.
 *
 * <p>A node of a compressed tree is: type (1 byte), column (2 bytes, 65535 for a tree that is one
 * leaf), where missing values go (1 byte), threshold or set of levels, size of the left subtree if
 * it is no leaf, left subtree or leaf, right subtree or leaf. Every decision mirrors that of H2O's
 * own walk, so that the answers are the same for every row, odd ones included.
 */
final class TreeReader {
    private static final int ONE_LEAF = 0xFFFF;
    private static final int SPLIT_KIND = 0x0C;
    private static final int LEFT_KIND = 0x33;
    private static final int LEFT_IS_LEAF = 0x30;
    private static final int RIGHT_IS_LEAF = 0x40;
    private static final int SET_OF_32 = 0x08;
    private static final int MISSING_AGAINST_REST = 1;
    private static final int MISSING_LEFT = 2;
    private static final int LEFT = 4;

    /** Levels that a category split above has room for: the first one, and how many. */
    private record Range(int first, int count) {}

    private final TreeTable table;
    private final String[][] domains;
    private final ByteOrder order;
    private ByteBuffer tree;

    TreeReader(TreeTable table, String[][] domains, ByteOrder order) {
        this.table = table;
        this.domains = domains;
        this.order = order;
    }

    /** Reads one tree, whose leaves are added to that place of the predictions. */
    void read(byte[] bytes, int target) {
        tree = ByteBuffer.wrap(bytes).order(order);
        node(0, table.begin(target), 0, null);
        table.end();
    }

    private void node(int position, int at, int level, Range above) {
        tree.position(position);
        int type = tree.get() & 0xFF;
        int column = tree.getChar();
        if (column == ONE_LEAF) {
            table.leaf(at, tree.getFloat(), level);
            return;
        }
        Range range = split(type, column, at, above);
        int left = table.allocate(2);
        table.child[at] = left;
        int right = left(type & LEFT_KIND, left, level, range);
        tree.position(right);
        if ((type & RIGHT_IS_LEAF) != 0) {
            table.leaf(left + 1, tree.getFloat(), level + 1);
        } else {
            node(right, left + 1, level + 1, range);
        }
    }

    /** Reads the left child and returns where the right one begins. */
    private int left(int kind, int left, int level, Range range) {
        if (kind == LEFT_IS_LEAF) {
            table.leaf(left, tree.getFloat(), level + 1);
            return tree.position();
        }
        int size = 0;
        for (int i = 0; i <= kind; i++) {
            size |= (tree.get() & 0xFF) << 8 * i;
        }
        int begin = tree.position();
        node(begin, left, level + 1, range);
        return begin + size;
    }

    /** Reads a node's question and returns the range that its subtrees see. */
    private Range split(int type, int column, int at, Range above) {
        int direction = tree.get();
        boolean againstRest = direction == MISSING_AGAINST_REST;
        boolean missingRight = direction != MISSING_LEFT && direction != LEFT;
        int kind = type & SPLIT_KIND;
        // A split of missing values against the rest carries no set: H2O then looks at the last
        // set that it met on the way down, if there was one.
        if (kind == 0 || againstRest && above == null) {
            // A zero has no sign: H2O's comparison does not see it.
            float threshold = againstRest ? Float.NaN : tree.getFloat() + 0.0f;
            table.askNumber(at, column, levels(column), threshold, missingRight);
            return above;
        }
        Range range = above;
        BitSet yes = new BitSet();
        if (againstRest) {
            levels(column, range, yes, missingRight, null);
        } else {
            boolean small = kind == SET_OF_32;
            range = new Range(small ? 0 : tree.getChar(), small ? 32 : tree.getInt());
            byte[] set = new byte[range.count() + 7 >> 3];
            tree.get(set);
            levels(column, range, yes, missingRight, BitSet.valueOf(set));
        }
        table.askCategory(at, column, levels(column), yes);
        return range;
    }

    /** Marks what goes right: levels, and behind the last the number that stands for none. */
    private void levels(int column, Range range, BitSet yes, boolean missingRight, BitSet set) {
        int count = levels(column);
        if (count < 0) {
            throw new UnsupportedOperationException("levels of a number, column " + column);
        }
        yes.set(0, count + 1, missingRight);
        if (range.first() < count) {
            yes.clear(range.first(), Math.min(range.first() + range.count(), count));
        }
        if (set != null) {
            int last = Math.min(range.count(), count - range.first());
            for (int c = set.nextSetBit(0); c >= 0 && c < last; c = set.nextSetBit(c + 1)) {
                yes.set(range.first() + c);
            }
        }
    }

    private int levels(int column) {
        return domains[column] == null ? -1 : domains[column].length;
    }
}
