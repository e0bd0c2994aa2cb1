package refit.scoring;

import hex.ModelCategory;
import hex.genmodel.MojoModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the numbers that a model answers mean, and how they are written.
 *
 * <p>An answer is a row of doubles: for a classification the label's number, a probability for
 * every class, then the calibrated ones where the model has them; else the value.
 */
final class Outputs {
    private final String[] classes;
    private final boolean calibrated;
    private final List<String> names;
    private final int width;
    private final boolean cluster;

    Outputs(MojoModel model) {
        cluster = model.getModelCategory() == ModelCategory.Clustering;
        classes = model.isClassifier() ? classes(model) : null;
        double[] probe = new double[Math.max(3, model.getPredsSize())];
        calibrated = classes != null && model.calibrateClassProbabilities(probe);
        names = List.copyOf(names(model));
        width = names.size();
    }

    /** A quasibinomial model answers probabilities for a target that is a number. */
    private static String[] classes(MojoModel model) {
        String[] labels = model.getDomainValues(model.getResponseIdx());
        if (labels == null) {
            labels = new String[model.nclasses()];
            Arrays.setAll(labels, Integer::toString);
        }
        return labels;
    }

    private List<String> names(MojoModel model) {
        List<String> all = new ArrayList<>(List.of("predict"));
        if (classes != null) {
            for (String label : classes) {
                all.add("p:" + label);
            }
            if (calibrated) {
                for (String label : classes) {
                    all.add("cal:" + label);
                }
            }
        } else if (model.getModelCategory() == ModelCategory.AnomalyDetection) {
            all.add("mean_length");
        }
        return all;
    }

    /** Headers of the answer's columns. */
    List<String> names() {
        return names;
    }

    /** Columns of an answer. */
    int width() {
        return width;
    }

    /** Whether the first column of an answer is a label, and not a number. */
    boolean hasLabel() {
        return classes != null;
    }

    /**
     * The chosen class; null if the model could not choose, as a GLM that skips rows with missing
     * values: its probabilities are NaN then, and the cluster's label is missing, too.
     */
    String label(double[] answers, int at) {
        return Double.isNaN(answers[at + 1]) ? null : classes[(int) answers[at]];
    }

    /** Copies a row of H2O's raw predictions, with calibrated probabilities behind them. */
    void copy(MojoModel model, double[] raw, double[] to, int at) {
        if (!calibrated) {
            System.arraycopy(raw, 0, to, at, width());
            return;
        }
        int n = 1 + classes.length;
        System.arraycopy(raw, 0, to, at, n);
        model.calibrateClassProbabilities(raw);
        System.arraycopy(raw, 1, to, at + n, classes.length);
    }

    /** One answer's column as text: a label, or a double that reads back; null for a NaN. */
    String text(double[] answers, int at, int column) {
        double value = answers[at + column];
        if (column == 0 && classes != null) {
            return label(answers, at);
        } else if (Double.isNaN(value)) {
            return null;
        }
        return cluster ? Integer.toString((int) value) : Double.toString(value);
    }

    /** One answer's column as a JSON value. */
    Object json(double[] answers, int at, int column) {
        boolean label = column == 0 && classes != null;
        return label ? label(answers, at) : (Object) answers[at + column];
    }
}
