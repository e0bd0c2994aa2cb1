package refit.scoring;

import hex.genmodel.ModelMojoReader;
import hex.genmodel.MojoModel;
import hex.genmodel.PredictContributions;
import hex.genmodel.PredictContributionsFactory;
import hex.genmodel.algos.tree.SharedTreeMojoModel;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything about scoring that does not depend on the model's fields.
 *
 * <p>Immutable once loaded, so one engine serves any number of threads; the generated scorer is a
 * typed front of it. Nothing here is static state, touches the disk or logs.
 */
final class Engine {
    /** Rows scored together: enough to keep four in step, few enough to stay in the L1 cache. */
    static final int ROWS_IN_STEP = 16;

    private static final String MOJO = "model.mojo";
    /** The canonical MOJO, in a jar whose other one lacks what contributions need. */
    private static final String WHOLE = "whole.mojo";
    /** What H2O's reader reads where it is asked to: a forest's contributions need it. */
    private static final String DETAILS = "experimental/modelDetails.json";

    private final MojoModel model;
    private final Kernel kernel;
    private final Encoder encoder;
    private final Outputs outputs;
    private final About about;
    private final ModelFiles files;
    private final BlockPool single;
    private final BlockPool wide;
    private final Lazy<PredictContributions> contributions;

    private Engine(ModelFiles files, MojoModel model, Kernel kernel, Encoder encoder) {
        this.files = files;
        this.model = model;
        this.kernel = kernel;
        this.encoder = encoder;
        outputs = new Outputs(model);
        about = new About(
                Json.object(Json.parse(files.text("about.json"))),
                Map.of("scoring_path", kernel.describe()));
        single = new BlockPool(kernel, 1);
        wide = new BlockPool(kernel, ROWS_IN_STEP);
        contributions = new Lazy<>() {
            @Override
            PredictContributions make() {
                return contributionsPredictor();
            }
        };
    }

    /** Reads a model; {@link BadModelException} if that can't be done. */
    static Engine load(ModelFiles files, Unseen unseen) {
        return load(files, unseen, new Trees.Fastest());
    }

    /** Reads a model whose trees, if it has some, are to be laid out in that way. */
    static Engine load(ModelFiles files, Unseen unseen, Trees.Layout layout) {
        try {
            MojoFiles inside = mojo(files, MOJO);
            MojoModel model = Kernels.read(inside);
            List<Input> inputs = Contract.inputs(files.text("contract.json"));
            Encoder encoder = new Encoder(model, inputs, unseen);
            return new Engine(files, model, Kernels.choose(model, inside, layout), encoder);
        } catch (IOException | IllegalArgumentException e) {
            throw unreadable(MOJO, e);
        }
    }

    private static MojoFiles mojo(ModelFiles files, String name) throws IOException {
        try (InputStream in = files.required(name)) {
            return MojoFiles.read(in);
        }
    }

    private static BadModelException unreadable(String name, Exception e) {
        return new BadModelException(name + " can't be read: " + e.getMessage(), e);
    }

    /** H2O's model, without trees that are scored here. */
    MojoModel model() {
        return model;
    }

    /** H2O's model with its trees, read anew. */
    MojoModel modelWithTrees() {
        try {
            return ModelMojoReader.readFrom(mojo(files, MOJO));
        } catch (IOException e) {
            throw unreadable(MOJO, e);
        }
    }

    Kernel kernel() {
        return kernel;
    }

    Encoder encoder() {
        return encoder;
    }

    Outputs outputs() {
        return outputs;
    }

    About about() {
        return about;
    }

    List<Input> inputs() {
        return encoder.inputs();
    }

    /** Room for one row; give it back after use. */
    Block borrow() {
        return single.borrow();
    }

    /** Room for {@link #ROWS_IN_STEP} rows; give it back after use. */
    Block borrowWide() {
        return wide.borrow();
    }

    /** Keeps the block for its thread's next call. */
    void giveBack(Block block) {
        block.borrowed = false;
    }

    /** Scores the rows that were encoded into the block; each may have been refused. */
    void score(Block block, int rows) {
        kernel.score(block, rows);
    }

    /** Scores the one row that was encoded into the block. */
    void score(Block block) {
        kernel.score(block, 1);
        checkRefusal(block, 0);
    }

    /** Throws if the model itself refused that row when it was scored. */
    void checkRefusal(Block block, int row) {
        if (block.refusals[row] != null) {
            throw new BadRowException("model", block.refusals[row]);
        }
    }

    /** Copies the block's answers, {@link Outputs#width} doubles a row. */
    void copyAnswers(Block block, int rows, double[] to, int at) {
        for (int r = 0; r < rows; r++) {
            outputs.copy(model, block.predictions[r], to, at + r * outputs.width());
        }
    }

    /** Answers of a row that was just scored; allocates for calibrated models only. */
    double[] answers(Block block) {
        if (outputs.width() <= block.predictions[0].length) {
            return block.predictions[0];
        }
        double[] answers = new double[outputs.width()];
        outputs.copy(model, block.predictions[0], answers, 0);
        return answers;
    }

    /** Scores columns; see {@link Batch}. */
    Answers scoreColumns(Object[] columns, int threads) {
        return new Batch(this, columns).score(threads);
    }

    /** What each input added to the raw score of the row in the block, H2O's own SHAP values. */
    Map<String, Double> contributions(Block block) {
        PredictContributions predictor = contributions.get();
        float[] values = predictor.calculateContributions(block.rows[0]);
        String[] names = predictor.getContributionNames();
        Map<String, Double> byName = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            byName.put(i < names.length ? names[i] : "BiasTerm", (double) values[i]);
        }
        return byName;
    }

    /** They are computed from H2O's own trees and the statistics of their nodes. */
    private PredictContributions contributionsPredictor() {
        if (!(model instanceof PredictContributionsFactory) || model.nclasses() > 2) {
            throw new UnsupportedOperationException(
                    "H2O's MOJO of " + model._algoName + " has no contributions");
        }
        // XGBoost has its statistics within its trees.
        String name = model instanceof SharedTreeMojoModel ? WHOLE : MOJO;
        try {
            MojoFiles whole = mojo(files, name);
            MojoModel explained = ModelMojoReader.readFrom(whole, whole.exists(DETAILS));
            return ((PredictContributionsFactory) explained).makeContributionsPredictor();
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    /** Rows with known answers that are packaged with the model. */
    GoldenRows goldenRows() {
        return GoldenRows.read(this, files);
    }

    /** Scores the golden rows. Returns their number; throws with all rows that differ. */
    int selfTest() {
        GoldenRows golden = goldenRows();
        List<String> differences = golden.differences();
        if (!differences.isEmpty()) {
            List<String> lines = new ArrayList<>();
            lines.add(differences.size() + " of " + golden.size() + " golden rows differ");
            lines.addAll(differences);
            throw new BadModelException(String.join("\n  ", lines));
        }
        return golden.hasAnswers() ? golden.size() : 0;
    }

    /** The contract as JSON Schema. */
    String inputSchema() {
        return Contract.schema(about, inputs());
    }
}
