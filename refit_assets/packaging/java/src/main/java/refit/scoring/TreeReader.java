package refit.scoring;

import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Reads the compressed trees of a GBM, DRF or isolation forest MOJO into flat arrays.
 *
 * <p>A node of a compressed tree is: type (1 byte), column (2 bytes, 65535 for a tree that is one
 * leaf), where missing values go (1 byte), threshold or set of levels, size of the left subtree if
 * it is no leaf, left subtree or leaf, right subtree or leaf. Every decision mirrors that of H2O's
 * own walk, so that the answers are the same for every row, odd ones included.
 *
 * <p>Most of a cold start may be spent here, before the JIT is done with it: so bytes are read from
 * the array itself, and a set of levels is put together from whole bytes.
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
    private final boolean bigEndian;
    private byte[] tree;
    /** Where the next byte lies. */
    private int next;
    /** Right subtrees to be read, the next one last: a stack, since the JIT is slow at a recursion. */
    private int[] nodes = new int[64];
    private int[] levels = new int[64];
    private Range[] ranges = new Range[64];
    private boolean[] isLeaf = new boolean[64];
    private int waiting;
    /** By feature, the levels that go right at a node, and behind the last a bit for none. */
    private final long[][] right;

    TreeReader(TreeTable table, String[][] domains, ByteOrder order) {
        this.table = table;
        this.domains = domains;
        bigEndian = order == ByteOrder.BIG_ENDIAN;
        right = new long[domains.length][];
    }

    /** Reads one tree, whose leaves are added to that place of the predictions. */
    void read(byte[] bytes, int target) {
        tree = bytes;
        next = 0;
        descend(table.begin(target), 0, null);
        while (waiting > 0) {
            waiting--;
            if (isLeaf[waiting]) {
                table.leaf(nodes[waiting], readFloat(), levels[waiting]);
            } else {
                descend(nodes[waiting], levels[waiting], ranges[waiting]);
            }
        }
        table.end();
    }

    /** Reads a node and what is to its left, down to a leaf. */
    private void descend(int from, int height, Range above) {
        int at = from;
        int level = height;
        Range range = above;
        while (true) {
            int type = readByte();
            int column = readShort();
            if (column == ONE_LEAF) {
                table.leaf(at, readFloat(), level);
                return;
            }
            range = split(type, column, at, range);
            level++;
            at = table.split(at);
            int kind = type & LEFT_KIND;
            if (kind == LEFT_IS_LEAF) {
                table.leaf(at, readFloat(), level);
            }
            await(at + 1, level, range, (type & RIGHT_IS_LEAF) != 0);
            if (kind == LEFT_IS_LEAF) {
                return;
            }
            next += kind + 1; // All of it is read, however long it is.
        }
    }

    private void await(int node, int level, Range range, boolean leaf) {
        if (waiting == nodes.length) {
            nodes = Arrays.copyOf(nodes, 2 * waiting);
            levels = Arrays.copyOf(levels, 2 * waiting);
            ranges = Arrays.copyOf(ranges, 2 * waiting);
            isLeaf = Arrays.copyOf(isLeaf, 2 * waiting);
        }
        nodes[waiting] = node;
        levels[waiting] = level;
        ranges[waiting] = range;
        isLeaf[waiting++] = leaf;
    }

    /** Reads a node's question and returns the range that its subtrees see. */
    private Range split(int type, int column, int at, Range above) {
        int direction = readByte();
        boolean againstRest = direction == MISSING_AGAINST_REST;
        boolean missingRight = direction != MISSING_LEFT && direction != LEFT;
        int kind = type & SPLIT_KIND;
        // A split of missing values against the rest carries no set: H2O then looks at the last
        // set that it met on the way down, if there was one.
        if (kind == 0 || againstRest && above == null) {
            // A zero has no sign: H2O's comparison does not see it.
            float threshold = againstRest ? Float.NaN : readFloat() + 0.0f;
            int levels = domains[column] == null ? -1 : domains[column].length;
            table.askNumber(at, column, levels, threshold, missingRight);
            return above;
        }
        Range range = above;
        if (!againstRest) {
            boolean small = kind == SET_OF_32;
            range = new Range(small ? 0 : readShort(), small ? 32 : readInt());
        }
        readLevels(column, range, missingRight, !againstRest);
        table.askCategory(at, column, domains[column].length, right[column]);
        return range;
    }

    /** Marks what goes right; levels within the range do where a set follows that has them. */
    private void readLevels(int column, Range range, boolean missingRight, boolean set) {
        if (domains[column] == null) {
            throw new UnsupportedOperationException("levels of a number, column " + column);
        }
        int count = domains[column].length;
        if (right[column] == null) {
            right[column] = new long[Questions.Categories.width(count)];
        }
        long[] bits = right[column];
        Arrays.fill(bits, missingRight ? -1 : 0);
        bits[bits.length - 1] &= -1L >>> ~count; // The bit of that number is the last one.
        int first = range.first();
        int known = Math.min(range.count(), count - first);
        for (int c = 0; c < known; c += Byte.SIZE) {
            int mask = known - c < Byte.SIZE ? (1 << known - c) - 1 : 0xFF;
            put(bits, first + c, mask, set ? tree[next + c / Byte.SIZE] & mask : 0);
        }
        next += set ? range.count() + 7 >> 3 : 0;
    }

    /** Replaces the bits of a mask from that one on, which may lie in two words. */
    private static void put(long[] bits, int from, long mask, long set) {
        int word = from / Long.SIZE;
        bits[word] = bits[word] & ~(mask << from) | set << from;
        int room = Long.SIZE - from % Long.SIZE;
        if (room < Byte.SIZE && mask >>> room != 0) {
            bits[word + 1] = bits[word + 1] & ~(mask >>> room) | set >>> room;
        }
    }

    private int readByte() {
        return tree[next++] & 0xFF;
    }

    private int readShort() {
        int at = next;
        next = at + 2;
        return bigEndian
                ? (tree[at] & 0xFF) << 8 | tree[at + 1] & 0xFF
                : (tree[at + 1] & 0xFF) << 8 | tree[at] & 0xFF;
    }

    private int readInt() {
        int at = next;
        next = at + 4;
        int value = (tree[at + 3] & 0xFF) << 24
                | (tree[at + 2] & 0xFF) << 16
                | (tree[at + 1] & 0xFF) << 8
                | tree[at] & 0xFF;
        return bigEndian ? Integer.reverseBytes(value) : value;
    }

    private float readFloat() {
        return Float.intBitsToFloat(readInt());
    }
}
