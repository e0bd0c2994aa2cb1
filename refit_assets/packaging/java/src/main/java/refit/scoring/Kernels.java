package refit.scoring;

import hex.genmodel.ModelMojoReader;
import hex.genmodel.MojoModel;
import hex.genmodel.algos.tree.SharedTreeMojoModel;
import java.io.IOException;
import java.util.Set;

/** Chooses how a model is scored: the fastest path that answers with the same bits. */
final class Kernels {
    /** Older trees are laid out otherwise. */
    private static final double FIRST_READABLE_TREES = 1.2;

    /** Algorithms of trees that are read here, and of ensembles that may have such. */
    private static final Set<String> READ_HERE =
            Set.of("gbm", "drf", "isolationforest", "stackedensemble");

    private Kernels() {}

    /** Reads H2O's model; one whose trees are read here has none of its own then. */
    static MojoModel read(MojoFiles files) throws IOException {
        return ModelMojoReader.readFrom(treesAreReadHere(files) ? files.withoutTrees() : files);
    }

    private static boolean treesAreReadHere(MojoFiles files) throws IOException {
        return READ_HERE.contains(files.settings().get("algo"));
    }

    /** {@code files} are the model's own, in its MOJO; {@code layout} is that of trees. */
    static Kernel choose(MojoModel model, MojoFiles files, Trees.Layout layout) throws IOException {
        Kernel xgboost = XgboostKernels.choose(model, files, layout);
        if (xgboost != null) {
            return xgboost;
        }
        Kernel linear = GlmKernel.read(model, files);
        if (linear != null) {
            return linear;
        }
        Kernel ensemble = EnsembleKernel.read(model, files, layout);
        if (ensemble != null) {
            return ensemble;
        }
        if (!(model instanceof SharedTreeMojoModel trees)) {
            return generic(model, files, model._algoName + " has no faster path");
        }
        if (model._mojo_version < FIRST_READABLE_TREES) {
            return generic(model, files, "trees of MOJO version " + model._mojo_version);
        }
        try {
            return Forest.read(trees, files, layout);
        } catch (UnsupportedOperationException e) {
            return generic(model, files, e.getMessage());
        }
    }

    private static Kernel generic(MojoModel model, MojoFiles files, String why) throws IOException {
        return new GenericKernel(
                treesAreReadHere(files) ? ModelMojoReader.readFrom(files) : model, why);
    }
}
