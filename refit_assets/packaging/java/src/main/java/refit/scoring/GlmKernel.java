package refit.scoring;

import hex.genmodel.GenModel;
import hex.genmodel.MojoModel;
import hex.genmodel.algos.glm.GlmMojoModelBase;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;

/**
 * A generalized linear model in one pass over the row, without changing it.
 *
 * <p>H2O's own code imputes into the row first, then looks at every level's place. Here a
 * category's term is one table look-up, prepared for a missing value as well. Terms are added in
 * H2O's order, the link is H2O's own function: equal to score0 bit for bit.
 */
final class GlmKernel implements Kernel {
    private enum Link {
        IDENTITY,
        LOGIT,
        LOG,
        INVERSE,
        TWEEDIE
    }

    private final MojoModel model;
    /** Terms by category and level; the one after the last level is that of a missing value. */
    private final double[][] terms;
    private final double[] weights;
    /** What a missing number counts as; NaN where the model does not impute. */
    private final double[] means;
    private final boolean refusesMissing;
    private final double intercept;
    private final Link link;
    private final double tweediePower;
    private final boolean binomial;

    private GlmKernel(MojoModel model, double[] beta, Map<String, String> settings, Link link) {
        this.model = model;
        this.link = link;
        int[] offsets = integers(settings.get("cat_offsets"));
        int[] modes = integers(settings.get("cat_modes"));
        refusesMissing = !"true".equals(settings.get("mean_imputation"));
        boolean all = "true".equals(settings.get("use_all_factor_levels"));
        int cats = Math.max(0, offsets.length - 1);
        int hot = cats == 0 ? 0 : offsets[cats];
        terms = new double[cats][];
        for (int i = 0; i < cats; i++) {
            int levels = model.getDomainValues(i).length;
            terms[i] = new double[levels + 1];
            for (int level = 0; level < levels; level++) {
                int at = offsets[i] + (all ? level : level - 1);
                boolean counts = (all || level > 0) && at < offsets[i + 1];
                terms[i][level] = counts ? beta[at] : 0;
            }
            terms[i][levels] = refusesMissing ? Double.NaN : terms[i][modes[i]];
        }
        weights = Arrays.copyOfRange(beta, hot, beta.length - 1);
        means = new double[weights.length];
        Arrays.fill(means, Double.NaN);
        if (!refusesMissing) {
            double[] known = doubles(settings.get("num_means"));
            System.arraycopy(known, 0, means, 0, known.length);
        }
        intercept = beta[beta.length - 1];
        String power = settings.getOrDefault("tweedie_link_power", "0");
        tweediePower = Double.parseDouble(power);
        binomial = model.isClassifier();
    }

    /** Returns null if the model is no GLM of one linear score. */
    static GlmKernel read(MojoModel model, MojoFiles files) throws IOException {
        Map<String, String> settings = files.settings();
        boolean glm = "glm".equals(settings.get("algo")) && model instanceof GlmMojoModelBase;
        Link link = link(settings.get("link"));
        if (!glm || link == null || model.nclasses() > 2) {
            return null;
        }
        return new GlmKernel(model, ((GlmMojoModelBase) model).getBeta(), settings, link);
    }

    private static Link link(String name) {
        for (Link link : Link.values()) {
            if (link.name().equalsIgnoreCase(name)) {
                return link;
            }
        }
        return null;
    }

    private static double[] doubles(String list) {
        if (list == null || list.equals("null") || list.equals("[]")) {
            return new double[0];
        }
        String[] texts = list.substring(1, list.length() - 1).split(", ");
        double[] values = new double[texts.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Double.parseDouble(texts[i]);
        }
        return values;
    }

    private static int[] integers(String list) {
        double[] values = doubles(list);
        int[] whole = new int[values.length];
        for (int i = 0; i < whole.length; i++) {
            whole[i] = (int) values[i];
        }
        return whole;
    }

    @Override
    public Block block(int capacity) {
        return new Block(model, capacity, 0);
    }

    @Override
    public String describe() {
        return String.format(
                "one-pass linear model: %d categories, %d numbers", terms.length, weights.length);
    }

    @Override
    public void score(Block block, int rows) {
        for (int r = 0; r < rows; r++) {
            try {
                double mean = mean(linear(block.rows[r]) + block.offsets[r]);
                write(mean, block.predictions[r]);
                block.refusals[r] = null;
            } catch (IllegalArgumentException e) {
                block.refusals[r] = e.getMessage();
            }
        }
    }

    /** The linear score. Nothing is missing in most rows: then nothing has to be looked at twice. */
    private double linear(double[] row) {
        double eta = 0;
        int cats = terms.length;
        for (int i = 0; i < cats; i++) {
            eta += known(terms[i], row[i]);
        }
        for (int i = 0; i < weights.length; i++) {
            eta += weights[i] * row[cats + i];
        }
        return Double.isNaN(eta) ? linearWithGaps(row) : eta + intercept;
    }

    /** A level's term; NaN for what is no level, which then is looked at again. */
    private static double known(double[] ofLevel, double code) {
        int level = (int) code;
        return level == code && level >= 0 && level < ofLevel.length - 1 ? ofLevel[level] : Double.NaN;
    }

    private double linearWithGaps(double[] row) {
        double eta = 0;
        int cats = terms.length;
        for (int i = 0; i < cats; i++) {
            eta += term(terms[i], row[i]);
        }
        for (int i = 0; i < weights.length; i++) {
            double value = row[cats + i];
            eta += weights[i] * (Double.isNaN(value) ? means[i] : value);
        }
        return eta + intercept;
    }

    private double term(double[] ofLevel, double code) {
        int missing = ofLevel.length - 1;
        if (Double.isNaN(code)) {
            if (refusesMissing) {
                throw new IllegalArgumentException("a category is missing, which this GLM skips");
            }
            return ofLevel[missing];
        }
        int level = (int) code;
        if (level != code || level < 0 || level >= missing) {
            throw new IllegalArgumentException("categorical value out of range");
        }
        return ofLevel[level];
    }

    private double mean(double eta) {
        return switch (link) {
            case IDENTITY -> GenModel.GLM_identityInv(eta);
            case LOGIT -> GenModel.GLM_logitInv(eta);
            case LOG -> GenModel.GLM_logInv(eta);
            case INVERSE -> GenModel.GLM_inverseInv(eta);
            case TWEEDIE -> GenModel.GLM_tweedieInv(eta, tweediePower);
        };
    }

    private void write(double mean, double[] predictions) {
        if (binomial) {
            predictions[0] = mean >= model._defaultThreshold ? 1 : 0;
            predictions[1] = 1.0 - mean;
            predictions[2] = mean;
        } else {
            predictions[0] = mean;
        }
    }
}
