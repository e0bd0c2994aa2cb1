package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import hex.genmodel.GenModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Trees of one question about a category, in bytes made by hand, against the plain meaning of it. */
class TreeReaderTest {
    private static final GenModel MODEL = Models.gbm().model();
    private static final List<ByteOrder> ORDERS = List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN);
    private static final int LARGE_SET_AND_TWO_LEAVES = 0x0C | 0x30 | 0x40;
    private static final int MISSING_LEFT = 2;
    private static final int MISSING_RIGHT = 3;

    private static byte[] tree(ByteOrder order, int missing, int first, int count, byte[] set) {
        ByteBuffer tree = ByteBuffer.allocate(18 + set.length).order(order);
        tree.put((byte) LARGE_SET_AND_TWO_LEAVES).putChar((char) 0).put((byte) missing);
        tree.putChar((char) first).putInt(count).put(set).putFloat(-1).putFloat(1);
        return tree.array();
    }

    private static TreeTable read(ByteOrder order, String[] domain, byte[] tree) {
        TreeTable table = new TreeTable();
        new TreeReader(table, new String[][] {domain}, order).read(tree, 0);
        return table;
    }

    private static double score(Trees trees, double level) {
        Block block = trees.block(MODEL, 1);
        trees.answer(0, level, block, 0);
        trees.add(block, 1);
        return block.predictions[0][0];
    }

    @Test
    void aSetMayBeginAnywhereAndHoldAnyNumberOfLevels() {
        Random random = new Random(3);
        for (int levels : new int[] {1, 10, 63, 64, 65, 130}) {
            for (int first : new int[] {0, 3, 56, 57, 60, 64, 100, 200}) {
                for (int count : new int[] {1, 5, 8, 20, 64, 71, 150}) {
                    byte[] set = new byte[(count + 7) / 8];
                    random.nextBytes(set); // Bits behind the last level are there, and say nothing.
                    check(random.nextBoolean(), levels, first, count, set);
                }
            }
        }
    }

    private static void check(boolean missingRight, int levels, int first, int count, byte[] set) {
        int missing = missingRight ? MISSING_RIGHT : MISSING_LEFT;
        for (ByteOrder order : ORDERS) {
            byte[] tree = tree(order, missing, first, count, set);
            BitTrees trees = new BitTrees(read(order, new String[levels], tree), false);
            for (int level = 0; level <= levels; level++) {
                boolean told = level < levels && level >= first && level < first + count;
                boolean right = told ? BitSet.valueOf(set).get(level - first) : missingRight;
                String what = Arrays.toString(set) + " from " + first + ", level " + level + " of " + levels;
                assertEquals(right ? 1 : -1, score(trees, level < levels ? level : Double.NaN), what);
            }
        }
    }

    @Test
    void levelsOfANumberAreLeftToH2osOwnCode() {
        byte[] tree = tree(ByteOrder.nativeOrder(), MISSING_LEFT, 0, 8, new byte[1]);
        assertThrows(UnsupportedOperationException.class, () -> read(ByteOrder.nativeOrder(), null, tree));
    }
}
