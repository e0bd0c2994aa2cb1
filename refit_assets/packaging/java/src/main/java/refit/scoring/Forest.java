package refit.scoring;

import hex.genmodel.algos.tree.SharedTreeMojoModel;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A GBM, DRF or isolation forest.
 *
 * <p>Leaves are added in the MOJO's order, in double, and the MOJO's own {@code unifyPreds} makes
 * predictions of the sums: equal to score0 bit for bit.
 */
final class Forest extends TreeKernel {
    private final SharedTreeMojoModel model;

    private Forest(SharedTreeMojoModel model, Trees trees) {
        super(model, trees);
        this.model = model;
    }

    /** Decodes the forest; {@link UnsupportedOperationException} says why it is not to be. */
    static Forest read(SharedTreeMojoModel model, MojoFiles files, Trees.Layout layout)
            throws IOException {
        TreeTable table = new TreeTable();
        // H2O's own reader takes the machine's byte order, so this does, too.
        TreeReader reader =
                new TreeReader(table, model.getDomainValues(), ByteOrder.nativeOrder());
        int first = model.nclasses() == 1 ? 0 : 1;
        for (int c = 0; c < model.getNTreesPerGroup(); c++) {
            for (int g = 0; g < model.getNTreeGroups(); g++) {
                String tree = String.format("trees/t%02d_%03d.bin", c, g);
                // A class that all trees of a round say nothing about has none there.
                if (files.exists(tree)) {
                    reader.read(files.getBinaryFile(tree), first + c);
                }
            }
        }
        return new Forest(model, layout.of(table, false));
    }

    @Override
    public void score(Block block, int rows) {
        Questions[] questions = trees.questions();
        for (int r = 0; r < rows; r++) {
            Arrays.fill(block.predictions[r], 0);
            for (int g = 0; g < questions.length; g++) {
                trees.answer(g, block.rows[r][questions[g].feature], block, r);
            }
        }
        trees.add(block, rows);
        for (int r = 0; r < rows; r++) {
            model.unifyPreds(block.rows[r], block.offsets[r], block.predictions[r]);
        }
    }
}
