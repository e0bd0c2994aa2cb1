package refit.scoring;

import hex.genmodel.MojoModel;
import hex.genmodel.algos.tree.SharedTreeMojoModel;
import java.io.IOException;

/** Chooses how a model is scored: the fastest path that answers with the same bits. */
final class Kernels {
    /** Older trees are laid out otherwise. */
    private static final double FIRST_READABLE_TREES = 1.2;

    private Kernels() {}

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
            return new GenericKernel(model, model._algoName + " has no faster path");
        }
        if (model._mojo_version < FIRST_READABLE_TREES) {
            return new GenericKernel(model, "trees of MOJO version " + model._mojo_version);
        }
        try {
            return Forest.read(trees, layout);
        } catch (UnsupportedOperationException e) {
            return new GenericKernel(model, e.getMessage());
        }
    }
}
