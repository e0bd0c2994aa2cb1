package refit.scoring;

import hex.genmodel.MojoModel;

/** Stands where a jar has no XGBoost in it, and so needs none of its libraries. */
final class XgboostKernels {
    private XgboostKernels() {}

    /** Never one of ours. */
    static Kernel choose(MojoModel model, MojoFiles files, Trees.Layout layout) {
        return null;
    }
}
