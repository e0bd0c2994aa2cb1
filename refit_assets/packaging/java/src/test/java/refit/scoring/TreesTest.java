package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import hex.genmodel.GenModel;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Both layouts of trees that a test made up: which one is chosen, and that they agree. */
class TreesTest {
    private static final int LEVELS = 5;
    private static final Trees.Layout FASTEST = new Trees.Fastest();
    private static final GenModel MODEL = Models.gbm().model();

    /** Chains: each node asks, one child is a leaf and the other goes on, to the left or right. */
    private static TreeTable chains(int trees, int leaves) {
        Random random = new Random(leaves);
        TreeTable table = new TreeTable();
        for (int t = 0; t < trees; t++) {
            int at = table.begin(t % 2);
            for (int depth = 0; depth < leaves - 1; depth++) {
                ask(table, at, random);
                int pair = table.split(at);
                int leaf = pair + random.nextInt(2);
                table.leaf(leaf, random.nextFloat(), depth + 1);
                at = leaf == pair ? pair + 1 : pair;
            }
            table.leaf(at, random.nextFloat(), leaves - 1);
            table.end();
        }
        return table;
    }

    private static void ask(TreeTable table, int at, Random random) {
        if (random.nextBoolean()) {
            float threshold = random.nextInt(20) == 0 ? Float.NaN : random.nextInt(50) - 5;
            table.askNumber(at, 0, -1, threshold, random.nextBoolean());
        } else {
            long[] yes = {random.nextLong() & (1 << LEVELS + 1) - 1};
            table.askCategory(at, 1, LEVELS, yes);
        }
    }

    @Test
    void treesOfAtMostSixtyFourLeavesGetMasksAndOthersAreWalked() {
        assertInstanceOf(MaskTrees.class, FASTEST.of(chains(10, 64), false));
        assertInstanceOf(BitTrees.class, FASTEST.of(chains(10, 65), false));
    }

    @Test
    void moreLinesThanACacheHoldsAreNotMade() {
        assertInstanceOf(BitTrees.class, FASTEST.of(chains(20_000, 3), false));
    }

    @Test
    void aForestThatTheHeapDoesNotTakeIsLeftToH2osOwnCode() {
        TreeTable table = new TreeTable();
        table.leaf(table.begin(0), 1, 0);
        table.nodes = BitTrees.mostNodes() - 1;
        table.end();
        table.begin(0);
        UnsupportedOperationException large = assertThrows(UnsupportedOperationException.class, table::end);
        assertEquals("more than " + BitTrees.mostNodes() + " nodes, for this heap", large.getMessage());
        Engine engine = Engine.load(Models.gbmFiles(), Unseen.MISSING, (trees, floats) -> {
            throw large;
        });
        assertEquals("generic score0: " + large.getMessage(), engine.about().scoringPath());
        assertEquals(60, engine.selfTest());
    }

    @Test
    void bothLayoutsAddTheSameLeavesInTheSameOrder() {
        for (int leaves : new int[] {1, 2, 3, 7, 63, 64}) {
            for (boolean floats : new boolean[] {false, true}) {
                Trees masks = FASTEST.of(chains(11, leaves), floats);
                Trees walked = new BitTrees(chains(11, leaves), floats);
                assertInstanceOf(MaskTrees.class, masks);
                for (double number : new double[] {Double.NaN, -1, -0.0, 7, 7.5, 49, 50, Double.POSITIVE_INFINITY}) {
                    for (double level = -2; level < LEVELS + 3; level += 0.5) {
                        String row = leaves + " leaves, " + number + ", " + level;
                        assertEquals(sums(walked, number, level), sums(masks, number, level), row);
                    }
                }
            }
        }
    }

    private static String sums(Trees trees, double number, double level) {
        Block block = trees.block(MODEL, 2);
        Questions[] groups = trees.questions();
        for (int r = 0; r < 2; r++) {
            for (int g = 0; g < groups.length; g++) {
                trees.answer(g, groups[g].feature == 0 ? number : level, block, r);
            }
        }
        trees.add(block, 2);
        assertEquals(block.predictions[0][1], block.predictions[1][1]);
        return block.predictions[0][0] + " " + block.predictions[0][1];
    }
}
