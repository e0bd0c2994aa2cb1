package refit.scoring;

import hex.genmodel.MojoModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A stacked ensemble whose base models and metalearner take their own fastest paths.
 *
 * <p>The MOJO keeps its base models to itself, so they are read again from its inner folders. A
 * base model that the metalearner ignores is not in the MOJO: it counts as 0, as in H2O.
 */
final class EnsembleKernel implements Kernel {
    /** One base model: its kernel, and the ensemble's column for each of its own. */
    private record Base(int place, Kernel kernel, int[] columns) {}

    private final MojoModel model;
    private final List<Base> bases;
    private final Kernel metalearner;
    /** Numbers that every base model hands to the metalearner: its first, and how many. */
    private final int first;
    private final int each;

    private EnsembleKernel(MojoModel model, List<Base> bases, Kernel metalearner) {
        this.model = model;
        this.bases = bases;
        this.metalearner = metalearner;
        each = model.nclasses() > 2 ? model.nclasses() : 1;
        first = model.nclasses() == 2 ? 2 : model.nclasses() > 2 ? 1 : 0;
    }

    /** Returns null if the model is no ensemble, or one with transformed or offset scores. */
    static EnsembleKernel read(MojoModel model, MojoFiles files, Trees.Layout layout)
            throws IOException {
        Map<String, String> settings = files.settings();
        boolean plain = "NONE".equals(settings.getOrDefault("metalearner_transform", "NONE"));
        if (!"stackedensemble".equals(settings.get("algo")) || !plain) {
            return null;
        }
        List<Base> bases = new ArrayList<>();
        int count = Integer.parseInt(settings.get("base_models_num"));
        for (int i = 0; i < count; i++) {
            String key = settings.get("base_model" + i);
            if (key != null) {
                MojoFiles inside = files.inside(folder(settings, key));
                MojoModel base = Kernels.read(inside);
                if (base._offsetColumn != null) {
                    return null;
                }
                bases.add(new Base(i, Kernels.choose(base, inside, layout), columns(model, base)));
            }
        }
        MojoFiles inside = files.inside(folder(settings, settings.get("metalearner")));
        Kernel metalearner = Kernels.choose(Kernels.read(inside), inside, layout);
        return new EnsembleKernel(model, bases, metalearner);
    }

    private static String folder(Map<String, String> settings, String key) throws IOException {
        for (int i = 0; settings.containsKey("submodel_key_" + i); i++) {
            if (settings.get("submodel_key_" + i).equals(key)) {
                return settings.get("submodel_dir_" + i);
            }
        }
        throw new IOException("the MOJO lacks its model " + key);
    }

    private static int[] columns(MojoModel ensemble, MojoModel base) {
        int[] columns = new int[base.nfeatures()];
        List<String> names = Arrays.asList(ensemble.getNames());
        for (int i = 0; i < columns.length; i++) {
            columns[i] = names.indexOf(base.getNames()[i]);
        }
        return columns;
    }

    @Override
    public Block block(int capacity) {
        Block block = new Block(model, capacity, 0);
        block.inner = new Block[bases.size() + 1];
        for (int i = 0; i < bases.size(); i++) {
            block.inner[i] = bases.get(i).kernel().block(capacity);
        }
        block.inner[bases.size()] = metalearner.block(capacity);
        return block;
    }

    @Override
    public String describe() {
        StringBuilder out = new StringBuilder("ensemble of ");
        for (Base base : bases) {
            out.append(base.kernel().describe()).append("; ");
        }
        return out.append("metalearner: ").append(metalearner.describe()).toString();
    }

    @Override
    public void score(Block block, int rows) {
        Block meta = block.inner[bases.size()];
        Arrays.fill(block.refusals, 0, rows, null);
        for (int r = 0; r < rows; r++) {
            Arrays.fill(meta.rows[r], 0);
        }
        for (int i = 0; i < bases.size(); i++) {
            score(bases.get(i), block, block.inner[i], meta, rows);
        }
        metalearner.score(meta, rows);
        for (int r = 0; r < rows; r++) {
            refuse(block, r, meta);
            int length = Math.min(block.predictions[r].length, meta.predictions[r].length);
            System.arraycopy(meta.predictions[r], 0, block.predictions[r], 0, length);
        }
    }

    private void score(Base base, Block from, Block to, Block meta, int rows) {
        int[] columns = base.columns();
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < columns.length; i++) {
                to.rows[r][i] = from.rows[r][columns[i]];
            }
        }
        base.kernel().score(to, rows);
        for (int r = 0; r < rows; r++) {
            refuse(from, r, to);
            System.arraycopy(to.predictions[r], first, meta.rows[r], base.place() * each, each);
        }
    }

    private static void refuse(Block block, int row, Block because) {
        if (because.refusals[row] != null) {
            block.refusals[row] = because.refusals[row];
        }
    }
}
